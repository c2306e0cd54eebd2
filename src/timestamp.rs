//! `proofmark timestamp`, and the time-stamping servers of `proofmark sign`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use formats::container::Format;
use rayon::prelude::*;
use serde_json::{Value, json};
use signer::clock::rfc3339;
use signer::sign::SignError;
use signer::timestamp::{Existing, Obtained, Obtainer, Protocol, Server, Servers, stamp_file};

use crate::ReportFormat;
use crate::batch;
use crate::config::Config;
use crate::error::Error;
use crate::exit::Exit;
use crate::http::{Network, check_url};
use crate::inputs;
use crate::output;
use crate::profile;
use crate::progress::Progress;
use crate::sign::targets;
use crate::trust;

/// Which servers are asked.
#[derive(Debug, Args)]
pub(crate) struct ServerArgs {
    /// Time-stamping server, RFC 3161; given several times, the next one is asked when one fails
    #[arg(long, value_name = "URL")]
    timestamp: Vec<String>,
    /// Time-stamping server of the legacy protocol, asked after those of RFC 3161
    #[arg(long, value_name = "URL")]
    timestamp_legacy: Vec<String>,
    /// How long one request to a time-stamping server may take [default: 10]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    timestamp_timeout: Option<u64>,
    /// Certificate, PEM bundle or DER, at which chains may end besides the built-in anchors
    #[arg(long, value_name = "FILE")]
    pub(crate) root: Vec<PathBuf>,
}

impl ServerArgs {
    /// Whether the command line names a server.
    pub(crate) fn are_given(&self) -> bool {
        !(self.timestamp.is_empty() && self.timestamp_legacy.is_empty())
    }

    /// The servers of the command line, or else those of the profile; `None` where neither names one.
    pub(crate) fn choose(&self, of_profile: Vec<Server>) -> Result<Option<Servers>, Error> {
        let mut list = servers(&self.timestamp, &self.timestamp_legacy);
        if list.is_empty() {
            list = of_profile;
        }
        if list.is_empty() {
            return Ok(None);
        }
        for server in &list {
            check_url(&server.url).map_err(|why| {
                Error::new(format_args!(
                    "'{}' is no address of a time-stamping server: {why}",
                    server.url
                ))
            })?;
        }
        let timeout = self.timestamp_timeout.map(Duration::from_secs);
        let timeout = timeout.unwrap_or(Servers::TIMEOUT);
        Ok(Some(Servers::new(list, timeout)))
    }
}

/// Servers of both protocols in the order in which they are asked.
pub(crate) fn servers(rfc3161: &[String], legacy: &[String]) -> Vec<Server> {
    let all = |urls: &[String], protocol| -> Vec<Server> {
        let urls = urls.iter().cloned();
        urls.map(|url| Server { url, protocol }).collect()
    };
    [
        all(rfc3161, Protocol::Rfc3161),
        all(legacy, Protocol::Legacy),
    ]
    .concat()
}

/// Put a time stamp on cabinets, catalogs, PE images and app packages that are signed.
#[derive(Debug, Args)]
pub(crate) struct TimestampArgs {
    #[command(flatten)]
    servers: ServerArgs,
    /// Profile of proofmark.toml whose servers are asked where none is given
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Take a time stamp away that is there
    #[arg(long)]
    replace: bool,
    /// Where the stamped file goes: a file for one input, a folder for several
    #[arg(long, value_name = "FILE|DIR", required_unless_present = "in_place")]
    out: Option<PathBuf>,
    /// Replace the input by its stamped form
    #[arg(long, conflicts_with = "out")]
    in_place: bool,
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    /// Files, or folders that are searched for .cab, .spkg, .cat, .sys, .dll, .exe, .efi, .appx, .msix and bundles
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
}

/// What became of one file.
struct Row {
    input: PathBuf,
    output: PathBuf,
    result: Result<(Format, Obtained), Error>,
}

