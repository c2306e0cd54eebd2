//! Finished images among what is linted.

use std::path::Path;
use std::sync::Arc;

use lint::engine::gather;
use lint::facts::Workspace;
use lint::files::{Disk, Files};
use lint::full_flash::{ImageOptions, is_image, read_image};
use lint::resolve::ResolveOptions;
use lint::verify::verify_cabinets;
use signer::verify::VerifyOptions;

use super::{Request, text_paths};
use crate::error::Error;
use crate::image::threads;
use crate::policies;
use crate::progress::Progress;

/// Whether there is an image among what is asked for.
pub(super) fn any(request: &Request<'_>) -> Result<bool, Error> {
    let paths = text_paths(request.paths)?;
    Ok(paths.iter().any(|path| is_image(&Disk, path)))
}

/// Reads an image with a bar while its chunks are hashed.
pub(super) fn read(
    files: &dyn Files,
    path: &str,
    resolve: &ResolveOptions,
    verify: VerifyOptions<'_>,
) -> Result<Workspace, Error> {
    let length = files.length(path).unwrap_or_default();
    let bar = Progress::of_bytes("hashing", length);
    let options = ImageOptions {
        resolve,
        verify,
        threads: threads(),
        progress: &|bytes| bar.advance(bytes),
    };
    read_image(files, path, options).map_err(Error::new)
}

/// The workspace that images are compared with: the one that is named for that, or else the first with a product among
/// what is linted.
pub(super) fn built_from(
    files: &dyn Files,
    named: Option<&Path>,
    linted: &[Workspace],
    options: &ResolveOptions,
    verify: VerifyOptions<'_>,
) -> Result<Option<Arc<Workspace>>, Error> {
    let Some(named) = named else {
        let found = linted
            .iter()
            .find(|workspace| !workspace.products.is_empty());
        return Ok(found.cloned().map(Arc::new));
    };
    let path = policies::text(named)?;
    let mut workspaces = gather(files, &[path], options).map_err(Error::new)?;
    let mut workspace = workspaces.pop().unwrap_or_default();
    if workspace.products.is_empty() {
        return Err(Error::file(
            named,
            "there is no OEMInput.xml below it, so it builds no image",
        ));
    }
    verify_cabinets(files, &mut workspace, verify, None);
    Ok(Some(Arc::new(workspace)))
}
