//! `proofmark approve`, `reject` and `cancel`: one person's word about requests.

use std::io::{self, IsTerminal, Write};

use clap::Args;
use serde_json::{Value, json};

use super::show::{described, line};
use super::{get, text};
use crate::error::Error;
use crate::exit::Exit;
use crate::remote::{Remote, ServiceArgs, encoded};
use crate::{ReportFormat, output};

/// Agree that files are signed, after they were shown: whose they are, what they are, and what the linter says
#[derive(Debug, Args)]
pub(crate) struct ApproveArgs {
    #[command(flatten)]
    decision: DecisionArgs,
    /// Why; it goes into the log
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// SHA-256 of the one file that is agreed to; another one is not
    #[arg(long, value_name = "HEX")]
    sha256: Option<String>,
    /// Do not ask; without a terminal nothing is asked
    #[arg(long)]
    yes: bool,
}

/// Refuse to have files signed, which ends their requests
#[derive(Debug, Args)]
pub(crate) struct RejectArgs {
    #[command(flatten)]
    decision: DecisionArgs,
    /// Why; it goes into the log
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// Take back requests of your own
#[derive(Debug, Args)]
pub(crate) struct CancelArgs {
    #[command(flatten)]
    decision: DecisionArgs,
    /// Why; it goes into the log
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
}

/// About what is decided.
#[derive(Debug, Args)]
struct DecisionArgs {
    #[command(flatten)]
    service: ServiceArgs,
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    /// Ids of requests, as `proofmark status` lists them
    #[arg(value_name = "ID", required = true)]
    ids: Vec<String>,
}

/// Agrees. Exit code 1 where the answer to a question was no.
pub(crate) fn approve(arguments: &ApproveArgs) -> Result<Exit, Error> {
    let asks = !arguments.yes && io::stdin().is_terminal();
    arguments.decision.each(|remote, id| {
        let request = get(remote, id)?;
        let sha256 = text(&request, "/file/sha256");
        if let Some(expected) = &arguments.sha256
            && !expected.eq_ignore_ascii_case(&sha256)
        {
            return Err(Error::new(format_args!(
                "request {id} is about another file, of SHA-256 {sha256}"
            )));
        }
        output::note(described(&request).trim_end());
        if asks && !agrees(id)? {
            return Ok(None);
        }
        // What was shown is what is agreed to.
        let body = json!({ "reason": arguments.reason, "sha256": sha256 });
        decide(remote, id, "approve", &body).map(Some)
    })
}

/// Refuses.
pub(crate) fn reject(arguments: &RejectArgs) -> Result<Exit, Error> {
    let body = json!({ "reason": arguments.reason });
    let decide = |remote: &Remote, id: &str| decide(remote, id, "reject", &body).map(Some);
    arguments.decision.each(decide)
}

/// Takes back.
pub(crate) fn cancel(arguments: &CancelArgs) -> Result<Exit, Error> {
    let body = json!({ "reason": arguments.reason });
    let decide = |remote: &Remote, id: &str| decide(remote, id, "cancel", &body).map(Some);
    arguments.decision.each(decide)
}

fn decide(remote: &Remote, id: &str, what: &str, body: &Value) -> Result<Value, Error> {
    remote.post_json(&format!("/v1/requests/{}/{what}", encoded(id)), body)
}

impl DecisionArgs {
    /// Decides about one request after the other, and shows each as it is then.
    fn each(
        &self,
        decide: impl Fn(&Remote, &str) -> Result<Option<Value>, Error>,
    ) -> Result<Exit, Error> {
        let remote = self.service.service()?;
        let mut exit = Exit::Clean;
        let mut decided = Vec::new();
        for id in &self.ids {
            match decide(&remote, id) {
                Ok(Some(request)) => {
                    if self.format == ReportFormat::Text {
                        output::result(&line(&request))?;
                    }
                    decided.push(request);
                }
                Ok(None) => {
                    output::note(format_args!("request {id}: nothing was done"));
                    exit = exit.max(Exit::Findings);
                }
                Err(error) => {
                    output::note(format_args!("error: request {id}: {error}"));
                    exit = Exit::CouldNotRun;
                }
            }
        }
        if self.format == ReportFormat::Json {
            output::result(&format!("{:#}\n", Value::Array(decided)))?;
        }
        Ok(exit)
    }
}

/// Asks the person at the terminal.
fn agrees(id: &str) -> Result<bool, Error> {
    let mut terminal = io::stderr().lock();
    write!(terminal, "approve {id}? [y/N] ")?;
    terminal.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(
        answer.trim().to_ascii_lowercase().as_str(),
        "y" | "yes"
    ))
}
