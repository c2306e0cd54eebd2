//! `proofmark sign --remote`: files go to the service, which checks and signs them; what comes back is verified before it
//! takes a file's place.

use std::fs::File;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};

use formats::container::Container;
use lint::render::verification::{self, Detail, FileRecord, Requirement};
use rayon::prelude::*;
use serde_json::{Value, json};
use service::audit::Entry;
use service::audit::note::VerifierKey;
use service::audit::proof::Proof;
use signer::anchor::Anchors;
use signer::digest::hex;
use signer::environment::Environment;
use signer::identity::Identity;
use signer::verify::{VerifyOptions, verify};
use time::OffsetDateTime;

use super::{Remote, encoded, same_content};
use crate::ReportFormat;
use crate::batch;
use crate::error::Error;
use crate::exit::Exit;
use crate::http::{Answer, Sent};
use crate::output;
use crate::progress::Progress;

/// Largest signed file that is taken, in bytes, above the length of the file that was sent.
const MOST_ADDED: u64 = 64 << 20;
/// Largest entry or proof, in bytes.
const MAX_ENTRY: u64 = 128 << 10;
/// Bytes read at a time from a file that is verified.
const READ_BUFFER: usize = 256 << 10;

/// What is to be signed, and how that is judged.
pub(crate) struct Order<'a> {
    pub(crate) remote: &'a Remote,
    pub(crate) profile: &'a str,
    pub(crate) anchors: &'a Anchors,
    /// The log in which the signatures must be.
    pub(crate) log_key: Option<&'a VerifierKey>,
    /// Any identity, to sign for comparison.
    pub(crate) identity: &'a Identity,
    pub(crate) format: ReportFormat,
}

/// Why a file was not signed.
enum NotSigned {
    /// It did not pass the gate of its profile: the findings.
    Refused(String),
    /// Something else.
    Failed(Error),
}

impl From<Error> for NotSigned {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
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
    let is = |wanted: fn(&NotSigned) -> bool| {
        rows.iter()
            .any(|row| row.result.as_ref().is_err_and(wanted))
    };
    if is(|why| matches!(why, NotSigned::Failed(_))) {
        return Ok(Exit::CouldNotRun);
    }
    match is(|why| matches!(why, NotSigned::Refused(_))) {
        true => Ok(Exit::Findings),
        false => Ok(Exit::Clean),
    }
}

