//! What own rules are given is what `docs/facts.schema.json` says, on everything that there is.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lint::explain::facts_json;
use lint::rules;
use serde_json::Value;

use crate::support::{options, repository, workspaces};

fn schema() -> PathBuf {
    repository().join("docs/facts.schema.json")
}

/// Every fixture, the examples, and the add-on kit where it stands beside the repository.
fn folders() -> Vec<PathBuf> {
    let fixtures = fs::read_dir(repository().join("lint/tests/fixtures")).unwrap();
    let fixtures = fixtures.map(|entry| entry.unwrap().path());
    let examples = ["examples/workspace", "examples/mmos"].map(|name| repository().join(name));
    let kit = repository().join("../shared/corpus/addonkit");
    let kit = Some(kit).filter(|kit| kit.exists());
    let mut folders: Vec<PathBuf> = fixtures.chain(examples).chain(kit).collect();
    folders.sort();
    folders
}

/// The facts of a folder as `--explain-facts` prints them for a rule about every image type.
fn facts(folder: &Path) -> String {
    let rule = rules::find("release-type-value").unwrap();
    facts_json(rule, &workspaces(folder, &options(folder))).unwrap()
}

/// Notes every name of an object, with the names on the way to it.
fn names(value: &Value, way: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| names(item, way, found)),
        Value::Object(members) => {
            for (name, member) in members {
                found.insert(format!("{way}/{name}"));
                names(member, &format!("{way}/{name}"), found);
            }
        }
        _ => {}
    }
}

/// Notes every name that a schema has, with the names on the way to it.
fn described(schema: &Value, node: &Value, way: &str, found: &mut BTreeSet<String>) {
    if let Some(reference) = node["$ref"].as_str() {
        let target = schema.pointer(reference.trim_start_matches('#')).unwrap();
        described(schema, target, way, found);
    }
    for (name, member) in node["properties"].as_object().into_iter().flatten() {
        found.insert(format!("{way}/{name}"));
        described(schema, member, &format!("{way}/{name}"), found);
    }
    described_parts(schema, node, way, found);
}

fn described_parts(schema: &Value, node: &Value, way: &str, found: &mut BTreeSet<String>) {
    let choices = node["anyOf"].as_array().into_iter().flatten();
    for part in choices.chain(node.get("items")) {
        described(schema, part, way, found);
    }
}

#[test]
fn facts_are_what_their_schema_says_and_no_name_of_it_is_unused() {
    let written = tempfile::tempdir().unwrap();
    let mut given = BTreeSet::new();
    let mut command = Command::new("/usr/bin/jsonschema");
    let mut files = 0;
    for (number, folder) in folders().iter().enumerate() {
        let text = facts(folder);
        names(&serde_json::from_str(&text).unwrap(), "", &mut given);
        let name = folder.file_name().unwrap().to_str().unwrap();
        let path = written.path().join(format!("{number}-{name}.json"));
        fs::write(&path, text).unwrap();
        command.arg("-i").arg(path);
        files += 1;
    }
    assert!(files > 300);
    let schema: Value = serde_json::from_slice(&fs::read(self::schema()).unwrap()).unwrap();
    let mut wanted = BTreeSet::new();
    described(&schema, &schema, "", &mut wanted);
    assert_eq!(given, wanted);

    let run = match command.arg(self::schema()).output() {
        Err(error) if std::env::var_os("PROOFMARK_SKIP_ORACLES").is_some_and(|v| v == "1") => {
            println!("skipped: jsonschema: {error}");
            return;
        }
        run => run.unwrap(),
    };
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(
        run.status.success(),
        "{}",
        said.chars().take(4000).collect::<String>()
    );
}

#[test]
fn the_schema_refuses_what_it_does_not_describe() {
    let text = facts(&repository().join("examples/workspace"));
    let written = tempfile::tempdir().unwrap();
    for (place, wrong) in [
        ("\"section\": \"oem\"", "\"section\": \"own\""),
        ("\"route\"", "\"more\": 1, \"route\""),
        ("\"line\": 3,", ""),
    ] {
        let path = written.path().join("facts.json");
        let changed = text.replacen(place, wrong, 1);
        assert!(changed != text, "{place}");
        fs::write(&path, changed).unwrap();
        let mut command = Command::new("/usr/bin/jsonschema");
        let run = command.arg("-i").arg(&path).arg(schema()).output();
        match run {
            Err(error) if std::env::var_os("PROOFMARK_SKIP_ORACLES").is_some_and(|v| v == "1") => {
                println!("skipped: jsonschema: {error}");
            }
            run => assert!(!run.unwrap().status.success(), "{wrong}"),
        }
    }
}
