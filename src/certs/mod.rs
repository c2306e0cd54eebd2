//! `proofmark certs`: what certificates say, which end soon, and an OEM's own set.

mod check;
mod new;
mod read;
mod show;

use clap::{Args, Subcommand};

use crate::config::Config;
use crate::error::Error;
use crate::exit::Exit;

/// Show, check and make certificates.
#[derive(Debug, Args)]
pub(crate) struct CertsArgs {
    #[command(subcommand)]
    command: CertsCommand,
}

#[derive(Debug, Subcommand)]
enum CertsCommand {
    Show(show::ShowArgs),
    Check(check::CheckArgs),
    New(new::NewArgs),
}

/// Runs the command.
pub(crate) fn run(arguments: &CertsArgs, config: &Config) -> Result<Exit, Error> {
    match &arguments.command {
        CertsCommand::Show(arguments) => show::run(arguments, config),
        CertsCommand::Check(arguments) => check::run(arguments),
        CertsCommand::New(arguments) => new::run(arguments),
    }
}
