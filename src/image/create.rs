//! `proofmark image create`: a full flash update from the image of a disk.

use std::fs::File;
use std::io::{self, BufReader, Seek};
use std::path::PathBuf;

use clap::Args;
use formats::container::ffu::{Layout, build};
use signer::digest::DigestAlgorithm;
use signer::full_flash::catalog_of;
use time::OffsetDateTime;

use crate::error::Error;
use crate::exit::Exit;
use crate::{instant, output};

/// Wrap the image of a disk into an unsigned full flash update; blocks of zeros are left out.
#[derive(Debug, Args)]
pub(super) struct CreateArgs {
    /// The full flash update
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// A device that may be flashed, Manufacturer.Family.Product[.Version]; can be repeated
    #[arg(long, value_name = "ID", required = true)]
    platform_id: Vec<String>,
    /// Text of the manifest instead of one that names the disk alone
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// Bytes of a block and of a chunk
    #[arg(long, value_name = "BYTES", default_value_t = 131_072)]
    block_size: u32,
    /// Time of the catalog instead of now; the same time gives the same bytes
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    time: Option<OffsetDateTime>,
    /// The image of the disk
    #[arg(value_name = "DISK")]
    disk: PathBuf,
}

pub(super) fn run(arguments: &CreateArgs) -> Result<Exit, Error> {
    let path = &arguments.disk;
    let failed = |error: io::Error| Error::file(path, error);
    let mut disk = BufReader::with_capacity(1 << 20, File::open(path).map_err(failed)?);
    let length = disk.seek(io::SeekFrom::End(0)).map_err(failed)?;
    let manifest = match &arguments.manifest {
        Some(file) => std::fs::read_to_string(file).map_err(|error| Error::file(file, error))?,
        None => manifest(arguments, length),
    };
    let layout = Layout {
        block_size: arguments.block_size,
        platform_ids: arguments.platform_id.clone(),
        manifest,
    };
    let time = arguments.time.unwrap_or_else(OffsetDateTime::now_utc);
    let hash = |bytes: &[u8]| -> [u8; 32] {
        let digest = DigestAlgorithm::Sha256.of(bytes);
        digest.try_into().unwrap_or_default()
    };
    let catalog = |table: &[u8]| catalog_of(table, time).map_err(io::Error::other);
    let out = &arguments.out;
    signer::output::write_with(out, |file| {
        build(&mut disk, &layout, &hash, &catalog, file).map_err(io::Error::other)
    })
    .map_err(|error| Error::file(out, error))?;
    output::result(&format!("created  {} (unsigned)\n", out.display()))?;
    Ok(Exit::Clean)
}

fn manifest(arguments: &CreateArgs, length: u64) -> String {
    let mut text = "[FullFlash]\r\nVersion           = 2.0\r\n".to_owned();
    for (index, id) in arguments.platform_id.iter().enumerate() {
        text += &format!("DevicePlatformId{index} = {id}\r\n");
    }
    text += &format!(
        "\r\n[Store]\r\nSectorSize     = 512\r\nMinSectorCount = {}\r\n",
        length.div_ceil(512)
    );
    text
}
