//! `proofmark policy`: begin one, check one, see what is in force.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use lint::diagnostic::Level;
use lint::engine::judge;
use lint::policy::{Policies, Standing, TEMPLATE, show};
use lint::render::text::{self, TextStyle};
use time::OffsetDateTime;

use crate::config::Config;
use crate::error::Error;
use crate::exit::Exit;
use crate::policies::{self, PROJECT, PolicyArgs};
use crate::{ReportFormat, instant, output};

/// Begin a policy, check one, or show what is in force.
#[derive(Debug, Args)]
pub(crate) struct PolicyCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a commented policy to start from
    Init {
        /// The file; it must not be there
        #[arg(value_name = "FILE", default_value = PROJECT)]
        file: PathBuf,
    },
    /// Read policies and report every line that has no effect
    Check {
        /// Judge the last days of entries as of this time instead of now
        #[arg(long, value_name = "RFC3339", value_parser = instant)]
        at: Option<OffsetDateTime>,
        /// The policies
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
    },
    /// Show the policies in force
    Show {
        #[command(flatten)]
        policies: PolicyArgs,
        /// Show for every rule and image type which line decided what, and why
        #[arg(long)]
        effective: bool,
        /// Judge the last days of entries as of this time instead of now
        #[arg(long, value_name = "RFC3339", value_parser = instant)]
        at: Option<OffsetDateTime>,
        /// Form of the result
        #[arg(long, value_enum, default_value_t)]
        format: ReportFormat,
        /// What would be linted
        #[arg(value_name = "PATH", default_value = ".")]
        paths: Vec<PathBuf>,
    },
}

/// Runs the command.
pub(crate) fn run(arguments: &PolicyCommand, config: &Config) -> Result<Exit, Error> {
    match &arguments.command {
        Command::Init { file } => init(file),
        Command::Check { at, files } => check(*at, files),
        Command::Show {
            policies,
            effective,
            at,
            format,
            paths,
        } => {
            let policies = policies.read(config, paths, now(*at).date())?;
            output::result(&match (format, effective) {
                (ReportFormat::Json, _) => show::json(&policies, *effective).map_err(Error::new)?,
                (ReportFormat::Text, true) => show::effective_text(&policies),
                (ReportFormat::Text, false) => show::text(&policies),
            })?;
            Ok(Exit::Clean)
        }
    }
}

fn now(at: Option<OffsetDateTime>) -> OffsetDateTime {
    at.unwrap_or_else(OffsetDateTime::now_utc)
}

fn init(file: &PathBuf) -> Result<Exit, Error> {
    let created = OpenOptions::new().write(true).create_new(true).open(file);
    let mut created = created.map_err(|error| {
        let failed = Error::file(file, &error);
        match error.kind() {
            ErrorKind::AlreadyExists => failed.hint("name another file; nothing is overwritten"),
            _ => failed,
        }
    })?;
    created.write_all(TEMPLATE.as_bytes())?;
    output::note(format_args!("{}: written", file.display()));
    Ok(Exit::Clean)
}

fn check(at: Option<OffsetDateTime>, files: &[PathBuf]) -> Result<Exit, Error> {
    let mut exit = Exit::Clean;
    for file in files {
        let mut policies = Policies::built_in().on(now(at).date());
        policies::add(&mut policies, file, Standing::Organisation)?;
        let outcome = judge(&[], &policies);
        if outcome.diagnostics.is_empty() {
            output::note(format_args!("{}: every line has an effect", file.display()));
            continue;
        }
        let mut report = String::new();
        let style = TextStyle {
            colour: output::colour(),
            ..TextStyle::default()
        };
        text::render(&outcome, style, &mut report).map_err(Error::new)?;
        output::result(&report)?;
        if outcome.reaches(Level::Warning) {
            exit = Exit::Findings;
        }
    }
    Ok(exit)
}
