//! `proofmark fetch`: the signed file of a request, judged as any that comes back.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use service::audit::note::VerifierKey;
use signer::anchor::Anchors;
use signer::identity::Identity;

use super::{get, text};
use crate::config::Config;
use crate::error::Error;
use crate::exit::Exit;
use crate::http::Sent;
use crate::remote::answer::{Checks, LogArgs, folder_of};
use crate::remote::sign::report_signed;
use crate::remote::{Remote, ServiceArgs, encoded};
use crate::{ReportFormat, output, profile, trust};

/// Take the signed file of a request that people agreed to; exit code 1 where it is not signed
#[derive(Debug, Args)]
pub(crate) struct FetchArgs {
    #[command(flatten)]
    service: ServiceArgs,
    /// The file that was sent: what comes back is that file with a signature
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// Where the signed file goes
    #[arg(long, value_name = "FILE", required_unless_present = "in_place")]
    out: Option<PathBuf>,
    /// Replace the file that was sent
    #[arg(long, conflicts_with = "out")]
    in_place: bool,
    #[command(flatten)]
    check: CheckArgs,
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    /// Id of the request
    #[arg(value_name = "ID")]
    id: String,
}

/// How a signed file is judged.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    log: LogArgs,
    /// Certificate, PEM bundle or DER, at which chains may end besides the built-in anchors
    #[arg(long, value_name = "FILE")]
    root: Vec<PathBuf>,
}

/// What that takes, read once.
pub(super) struct Judge {
    anchors: Anchors,
    log_key: Option<VerifierKey>,
    identity: Identity,
}

impl CheckArgs {
    pub(super) fn judge(&self, config: &Config) -> Result<Judge, Error> {
        Ok(Judge {
            anchors: trust::anchors(config, &self.root)?,
            log_key: self.log.key()?,
            identity: profile::test_identity()?,
        })
    }
}

impl Judge {
    pub(super) fn checks<'a>(&'a self, remote: &'a Remote) -> Checks<'a> {
        Checks {
            remote,
            anchors: &self.anchors,
            log_key: self.log_key.as_ref(),
            identity: &self.identity,
        }
    }
}

/// Puts the signed file of a request in its place, once it was judged.
pub(super) fn result_of(
    checks: &Checks<'_>,
    id: &str,
    input: &Path,
    output: &Path,
) -> Result<Option<u64>, Error> {
    let path = format!("/v1/requests/{}/result", encoded(id));
    let answer = checks.remote.ask(&path, &[], Sent::Nothing)?;
    let answer = checks.remote.expect(answer)?;
    checks.take(input, output, answer)
}

/// Runs the command.
pub(crate) fn run(arguments: &FetchArgs, config: &Config) -> Result<Exit, Error> {
    let remote = arguments.service.service()?;
    let judge = arguments.check.judge(config)?;
    let output = arguments.out.as_ref().unwrap_or(&arguments.file);
    let output = match output.is_dir() {
        true => output.join(arguments.file.file_name().unwrap_or_default()),
        false => output.clone(),
    };
    std::fs::create_dir_all(folder_of(&output))?;
    let request = get(&remote, &arguments.id)?;
    let (profile, state) = (text(&request, "/profile"), text(&request, "/state"));
    let mut record = json!({
        "file": arguments.file.display().to_string(),
        "status": state,
        "request": request["id"],
        "output": Value::Null,
        "profile": profile,
    });
    let is_signed = state == "signed";
    if is_signed {
        let checks = judge.checks(&remote);
        let entry = result_of(&checks, &arguments.id, &arguments.file, &output)?;
        record["output"] = json!(output.display().to_string());
        record["log_entry"] = json!(entry);
        if arguments.format == ReportFormat::Text {
            report_signed(&output, &profile, entry)?;
        }
    } else if arguments.format == ReportFormat::Text {
        output::note(format_args!(
            "request {} is {state}; there is nothing to take",
            arguments.id
        ));
    }
    if arguments.format == ReportFormat::Json {
        output::result(&format!("{:#}\n", Value::Array(vec![record])))?;
    }
    match is_signed {
        true => Ok(Exit::Clean),
        false => Ok(Exit::Findings),
    }
}
