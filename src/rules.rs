//! `proofmark rules` and `proofmark explain`: what the linter knows.

use std::path::PathBuf;

use clap::Args;
use lint::explain;
use time::OffsetDateTime;

use crate::config::Config;
use crate::error::Error;
use crate::exit::Exit;
use crate::policies::PolicyArgs;
use crate::{ReportFormat, output};

/// List the rules.
#[derive(Debug, Args)]
pub(crate) struct RulesArgs {
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
}

/// Print the manual of a rule.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    policies: PolicyArgs,
    /// The rule's id, as findings print it
    #[arg(value_name = "RULE")]
    rule: String,
}

/// Runs `rules`.
pub(crate) fn list(arguments: &RulesArgs) -> Result<Exit, Error> {
    output::result(&match arguments.format {
        ReportFormat::Text => explain::rules_text(),
        ReportFormat::Json => explain::rules_json().map_err(Error::new)? + "\n",
    })?;
    Ok(Exit::Clean)
}

/// Runs `explain`.
pub(crate) fn explain(arguments: &ExplainArgs, config: &Config) -> Result<Exit, Error> {
    let today = OffsetDateTime::now_utc().date();
    let policies = arguments
        .policies
        .read(config, &[PathBuf::from(".")], today)?;
    let manual = explain::explain(&arguments.rule, &policies)
        .map_err(|error| Error::new(error).hint("`proofmark rules` lists all rules"))?;
    output::result(&manual)?;
    Ok(Exit::Clean)
}
