//! Records as text. It is made of their JSON, so that what a service found reads as if it was found here.

use std::fmt::Write as _;

use formats::container::Format;
use formats::container::efi_variable::Variable;
use serde_json::Value;
use signer::verify::{FailureKind, SignatureReport, SignedVariable};

use super::super::{chain, shown};
use super::{Detail, FileRecord, Status};

/// Formats by the names that records have.
const FORMATS: [Format; 6] = [
    Format::Cabinet,
    Format::Catalog,
    Format::Pe,
    Format::Appx,
    Format::SiPolicy,
    Format::EfiVariable,
];

/// Records as text for people; `colour` asks for ANSI colours.
pub fn text(records: &[FileRecord], detail: Detail, colour: bool) -> String {
    let mut out = String::new();
    for record in records {
        // Writing to a String cannot fail.
        let _ = describe(
            &mut out,
            &record.json(Detail::Outcomes),
            colour,
            |out, index| {
                let verification = record.result.as_ref().ok();
                let report = verification.and_then(|found| found.signatures.get(index));
                match (detail, report) {
                    (Detail::Chains, Some(report)) => describe_chains(out, report),
                    _ => Ok(()),
                }
            },
        );
    }
    out
}

/// The same of records in JSON.
pub fn text_of(records: &[Value], colour: bool) -> String {
    let mut out = String::new();
    for record in records {
        let _ = describe(&mut out, record, colour, |_, _| Ok(()));
    }
    out
}

/// A text of a record, harmless.
fn part(value: &Value, name: &str) -> Option<String> {
    value.get(name).and_then(Value::as_str).map(shown)
}

/// A list of a record; what is not there is empty.
fn parts<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    let list = value.get(name).and_then(Value::as_array);
    list.map(Vec::as_slice).unwrap_or_default()
}

/// A member that is not null.
fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.get(name).filter(|member| !member.is_null())
}

fn describe(
    out: &mut String,
    record: &Value,
    colour: bool,
    mut chains: impl FnMut(&mut String, usize) -> std::fmt::Result,
) -> std::fmt::Result {
    let status = part(record, "status").unwrap_or_default();
    let (start, end) = match (colour, status == Status::Verified.name()) {
        (false, _) => ("", ""),
        (true, true) => ("\u{1b}[32m", "\u{1b}[0m"),
        (true, false) => ("\u{1b}[31m", "\u{1b}[0m"),
    };
    let file = part(record, "file").unwrap_or_default();
    write!(out, "{start}{status:<8}{end} {file}")?;
    if let Some(error) = part(record, "error") {
        return writeln!(out, "\n  {error}");
    }
    let format = part(record, "format").unwrap_or_default();
    let known = FORMATS.iter().find(|known| known.name() == format);
    writeln!(out, " ({})", known.map_or(format, Format::to_string))?;
    if status == Status::Unsigned.name() {
        writeln!(out, "  it carries no signature")?;
    }
    for (index, signature) in parts(record, "signatures").iter().enumerate() {
        describe_signature(out, signature)?;
        chains(out, index)?;
    }
    Ok(())
}

