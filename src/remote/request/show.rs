//! `proofmark status`: requests, or one of them with what the gate found.

use clap::{Args, ValueEnum};
use lint::files::Memory;
use lint::render::json::{self, Here};
use lint::render::text::{self as findings, TextStyle};
use serde_json::Value;

use super::{get, has_failed, text};
use crate::error::Error;
use crate::exit::Exit;
use crate::remote::ServiceArgs;
use crate::{ReportFormat, output};

/// Show requests that wait at a service, or what became of some; exit code 1 where one of these ended without a signature
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    service: ServiceArgs,
    /// Only those in this state, where none is named
    #[arg(long, value_enum, conflicts_with = "ids")]
    state: Option<State>,
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    /// Ids of requests; otherwise the latest that you may see
    #[arg(value_name = "ID")]
    ids: Vec<String>,
}

/// What became of a request so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum State {
    Pending,
    Approved,
    Signed,
    Refused,
    Rejected,
    Cancelled,
    Expired,
}

/// Runs the command.
pub(crate) fn run(arguments: &StatusArgs) -> Result<Exit, Error> {
    let remote = arguments.service.service()?;
    if arguments.ids.is_empty() {
        let state = arguments.state.and_then(|state| state.to_possible_value());
        let path = match &state {
            Some(state) => format!("/v1/requests?state={}", state.get_name()),
            None => "/v1/requests".to_owned(),
        };
        let requests = remote.get_json(&path)?;
        output::result(&match arguments.format {
            ReportFormat::Json => format!("{requests:#}\n"),
            ReportFormat::Text => requests
                .as_array()
                .into_iter()
                .flatten()
                .map(line)
                .collect(),
        })?;
        return Ok(Exit::Clean);
    }
    let ids = arguments.ids.iter().map(|id| get(&remote, id));
    let requests = ids.collect::<Result<Vec<Value>, Error>>()?;
    let exit = match requests.iter().any(has_failed) {
        true => Exit::Findings,
        false => Exit::Clean,
    };
    output::result(&match arguments.format {
        ReportFormat::Text => requests.iter().map(described).collect(),
        ReportFormat::Json => format!("{:#}\n", Value::Array(requests)),
    })?;
    Ok(exit)
}

/// How many people agree.
fn agreed(request: &Value) -> usize {
    let votes = request["votes"].as_array().into_iter().flatten();
    votes.filter(|vote| vote["agrees"] == true).count()
}

/// A request in a line.
pub(super) fn line(request: &Value) -> String {
    format!(
        "{}  {:<9} {} of {} agree  {}  profile {}  {}  {} ({})\n",
        text(request, "/id"),
        text(request, "/state"),
        agreed(request),
        request["needed"],
        text(request, "/created"),
        text(request, "/profile"),
        text(request, "/file/name"),
        whose(request),
        text(request, "/reason"),
    )
}

/// Whose credential it was, by the name that people have.
fn whose(value: &Value) -> String {
    let person = text(value, "/person");
    let principal = text(value, "/principal");
    match person.strip_prefix("person:") {
        Some(name) => format!("{name} ({principal})"),
        None => principal,
    }
}

/// A request with everything that a person looks at before deciding.
pub(super) fn described(request: &Value) -> String {
    let mut shown = format!(
        "request {}: {}, {} of {} agree\n",
        text(request, "/id"),
        text(request, "/state"),
        agreed(request),
        request["needed"]
    );
    let mut row = |name: &str, value: String| {
        if !value.is_empty() {
            shown.push_str(&format!("  {name:<10} {value}\n"));
        }
    };
    row("profile", text(request, "/profile"));
    let size = request["file"]["size"].as_u64().unwrap_or_default();
    row(
        "file",
        format!("{}, {size} bytes", text(request, "/file/name")),
    );
    row("sha256", text(request, "/file/sha256"));
    row("asked by", who(request));
    row("reason", text(request, "/reason"));
    row("asked", text(request, "/created"));
    row("expires", text(request, "/expires"));
    for vote in request["votes"].as_array().into_iter().flatten() {
        let name = match vote["agrees"] == true {
            true => "agrees",
            false => "disagrees",
        };
        let why = text(vote, "/reason");
        let why = match why.is_empty() {
            true => String::new(),
            false => format!(": {why}"),
        };
        row(name, format!("{}{why}", whose(vote)));
    }
    if let Some(entry) = request["entry"].as_u64() {
        row("log", format!("entry {entry}"));
    }
    shown + &report(&request["report"])
}

/// Who asked, and what their issuer says of them.
fn who(request: &Value) -> String {
    let claims = request["claims"].as_object().into_iter().flatten();
    // Those of a token say no more than whose it is.
    let claims = claims.filter(|(name, _)| !matches!(name.as_str(), "name" | "person"));
    let claims = claims.map(|(name, value)| match value.as_str() {
        Some(text) => format!("{name} {text}"),
        None => format!("{name} {value}"),
    });
    let claims = output::printable(&claims.collect::<Vec<_>>().join(", "));
    match claims.is_empty() {
        true => whose(request),
        false => format!("{} ({claims})", whose(request)),
    }
}

/// What the gate found, as `lint` shows it; nothing where there is no report.
fn report(report: &Value) -> String {
    if report.is_null() {
        return String::new();
    }
    let here = Here {
        files: &Memory::default(),
        name: &|file| file.to_owned(),
        root: "",
    };
    let read = json::read(report.to_string().as_bytes(), &here);
    let mut shown = "\n".to_owned();
    match read {
        Err(error) => shown.push_str(&format!("{error}\n")),
        Ok(outcome) => {
            let style = TextStyle {
                colour: output::colour(),
                ..TextStyle::default()
            };
            // Writing to a String cannot fail.
            findings::render(&outcome, style, &mut shown).ok();
        }
    }
    shown
}
