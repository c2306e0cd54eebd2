//! `proofmark lint --remote`: what is judged goes to the service, and its report is shown as if it was made here.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;

use lint::discover::{Discovered, discover};
use lint::engine::Outcome;
use lint::files::{self, Disk, Files};
use lint::full_flash::is_image;
use lint::image::ImageType;
use lint::render::json::{self, Here};

use super::{MAX_JSON, Remote, archive, encoded};
use crate::error::Error;
use crate::http::Sent;
use crate::lint::{text_paths, unreadable};

/// Lets a service judge paths: a file as it is, a workspace or what is in one as an archive.
pub(crate) fn run(
    remote: &Remote,
    given: &[PathBuf],
    image: Option<ImageType>,
) -> Result<Outcome, Error> {
    let paths = text_paths(given)?;
    if let Some(path) = paths.iter().find(|path| is_image(&Disk, path)) {
        return Err(Error::new(format_args!(
            "{path}: finished images are judged here, without --remote"
        )));
    }
    let mut outcome = Outcome::default();
    let found = discover(&Disk, &paths).map_err(|error| unreadable(error.into(), given))?;
    for found in found {
        outcome.add(judged(remote, &found, image)?);
    }
    Ok(outcome)
}

fn judged(remote: &Remote, found: &Discovered, image: Option<ImageType>) -> Result<Outcome, Error> {
    if let Some((folder, problem)) = found.unlisted.first() {
        return Err(Error::new(format_args!("{folder}: {problem}")));
    }
    let mut path = "/v1/lint?format=json".to_owned();
    if let Some(image) = image {
        path.push_str(&format!("&image={}", image.as_str()));
    }
    let top = top(&found.root);
    let alone = match found.files.as_slice() {
        [file] if found.targets_below == [file.below.as_str()] => Some(file),
        _ => None,
    };
    let answer = match alone {
        Some(file) => {
            path.push_str(&format!("&name={}", encoded(&file.below)));
            let opened = File::open(&file.path);
            let opened =
                opened.map_err(|error| Error::new(format_args!("{}: {error}", file.path)))?;
            let headers = [("content-type", "application/octet-stream")];
            remote.ask(&path, &headers, Sent::File(&opened))?
        }
        None => {
            let targets = found.targets_below.iter();
            let targets = targets.map(|target| files::join(&top, target));
            let targets: Vec<String> = targets.filter(|target| !target.is_empty()).collect();
            if !targets.is_empty() {
                path.push_str(&format!("&path={}", encoded(&targets.join("\n"))));
            }
            archive::send(remote, &path, &top, &found.files)?
        }
    };
    let report = remote.expect(answer)?.bytes(MAX_JSON);
    let report = report.map_err(|error| remote.failed(&error))?;
    let names: BTreeMap<&str, &str> = found
        .files
        .iter()
        .map(|file| (file.below.as_str(), file.path.as_str()))
        .collect();
    let name = |file: &str| {
        // That of a policy of the service, or what is built in.
        if file.starts_with(['<', '/']) {
            return file.to_owned();
        }
        let below = match (alone, file.strip_prefix(top.as_str())) {
            (Some(_), _) => file,
            (None, Some(rest)) if top.is_empty() => rest,
            (None, Some(rest)) if rest.is_empty() || rest.starts_with('/') => {
                rest.trim_start_matches('/')
            }
            (None, _) => return file.to_owned(),
        };
        match names.get(below) {
            Some(path) => (*path).to_owned(),
            None => files::join(&found.root, below),
        }
    };
    let here = Here {
        files: &Disk,
        name: &name,
        root: &found.root,
    };
    json::read(&report, &here).map_err(Error::new)
}

/// Where a workspace is in its archive: as it is called here where that can be, as messages name it.
fn top(root: &str) -> String {
    let is_plain = |name: &str| {
        let is_letter = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | ' ' | '.' | '+');
        !name.trim_matches('.').is_empty() && name.chars().all(is_letter)
    };
    if root.is_empty() || root.split('/').all(is_plain) {
        return root.to_owned();
    }
    // It is elsewhere; a product in it may be called after its folder.
    let canonical = Disk.canonical(root).unwrap_or_default();
    let name = files::name_of(&canonical);
    match is_plain(name) {
        true => name.to_owned(),
        false => "workspace".to_owned(),
    }
}
