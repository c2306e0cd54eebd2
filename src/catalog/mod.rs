//! `proofmark catalog`: security catalogs from files, what is in them, and whether files are.

mod create;
mod list;
pub(crate) mod membership;

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use clap::{Args, Subcommand};
use formats::container::cat::Catalog;

use crate::config::Config;
use crate::error::Error;
use crate::exit::Exit;

/// Make, list and compare security catalogs.
#[derive(Debug, Args)]
pub(crate) struct CatalogArgs {
    #[command(subcommand)]
    command: CatalogCommand,
}

#[derive(Debug, Subcommand)]
enum CatalogCommand {
    Create(Box<create::CreateArgs>),
    List(list::ListArgs),
    Verify(membership::MembershipArgs),
}

/// Runs the command.
pub(crate) fn run(arguments: CatalogArgs, config: &Config) -> Result<Exit, Error> {
    match arguments.command {
        CatalogCommand::Create(arguments) => create::run(&arguments, config),
        CatalogCommand::List(arguments) => list::run(&arguments),
        CatalogCommand::Verify(arguments) => membership::run(&arguments),
    }
}

/// Reads a catalog.
pub(crate) fn read(path: &Path) -> Result<Catalog, Error> {
    let file = File::open(path).map_err(|error| Error::file(path, error))?;
    Catalog::read(&mut BufReader::new(file)).map_err(|error| Error::file(path, error))
}
