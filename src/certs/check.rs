//! `proofmark certs check`: certificates that have ended, end soon, or have not begun.

use std::path::{Path, PathBuf};

use clap::Args;
use formats::certificate::Certificate;
use serde_json::{Value, json};
use signer::clock::rfc3339;
use signer::identity::thumbprint;
use time::{Duration, OffsetDateTime};

use super::read::{Unreadable, certificates};
use crate::error::Error;
use crate::exit::Exit;
use crate::{ReportFormat, inputs, instant, output};

/// Find certificates that have expired or soon will.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// How long before its end a certificate is reported: days, or with w weeks, m months of 30 days
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = span)]
    within: Duration,
    /// Check as of this time instead of now
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    at: Option<OffsetDateTime>,
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    /// Files, or folders that are searched for .cer, .crt, .der, .pem, .p7b, .p7c, .pfx and .p12
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
}

/// What there is to say of a certificate or of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Ok,
    Expired,
    ExpiresSoon,
    NotYetValid,
    /// The file is damaged or of another kind.
    Unreadable,
    /// A PKCS#12 file with a password: what it holds is not known.
    Locked,
}

impl Status {
    fn of(certificate: &Certificate, at: OffsetDateTime, within: Duration) -> Self {
        if at > certificate.not_after {
            Self::Expired
        } else if at < certificate.not_before {
            Self::NotYetValid
        } else if at.saturating_add(within) > certificate.not_after {
            Self::ExpiresSoon
        } else {
            Self::Ok
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Expired => "expired",
            Self::ExpiresSoon => "expires-soon",
            Self::NotYetValid => "not-yet-valid",
            Self::Unreadable => "unreadable",
            Self::Locked => "locked",
        }
    }

    fn is_finding(self) -> bool {
        !matches!(self, Self::Ok | Self::Locked)
    }
}

struct Row {
    file: PathBuf,
    status: Status,
    certificate: Option<Certificate>,
    problem: Option<String>,
}

/// Runs the command.
pub(super) fn run(arguments: &CheckArgs) -> Result<Exit, Error> {
    let at = arguments.at.unwrap_or_else(OffsetDateTime::now_utc);
    let mut files = Vec::new();
    for path in &arguments.paths {
        let metadata = std::fs::metadata(path).map_err(|error| Error::file(path, error))?;
        match metadata.is_dir() {
            true => files.extend(inputs::certificate_and_key_files(path)?),
            false => files.push(path.clone()),
        }
    }
    if files.is_empty() {
        return Err(Error::new(
            "there is no certificate file below these folders",
        ));
    }
    let rows: Vec<Row> = files
        .iter()
        .flat_map(|file| check(file, at, arguments.within))
        .collect();
    output::result(&match arguments.format {
        ReportFormat::Json => format!("{:#}\n", rows.iter().map(Row::json).collect::<Value>()),
        ReportFormat::Text => text(&rows, files.len()),
    })?;
    match rows.iter().any(|row| row.status.is_finding()) {
        true => Ok(Exit::Findings),
        false => Ok(Exit::Clean),
    }
}

fn check(file: &Path, at: OffsetDateTime, within: Duration) -> Vec<Row> {
    let row = |status, certificate, problem| Row {
        file: file.to_owned(),
        status,
        certificate,
        problem,
    };
    match certificates(file, "") {
        Ok(found) => found
            .into_iter()
            .map(|certificate| {
                row(
                    Status::of(&certificate, at, within),
                    Some(certificate),
                    None,
                )
            })
            .collect(),
        Err(Unreadable::Locked) => vec![row(Status::Locked, None, None)],
        Err(Unreadable::Other(problem)) => vec![row(Status::Unreadable, None, Some(problem))],
    }
}

fn text(rows: &[Row], files: usize) -> String {
    let mut out = String::new();
    for row in rows.iter().filter(|row| row.status != Status::Ok) {
        let what = match (&row.certificate, row.status) {
            (Some(certificate), Status::NotYetValid) => {
                format!(
                    "{}, from {}",
                    certificate.subject,
                    rfc3339(certificate.not_before)
                )
            }
            (Some(certificate), _) => {
                format!(
                    "{}, {}",
                    certificate.subject,
                    rfc3339(certificate.not_after)
                )
            }
            (None, Status::Locked) => "it has a password and was not opened".to_owned(),
            (None, _) => row.problem.clone().unwrap_or_default(),
        };
        let (status, file) = (row.status.name(), row.file.display());
        out.push_str(&format!("{status:<13} {file}: {what}\n"));
    }
    let certificates = rows.iter().filter(|row| row.certificate.is_some()).count();
    let findings = rows.iter().filter(|row| row.status.is_finding()).count();
    out.push_str(&format!(
        "{certificates} certificates in {files} files, {findings} findings\n"
    ));
    out
}

impl Row {
    /// The names are documented in `docs/json.md` and stay.
    fn json(&self) -> Value {
        let certificate = self.certificate.as_ref();
        json!({
            "file": self.file.display().to_string(),
            "status": self.status.name(),
            "subject": certificate.map(|c| c.subject.to_string()),
            "thumbprint": certificate.map(thumbprint),
            "not_before": certificate.map(|c| rfc3339(c.not_before)),
            "not_after": certificate.map(|c| rfc3339(c.not_after)),
            "error": self.problem,
        })
    }
}

/// Reads a span of time of the command line.
fn span(text: &str) -> Result<Duration, String> {
    let (digits, days) = match text.as_bytes().last() {
        Some(b'd') => (text.trim_end_matches('d'), 1),
        Some(b'w') => (text.trim_end_matches('w'), 7),
        Some(b'm') => (text.trim_end_matches('m'), 30),
        _ => (text, 1),
    };
    let count: u16 = digits
        .parse()
        .map_err(|_| "a time like 30d, 6w or 12m is expected".to_owned())?;
    Ok(Duration::days(i64::from(count) * days))
}