impl Order<'_> {
    fn sign(&self, input: &Path, output: &Path) -> Result<Option<u64>, NotSigned> {
        let file = File::open(input).map_err(|error| Error::file(input, error))?;
        let length = file
            .metadata()
            .map_err(|error| Error::file(input, error))?
            .len();
        let name = input.file_name().unwrap_or_default().to_string_lossy();
        let path = format!(
            "/v1/sign?profile={}&name={}",
            encoded(self.profile),
            encoded(&name)
        );
        let key = self.once()?;
        let headers = [
            ("content-type", "application/octet-stream"),
            ("idempotency-key", key.as_str()),
        ];
        let answer = self.remote.ask(&path, &headers, Sent::File(&file))?;
        let mut answer = match self.remote.sort(answer)? {
            Ok(answer) => answer,
            Err(refusal) if refusal.slug() == "policy-refused" => {
                return Err(NotSigned::Refused(findings(&refusal.problem)));
            }
            Err(refusal) => {
                let why = refusal.in_words();
                return Err(Error::file(input, why).into());
            }
        };
        // Beside its target, so that it can take its place in one step.
        let folder = output.parent().filter(|folder| *folder != Path::new(""));
        let temporary = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")));
        let mut temporary = temporary.map_err(|error| Error::file(output, error))?;
        answer
            .copy_to(temporary.as_file_mut(), length.saturating_add(MOST_ADDED))
            .map_err(|error| self.remote.failed(&error))?;
        let written = temporary.flush();
        written.map_err(|error| Error::file(output, error))?;
        self.verify(input, temporary.path())?;
        same_content::check(input, temporary.path(), self.identity)?;
        let index = self.logged(input, temporary.path(), &answer)?;
        let put = || {
            temporary
                .as_file()
                .set_permissions(file.metadata()?.permissions())?;
            temporary.as_file().sync_all()?;
            temporary.persist(output).map_err(|error| error.error)
        };
        put().map_err(|error| Error::file(output, error))?;
        Ok(index)
    }

    /// A key by which the service knows this request again, should it come twice.
    fn once(&self) -> Result<String, Error> {
        let random = || {
            let random = self.remote.network.random();
            random.map_err(|error| Error::new(format_args!("the random source {error}")))
        };
        Ok(hex(&[random()?, random()?].concat()))
    }

    /// Every signature of what came back must hold.
    fn verify(&self, input: &Path, signed: &Path) -> Result<(), Error> {
        let file = File::open(signed).map_err(|error| Error::file(signed, error))?;
        let mut reader = BufReader::with_capacity(READ_BUFFER, file);
        let container = Container::read(&mut reader).map_err(|error| {
            Error::file(input, format_args!("the answer of the service: {error}"))
        })?;
        let options = VerifyOptions {
            at: OffsetDateTime::now_utc(),
            anchors: self.anchors,
        };
        let verification = verify(&container, &mut reader, options);
        let record = FileRecord::new(
            input.display().to_string(),
            verification.map_err(|error| error.to_string()),
            Requirement {
                class: None,
                signatures: verification::SignatureRequirement::All,
            },
        );
        match record.is_accepted() {
            true => Ok(()),
            false => Err(Error::file(
                input,
                format_args!(
                    "what the service sent back does not verify; nothing was written\n{}",
                    verification::text(&[record], Detail::Outcomes, false).trim_end()
                ),
            )
            .hint("--root FILE names the root of your own certificates")),
        }
    }

    /// The number of the entry that tells of the signature; it must be in the log where the log's key is known.
    fn logged(&self, input: &Path, signed: &Path, answer: &Answer) -> Result<Option<u64>, Error> {
        let index = answer
            .header("proofmark-entry")
            .and_then(|index| index.parse().ok());
        let Some(key) = self.log_key else {
            return Ok(index);
        };
        let refused = |why: &dyn std::fmt::Display| {
            Error::file(
                input,
                format_args!("the signature is not in the log: {why}; nothing was written"),
            )
        };
        let index: u64 = index.ok_or_else(|| refused(&"the service names no entry"))?;
        let get = |what| self.remote.get(&format!("/log/{what}/{index}"), MAX_ENTRY);
        let (entry, proof) = (get("entry")?, get("proof")?);
        let proof = String::from_utf8_lossy(&proof);
        let proof = Proof::parse(&proof).map_err(|error| refused(&error))?;
        proof.verify(&entry, key).map_err(|error| refused(&error))?;
        let entry = Entry::parse(&entry).map_err(|error| refused(&error))?;
        let digest = hex(&crate::audit::sha256(signed)?);
        match entry.output.is_some_and(|output| output.sha256 == digest) {
            true => Ok(Some(proof.index)),
            false => Err(refused(&"the entry is about another file")),
        }
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

fn report(order: &Order<'_>, rows: &[Row]) -> Result<(), Error> {
    if order.format == ReportFormat::Json {
        let records = rows.iter().map(|row| record(order, row));
        output::result(&format!("{:#}\n", Value::Array(records.collect())))?;
        return Ok(());
    }
    for row in rows {
        match &row.result {
            Ok(index) => {
                let logged =
                    index.map_or(String::new(), |index| format!(", entry {index} of the log"));
                output::result(&format!(
                    "signed   {} (profile {}{logged})\n",
                    row.output.display(),
                    order.profile
                ))?;
            }
            Err(NotSigned::Refused(findings)) => output::result(&format!(
                "refused  {} (it does not pass the policy of profile {})\n{findings}",
                row.input.display(),
                order.profile
            ))?,
            Err(NotSigned::Failed(error)) => output::note(format_args!("error: {error}")),
        }
    }
    Ok(())
}

/// One record per file; the names are documented in `docs/json.md` and stay.
fn record(order: &Order<'_>, row: &Row) -> Value {
    let mut record = json!({
        "file": row.input.display().to_string(),
        "status": "signed",
        "output": row.output.display().to_string(),
        "profile": order.profile,
    });
    match &row.result {
        Ok(index) => record["log_entry"] = json!(index),
        Err(why) => {
            record["output"] = Value::Null;
            (record["status"], record["error"]) = match why {
                NotSigned::Refused(findings) => (json!("refused"), json!(findings)),
                NotSigned::Failed(error) => (json!("failed"), json!(error.to_string())),
            };
        }
    }
    record
}
