//! What INF files of drivers say that rules ask for.

use formats::document::inf::{Inf, InfEntry};

use super::product::Arch;

/// Whether an INF file installs a driver; others only have the ending.
pub fn is_of_driver(inf: &Inf) -> bool {
    let signature = inf.entry("Version", "Signature");
    let value = signature.and_then(|entry| entry.values.first());
    value.is_some_and(|value| {
        let value = value.value.to_lowercase();
        value == "$windows nt$" || value == "$chicago$"
    })
}

/// The services that an INF file adds, strings replaced.
pub fn services(inf: &Inf) -> impl Iterator<Item = String> {
    let entries = inf.sections.iter().flat_map(|section| &section.entries);
    let added = entries.filter(|entry| entry.is("AddService"));
    added.filter_map(|entry| Some(inf.expand(&entry.values.first()?.value)))
}

/// The target systems of a line of `[Manufacturer]`, e.g. `NTarm.10.0`; an empty one stands for models that are for any
/// system of x86.
pub fn targets(manufacturer: &InfEntry) -> Vec<String> {
    let targets = manufacturer.values.iter().skip(1);
    let targets: Vec<String> = targets.map(|target| target.value.clone()).collect();
    if targets.is_empty() {
        return vec![String::new()];
    }
    targets
}

/// How the models for a processor are marked.
pub fn decoration(arch: Arch) -> &'static str {
    match arch {
        Arch::Arm => "NTarm",
        Arch::Arm64 => "NTarm64",
        Arch::X64 => "NTamd64",
        Arch::X86 => "NTx86",
    }
}

/// Whether the models of a target system are for a processor.
pub fn fits(target: &str, arch: Arch) -> bool {
    let processor = target.split('.').next().unwrap_or_default();
    match processor.to_lowercase().as_str() {
        "" => arch == Arch::X86,
        "nt" => true,
        processor => processor == decoration(arch).to_lowercase(),
    }
}

/// Whether the file names a catalog, for any processor.
pub fn has_catalog(inf: &Inf) -> bool {
    let keys = inf
        .entries("Version")
        .filter_map(|entry| entry.key.as_ref());
    let mut keys = keys.map(|key| key.value.to_lowercase());
    keys.any(|key| key.starts_with("catalogfile"))
}
