//! `proofmark window`: times in which somebody signs without a request, because people agreed beforehand.

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use signer::clock::rfc3339;
use time::OffsetDateTime;

use super::request::text;
use super::{Remote, ServiceArgs, encoded};
use crate::error::Error;
use crate::exit::Exit;
use crate::{ReportFormat, instant, output};

/// Let somebody sign with a profile for some time without a request, as far as people agree
#[derive(Debug, Args)]
pub(crate) struct WindowArgs {
    #[command(subcommand)]
    command: WindowCommand,
}

#[derive(Debug, Subcommand)]
enum WindowCommand {
    Open(OpenArgs),
    List(ListArgs),
    Approve(IdArgs),
    Revoke(IdArgs),
}

/// Open a window for somebody else, and agree to it
#[derive(Debug, Args)]
struct OpenArgs {
    #[command(flatten)]
    service: ServiceArgs,
    /// Profile of the service
    #[arg(long, value_name = "NAME")]
    profile: String,
    /// Who may sign, as the log names it, e.g. token:ID or oidc:ISSUER#SUBJECT
    #[arg(long, value_name = "PRINCIPAL")]
    principal: String,
    /// When it begins [default: now]
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    from: Option<OffsetDateTime>,
    /// When it ends
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    until: OffsetDateTime,
    /// Most signatures
    #[arg(long, value_name = "NUMBER")]
    most: u32,
    /// Why; it goes into the log
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
}

/// List the windows that you may see
#[derive(Debug, Args)]
struct ListArgs {
    #[command(flatten)]
    service: ServiceArgs,
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
}

/// Agree to a window, or end it
#[derive(Debug, Args)]
struct IdArgs {
    #[command(flatten)]
    service: ServiceArgs,
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    /// Its id, as it is listed
    #[arg(value_name = "ID")]
    id: String,
}

/// Runs the command.
pub(crate) fn run(arguments: &WindowArgs) -> Result<Exit, Error> {
    let (windows, format) = match &arguments.command {
        WindowCommand::Open(arguments) => (arguments.open()?, arguments.format),
        WindowCommand::List(arguments) => {
            let remote = arguments.service.service()?;
            (remote.get_json("/v1/windows")?, arguments.format)
        }
        WindowCommand::Approve(arguments) => (arguments.post("approve")?, arguments.format),
        WindowCommand::Revoke(arguments) => (arguments.post("revoke")?, arguments.format),
    };
    let windows = match windows {
        Value::Array(windows) => windows,
        one => vec![one],
    };
    output::result(&match format {
        ReportFormat::Text => windows.iter().map(line).collect(),
        ReportFormat::Json => format!("{:#}\n", Value::Array(windows)),
    })?;
    Ok(Exit::Clean)
}

impl OpenArgs {
    fn open(&self) -> Result<Value, Error> {
        let mut body = json!({
            "profile": self.profile,
            "principal": self.principal,
            "until": rfc3339(self.until),
            "most": self.most,
            "reason": self.reason,
        });
        if let Some(from) = self.from {
            body["from"] = json!(rfc3339(from));
        }
        let remote: Remote = self.service.service()?;
        remote.post_json("/v1/windows", &body)
    }
}

impl IdArgs {
    fn post(&self, what: &str) -> Result<Value, Error> {
        let path = format!("/v1/windows/{}/{what}", encoded(&self.id));
        self.service.service()?.post_json(&path, &Value::Null)
    }
}

/// A window in a line.
fn line(window: &Value) -> String {
    let revoked = match window["revoked"].is_null() {
        true => String::new(),
        false => format!(", revoked {}", text(window, "/revoked")),
    };
    format!(
        "{}  profile {}  {}  from {} until {}  {} of {} used, {} of {} agree{revoked} ({})\n",
        text(window, "/id"),
        text(window, "/profile"),
        text(window, "/principal"),
        text(window, "/from"),
        text(window, "/until"),
        window["used"],
        window["most"],
        window["agreed"],
        window["needed"],
        text(window, "/reason"),
    )
}
