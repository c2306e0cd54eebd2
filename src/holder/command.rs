//! `[profile.NAME.command]`: a key that a program of the user's reaches.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use signer::identity::Identity;
use signer::key::command::{CommandChoice, CommandKey, Input};

use super::certificates;
use crate::error::Error;

/// How long the program may take unless the profile says otherwise, in seconds: a person may have to touch a token.
const TIMEOUT: u32 = 60;

/// `[profile.NAME.command]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct CommandProfile {
    /// The program and its arguments.
    program: Vec<String>,
    /// How it gets the digest.
    #[serde(default)]
    input: InputForm,
    /// Seconds after which it is killed.
    timeout: Option<NonZeroU32>,
    /// Whether it may run several times at once.
    #[serde(default)]
    parallel: bool,
    /// A certificate file, PEM bundle or DER.
    certificate: PathBuf,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum InputForm {
    #[default]
    Hex,
    Binary,
}

impl CommandProfile {
    /// Makes its paths relative to the current folder. A program's name without a separator is left to `PATH`.
    pub(crate) fn relative_to(&mut self, folder: &Path) {
        self.certificate = folder.join(&self.certificate);
        if let Some(program) = self.program.first_mut()
            && program.contains(std::path::is_separator)
        {
            *program = folder.join(&*program).display().to_string();
        }
    }

    /// The certificate file.
    pub(crate) fn certificate(&self) -> &Path {
        &self.certificate
    }

    /// Puts program and certificate together.
    pub(crate) fn identity(&self) -> Result<Identity, Error> {
        let Some((program, arguments)) = self.program.split_first() else {
            return Err(Error::new("the profile's command names no program")
                .hint("write program = [\"NAME\", \"ARGUMENT\", ...]"));
        };
        let key = CommandKey::new(CommandChoice {
            program: program.into(),
            arguments: arguments.to_vec(),
            input: match self.input {
                InputForm::Hex => Input::Hex,
                InputForm::Binary => Input::Binary,
            },
            time: Duration::from_secs(self.timeout.map_or(TIMEOUT, NonZeroU32::get).into()),
            is_parallel: self.parallel,
        });
        Identity::remote(Box::new(key), certificates(&self.certificate)?)
            .map_err(|error| Error::file(&self.certificate, error))
    }
}
