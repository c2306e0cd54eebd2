//! `proofmark backup`: a copy of what a service keeps.

use std::path::PathBuf;

use clap::Args;
use service::backup::{BackupError, backup};

use crate::config::Config;
use crate::error::Error;
use crate::exit::Exit;
use crate::output;
use crate::token::DataArgs;

/// Copy what a service keeps, while it runs: database, files that wait, the key of its log. The copy is a data folder.
#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    #[command(flatten)]
    data: DataArgs,
    /// The new folder
    folder: PathBuf,
}

/// Runs the command.
pub(crate) fn run(arguments: &BackupArgs, config: &Config) -> Result<Exit, Error> {
    let settings = arguments.data.settings(config);
    let done = service::block_on(backup(&settings, &arguments.folder))?;
    let done = done.map_err(|error| match error {
        BackupError::Postgres => Error::new(error).hint(
            "docs/service.md says what else to copy: the files that wait, and the key of the log",
        ),
        BackupError::NoData(_) => {
            Error::new(error).hint("--data DIR says where the service keeps it")
        }
        error => Error::new(error),
    })?;
    output::result(&format!(
        "{}: {} entries of {}, {} files that wait\n",
        arguments.folder.display(),
        done.entries,
        done.log,
        done.files
    ))?;
    Ok(Exit::Clean)
}
