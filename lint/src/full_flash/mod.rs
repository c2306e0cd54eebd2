//! Reads finished images, full flash updates, from inside: what they say of themselves, and every file that decides
//! whether a device starts and whom it trusts.
//!
//! Chunks are hashed first, then the volumes are walked and each file that matters is read once. Memory grows with the
//! number of files, never with their size: few are read whole, and none is kept.

mod code;
mod documents;
mod judged;
mod packages;
mod registry;
mod security;
mod volume;

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;

use formats::container::ffu::FullFlashUpdate;
use signer::full_flash::verify_full_flash;
use signer::verify::VerifyOptions;

use crate::facts::Workspace;
use crate::facts::full_flash::{FinishedImage, Unread};
use crate::files::{Files, Kind, name_of};
use crate::resolve::{ResolveOptions, TooMany};
use volume::Volumes;

/// How an image is read.
#[derive(Clone, Copy)]
pub struct ImageOptions<'a> {
    /// What the user says about the image.
    pub resolve: &'a ResolveOptions,
    /// The time and the anchors of its signatures.
    pub verify: VerifyOptions<'a>,
    /// How many threads hash its chunks.
    pub threads: NonZeroUsize,
    /// Hears how many bytes were hashed since it was called last.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

/// Whether a path is that of a finished image: a file that is called so, or begins as one.
pub fn is_image(files: &dyn Files, path: &str) -> bool {
    if !matches!(files.kind(path), Ok(Kind::File)) {
        return false;
    }
    let is_called_so = name_of(path).to_ascii_lowercase().ends_with(".ffu");
    let begins = || files.read(path, 16);
    is_called_so || begins().is_ok_and(|bytes| FullFlashUpdate::is_magic(&bytes))
}

/// Reads an image. One that is damaged is a workspace too, with findings.
///
/// # Errors
/// Where the file cannot be read, or its documents name more than any image has.
pub fn read_image(
    files: &dyn Files,
    path: &str,
    options: ImageOptions<'_>,
) -> Result<Workspace, ImageError> {
    let failed = |error: io::Error| ImageError::Unreadable {
        path: path.to_owned(),
        problem: error.to_string(),
    };
    let mut image = FinishedImage {
        path: path.to_owned(),
        anchors: options.verify.anchors.clone(),
        ..FinishedImage::default()
    };
    let mut input = files.open(path).map_err(failed)?;
    let mut workspace = match FullFlashUpdate::read(&mut input) {
        Ok(update) => look_inside(files, &update, options, &mut image)?,
        Err(error) => {
            image.unread.push(volume::unread("", &error));
            Workspace {
                root: path.to_owned(),
                targets: [path.to_owned()].into_iter().collect(),
                declared: options.resolve.image,
                ..Workspace::default()
            }
        }
    };
    image.unread.sort_by(|a, b| a.at.cmp(&b.at));
    image.unread.dedup();
    if let Some(recorded) = &image.recorded {
        workspace.sources.push(recorded.source.clone());
    }
    workspace.verified_at = Some(options.verify.at);
    workspace.finished = Some(Arc::new(image));
    Ok(workspace)
}

/// Images that cannot be linted at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// The file cannot be read.
    #[error("{path}: {problem}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        problem: String,
    },
    /// There is more in it than any image has.
    #[error(transparent)]
    TooMany(#[from] TooMany),
}

fn look_inside(
    files: &dyn Files,
    update: &FullFlashUpdate,
    options: ImageOptions<'_>,
    image: &mut FinishedImage,
) -> Result<Workspace, ImageError> {
    let path = image.path.clone();
    let open = || files.open(&path);
    let progress = |bytes| (options.progress)(bytes);
    let verification = verify_full_flash(update, &open, options.threads, &progress, options.verify);
    match verification {
        Ok(verification) => image.verification = Some(Arc::new(verification)),
        Err(error) => image.unread.push(Unread {
            at: String::new(),
            problem: format!("its chunks cannot be read: {error}"),
            offset: None,
        }),
    }
    for id in update
        .stores()
        .iter()
        .flat_map(|store| &store.header.platform_ids)
    {
        if !image.platform_ids.contains(id) {
            image.platform_ids.push(id.clone());
        }
    }
    let mut volumes = Volumes::read(files, &path, update);
    image.unread.append(&mut volumes.unread);
    image.contradictions.append(&mut volumes.contradictions);
    image.partitions.clone_from(&volumes.labels);
    let found = volumes.walk(&mut image.unread);
    code::read(&volumes, &found, options.verify, image);
    packages::read(&volumes, &found, image);
    registry::read(&volumes, &found, image);
    security::read(&volumes, &found, options.verify.anchors, image);
    Ok(documents::read(&volumes, &found, options.resolve, image)?)
}
