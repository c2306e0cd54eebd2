//! `proofmark sign --remote`: files go to the service, which checks and signs them; what comes back is verified before it
//! takes a file's place.

use std::fs::File;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde_json::{Value, json};
use signer::digest::hex;
use signer::environment::Environment;

use super::answer::Checks;
use super::digest::ByDigest;
use super::{Refusal, Remote, encoded};
use crate::ReportFormat;
use crate::batch;
use crate::error::Error;
use crate::exit::Exit;
use crate::http::Sent;
use crate::output;
use crate::progress::Progress;

/// What is to be signed, and how that is judged.
pub(crate) struct Order<'a> {
    pub(crate) checks: Checks<'a>,
    pub(crate) profile: &'a str,
    /// How files are signed, as part of an address.
    pub(crate) parameters: String,
    /// Where the files stay here.
    pub(crate) by_digest: Option<ByDigest<'a>>,
    pub(crate) format: ReportFormat,
}

/// Why a file was not signed.
pub(super) enum NotSigned {
    /// It did not pass the gate of its profile; the problem has the report.
    Refused(Value),
    /// Something else.
    Failed(Error),
}

impl From<Error> for NotSigned {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl NotSigned {
    /// What a service says about a file.
    pub(super) fn of(remote: &Remote, input: &Path, refusal: Refusal) -> Self {
        let error = Error::file(input, refusal.in_words());
        Self::Failed(match refusal.slug() {
            "policy-refused" => return Self::Refused(refusal.problem),
            "approval-needed" => error.hint("`proofmark request` asks them"),
            "not-found" => match profiles(remote) {
                Some(profiles) => error.hint(format_args!("profiles that are for you: {profiles}")),
                None => error,
            },
            _ => error,
        })
    }
}

/// The profiles with which we may do anything, where the service says so.
fn profiles(remote: &Remote) -> Option<String> {
    let profiles = remote.get_json("/v1/profiles").ok()?;
    let names = profiles.as_array()?.iter();
    let names = names.filter_map(|profile| profile["name"].as_str());
    let names = names.collect::<Vec<_>>().join(", ");
    (!names.is_empty()).then(|| output::printable(&names))
}

/// What became of one file.
struct Row {
    input: PathBuf,
    output: PathBuf,
    /// The number of the log's entry, where the service tells it.
    result: Result<Option<u64>, NotSigned>,
}

/// Signs the files. Exit code 1 where one was refused by its policy.
pub(crate) fn run(
    order: &Order<'_>,
    files: Vec<PathBuf>,
    targets: Vec<PathBuf>,
) -> Result<Exit, Error> {
    let progress = Progress::new("signing", files.len());
    let rows: Vec<Row> = batch::waiting(|| {
        let pairs = files.into_par_iter().zip(targets);
        let rows = pairs.map(|(input, output)| {
            let result = order.sign(&input, &output);
            progress.step();
            Row {
                input,
                output,
                result,
            }
        });
        rows.collect()
    });
    drop(progress);
    report(order, &rows)?;
    Ok(exit(rows.iter().map(|row| row.result.as_ref().err())))
}

/// How a run ends in which this went wrong.
pub(super) fn exit<'a>(results: impl Iterator<Item = Option<&'a NotSigned>>) -> Exit {
    let exits = results.map(|result| match result {
        None => Exit::Clean,
        Some(NotSigned::Refused(_)) => Exit::Findings,
        Some(NotSigned::Failed(_)) => Exit::CouldNotRun,
    });
    exits.max().unwrap_or(Exit::Clean)
}

impl Order<'_> {
    fn sign(&self, input: &Path, output: &Path) -> Result<Option<u64>, NotSigned> {
        if let Some(by_digest) = &self.by_digest {
            return Ok(by_digest.sign(&self.checks, self.profile, input, output)?);
        }
        let remote = self.checks.remote;
        let file = File::open(input).map_err(|error| Error::file(input, error))?;
        let name = input.file_name().unwrap_or_default().to_string_lossy();
        let path = format!(
            "/v1/sign?profile={}&name={}{}",
            encoded(self.profile),
            encoded(&name),
            self.parameters
        );
        let key = self.once()?;
        let headers = [
            ("content-type", "application/octet-stream"),
            ("idempotency-key", key.as_str()),
        ];
        let answer = remote.ask(&path, &headers, Sent::File(&file))?;
        match remote.sort(answer)? {
            Ok(answer) => Ok(self.checks.take(input, output, answer)?),
            Err(refusal) => Err(NotSigned::of(remote, input, refusal)),
        }
    }

    /// A key by which the service knows this request again, should it come twice.
    fn once(&self) -> Result<String, Error> {
        let random = || {
            let random = self.checks.remote.network.random();
            random.map_err(|error| Error::new(format_args!("the random source {error}")))
        };
        Ok(hex(&[random()?, random()?].concat()))
    }
}

/// The findings of a refusal, a line each.
fn findings(problem: &Value) -> String {
    let text =
        |value: &Value, name: &str| output::printable(value[name].as_str().unwrap_or_default());
    let found = problem["report"]["diagnostics"].as_array();
    let lines = found.into_iter().flatten().map(|finding| {
        format!(
            "  {}[{}] {}\n",
            text(finding, "level"),
            text(finding, "rule"),
            text(finding, "message")
        )
    });
    lines.collect()
}

/// Tells of a file that did not pass.
pub(super) fn report_refusal(input: &Path, profile: &str, problem: &Value) -> Result<(), Error> {
    Ok(output::result(&format!(
        "refused  {} (it does not pass the policy of profile {profile})\n{}",
        input.display(),
        findings(problem)
    ))?)
}

/// Tells of a signed file.
pub(super) fn report_signed(path: &Path, profile: &str, entry: Option<u64>) -> Result<(), Error> {
    let logged = entry.map_or(String::new(), |entry| format!(", entry {entry} of the log"));
    Ok(output::result(&format!(
        "signed   {} (profile {profile}{logged})\n",
        path.display()
    ))?)
}

fn report(order: &Order<'_>, rows: &[Row]) -> Result<(), Error> {
    let profile = order.profile;
    if order.format == ReportFormat::Json {
        let records = rows.iter().map(|row| {
            let mut record = json!({
                "file": row.input.display().to_string(),
                "status": "signed",
                "output": row.output.display().to_string(),
                "profile": profile,
            });
            match &row.result {
                Ok(entry) => record["log_entry"] = json!(entry),
                Err(why) => why.put_into(&mut record),
            }
            record
        });
        output::result(&format!("{:#}\n", Value::Array(records.collect())))?;
        return Ok(());
    }
    for row in rows {
        match &row.result {
            Ok(entry) => report_signed(&row.output, profile, *entry)?,
            Err(NotSigned::Refused(problem)) => report_refusal(&row.input, profile, problem)?,
            Err(NotSigned::Failed(error)) => output::note(format_args!("error: {error}")),
        }
    }
    Ok(())
}

impl NotSigned {
    /// Says so in the record of a file; the names are documented in `docs/json.md` and stay.
    pub(super) fn put_into(&self, record: &mut Value) {
        record["output"] = Value::Null;
        match self {
            Self::Refused(problem) => {
                record["status"] = json!("refused");
                record["error"] = json!(findings(problem));
                record["log_entry"] = problem["entry"].clone();
                record["report"] = problem["report"].clone();
            }
            Self::Failed(error) => {
                record["status"] = json!("failed");
                record["error"] = json!(error.to_string());
            }
        }
    }
}
