//! The only place that writes a signed file: a temporary file beside the target, flushed, then renamed over it.
//!
//! A large file is copied while it is being hashed: where everything will stand is known before the signature is,
//! so only the few bytes that depend on it are written afterwards. What killed runs left in a folder is removed by the
//! next one that writes there.

mod temporary;

pub use temporary::StagedFolder;

use std::fs::{self, File};
use std::io::{self, BufReader, Seek, SeekFrom, Write};
use std::path::Path;
use std::thread;

use formats::patch::{Hunk, Patch};

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

/// Files below this size, in bytes, are not worth a second thread.
const WORTH_A_THREAD: u64 = 4 << 20;

/// Like [`write_patched`] for a patch that takes long to make: `draft` is a patch with the same ranges, whose
/// replacements may differ, and `finish` makes the final one while the file is being copied.
///
/// # Errors
/// What `finish` or the file system report; `target` is untouched then.
pub fn write_drafted<E: From<io::Error>>(
    source: &Path,
    draft: &Patch,
    target: &Path,
    finish: impl FnOnce() -> Result<Patch, E>,
) -> Result<(), E> {
    let metadata = fs::metadata(source)?;
    if metadata.len() < WORTH_A_THREAD {
        return Ok(write_patched(source, &finish()?, target)?);
    }
    let mut temporary = temporary::create(folder_of(target))?;
    let copy = temporary.reopen()?;
    let patch = thread::scope(|scope| {
        let copying = scope.spawn(move || copy_draft(source, draft, copy));
        let patch = finish();
        let copied = copying
            .join()
            .unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
        let patch = patch?;
        Ok::<Patch, E>(copied.map(|()| patch)?)
    })?;
    correct(source, draft, &patch, temporary.as_file_mut())?;
    Ok(finish_file(
        temporary,
        Some(metadata.permissions()),
        target,
    )?)
}

fn copy_draft(source: &Path, draft: &Patch, mut copy: File) -> io::Result<()> {
    draft.apply(&mut BufReader::new(File::open(source)?), &mut copy)?;
    // Begun here, the way to the disk is shared with the hashing.
    copy.sync_data()
}

/// Turns a file made by `draft` into the one that `patch` makes.
fn correct(source: &Path, draft: &Patch, patch: &Patch, output: &mut File) -> io::Result<()> {
    let same_place = |(a, b): (&Hunk, &Hunk)| a.range == b.range;
    let same_length = |(a, b): (&Hunk, &Hunk)| a.replacement.len() == b.replacement.len();
    let pairs = || draft.hunks().iter().zip(patch.hunks());
    let all_but_last = draft.hunks().len().saturating_sub(1);
    let fits = draft.hunks().len() == patch.hunks().len()
        && pairs().all(same_place)
        && pairs().take(all_but_last).all(same_length)
        && patch.hunks().last().is_some_and(|last| {
            fs::metadata(source).is_ok_and(|metadata| metadata.len() == last.range.end)
        });
    if !fits {
        output.set_len(0)?;
        output.rewind()?;
        return patch.apply(&mut BufReader::new(File::open(source)?), output);
    }
    let mut grown: u64 = 0;
    let mut shrunk: u64 = 0;
    for hunk in patch.hunks() {
        let offset = hunk
            .range
            .start
            .saturating_add(grown)
            .saturating_sub(shrunk);
        output.seek(SeekFrom::Start(offset))?;
        output.write_all(&hunk.replacement)?;
        grown = grown.saturating_add(hunk.replacement.len() as u64);
        shrunk = shrunk.saturating_add(hunk.range.end.saturating_sub(hunk.range.start));
    }
    let end = output.stream_position()?;
    output.set_len(end)
}

/// Writes `bytes` to `target` with the same guarantee.
///
/// # Errors
/// As [`write_patched`].
pub fn write_bytes(target: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(target, None, |output| output.write_all(bytes))
}

/// Writes what `write` writes to `target` with the same guarantee.
///
/// # Errors
/// What `write` or the file system report; `target` is untouched then.
pub fn write_with(
    target: &Path,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    replace(target, None, write)
}

/// Writes `bytes`, which were made from `source`, to `target` with the permissions of `source` and the same guarantee.
///
/// # Errors
/// As [`write_patched`].
pub fn write_bytes_as(source: &Path, bytes: &[u8], target: &Path) -> io::Result<()> {
    let permissions = fs::metadata(source)?.permissions();
    replace(target, Some(permissions), |output| output.write_all(bytes))
}

fn replace(
    target: &Path,
    permissions: Option<fs::Permissions>,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    let mut temporary = temporary::create(folder_of(target))?;
    write(temporary.as_file_mut())?;
    finish_file(temporary, permissions, target)
}

fn finish_file(
    temporary: tempfile::NamedTempFile,
    permissions: Option<fs::Permissions>,
    target: &Path,
) -> io::Result<()> {
    if let Some(permissions) = permissions {
        temporary.as_file().set_permissions(permissions)?;
    }
    temporary.as_file().sync_all()?;
    temporary.persist(target).map_err(|error| error.error)?;
    // The rename itself must survive a power cut; folders cannot be opened for that on every system.
    if let Ok(folder) = File::open(folder_of(target)) {
        folder.sync_all().ok();
    }
    Ok(())
}

fn folder_of(target: &Path) -> &Path {
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hunk(range: std::ops::Range<u64>, replacement: &[u8]) -> Hunk {
        let replacement = replacement.to_vec();
        Hunk { range, replacement }
    }

    /// Whatever the draft says, the result is what the final patch makes.
    #[test]
    fn a_draft_never_shows() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("source");
        let length = WORTH_A_THREAD + 7;
        let bytes: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
        fs::write(&source, &bytes).unwrap();
        let end = length..length;
        let last = vec![hunk(2..4, b"head"), hunk(end.clone(), b"signature")];
        let finals = [
            last.clone(),
            vec![
                hunk(2..4, b"HEAD"),
                hunk(end.clone(), b"a longer signature"),
            ],
            vec![hunk(2..4, b"HEAD"), hunk(end, b"")],
            vec![hunk(2..4, b"longer head"), hunk(9..9, b"")],
            vec![hunk(0..length, b"all")],
        ];
        let draft = Patch::new(last).unwrap();
        for hunks in finals {
            let patch = Patch::new(hunks).unwrap();
            let target = folder.path().join("target");
            write_drafted(&source, &draft, &target, || {
                Ok::<_, io::Error>(patch.clone())
            })
            .unwrap();
            let mut expected = Vec::new();
            patch
                .apply(&mut io::Cursor::new(&bytes), &mut expected)
                .unwrap();
            assert!(
                fs::read(&target).unwrap() == expected,
                "{:?}",
                patch.hunks().len()
            );
        }
    }

    #[test]
    fn a_failure_leaves_the_target_and_no_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("source");
        fs::write(&source, vec![1; WORTH_A_THREAD as usize]).unwrap();
        let draft = Patch::new(vec![hunk(0..1, b"x")]).unwrap();
        let failed = write_drafted(&source, &draft, &source, || Err(io::Error::other("no key")));
        assert!(failed.is_err());
        assert_eq!(fs::read(&source).unwrap(), vec![1; WORTH_A_THREAD as usize]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_is_not_there_is_what_the_error_says() {
        let folder = tempfile::tempdir().unwrap();
        let error = write_bytes(&folder.path().join("none/file"), b"x").unwrap_err();
        assert_eq!(error.to_string(), "its folder does not exist");
    }
}
