//! `proofmark package unpack`: the files of a cabinet in a new folder.

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, Write};
use std::path::PathBuf;

use clap::Args;
use formats::container::cab::Limits;
use signer::package::Package;

use crate::error::Error;
use crate::exit::Exit;
use crate::output;

/// Unpack a cabinet into an empty or new folder.
#[derive(Debug, Args)]
pub(super) struct UnpackArgs {
    /// The folder
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The cabinet
    #[arg(value_name = "CAB")]
    cabinet: PathBuf,
}

pub(super) fn run(arguments: &UnpackArgs) -> Result<Exit, Error> {
    let path = &arguments.cabinet;
    let file = File::open(path).map_err(|error| Error::file(path, error))?;
    let package = Package::read(&mut BufReader::new(file), Limits::default())
        .map_err(|error| Error::file(path, error))?;
    let out = &arguments.out;
    fs::create_dir_all(out).map_err(|error| Error::file(out, error))?;
    let mut there = fs::read_dir(out).map_err(|error| Error::file(out, error))?;
    // Nothing is overwritten, and no link that is there already leads the way out.
    if there.next().is_some() {
        return Err(Error::file(out, "the folder is not empty")
            .hint("nothing is overwritten: name a new folder"));
    }
    for file in &package.files {
        let target = out.join(&file.path);
        let failed = |error| Error::file(&target, error);
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let mut options = OpenOptions::new();
        let created = options.write(true).create_new(true).open(&target);
        created
            .and_then(|mut created| created.write_all(&file.bytes))
            .map_err(failed)?;
        output::result(&format!("unpacked {}\n", target.display()))?;
    }
    Ok(Exit::Clean)
}
