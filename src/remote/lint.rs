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
use crate::http::{Answer, Sent};
use crate::lint::{text_paths, unreadable};

/// Lets a service judge paths: an image as it is, everything else as an archive of the workspace that it is in.
pub(crate) fn run(
    remote: &Remote,
    given: &[PathBuf],
    image: Option<ImageType>,
) -> Result<Outcome, Error> {
    let paths = text_paths(given)?;
    let (images, paths): (Vec<_>, Vec<_>) =
        paths.into_iter().partition(|path| is_image(&Disk, path));
    let mut outcome = Outcome::default();
    let found = discover(&Disk, &paths).map_err(|error| unreadable(error.into(), given))?;
    for found in found {
        outcome.add(judged(remote, &found, image)?);
    }
    for path in images {
        outcome.add(image_judged(remote, &path, image)?);
    }
    Ok(outcome)
}

/// The address of a judgement.
fn address(image: Option<ImageType>) -> String {
    let image = image.map(|image| format!("&image={}", image.as_str()));
    format!("/v1/lint?format=json{}", image.unwrap_or_default())
}

/// A finished image goes as it is: it may be larger than the disk has room for twice.
fn image_judged(remote: &Remote, path: &str, image: Option<ImageType>) -> Result<Outcome, Error> {
    let name = files::name_of(path);
    let address = format!("{}&name={}", address(image), encoded(name));
    let opened = File::open(path);
    let opened = opened.map_err(|error| Error::new(format_args!("{path}: {error}")))?;
    let headers = [("content-type", "application/octet-stream")];
    let answer = remote.ask(&address, &headers, Sent::File(&opened))?;
    read(remote, answer, "", &|file| match file.strip_prefix(name) {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("{path}{rest}"),
        _ => file.to_owned(),
    })
}

/// The result that an answer tells of.
fn read(
    remote: &Remote,
    answer: Answer,
    root: &str,
    name: &dyn Fn(&str) -> String,
) -> Result<Outcome, Error> {
    let report = remote.expect(answer)?.bytes(MAX_JSON);
    let report = report.map_err(|error| remote.failed(&error))?;
    let here = Here {
        files: &Disk,
        name,
        root,
    };
    json::read(&report, &here).map_err(Error::new)
}

fn judged(remote: &Remote, found: &Discovered, image: Option<ImageType>) -> Result<Outcome, Error> {
    if let Some((folder, problem)) = found.unlisted.first() {
        return Err(Error::new(format_args!("{folder}: {problem}")));
    }
    let top = top(&found.root);
    let targets = found.targets_below.iter();
    let targets = targets.map(|target| files::join(&top, target));
    let targets: Vec<String> = targets.filter(|target| !target.is_empty()).collect();
    let mut path = address(image);
    if !targets.is_empty() {
        path.push_str(&format!("&path={}", encoded(&targets.join("\n"))));
    }
    let answer = archive::send(remote, &path, &top, &found.files)?;
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
        let below = match file.strip_prefix(top.as_str()) {
            Some(rest) if top.is_empty() => rest,
            Some(rest) if rest.is_empty() || rest.starts_with('/') => rest.trim_start_matches('/'),
            _ => return file.to_owned(),
        };
        match names.get(below) {
            Some(path) => (*path).to_owned(),
            None => files::join(&found.root, below),
        }
    };
    read(remote, answer, &found.root, &name)
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
