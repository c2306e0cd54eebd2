//! `[profile.NAME.pkcs11]`: a key on a token.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use signer::identity::Identity;
use signer::key::RemoteKey;
use signer::key::pkcs11::{KeyChoice, Module, TokenChoice};
use zeroize::Zeroizing;

use super::certificates;
use crate::error::Error;
use crate::secret::Secret;

/// `[profile.NAME.pkcs11]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Pkcs11Profile {
    /// The module: a shared library that speaks PKCS#11.
    pub(crate) module: PathBuf,
    /// The token's slot.
    slot: Option<u64>,
    /// The token's label.
    token_label: Option<String>,
    /// The key's label.
    key_label: Option<String>,
    /// The key's id, hexadecimal.
    key_id: Option<String>,
    /// Environment variable that holds the PIN.
    pin_env: Option<String>,
    /// File whose first line is the PIN.
    pin_file: Option<PathBuf>,
    /// Ask for the PIN on the terminal.
    #[serde(default)]
    pin_prompt: bool,
    /// A certificate file, PEM bundle or DER; otherwise the token's certificates.
    certificate: Option<PathBuf>,
}

impl Pkcs11Profile {
    /// Makes its paths relative to the current folder.
    pub(crate) fn relative_to(&mut self, folder: &Path) {
        self.module = folder.join(&self.module);
        for path in [&mut self.pin_file, &mut self.certificate] {
            *path = path.take().map(|path| folder.join(path));
        }
    }

    /// Which token.
    pub(crate) fn token(&self) -> TokenChoice {
        TokenChoice {
            slot: self.slot,
            label: self.token_label.clone(),
        }
    }

    /// Which key of the token.
    pub(crate) fn key(&self) -> Result<KeyChoice, Error> {
        Ok(KeyChoice {
            label: self.key_label.clone(),
            id: self.key_id.as_deref().map(key_id).transpose()?,
        })
    }

    /// The certificate file.
    pub(crate) fn certificate(&self) -> Option<&Path> {
        self.certificate.as_deref()
    }

    /// Where the PIN comes from.
    pub(crate) fn pin(&self) -> Secret {
        Secret {
            env: self.pin_env.clone(),
            file: self.pin_file.clone(),
            is_prompted: self.pin_prompt,
        }
    }

    /// Logs in, once, and finds key and certificates.
    pub(crate) fn identity(&self) -> Result<Identity, Error> {
        let failed = |error: &dyn std::fmt::Display| {
            let module = self.module.display();
            Error::new(error).hint(format_args!(
                "'proofmark keys doctor --module {module}' shows what is there"
            ))
        };
        let choice = self.key()?;
        let token = Module::load(&self.module)
            .and_then(|module| module.token(&self.token()))
            .map_err(|error| failed(&error))?;
        let pin = match token.wants_pin() {
            true => read_pin(&self.pin(), Some(token.label()))?,
            false => None,
        };
        let key = token
            .log_in(pin)
            .and_then(|token| token.key(&choice))
            .map_err(|error| failed(&error))?;
        let certificates = match &self.certificate {
            Some(path) => certificates(path)?,
            None => key.certificates().to_vec(),
        };
        if certificates.is_empty() {
            let message = format!("there is no certificate beside {}", key.name());
            return Err(Error::new(message)
                .hint("write certificate = \"FILE\" into the profile's pkcs11 table"));
        }
        Identity::remote(Box::new(key), certificates).map_err(|error| failed(&error))
    }
}

/// Reads the PIN of a token. An empty one is not tried: an unset secret of a build server looks like that, and would
/// cost an attempt.
pub(crate) fn read_pin(
    secret: &Secret,
    token: Option<&str>,
) -> Result<Option<Zeroizing<String>>, Error> {
    let what = match token {
        Some(token) => format!("the PIN of token {token}"),
        None => "the PIN of the token".to_owned(),
    };
    match secret.read(&what)? {
        Some(pin) if pin.is_empty() => Err(Error::new(format_args!(
            "{what} is empty; it was not tried"
        ))),
        pin => Ok(pin),
    }
}

/// A key id: hexadecimal, with or without colons.
fn key_id(text: &str) -> Result<Vec<u8>, Error> {
    let digits = text.chars().filter(|c| *c != ':');
    let digits: Option<Vec<u32>> = digits.map(|c| c.to_digit(16)).collect();
    let digits = digits.unwrap_or_default();
    let bytes = digits.chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(high * 16 + low).ok(),
        _ => None,
    });
    match bytes.collect::<Option<Vec<u8>>>() {
        Some(id) if !id.is_empty() => Ok(id),
        _ => Err(Error::new(format_args!("'{text}' is no key id"))
            .hint("a key id is written as hexadecimal digits, e.g. 03 or 5a:17")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_ids_are_hexadecimal() {
        assert_eq!(key_id("03").unwrap(), [3]);
        assert_eq!(key_id("5a:17").unwrap(), [0x5a, 0x17]);
        for wrong in ["", "3", "xy", ":", "+1"] {
            assert!(key_id(wrong).is_err(), "{wrong}");
        }
    }
}
