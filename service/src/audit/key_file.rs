//! The private key of the log in a file, which is made at the first start.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use pkcs8::{LineEnding, SecretDocument};
use zeroize::Zeroizing;

use super::note::{NoteError, NoteKey};
use crate::owner;

/// What it calls itself.
const LABEL: &str = "PRIVATE KEY";

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be read or made.
    #[error(transparent)]
    File(#[from] io::Error),
    /// Others than its owner and their group can read it.
    #[error("everybody can read the log's key; chmod o= takes that away")]
    Open,
    /// It is no key in PEM.
    #[error("an Ed25519 key in PEM (PKCS#8) is expected")]
    Malformed,
    /// The system gives no key.
    #[error(transparent)]
    Key(#[from] NoteError),
}

/// The key of a file, as PKCS#8. Where there is no file, a new key is put there for its owner alone.
///
/// # Errors
/// [`KeyFileError`].
pub(super) fn read_or_make(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    match read(path) {
        Err(KeyFileError::File(error)) if error.kind() == io::ErrorKind::NotFound => {
            make(path)?;
            read(path)
        }
        other => other,
    }
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let text = Zeroizing::new(fs::read_to_string(path)?);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if fs::metadata(path)?.permissions().mode() & 0o007 != 0 {
            return Err(KeyFileError::Open);
        }
    }
    match SecretDocument::from_pem(&text) {
        Ok((LABEL, document)) => Ok(document.to_bytes()),
        _ => Err(KeyFileError::Malformed),
    }
}

fn make(path: &Path) -> Result<(), KeyFileError> {
    let key = NoteKey::generate()?;
    let document = SecretDocument::try_from(key.as_slice()).map_err(|_| KeyFileError::Malformed)?;
    let pem = document
        .to_pem(LABEL, LineEnding::LF)
        .map_err(|_| KeyFileError::Malformed)?;
    // Temporary files are their owner's alone; the key appears whole, and takes no other's place.
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let folder = folder.unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    owner::give_to_owner_of(folder, file.path())?;
    file.write_all(pem.as_bytes())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(()),
        // Another node was faster.
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.key");
        let key = read_or_make(&path).unwrap();
        assert_eq!(read_or_make(&path).unwrap(), key);
        NoteKey::of_log("log.example", &key).unwrap();
        assert!(
            fs::read_to_string(&path)
                .unwrap()
                .starts_with("-----BEGIN PRIVATE KEY-----\n")
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(&path), 0o600);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            assert!(matches!(read_or_make(&path), Err(KeyFileError::Open)));
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        fs::write(&path, "no key").unwrap();
        assert!(matches!(read_or_make(&path), Err(KeyFileError::Malformed)));
    }
}
