//! `proofmark image cat`: the content of one file of an image.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use super::inside::{Inside, Target, target};
use crate::error::Error;
use crate::exit::Exit;
use crate::output;

/// Write a file of an image to stdout, or to a file; compressed files are expanded.
#[derive(Debug, Args)]
pub(super) struct CatArgs {
    /// The file that is written instead of stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The image
    #[arg(value_name = "FFU")]
    image: PathBuf,
    /// The file; case does not matter, and a partition may be named by its number
    #[arg(value_name = "PARTITION:PATH", value_parser = target)]
    target: Target,
}

pub(super) fn run(arguments: &CatArgs) -> Result<Exit, Error> {
    let path = &arguments.image;
    let target = &arguments.target;
    let inside = Inside::read(path)?;
    let mut volume = inside.volume(target)?;
    let about = |problem: &dyn std::fmt::Display| {
        Error::file(path, format_args!("{}: {problem}", target.path))
    };
    if target.path.trim_matches(['/', '\\']).is_empty() {
        let problem = "a partition is named and no file in it; PARTITION:PATH is meant";
        return Err(Error::file(path, problem).hint("image ls lists a directory"));
    }
    let found = volume.find(&target.path).map_err(|error| about(&error))?;
    let Some(entry) = found else {
        return Err(about(&"is not there").hint("image ls lists a directory"));
    };
    if entry.directory {
        return Err(about(&"is a directory").hint("image ls lists it"));
    }
    let mut file = volume
        .open_file(entry.node)
        .map_err(|error| about(&error))?;
    let Some(out) = &arguments.out else {
        return match io::copy(&mut file, &mut io::stdout().lock()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Clean),
            Err(error) => Err(about(&error)),
            Ok(_) => Ok(io::stdout().flush().map(|()| Exit::Clean)?),
        };
    };
    let length = file.length();
    signer::output::write_with(out, |to| io::copy(&mut file, to).map(|_| ()))
        .map_err(|error| Error::file(out, error))?;
    output::result(&format!("written  {} ({length} bytes)\n", out.display()))?;
    Ok(Exit::Clean)
}