/// Runs the command.
pub(crate) fn run(arguments: &TimestampArgs, config: &Config) -> Result<Exit, Error> {
    let of_profile = match &arguments.profile {
        Some(name) => profile::named_servers(config, name)?,
        None => Vec::new(),
    };
    let servers = arguments.servers.choose(of_profile)?.ok_or_else(|| {
        Error::new("no time-stamping server is named").hint(
            "give --timestamp URL, or --profile NAME of a profile that has timestamp = [\"URL\"]",
        )
    })?;
    let anchors = trust::anchors(config, &arguments.servers.root)?;
    let network = Network::new();
    let obtainer = Obtainer::new(&servers, &anchors, &network);
    let existing = match arguments.replace {
        true => Existing::Replace,
        false => Existing::Keep,
    };
    let files = inputs::containers(&arguments.paths)?;
    let targets = targets(&files, arguments.out.as_deref())?;
    let progress = Progress::new("stamping", files.len());
    let rows: Vec<Row> = batch::waiting(|| {
        let pairs = files.into_par_iter().zip(targets);
        let rows = pairs.map(|(input, output)| {
            let result = stamp_file(&input, &output, &obtainer, existing)
                .map_err(|error| explain(&input, error));
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
    report(&rows, arguments.format)?;
    match rows.iter().any(|row| row.result.is_err()) {
        true => Ok(Exit::CouldNotRun),
        false => Ok(Exit::Clean),
    }
}

/// Why a file was not signed or stamped, and what can be done.
pub(crate) fn explain(path: &Path, error: SignError) -> Error {
    let hint = match &error {
        SignError::Timestamp(failed) => match failed.speaks_otherwise() {
            Some(server) => Some(format!(
                "{} belongs behind {}",
                server.url,
                match server.protocol {
                    Protocol::Rfc3161 => "--timestamp-legacy",
                    Protocol::Legacy => "--timestamp",
                }
            )),
            None => failed.has_unknown_chain().then(|| {
                "--root FILE names the root of a time-stamping server that you trust".to_owned()
            }),
        },
        SignError::Attach(signer::timestamp::AttachError::Stamped(_)) => {
            Some("--replace puts a new one in its place".to_owned())
        }
        _ => None,
    };
    let error = Error::file(path, error);
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// Says which servers failed before another one answered, each once.
pub(crate) fn note_failures<'a>(obtained: impl Iterator<Item = &'a Obtained>) {
    let mut said: Vec<String> = Vec::new();
    for obtained in obtained {
        for failure in &obtained.failures {
            let line = failure.to_string();
            if !said.contains(&line) {
                output::note(format_args!("note: {line}"));
                said.push(line);
            }
        }
    }
}

/// A time stamp at the end of a row for people.
pub(crate) fn in_words(obtained: Option<&Obtained>) -> String {
    obtained.map_or(String::new(), |obtained| {
        let time = rfc3339(obtained.stamp.timestamp.time);
        format!(", stamped {time} by {}", obtained.server.url)
    })
}

/// A time stamp in a record; the names are documented in `docs/json.md` and stay.
pub(crate) fn record(obtained: Option<&Obtained>) -> Value {
    obtained.map_or(Value::Null, |obtained| {
        let stamp = &obtained.stamp.timestamp;
        json!({
            "time": rfc3339(stamp.time),
            "protocol": stamp.protocol.name(),
            "authority": stamp.chain.certificates.first().map(|c| c.subject.to_string()),
            "server": obtained.server.url,
        })
    })
}

fn report(rows: &[Row], format: ReportFormat) -> Result<(), Error> {
    let obtained = rows.iter().filter_map(|row| row.result.as_ref().ok());
    note_failures(obtained.map(|(_, obtained)| obtained));
    match format {
        ReportFormat::Json => {
            let records = rows.iter().map(|row| match &row.result {
                Ok((format, obtained)) => json!({
                    "file": row.input.display().to_string(),
                    "status": "stamped",
                    "output": row.output.display().to_string(),
                    "format": format.name(),
                    "timestamp": record(Some(obtained)),
                }),
                Err(error) => json!({
                    "file": row.input.display().to_string(),
                    "status": "failed",
                    "output": Value::Null,
                    "error": error.to_string(),
                }),
            });
            output::result(&format!("{:#}\n", Value::Array(records.collect())))?;
        }
        ReportFormat::Text => {
            for row in rows {
                match &row.result {
                    Ok((format, obtained)) => output::result(&format!(
                        "stamped  {} ({format}{})\n",
                        row.output.display(),
                        in_words(Some(obtained)),
                    ))?,
                    Err(error) => output::note(format_args!("error: {error}")),
                }
            }
        }
    }
    Ok(())
}
