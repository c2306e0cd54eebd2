//! The only place that writes a signed file: a temporary file beside the target, flushed, then renamed over it.

use std::fs::{self, File};
use std::io::{self, BufReader, Write};
use std::path::Path;

use formats::patch::Patch;

/// Writes `source` with `patch` applied to `target`, which may be the same file.
///
/// At any moment, also when the process is killed, `target` is what it was or the complete result.
///
/// # Errors
/// Whatever the file system reports. The temporary file is removed then.
pub fn write_patched(source: &Path, patch: &Patch, target: &Path) -> io::Result<()> {
    let mut input = BufReader::new(File::open(source)?);
    let permissions = fs::metadata(source)?.permissions();
    replace(target, Some(permissions), |output| {
        patch.apply(&mut input, output)
    })
}

/// Writes `bytes` to `target` with the same guarantee.
///
/// # Errors
/// As [`write_patched`].
pub fn write_bytes(target: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(target, None, |output| output.write_all(bytes))
}

fn replace(
    target: &Path,
    permissions: Option<fs::Permissions>,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    let folder = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut temporary = tempfile::Builder::new()
        .prefix(".proofmark-")
        .tempfile_in(folder)?;
    write(temporary.as_file_mut())?;
    if let Some(permissions) = permissions {
        temporary.as_file().set_permissions(permissions)?;
    }
    temporary.as_file().sync_all()?;
    temporary.persist(target).map_err(|error| error.error)?;
    // The rename itself must survive a power cut; folders cannot be opened for that on every system.
    if let Ok(folder) = File::open(folder) {
        folder.sync_all().ok();
    }
    Ok(())
}
