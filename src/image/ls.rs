//! `proofmark image ls`: partitions of an image, and directories in them.

use std::path::PathBuf;

use clap::Args;
use formats::file_system::Entry;
use serde_json::{Value, json};

use super::inside::{Inside, StoreDisk, Target, target};
use crate::ReportFormat;
use crate::error::Error;
use crate::exit::Exit;
use crate::output;

/// List the partitions of an image, or a directory of one.
#[derive(Debug, Args)]
pub(super) struct LsArgs {
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    /// The image
    #[arg(value_name = "FFU")]
    image: PathBuf,
    /// A directory, or a file; case does not matter, and a partition may be named by its number
    #[arg(value_name = "PARTITION[:PATH]", value_parser = target)]
    target: Option<Target>,
}

pub(super) fn run(arguments: &LsArgs) -> Result<Exit, Error> {
    let inside = Inside::read(&arguments.image)?;
    match &arguments.target {
        None => partitions(arguments, &inside),
        Some(target) => directory(arguments, &inside, target),
    }
}

fn partitions(arguments: &LsArgs, inside: &Inside<'_>) -> Result<Exit, Error> {
    let disks = inside.disks.iter();
    let contradictions: Vec<String> = disks.flat_map(StoreDisk::faults).collect();
    let mut records = Vec::new();
    let mut text = String::new();
    for (store, disk) in inside.disks.iter().enumerate() {
        for partition in disk.partitions() {
            let kind = inside.kind(disk, partition)?;
            records.push(json!({
                "store": store + 1,
                "number": partition.number,
                "name": partition.name,
                "type": partition.kind.to_string(),
                "start": partition.start,
                "length": partition.length,
                "file_system": kind,
            }));
            text += &format!(
                "{:>3}  {:<16} {:>14} bytes at {:>12}  {:<38}  {kind}\n",
                partition.number,
                output::printable(&partition.name),
                partition.length,
                partition.start,
                partition.kind.to_string()
            );
        }
    }
    for contradiction in &contradictions {
        text += &format!("contradiction: {}\n", output::printable(contradiction));
    }
    let clean = contradictions.is_empty();
    output::result(&match arguments.format {
        ReportFormat::Text => text,
        ReportFormat::Json => {
            let record = json!({
                "file": arguments.image.display().to_string(),
                "partitions": records,
                "contradictions": contradictions,
            });
            format!("{record:#}\n")
        }
    })?;
    Ok(if clean { Exit::Clean } else { Exit::Findings })
}

fn directory(arguments: &LsArgs, inside: &Inside<'_>, target: &Target) -> Result<Exit, Error> {
    let path = &arguments.image;
    let failed = |error| Error::file(path, error);
    let mut volume = inside.volume(target)?;
    let mut entries = match volume.find(&target.path).map_err(failed)? {
        Some(entry) if !entry.directory => vec![entry],
        Some(entry) => volume.list(entry.node).map_err(failed)?,
        None if target.path.trim_matches(['/', '\\']).is_empty() => {
            let root = volume.root();
            volume.list(root).map_err(failed)?
        }
        None => {
            return Err(Error::file(
                path,
                format_args!("{} is not there", target.path),
            ));
        }
    };
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    let unreadable = entries.iter().any(|entry| entry.unreadable.is_some());
    output::result(&match arguments.format {
        ReportFormat::Text => entries.iter().map(line).collect(),
        ReportFormat::Json => {
            let record = json!({
                "file": path.display().to_string(),
                "file_system": volume.kind().to_string(),
                "entries": entries.iter().map(record).collect::<Vec<_>>(),
            });
            format!("{record:#}\n")
        }
    })?;
    Ok(match unreadable {
        true => Exit::Findings,
        false => Exit::Clean,
    })
}

fn line(entry: &Entry) -> String {
    let name = output::printable(&entry.name);
    let reason = entry
        .unreadable
        .as_ref()
        .map(|error| format!("  (unreadable: {error})"));
    let reason = output::printable(&reason.unwrap_or_default());
    match entry.directory {
        true => format!("{:>14}  {name}\\{reason}\n", "directory"),
        false => format!("{:>14}  {name}{reason}\n", entry.length),
    }
}

fn record(entry: &Entry) -> Value {
    json!({
        "name": entry.name,
        "directory": entry.directory,
        "length": entry.length,
        "unreadable": entry.unreadable.as_ref().map(ToString::to_string),
    })
}
