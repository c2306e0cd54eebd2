//! `proofmark request`: files go to the service and wait there until people agree.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use signer::environment::Environment;

use super::fetch::{CheckArgs, result_of};
use super::{has_failed, text};
use crate::config::Config;
use crate::error::Error;
use crate::exit::Exit;
use crate::http::Sent;
use crate::remote::answer::Checks;
use crate::remote::sign::{NotSigned, exit, report_refusal, report_signed};
use crate::remote::{Remote, ServiceArgs, encoded};
use crate::sign::targets;
use crate::{ReportFormat, inputs, output};

/// How long is waited before it is looked again, at first and at most.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(15)];

/// Ask people to agree that files are signed: they wait at the service, which signs them then
#[derive(Debug, Args)]
pub(crate) struct RequestArgs {
    #[command(flatten)]
    service: ServiceArgs,
    /// Profile of the service
    #[arg(long, value_name = "NAME")]
    profile: String,
    /// Why they should be signed; it goes into the log
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Wait until it is decided, and take the signed files
    #[arg(long)]
    wait: bool,
    /// Where the signed file goes: a file for one input, a folder for several
    #[arg(long, value_name = "FILE|DIR", requires = "wait")]
    out: Option<PathBuf>,
    /// Replace the input by its signed form
    #[arg(long, requires = "wait", conflicts_with = "out")]
    in_place: bool,
    #[command(flatten)]
    check: CheckArgs,
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    /// Files, or folders that are searched for what can be signed
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
}

/// What became of one file.
struct Row {
    input: PathBuf,
    output: PathBuf,
    /// The request, where there is one.
    request: Option<Value>,
    result: Result<Option<u64>, NotSigned>,
}

/// Runs the command. Exit code 1 where a file does not pass, or was not agreed to.
pub(crate) fn run(arguments: &RequestArgs, config: &Config) -> Result<Exit, Error> {
    if arguments.wait && !arguments.in_place && arguments.out.is_none() {
        return Err(Error::new(
            "--wait needs --out or --in-place: where the signed files go",
        ));
    }
    let remote = arguments.service.service()?;
    let files = inputs::containers(&arguments.paths)?;
    let targets = match arguments.wait {
        true => targets(&files, arguments.out.as_deref())?,
        false => files.clone(),
    };
    let rows = files.into_iter().zip(targets);
    let mut rows: Vec<Row> = rows
        .map(|(input, output)| {
            let (request, result) = match arguments.ask(&remote, &input) {
                Ok(request) => (Some(request), Ok(None)),
                Err(why) => (None, Err(why)),
            };
            Row {
                input,
                output,
                request,
                result,
            }
        })
        .collect();
    if arguments.wait {
        let judge = arguments.check.judge(config)?;
        for row in &mut rows {
            if let Some(request) = row.request.take() {
                output::note(format_args!(
                    "{} waits as request {}",
                    row.input.display(),
                    text(&request, "/id")
                ));
                let checks = judge.checks(&remote);
                (row.request, row.result) = arguments.taken(&checks, row, request);
            }
        }
    }
    report(arguments, &rows)?;
    let failed = rows.iter().filter_map(|row| row.request.as_ref());
    let failed = match failed.into_iter().any(has_failed) {
        true => Exit::Findings,
        false => Exit::Clean,
    };
    Ok(exit(rows.iter().map(|row| row.result.as_ref().err())).max(failed))
}

impl RequestArgs {
    /// Brings a file to the service.
    fn ask(&self, remote: &Remote, input: &Path) -> Result<Value, NotSigned> {
        let file = File::open(input).map_err(|error| Error::file(input, error))?;
        let name = input.file_name().unwrap_or_default().to_string_lossy();
        let path = format!(
            "/v1/requests?profile={}&name={}&reason={}",
            encoded(&self.profile),
            encoded(&name),
            encoded(&self.reason)
        );
        let headers = [("content-type", "application/octet-stream")];
        let answer = remote.ask(&path, &headers, Sent::File(&file))?;
        match remote.sort(answer)? {
            Err(refusal) => Err(NotSigned::of(remote, input, refusal)),
            Ok(mut answer) => {
                let body = answer.bytes(crate::remote::MAX_JSON);
                let body = body.map_err(|error| remote.failed(&error))?;
                Ok(remote.json(&body)?)
            }
        }
    }

