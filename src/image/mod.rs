//! `proofmark image`: full flash updates, the finished images.

mod cat;
mod create;
mod extract_catalog;
mod hash;
mod inside;
mod ls;
mod show;
mod sign;
mod verify;

use std::fs::File;
use std::io::BufReader;
use std::num::NonZeroUsize;
use std::path::Path;
use std::thread::available_parallelism;

use clap::{Args, Subcommand};
use formats::container::ffu::FullFlashUpdate;
use formats::error::Problem;

use crate::config::Config;
use crate::error::Error;
use crate::exit::Exit;

/// Bytes read at a time from an image.
const READ_BUFFER: usize = 256 << 10;

/// Show, verify, sign and make full flash updates, and read the files in them.
#[derive(Debug, Args)]
pub(crate) struct ImageArgs {
    #[command(subcommand)]
    command: ImageCommand,
}

#[derive(Debug, Subcommand)]
enum ImageCommand {
    Show(show::ShowArgs),
    Verify(verify::VerifyArgs),
    Sign(Box<sign::SignArgs>),
    ExtractCatalog(extract_catalog::ExtractCatalogArgs),
    Hash(hash::HashArgs),
    Create(create::CreateArgs),
    Ls(ls::LsArgs),
    Cat(cat::CatArgs),
}

/// Runs the command.
pub(crate) fn run(arguments: &ImageArgs, config: &Config) -> Result<Exit, Error> {
    match &arguments.command {
        ImageCommand::Show(arguments) => show::run(arguments),
        ImageCommand::Verify(arguments) => verify::run(arguments, config),
        ImageCommand::Sign(arguments) => sign::run(arguments, config),
        ImageCommand::ExtractCatalog(arguments) => extract_catalog::run(arguments),
        ImageCommand::Hash(arguments) => hash::run(arguments),
        ImageCommand::Create(arguments) => create::run(arguments),
        ImageCommand::Ls(arguments) => ls::run(arguments),
        ImageCommand::Cat(arguments) => cat::run(arguments),
    }
}

/// Opens an image for reading.
fn open(path: &Path) -> std::io::Result<BufReader<File>> {
    Ok(BufReader::with_capacity(READ_BUFFER, File::open(path)?))
}

/// Reads what stands in front of an image's payload.
fn read(path: &Path) -> Result<FullFlashUpdate, Error> {
    if path.is_dir() {
        let problem = "it is a folder; a full flash update (.ffu) is meant";
        return Err(Error::file(path, problem));
    }
    let mut input = open(path).map_err(|error| Error::file(path, error))?;
    FullFlashUpdate::read(&mut input).map_err(|error| {
        let hint = match (&error.problem, error.field) {
            (Problem::Truncated { .. }, _) => Some("it ends too early; is it a whole copy?"),
            (Problem::Invalid { .. }, "signature") if error.offset < 32 => {
                Some("image create makes a full flash update of the image of a disk")
            }
            _ => None,
        };
        let failed = Error::file(path, error);
        match hint {
            Some(hint) => failed.hint(hint),
            None => failed,
        }
    })
}

/// One thread for every core.
pub(crate) fn threads() -> NonZeroUsize {
    available_parallelism().unwrap_or(NonZeroUsize::MIN)
}
