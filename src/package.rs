//! `proofmark package`: cabinets from files, files from cabinets, and what a package is.

mod build;
mod diff;
mod show;
mod unpack;

use std::fs::File;
use std::io::{BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use formats::container::cab::{Entry, Packing, attribs, pack};
use time::{OffsetDateTime, PrimitiveDateTime};

use crate::config::Config;
use crate::error::Error;
use crate::exit::Exit;
use crate::output;

pub(crate) use build::{processor, version};

/// Build, pack, unpack and show packages.
#[derive(Debug, Args)]
pub(crate) struct PackageArgs {
    #[command(subcommand)]
    command: PackageCommand,
}

#[derive(Debug, Subcommand)]
enum PackageCommand {
    Build(Box<build::BuildArgs>),
    Diff(diff::DiffArgs),
    Pack(PackArgs),
    Unpack(unpack::UnpackArgs),
    Show(show::ShowArgs),
}

/// Pack files into a cabinet; the same files give the same bytes.
#[derive(Debug, Args)]
struct PackArgs {
    /// The cabinet
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Do not compress (otherwise MSZIP)
    #[arg(long)]
    stored: bool,
    /// Files, or folders whose files keep their paths below the folder
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(arguments: &PackageArgs, config: &Config) -> Result<Exit, Error> {
    match &arguments.command {
        PackageCommand::Build(arguments) => build::run(arguments, config),
        PackageCommand::Diff(arguments) => diff::run(arguments, config),
        PackageCommand::Pack(arguments) => pack_files(arguments),
        PackageCommand::Unpack(arguments) => unpack::run(arguments),
        PackageCommand::Show(arguments) => show::run(arguments, config),
    }
}

/// A file to pack: its name in the cabinet, its reader and size.
struct Source {
    name: String,
    size: u64,
    data: Box<dyn Read>,
}

fn pack_files(arguments: &PackArgs) -> Result<Exit, Error> {
    let mut sources = Vec::new();
    for path in &arguments.paths {
        let metadata = std::fs::metadata(path).map_err(|error| Error::file(path, error))?;
        if metadata.is_dir() {
            gather(path, "", &mut sources)?;
        } else {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            sources.push(open(path, name.into_owned())?);
        }
    }
    let date = OffsetDateTime::UNIX_EPOCH
        .replace_year(2000)
        .map_err(Error::new)?;
    let timestamp = PrimitiveDateTime::new(date.date(), date.time());
    let count = sources.len();
    let entries = sources
        .iter_mut()
        .map(|source| Entry {
            name: source.name.clone(),
            size: source.size,
            timestamp,
            attribs: attribs::ARCHIVE,
            data: &mut source.data,
        })
        .collect();
    let packing = Packing {
        compressed: !arguments.stored,
        reserve: 0,
    };
    let bytes = pack(entries, packing, Cursor::new(Vec::new()))
        .map_err(|error| Error::file(&arguments.out, error))?
        .into_inner();
    if let Some(folder) = arguments.out.parent() {
        std::fs::create_dir_all(folder).map_err(|error| Error::file(folder, error))?;
    }
    signer::output::write_bytes(&arguments.out, &bytes)
        .map_err(|error| Error::file(&arguments.out, error))?;
    let out = arguments.out.display();
    output::result(&format!(
        "packed   {out} ({count} files, {} bytes)\n",
        bytes.len()
    ))?;
    Ok(Exit::Clean)
}

fn gather(folder: &Path, prefix: &str, sources: &mut Vec<Source>) -> Result<(), Error> {
    let entries = std::fs::read_dir(folder).map_err(|error| Error::file(folder, error))?;
    let mut entries = entries.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let kind = entry
            .file_type()
            .map_err(|error| Error::file(&path, error))?;
        if kind.is_dir() {
            gather(&path, &format!("{name}/"), sources)?;
        } else {
            sources.push(open(&path, name)?);
        }
    }
    Ok(())
}

fn open(path: &Path, name: String) -> Result<Source, Error> {
    let file = File::open(path).map_err(|error| Error::file(path, error))?;
    let size = file
        .metadata()
        .map_err(|error| Error::file(path, error))?
        .len();
    let data = Box::new(BufReader::new(file));
    Ok(Source { name, size, data })
}
