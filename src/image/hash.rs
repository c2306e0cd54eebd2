//! `proofmark image hash`: a new hash table after an image was changed, and an unsigned catalog of it.

use std::path::PathBuf;

use clap::Args;
use signer::full_flash::{catalog_of, hash_chunks};
use time::OffsetDateTime;

use crate::error::Error;
use crate::exit::Exit;
use crate::progress::Progress;
use crate::{instant, output};

/// Make hash table and catalog of an image anew, after it was changed; the result is unsigned.
#[derive(Debug, Args)]
pub(super) struct HashArgs {
    /// The image with the new table
    #[arg(long, value_name = "FILE", required_unless_present = "in_place")]
    out: Option<PathBuf>,
    /// Replace the input
    #[arg(long, conflicts_with = "out")]
    in_place: bool,
    /// Time of the catalog instead of now; the same time gives the same bytes
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    time: Option<OffsetDateTime>,
    /// The image
    #[arg(value_name = "FFU")]
    image: PathBuf,
}

pub(super) fn run(arguments: &HashArgs) -> Result<Exit, Error> {
    let path = &arguments.image;
    let failed = |error: &dyn std::fmt::Display| Error::file(path, error);
    let update = super::read(path)?;
    let progress = Progress::of_bytes("hashing", update.file_length());
    let advance = |bytes| progress.advance(bytes);
    let table = hash_chunks(&update, &|| super::open(path), super::threads(), &advance)
        .map_err(|error| failed(&error))?;
    drop(progress);
    let old = update
        .hash_table()
        .chunks(32)
        .chain(std::iter::repeat(&[][..]));
    let changed = table
        .chunks(32)
        .zip(old)
        .filter(|(new, old)| new != old)
        .count();
    let time = arguments.time.unwrap_or_else(OffsetDateTime::now_utc);
    let catalog = catalog_of(&table, time).map_err(|error| failed(&error))?;
    let patch = update
        .replace_security(&catalog, &table)
        .map_err(|error| failed(&error))?;
    let out = arguments.out.as_ref().unwrap_or(path);
    signer::output::write_patched(path, &patch, out).map_err(|error| Error::file(out, error))?;
    output::result(&format!(
        "hashed   {} ({changed} of {} hashes changed, unsigned)\n",
        out.display(),
        update.chunk_count(),
    ))?;
    Ok(Exit::Clean)
}
