//! `proofmark image extract-catalog`: the catalog of an image as a file, to be signed elsewhere.

use std::path::PathBuf;

use clap::Args;

use crate::error::Error;
use crate::exit::Exit;
use crate::output;

/// Write the catalog of an image to a file; `image sign --catalog` puts a signed one back.
#[derive(Debug, Args)]
pub(super) struct ExtractCatalogArgs {
    /// The catalog
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The image
    #[arg(value_name = "FFU")]
    image: PathBuf,
}

pub(super) fn run(arguments: &ExtractCatalogArgs) -> Result<Exit, Error> {
    let update = super::read(&arguments.image)?;
    if update.catalog().is_empty() {
        return Err(Error::file(&arguments.image, "it has no catalog").hint("image hash makes one"));
    }
    let out = &arguments.out;
    signer::output::write_bytes(out, update.catalog()).map_err(|error| Error::file(out, error))?;
    output::result(&format!(
        "written  {} ({} bytes, for {})\n",
        out.display(),
        update.catalog().len(),
        update
            .stores()
            .first()
            .map_or(String::new(), |store| store.header.platform_ids.join(", ")),
    ))?;
    Ok(Exit::Clean)
}
