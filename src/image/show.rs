//! `proofmark image show`: headers, manifest, stores and partitions of an image.

use std::path::{Path, PathBuf};

use clap::Args;
use formats::container::ffu::{FullFlashUpdate, Section, Store, Variant};
use serde_json::{Map, Value, json};

use crate::ReportFormat;
use crate::error::Error;
use crate::exit::Exit;
use crate::output;

/// Show what an image says about itself: headers, manifest, platform IDs, stores, partitions.
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    /// The image
    #[arg(value_name = "FFU")]
    image: PathBuf,
}

pub(super) fn run(arguments: &ShowArgs) -> Result<Exit, Error> {
    let path = &arguments.image;
    let update = super::read(path)?;
    output::result(&match arguments.format {
        ReportFormat::Json => format!("{:#}\n", record(path, &update)),
        ReportFormat::Text => text(path, &update),
    })?;
    match update.faults() {
        [] => Ok(Exit::Clean),
        _ => Ok(Exit::Findings),
    }
}

fn variant(store: &Store) -> &'static str {
    match store.header.variant {
        Variant::V1 => "1",
        Variant::V1Compressed(_) => "1 compressed",
        Variant::V2 => "2",
    }
}

fn text(path: &Path, update: &FullFlashUpdate) -> String {
    let mut lines = vec![format!("{} (full flash update)", path.display())];
    let mut fact = |name: &str, value: String| {
        lines.push(format!("  {name:<13} {}", output::printable(&value)));
    };
    let security = update.security();
    let catalog = match update.catalog().len() {
        0 => "none".to_owned(),
        length => format!("{length} bytes"),
    };
    fact("length", format!("{} bytes", update.file_length()));
    fact("catalog", catalog);
    fact(
        "chunks",
        format!(
            "{} of {} KiB, SHA-256",
            update.chunk_count(),
            security.chunk_size_in_kb
        ),
    );
    for section in update.manifest().full_flash().into_iter() {
        for entry in &section.entries {
            fact(&entry.key, entry.value.clone());
        }
    }
    for store in update.stores() {
        let header = &store.header;
        lines.push(format!("store {}", store.index + 1));
        let mut fact = |name: &str, value: String| {
            lines.push(format!("  {name:<13} {}", output::printable(&value)));
        };
        fact("version", variant(store).to_owned());
        fact("platform IDs", header.platform_ids.join(", "));
        if let Some(path) = &header.device_path {
            fact("device path", path.clone());
        }
        fact(
            "payload",
            format!(
                "{} bytes, blocks of {} bytes, write descriptors: {}",
                store.payload_length(),
                header.block_size,
                store.descriptors.len()
            ),
        );
        fact("disk", format!("{} bytes", update.disk_length(store)));
        for partition in update.manifest().partitions(store.index) {
            let value = |key| partition.get(key).unwrap_or("");
            let line = format!(
                "  partition     {:<16} {:>12} sectors  {} {}",
                value("Name"),
                value("TotalSectors"),
                value("FileSystem"),
                value("Type"),
            );
            lines.push(output::printable(line.trim_end()));
        }
    }
    for fault in update.faults() {
        lines.push(format!(
            "contradiction: {}",
            output::printable(&fault.to_string())
        ));
    }
    lines.join("\n") + "\n"
}

fn entries(section: &Section) -> Value {
    let entries = section.entries.iter();
    let pairs = entries.map(|entry| (entry.key.clone(), Value::from(entry.value.as_str())));
    Value::Object(pairs.collect::<Map<_, _>>())
}

/// The record; the names are documented in `docs/json.md` and stay.
fn record(path: &Path, update: &FullFlashUpdate) -> Value {
    let stores = update.stores().iter().map(|store| {
        let header = &store.header;
        let partitions = update.manifest().partitions(store.index);
        json!({
            "version": variant(store),
            "platform_ids": header.platform_ids,
            "device_path": header.device_path,
            "block_size": header.block_size,
            "write_descriptors": store.descriptors.len(),
            "payload": { "offset": store.payload.start, "length": store.payload_length() },
            "disk_length": update.disk_length(store),
            "partitions": partitions.map(entries).collect::<Vec<_>>(),
        })
    });
    json!({
        "file": path.display().to_string(),
        "length": update.file_length(),
        "chunk_size": update.chunk_size(),
        "chunks": update.chunk_count(),
        "catalog_length": update.catalog().len(),
        "manifest": update.manifest().full_flash().map(entries),
        "device_targets": update.device_targets().iter().map(|d| &d.strings).collect::<Vec<_>>(),
        "stores": stores.collect::<Vec<_>>(),
        "contradictions": update.faults().iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}
