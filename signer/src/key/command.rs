//! Keys that a program of the user's reaches: for everything that has no backend of its own.
//!
//! The program is started for every signature. It gets the digest on its standard input and answers with the
//! signature on its standard output:
//!
//! - [`Input::Hex`]: one line, `sha256 `, `sha384 ` or `sha512 ` and the digest in hexadecimal.
//!   [`Input::Binary`]: the bytes of the digest and nothing else, as `openssl pkeyutl -sign` wants them. In both cases
//!   the variable `PROOFMARK_DIGEST` names the algorithm.
//! - The answer is the signature itself or its base64 (line breaks are allowed): PKCS#1 v1.5 for RSA, with the
//!   `DigestInfo`; for ECDSA an `ECDSA-Sig-Value`, or r and s side by side.
//! - Exit code 0 says that it signed. What it writes to its standard error is shown when it did not.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use super::{KeyError, RemoteKey, read_signature};
use crate::digest::{DigestAlgorithm, hex};
use crate::process::{self, Limits};
use crate::public_key::{KeyKind, PublicKey};

/// Most bytes of an answer; a signature of RSA-4096 in base64 has 684.
const MAX_ANSWER: usize = 16 << 10;

/// In which form the program gets the digest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Input {
    /// A line of text.
    #[default]
    Hex,
    /// Its bytes.
    Binary,
}

/// A program that signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandChoice {
    /// The program; without a separator it is looked for in `PATH`.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// How it gets the digest.
    pub input: Input,
    /// After this time it is killed.
    pub time: Duration,
    /// Whether it may run several times at once.
    pub is_parallel: bool,
}

/// A key that a program reaches.
pub struct CommandKey {
    choice: CommandChoice,
    turn: Mutex<()>,
}

impl CommandKey {
    /// A key that `choice` reaches. Nothing is started yet.
    pub fn new(choice: CommandChoice) -> Self {
        let turn = Mutex::new(());
        Self { choice, turn }
    }
}

impl RemoteKey for CommandKey {
    fn name(&self) -> String {
        format!("the program {}", self.choice.program.display())
    }

    fn public_key(&self) -> Option<&PublicKey> {
        None
    }

    fn sign(
        &self,
        kind: KeyKind,
        digest: DigestAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, KeyError> {
        let hash = digest.of(message);
        let name = digest_name(digest);
        let input = match self.choice.input {
            Input::Hex => format!("{name} {}\n", hex(&hash)).into_bytes(),
            Input::Binary => hash,
        };
        let limits = Limits {
            time: self.choice.time,
            output: MAX_ANSWER,
        };
        let mut command = Command::new(&self.choice.program);
        command
            .args(&self.choice.arguments)
            .env("PROOFMARK_DIGEST", name);
        let answer = {
            // A turn that broke down left nothing behind that the next one needs.
            let _turn = (!self.choice.is_parallel).then(|| self.turn.lock());
            process::run(&mut command, &input, limits)?
        };
        read_signature(kind, &answer).ok_or_else(|| KeyError::Refused {
            key: self.name(),
            problem: format!(
                "its answer of {} bytes is no signature of {kind}, neither plain nor in base64",
                answer.len()
            ),
        })
    }
}

fn digest_name(digest: DigestAlgorithm) -> &'static str {
    match digest {
        DigestAlgorithm::Sha512 => "sha512",
        DigestAlgorithm::Sha384 => "sha384",
        _ => "sha256",
    }
}