fn describe_signature(out: &mut String, signature: &Value) -> std::fmt::Result {
    let of = |value: Option<&Value>, name: &str| value.and_then(|value| part(value, name));
    write!(out, "  {}", part(signature, "route").unwrap_or_default())?;
    if let Some(subject) = of(member(signature, "signer"), "subject") {
        write!(out, ": {subject}")?;
    }
    let digest = part(signature, "digest_algorithm");
    if let (Some(digest), Some(key)) = (digest, part(signature, "key")) {
        write!(out, ", {key} with {digest}")?;
    }
    writeln!(out)?;
    let anchor = member(signature, "anchor");
    if let (Some(name), Some(class)) = (of(anchor, "name"), of(anchor, "class")) {
        writeln!(out, "    anchor     {name} ({class})")?;
    }
    let cross = anchor.and_then(|anchor| member(anchor, "cross_certificate"));
    if let (Some(subject), Some(until)) = (of(cross, "subject"), of(cross, "not_after")) {
        writeln!(
            out,
            "    through    the cross-certificate of {subject}, valid until {until}"
        )?;
    }
    if let Some(variable) = member(signature, "variable") {
        describe_variable(out, variable)?;
    }
    let stamp = member(signature, "timestamp");
    match (of(stamp, "time"), of(stamp, "protocol")) {
        (Some(time), Some(protocol)) => writeln!(out, "    timestamp  {time} ({protocol})")?,
        _ => writeln!(out, "    timestamp  none")?,
    }
    for outcome in parts(signature, "outcomes") {
        describe_failure(out, outcome)?;
    }
    for finding in parts(signature, "revocation") {
        describe_revocation(out, finding)?;
    }
    if let Some(refusal) = part(signature, "refused") {
        writeln!(out, "    refused    {refusal}")?;
    }
    if let Some(key) = part(signature, "published_key") {
        writeln!(
            out,
            "    published  anyone can sign with a key of this chain ({key})"
        )?;
    }
    for weakness in parts(signature, "weaknesses")
        .iter()
        .filter_map(Value::as_str)
    {
        writeln!(out, "    weak       {}", shown(weakness))?;
    }
    Ok(())
}

fn describe_variable(out: &mut String, variable: &Value) -> std::fmt::Result {
    let name = part(variable, "name").unwrap_or_default();
    let attributes = variable.get("attributes").and_then(Value::as_u64);
    let signed = Variable::from_name(&name).map(|variable_name| SignedVariable {
        variable: variable_name,
        attributes: attributes
            .and_then(|attributes| u32::try_from(attributes).ok())
            .unwrap_or_default(),
        was_named: variable.get("named").and_then(Value::as_bool) == Some(true),
    });
    writeln!(
        out,
        "    variable   {}",
        signed.map_or(name, |signed| signed.to_string())
    )
}

fn describe_failure(out: &mut String, outcome: &Value) -> std::fmt::Result {
    let Some(kind) = part(outcome, "kind") else {
        return Ok(());
    };
    let check = part(outcome, "check").unwrap_or_default();
    let message = part(outcome, "message").unwrap_or_default();
    writeln!(out, "    {check:<10} failed [{kind}]: {message}")?;
    let of_chain = [FailureKind::UnknownRoot, FailureKind::MissingIssuer];
    if of_chain.iter().any(|one| one.name() == kind) {
        writeln!(out, "    {:<10} --root FILE names a root of your own", "")?;
    }
    Ok(())
}

/// One line for a certificate, one for each list or response that is about it.
fn describe_revocation(out: &mut String, finding: &Value) -> std::fmt::Result {
    let text = |value: &Value, name: &str| part(value, name).unwrap_or_default();
    let (verdict, subject) = (text(finding, "verdict"), text(finding, "subject"));
    write!(out, "    revocation {verdict}: {subject}")?;
    match (part(finding, "since"), part(finding, "reason")) {
        (Some(since), Some(reason)) => writeln!(out, ", on {since} ({reason})")?,
        _ => writeln!(out)?,
    }
    for fact in parts(finding, "facts") {
        let (source, made) = (text(fact, "source"), text(fact, "this_update"));
        write!(out, "               {source} of {made}")?;
        if let Some(next) = part(fact, "next_update") {
            let is_late = fact.get("late").and_then(Value::as_bool) == Some(true);
            let late = if is_late { ", which is late" } else { "" };
            write!(out, ", next due {next}{late}")?;
        }
        match part(fact, "message") {
            Some(why) => writeln!(out, ": {why}")?,
            None => writeln!(out)?,
        }
    }
    Ok(())
}

fn describe_chains(out: &mut String, report: &SignatureReport) -> std::fmt::Result {
    if let Some(found) = &report.chain {
        writeln!(out, "    chain of the signer")?;
        chain::text(out, found)?;
    }
    if let Some(stamp) = &report.timestamp {
        writeln!(out, "    chain of the time stamp")?;
        chain::text(out, &stamp.chain)?;
    }
    Ok(())
}
