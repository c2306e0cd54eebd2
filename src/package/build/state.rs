//! What the last build made of what, so that the next one leaves it.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use signer::digest::{DigestAlgorithm, hex};

use crate::error::Error;

/// The file's name, in the folder of the packages.
const NAME: &str = ".proofmark-build.json";

/// Digests of the packages of a folder, by name.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    packages: BTreeMap<String, Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    /// Of everything that the package was made of.
    inputs: String,
    /// Of the package.
    output: String,
}

impl State {
    /// The state of a folder. One that cannot be read is none: everything is built.
    pub(super) fn read(folder: &Path) -> Self {
        let text = std::fs::read(folder.join(NAME)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// The digest of a package that is made of the same inputs and still what it was then.
    pub(super) fn unchanged(&self, name: &str, inputs: &str, output: &Path) -> Option<String> {
        let entry = self.packages.get(name)?;
        if entry.inputs != inputs {
            return None;
        }
        let found = hex(&DigestAlgorithm::Sha256.of(&std::fs::read(output).ok()?));
        (found == entry.output).then_some(found)
    }

    pub(super) fn set(&mut self, name: &str, inputs: &str, output: &str) {
        let entry = Entry {
            inputs: inputs.to_owned(),
            output: output.to_owned(),
        };
        self.packages.insert(name.to_owned(), entry);
    }

    /// Writes the state, where it is another one than before.
    pub(super) fn write(&self, folder: &Path) -> Result<(), Error> {
        if *self == Self::read(folder) {
            return Ok(());
        }
        let path = folder.join(NAME);
        let text = serde_json::to_vec_pretty(self).map_err(Error::new)?;
        signer::output::write_bytes(&path, &text).map_err(|error| Error::file(&path, error))
    }
}
