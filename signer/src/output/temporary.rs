//! Temporary files beside targets, and the removal of those that killed runs left.
//!
//! A run that writes holds each of its temporary files: by a lock on Unix, where locks only tell, by its open handle on
//! Windows. What has the name of one and is held by nobody belongs to a run that has ended.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tempfile::{NamedTempFile, TempDir};

/// How the names begin and end; between them are letters and digits.
const PREFIX: &str = ".proofmark-";
const SUFFIX: &str = ".part";
/// How the names of folders end.
const FOLDER_SUFFIX: &str = ".parts";
/// How many letters and digits there are.
const RANDOM: usize = 12;
/// How often a file that another run took for left behind is made anew.
const ATTEMPTS: usize = 16;

/// The folders that this process has looked through.
static SWEPT: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// A new file in `folder`, held until it is dropped or has its name. The first one in a folder removes what killed
/// runs left there.
pub(super) fn create(folder: &Path) -> io::Result<NamedTempFile> {
    sweep_once(folder);
    for _ in 0..ATTEMPTS {
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX).suffix(SUFFIX).rand_bytes(RANDOM);
        // A result is no secret: whoever may read new files may read it.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let temporary = builder.tempfile_in(folder).map_err(|error| {
            // The error names the temporary file, which nobody knows.
            match folder.is_dir() {
                false => io::Error::new(error.kind(), "its folder does not exist"),
                true => error,
            }
        })?;
        hold(temporary.as_file());
        // Another run may have looked at it before it was held.
        if fs::symlink_metadata(temporary.path()).is_ok() {
            return Ok(temporary);
        }
    }
    let problem = "temporary files vanish from the folder";
    Err(io::Error::other(problem))
}

/// A folder that only its owner can enter, and that is removed with everything in it unless it gets its name.
#[derive(Debug)]
pub struct StagedFolder {
    folder: TempDir,
    /// Open as long as the folder has no name, so that other runs leave it.
    held: Option<File>,
}

impl StagedFolder {
    /// A new folder beside `target`, held like a temporary file. On Windows, where a folder that is open cannot get another
    /// name, it is not held, and one that a killed run left stays.
    ///
    /// # Errors
    /// Whatever the file system reports.
    pub fn beside(target: &Path) -> io::Result<Self> {
        let parent = super::folder_of(target);
        fs::create_dir_all(parent)?;
        sweep_once(parent);
        for _ in 0..ATTEMPTS {
            let mut builder = tempfile::Builder::new();
            builder
                .prefix(PREFIX)
                .suffix(FOLDER_SUFFIX)
                .rand_bytes(RANDOM);
            #[cfg(unix)]
            builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
            let folder = builder.tempdir_in(parent)?;
            let held = hold_folder(folder.path());
            // Another run may have looked at it before it was held.
            if folder.path().is_dir() {
                return Ok(Self { folder, held });
            }
        }
        let problem = "temporary folders vanish";
        Err(io::Error::other(problem))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Gives it its name. An empty folder of that name gives way, a full one does not.
    ///
    /// # Errors
    /// Whatever the file system reports. The folder is removed then.
    pub fn publish(self, target: &Path) -> io::Result<()> {
        if target.is_dir() {
            fs::remove_dir(target)?;
        }
        let staged = self.folder.keep();
        let renamed = fs::rename(&staged, target);
        if renamed.is_err() {
            fs::remove_dir_all(&staged).ok();
        }
        drop(self.held);
        renamed
    }
}

fn sweep_once(folder: &Path) {
    let is_first = SWEPT
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(folder.to_owned());
    if is_first {
        sweep(folder);
    }
}

/// Removes the temporary files and folders of runs that have ended. What cannot be looked at or removed stays.
fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        let ends_in = |suffix| {
            let name = name.to_str();
            name.is_some_and(|name| is_temporary(name, suffix))
        };
        if kind.is_file() && ends_in(SUFFIX) {
            remove_if_left(&entry.path());
        } else if kind.is_dir() && ends_in(FOLDER_SUFFIX) {
            remove_folder_if_left(&entry.path());
        }
    }
}

