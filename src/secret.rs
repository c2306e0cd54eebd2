//! Passwords and PINs: from a variable, a file, or the terminal. They are never arguments, which every process can see.

use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::error::Error;

/// Where a secret comes from; at most one of these.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Secret {
    /// An environment variable.
    pub(crate) env: Option<String>,
    /// A file, of which the first line counts.
    pub(crate) file: Option<PathBuf>,
    /// The terminal.
    pub(crate) is_prompted: bool,
}

impl Secret {
    /// Reads it; `what` says what it is, e.g. `the password`.
    pub(crate) fn read(&self, what: &str) -> Result<Option<Zeroizing<String>>, Error> {
        match (&self.env, &self.file, self.is_prompted) {
            (None, None, false) => Ok(None),
            (Some(variable), None, false) => match std::env::var(variable) {
                Ok(secret) => Ok(Some(Zeroizing::new(secret))),
                Err(_) => Err(Error::new(format_args!(
                    "the environment variable {variable}, which should hold {what}, is not set"
                ))),
            },
            (None, Some(path), false) => {
                let text = std::fs::read_to_string(path).map_err(|e| Error::file(path, e))?;
                let text = Zeroizing::new(text);
                let line = text.lines().next().unwrap_or_default();
                Ok(Some(Zeroizing::new(line.to_owned())))
            }
            (None, None, true) => rpassword::prompt_password(format!("{what}: "))
                .map(|secret| Some(Zeroizing::new(secret)))
                .map_err(|error| {
                    Error::new(format_args!(
                        "there is no terminal to ask for {what}: {error}"
                    ))
                }),
            _ => Err(Error::new(format_args!(
                "{what} is given twice: by variable, by file or by prompt"
            ))),
        }
    }
}
