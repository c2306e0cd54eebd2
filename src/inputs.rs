//! The files that a command line means: files as they are, folders searched for containers.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use formats::container::{Container, Format};

use crate::error::Error;

/// Deepest folder that is searched.
const MAX_DEPTH: usize = 64;

/// Endings of files that a folder is searched for.
const EXTENSIONS: [&str; 11] = [
    "appx",
    "appxbundle",
    "cab",
    "cat",
    "dll",
    "efi",
    "exe",
    "msix",
    "msixbundle",
    "spkg",
    "sys",
];

/// The files of `paths` in order; in folders, those whose name has one of the [`EXTENSIONS`].
pub(crate) fn containers(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    collect(paths, &is_container)
}

/// As [`containers`], and in folders the code-integrity policies too: verifying them is always meant, signing them
/// with what signs code hardly ever.
pub(crate) fn to_verify(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let is_wanted = |path: &Path| {
        is_container(path)
            || has_extension(path, &["cip"])
            || has_extension(path, &["p7b"]) && is_policy(path)
    };
    collect(paths, &is_wanted)
}

/// Whether a file is a code-integrity policy, signed or bare.
pub(crate) fn is_policy(path: &Path) -> bool {
    let file = File::open(path).ok();
    let container = file.and_then(|file| Container::read(&mut BufReader::new(file)).ok());
    container.is_some_and(|container| container.format() == Format::SiPolicy)
}

fn collect(paths: &[PathBuf], is_wanted: &dyn Fn(&Path) -> bool) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    for path in paths {
        let metadata = std::fs::metadata(path).map_err(|error| Error::file(path, error))?;
        if metadata.is_dir() {
            let before = files.len();
            search(path, 0, is_wanted, &mut files)?;
            if files.len() == before {
                return Err(Error::file(
                    path,
                    "no .cab, .spkg, .cat, .sys, .dll, .exe, .efi, .appx or .msix file, nor a bundle, below this folder",
                ));
            }
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

/// The packages of `paths` in order; in folders, those whose name ends in `.cab` or `.spkg`.
pub(crate) fn packages(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    for path in paths {
        let metadata = std::fs::metadata(path).map_err(|error| Error::file(path, error))?;
        let before = files.len();
        match metadata.is_dir() {
            true => search(path, 0, &is_package, &mut files)?,
            false => files.push(path.clone()),
        }
        if files.len() == before {
            return Err(Error::file(path, "no .cab or .spkg file below this folder"));
        }
    }
    Ok(files)
}

/// Every file of `paths` in order; folders are searched for all there is in them.
pub(crate) fn all(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    for path in paths {
        let metadata = std::fs::metadata(path).map_err(|error| Error::file(path, error))?;
        match metadata.is_dir() {
            true => search(path, 0, &|_| true, &mut files)?,
            false => files.push(path.clone()),
        }
    }
    Ok(files)
}

/// The files of a folder and those below it whose name ends like that of a certificate file, in order.
pub(crate) fn certificate_files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    search(folder, 0, &is_certificate_file, &mut files)?;
    Ok(files)
}

/// As [`certificate_files`], PKCS#12 files too.
pub(crate) fn certificate_and_key_files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    let is_wanted = |path: &Path| is_certificate_file(path) || is_pfx(path);
    search(folder, 0, &is_wanted, &mut files)?;
    Ok(files)
}

/// The bytes of a file of at most `limit` bytes.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    let metadata = std::fs::metadata(path).map_err(|error| Error::file(path, error))?;
    if metadata.len() > limit {
        return Err(Error::file(path, format_args!("larger than {limit} bytes")));
    }
    std::fs::read(path).map_err(|error| Error::file(path, error))
}

fn search(
    folder: &Path,
    depth: usize,
    wanted: &dyn Fn(&Path) -> bool,
    files: &mut Vec<PathBuf>,
) -> Result<(), Error> {
    if depth > MAX_DEPTH {
        return Err(Error::file(folder, "folders are nested too deeply"));
    }
    let entries = std::fs::read_dir(folder).map_err(|error| Error::file(folder, error))?;
    let mut entries = entries
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Error::file(folder, error))?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        // A symbolic link to a folder may lead in a circle; links are not followed.
        let kind = entry
            .file_type()
            .map_err(|error| Error::file(&path, error))?;
        if kind.is_dir() {
            search(&path, depth + 1, wanted, files)?;
        } else if kind.is_file() && wanted(&path) {
            files.push(path);
        }
    }
    Ok(())
}

fn is_container(path: &Path) -> bool {
    has_extension(path, &EXTENSIONS)
}

fn is_package(path: &Path) -> bool {
    has_extension(path, &["cab", "spkg"])
}

fn is_certificate_file(path: &Path) -> bool {
    has_extension(path, &["cer", "crt", "der", "pem", "p7b", "p7c"])
}

/// Whether a name ends like that of a PKCS#12 file.
pub(crate) fn is_pfx(path: &Path) -> bool {
    has_extension(path, &["pfx", "p12"])
}

fn has_extension(path: &Path, known: &[&str]) -> bool {
    let extension = path
        .extension()
        .and_then(|e| e.to_str())
        .unwrap_or_default();
    known
        .iter()
        .any(|known| extension.eq_ignore_ascii_case(known))
}