fn is_temporary(name: &str, suffix: &str) -> bool {
    let middle = name.strip_prefix(PREFIX);
    let middle = middle.and_then(|rest| rest.strip_suffix(suffix));
    middle.is_some_and(|middle| {
        middle.len() == RANDOM && middle.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

#[cfg(unix)]
fn hold(file: &File) {
    // Where a file system has no locks, nothing is ever removed there.
    file.lock().ok();
}

#[cfg(unix)]
fn remove_if_left(path: &Path) {
    let Ok(file) = File::open(path) else {
        return;
    };
    if file.try_lock().is_ok() {
        fs::remove_file(path).ok();
    }
}

#[cfg(unix)]
fn hold_folder(path: &Path) -> Option<File> {
    let folder = File::open(path).ok()?;
    hold(&folder);
    Some(folder)
}

#[cfg(unix)]
fn remove_folder_if_left(path: &Path) {
    let Ok(folder) = File::open(path) else {
        return;
    };
    if folder.try_lock().is_ok() {
        fs::remove_dir_all(path).ok();
    }
}

#[cfg(not(unix))]
fn hold_folder(_: &Path) -> Option<File> {
    None
}

#[cfg(not(unix))]
fn remove_folder_if_left(_: &Path) {}

#[cfg(windows)]
fn hold(_: &File) {}

#[cfg(windows)]
fn remove_if_left(path: &Path) {
    use std::os::windows::fs::OpenOptionsExt;

    /// `DELETE`, the right to.
    const RIGHT: u32 = 0x0001_0000;
    /// `FILE_FLAG_DELETE_ON_CLOSE`.
    const ON_CLOSE: u32 = 0x0400_0000;
    // Sharing nothing, the file can only be opened where nobody else has it open.
    let mut options = fs::OpenOptions::new();
    options.access_mode(RIGHT).share_mode(0);
    options.custom_flags(ON_CLOSE).open(path).ok();
}

#[cfg(not(any(unix, windows)))]
fn hold(_: &File) {}

#[cfg(not(any(unix, windows)))]
fn remove_if_left(_: &Path) {}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn what_nobody_holds_goes_and_everything_else_stays() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let left = ".proofmark-abcdefABC123.part";
        let others = [
            ".proofmark-abcdefABC12.part",
            ".proofmark-abcdefABC12-.part",
            ".proofmark-abcdefABC123.cab",
            ".proofmark-build.json",
            "a.proofmark-abcdefABC123.part",
        ];
        for name in others.iter().chain([&left]) {
            fs::write(at(name), "x").unwrap();
        }
        fs::create_dir(at(".proofmark-000000000000.part")).unwrap();
        let held = create(folder.path()).unwrap();
        assert!(!at(left).exists());
        sweep(folder.path());
        assert!(held.path().exists());
        assert_eq!(names(folder.path()).len(), others.len() + 2);
        // As a kill leaves it: nobody holds it, and it is still there.
        let (_, path) = held.keep().unwrap();
        sweep(folder.path());
        assert!(!path.exists());
        assert_eq!(names(folder.path()).len(), others.len() + 1);
    }

    #[cfg(unix)]
    #[test]
    fn folders_get_their_name_or_go() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let left = ".proofmark-abcdefABC123.parts";
        let others = [
            ".proofmark-abcdefABC12.parts",
            ".proofmark-abcdefABC123.part",
        ];
        for name in [left, others[0], others[1]] {
            fs::create_dir_all(at(name).join("private")).unwrap();
            fs::write(at(name).join("private/key"), "x").unwrap();
        }
        let staged = StagedFolder::beside(&at("deep/out")).unwrap();
        assert!(at(left).exists(), "it is in another folder");
        let held = StagedFolder::beside(&at("out")).unwrap();
        assert!(!at(left).exists());
        let mode = fs::metadata(held.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        sweep(folder.path());
        assert!(held.path().exists());
        fs::write(held.path().join("a"), "a").unwrap();
        fs::create_dir(at("out")).unwrap();
        held.publish(&at("out")).unwrap();
        assert_eq!(fs::read(at("out/a")).unwrap(), b"a");
        // A full folder does not give way, and nothing is left of what was to replace it.
        let refused = StagedFolder::beside(&at("out")).unwrap();
        refused.publish(&at("out")).unwrap_err();
        drop(staged);
        assert_eq!(names(folder.path()), [others[0], others[1], "deep", "out"]);
        assert_eq!(fs::read_dir(at("deep")).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("target");
        fs::write(&target, "x").unwrap();
        let link = folder.path().join(".proofmark-abcdefABC123.part");
        std::os::unix::fs::symlink(&target, &link).unwrap();
        sweep(folder.path());
        assert!(target.exists() && link.is_symlink());
    }
}