    /// Waits until a request is decided, and takes the signed file.
    fn taken(
        &self,
        checks: &Checks<'_>,
        row: &Row,
        request: Value,
    ) -> (Option<Value>, Result<Option<u64>, NotSigned>) {
        let decided = match self.decided(checks.remote, &request) {
            Ok(decided) => decided,
            Err(error) => return (Some(request), Err(error.into())),
        };
        let result = match decided["state"] == "signed" {
            true => result_of(checks, &text(&decided, "/id"), &row.input, &row.output),
            false => Ok(None),
        };
        (Some(decided), result.map_err(NotSigned::from))
    }

    /// The request once nothing happens to it any more. The identity of a job ends before people have decided: it is asked for
    /// anew where the service does not take it any more.
    fn decided(&self, remote: &Remote, request: &Value) -> Result<Value, Error> {
        let id = text(request, "/id");
        let mut renewed: Option<Remote> = None;
        let [mut pause, longest] = PAUSES;
        loop {
            let current = renewed.as_ref().unwrap_or(remote);
            let answer = current.ask(
                &format!("/v1/requests/{}", encoded(&id)),
                &[],
                Sent::Nothing,
            )?;
            match current.sort(answer)? {
                Ok(mut answer) => {
                    let body = answer.bytes(crate::remote::MAX_JSON);
                    let request = current.json(&body.map_err(|error| current.failed(&error))?)?;
                    if !matches!(request["state"].as_str(), Some("pending" | "approved")) {
                        return Ok(request);
                    }
                }
                Err(refusal) if refusal.slug() == "unauthenticated" && renewed.is_none() => {
                    renewed = Some(self.service.service()?);
                    continue;
                }
                Err(refusal) if refusal.may_pass() => {}
                Err(refusal) => return Err(current.error(&refusal)),
            }
            current.network.pause(pause);
            pause = longest.min(pause * 2);
        }
    }
}

fn report(arguments: &RequestArgs, rows: &[Row]) -> Result<(), Error> {
    let profile = &arguments.profile;
    if arguments.format == ReportFormat::Json {
        let records = rows.iter().map(|row| record(arguments, row));
        output::result(&format!("{:#}\n", Value::Array(records.collect())))?;
        return Ok(());
    }
    for row in rows {
        match (&row.result, &row.request) {
            (Err(NotSigned::Refused(problem)), _) => {
                report_refusal(&row.input, profile, problem)?;
            }
            (Err(NotSigned::Failed(error)), _) => output::note(format_args!("error: {error}")),
            (Ok(entry), Some(request)) if request["state"] == "signed" => {
                report_signed(&row.output, profile, *entry)?;
            }
            (Ok(_), request) => {
                let request = request.as_ref().unwrap_or(&Value::Null);
                output::result(&format!(
                    "{:<9} {} (profile {profile}, request {})\n",
                    text(request, "/state"),
                    row.input.display(),
                    text(request, "/id")
                ))?;
            }
        }
    }
    Ok(())
}

/// One record per file; the names are documented in `docs/json.md` and stay.
fn record(arguments: &RequestArgs, row: &Row) -> Value {
    let request = row.request.as_ref().unwrap_or(&Value::Null);
    let is_signed = request["state"] == "signed";
    let mut record = json!({
        "file": row.input.display().to_string(),
        "status": request["state"],
        "request": request["id"],
        "output": is_signed.then(|| row.output.display().to_string()),
        "profile": arguments.profile,
    });
    match &row.result {
        Ok(entry) => record["log_entry"] = json!(entry),
        Err(why) => why.put_into(&mut record),
    }
    record
}
