//! Signing with a key elsewhere: `proofmark extract` writes what has to be signed, `proofmark attach` puts the result
//! back. A folder holds the files that go there and come back, named after the file that is to be signed.

mod attach;
mod extract;

use std::path::{Path, PathBuf};

use crate::error::Error;

pub(crate) use attach::{AttachArgs, run as attach};
pub(crate) use extract::{ExtractArgs, run as extract};

/// The request.
const REQUEST: &str = "request.json";
/// The bytes that the key signs.
const TO_BE_SIGNED: &str = "tbs";
/// The digest of these bytes.
const DIGEST: &str = "digest";
/// A PKCS#7 that waits for a signer.
const UNSIGNED: &str = "unsigned.p7";
/// What comes back, in the order in which it is looked for.
const ANSWERS: [&str; 2] = ["sig", "p7"];

/// The file of a kind for a file that is to be signed.
fn beside(folder: &Path, file: &Path, kind: &str) -> Result<PathBuf, Error> {
    let name = file.file_name();
    let name = name.ok_or_else(|| Error::file(file, "this is no file"))?;
    let mut name = name.to_owned();
    name.push(".");
    name.push(kind);
    Ok(folder.join(name))
}
