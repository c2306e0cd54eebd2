//! Files that an administrator makes in the data folder belong to whom the folder belongs to: the service has to read
//! them.

use std::io;
use std::path::Path;

/// Gives a new file to the owner of its folder.
///
/// # Errors
/// Where it belongs to another and cannot be given away; the text says whose the folder is.
#[cfg(unix)]
pub(crate) fn give_to_owner_of(folder: &Path, file: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, chown};

    let (owner, made) = (folder.metadata()?, file.symlink_metadata()?);
    if owner.uid() == made.uid() {
        return Ok(());
    }
    chown(file, Some(owner.uid()), Some(owner.gid())).map_err(|error| {
        let (folder, uid) = (folder.display(), owner.uid());
        let told =
            format!("{folder} belongs to user {uid}, who could not read it; run this as that user");
        io::Error::new(error.kind(), told)
    })
}

/// Gives a new file to the owner of its folder; other systems inherit rights from the folder.
#[cfg(not(unix))]
pub(crate) fn give_to_owner_of(_: &Path, _: &Path) -> io::Result<()> {
    Ok(())
}
