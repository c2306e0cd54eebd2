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

use base64ct::{Base64, Encoding};
use formats::der::{self, Reader};

use super::encode::ecdsa_der;
use super::{KeyError, RemoteKey};
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
        signature(kind, &answer).ok_or_else(|| KeyError::Refused {
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

/// The signature in an answer, plain or in base64.
fn signature(kind: KeyKind, answer: &[u8]) -> Option<Vec<u8>> {
    plain(kind, answer).or_else(|| {
        let text = std::str::from_utf8(answer).ok()?;
        let text: String = text.split_ascii_whitespace().collect();
        plain(kind, &Base64::decode_vec(&text).ok()?)
    })
}

fn plain(kind: KeyKind, bytes: &[u8]) -> Option<Vec<u8>> {
    if let KeyKind::Rsa(bits) = kind {
        return (bytes.len() == bits.div_ceil(8)).then(|| bytes.to_vec());
    }
    let mut reader = Reader::new("ECDSA-Sig-Value", bytes, 0);
    let is_der = reader.expect("signature", der::SEQUENCE).is_ok() && reader.finish().is_ok();
    match is_der {
        true => Some(bytes.to_vec()),
        false => ecdsa_der(kind, bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_plain_and_in_base64() {
        let rsa = vec![0xa5; 256];
        let kind = KeyKind::Rsa(2048);
        assert_eq!(signature(kind, &rsa), Some(rsa.clone()));
        let mut text = Base64::encode_string(&rsa);
        text.insert_str(64, "\r\n");
        text.push('\n');
        assert_eq!(signature(kind, text.as_bytes()), Some(rsa));
        for wrong in [&[0xa5; 255][..], b"", b"no signature", b"QQ=="] {
            assert_eq!(signature(kind, wrong), None);
        }

        let numbers = [7; 64];
        let value = ecdsa_der(KeyKind::P256, &numbers).unwrap();
        for answer in [&numbers[..], &value] {
            let text = Base64::encode_string(answer);
            assert_eq!(signature(KeyKind::P256, answer), Some(value.clone()));
            assert_eq!(
                signature(KeyKind::P256, text.as_bytes()),
                Some(value.clone())
            );
        }
        assert_eq!(signature(KeyKind::P384, &numbers), None);
    }
}
