//! The command line of proofmark: arguments, files, environment, clock, exit codes.

mod allow;
mod audit;
mod backup;
mod batch;
mod catalog;
mod certs;
mod config;
mod demo;
mod detached;
mod error;
mod exit;
mod features;
mod holder;
mod http;
mod image;
mod inputs;
mod keys;
mod lint;
mod lsp;
mod output;
mod package;
mod policies;
mod policy;
mod profile;
mod progress;
mod remote;
mod remove;
mod resign;
mod rules;
mod secret;
mod serve;
mod sign;
mod signature;
mod timestamp;
mod token;
mod trust;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use time::OffsetDateTime;

use config::Config;
use error::Error;
use exit::Exit;

/// Signing and policy validation for Windows IoT Core and Windows 10 Mobile images.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Cli {
    /// Configuration file; otherwise the nearest proofmark.toml in this folder or above
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Approve(remote::request::ApproveArgs),
    Attach(Box<detached::AttachArgs>),
    Audit(audit::AuditArgs),
    Cancel(remote::request::CancelArgs),
    Backup(backup::BackupArgs),
    Certs(certs::CertsArgs),
    Demo(demo::DemoArgs),
    Extract(Box<detached::ExtractArgs>),
    Features(features::FeaturesArgs),
    Fetch(Box<remote::request::FetchArgs>),
    Sign(Box<sign::SignArgs>),
    Reject(remote::request::RejectArgs),
    Remove(remove::RemoveArgs),
    Request(Box<remote::request::RequestArgs>),
    Resign(Box<resign::ResignArgs>),
    Timestamp(timestamp::TimestampArgs),
    Token(token::TokenArgs),
    Verify(verify::VerifyArgs),
    Catalog(catalog::CatalogArgs),
    Lint(Box<lint::LintArgs>),
    Lsp(lsp::LspArgs),
    Image(image::ImageArgs),
    Package(package::PackageArgs),
    Policy(policy::PolicyCommand),
    Rules(rules::RulesArgs),
    Serve(serve::ServeArgs),
    Status(remote::request::StatusArgs),
    Window(remote::window::WindowArgs),
    Explain(rules::ExplainArgs),
    Keys(keys::KeysArgs),
}

/// Form of a result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum ReportFormat {
    /// For people
    #[default]
    Text,
    /// For programs; docs/json.md describes it
    Json,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(exit) => exit.into(),
        Err(error) => {
            output::note(format_args!("error: {error}"));
            Exit::CouldNotRun.into()
        }
    }
}

fn run(cli: Cli) -> Result<Exit, Error> {
    let config = match &cli.command {
        Command::Keys(arguments) if arguments.is_survey() => Config::default(),
        Command::Serve(arguments) if arguments.is_print() => Config::default(),
        _ => Config::find(cli.config.as_deref())?,
    };
    match cli.command {
        Command::Approve(arguments) => remote::request::approve(&arguments),
        Command::Attach(arguments) => detached::attach(&arguments, &config),
        Command::Audit(arguments) => audit::run(&arguments),
        Command::Cancel(arguments) => remote::request::cancel(&arguments),
        Command::Backup(arguments) => backup::run(&arguments, &config),
        Command::Certs(arguments) => certs::run(&arguments, &config),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Extract(arguments) => detached::extract(&arguments, &config),
        Command::Features(arguments) => features::run(&arguments),
        Command::Fetch(arguments) => remote::request::fetch(&arguments, &config),
        Command::Reject(arguments) => remote::request::reject(&arguments),
        Command::Request(arguments) => remote::request::ask(&arguments, &config),
        Command::Remove(arguments) => remove::run(&arguments),
        Command::Resign(arguments) => resign::run(*arguments, &config),
        Command::Sign(arguments) => sign::run(*arguments, &config),
        Command::Timestamp(arguments) => timestamp::run(&arguments, &config),
        Command::Token(arguments) => token::run(&arguments, &config),
        Command::Verify(arguments) => verify::run(&arguments, &config),
        Command::Image(arguments) => image::run(&arguments, &config),
        Command::Catalog(arguments) => catalog::run(arguments, &config),
        Command::Lint(arguments) => lint::run(&arguments, &config),
        Command::Lsp(arguments) => lsp::run(&arguments, &config),
        Command::Package(arguments) => package::run(&arguments, &config),
        Command::Policy(arguments) => policy::run(&arguments, &config),
        Command::Rules(arguments) => rules::list(&arguments),
        Command::Serve(arguments) => serve::run(&arguments, &config),
        Command::Status(arguments) => remote::request::status(&arguments),
        Command::Window(arguments) => remote::window::run(&arguments),
        Command::Explain(arguments) => rules::explain(&arguments, &config),
        Command::Keys(arguments) => keys::run(&arguments, &config),
    }
}

/// Reads a time of the command line.
fn instant(text: &str) -> Result<OffsetDateTime, String> {
    signer::clock::parse_rfc3339(text)
        .ok_or_else(|| "a time like 2026-01-31T12:00:00Z or a date is expected".to_owned())
}
