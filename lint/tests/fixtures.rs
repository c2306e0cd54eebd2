//! Every rule on every fixture. A fixture is a folder `fixtures/<rule id>/` that the rule fires on; `findings.txt` in
//! it is all that is found there, so that a new rule shows its false alarms in the fixtures of the others.
//! `UPDATE_FINDINGS=1` writes the files anew.

use std::fs;
use std::path::PathBuf;

use lint::rules;

use crate::support::{findings, lint, options};

fn fixtures() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures"))
}

#[test]
fn every_rule_fires_on_its_fixture_and_nothing_else_changed() {
    let update = std::env::var_os("UPDATE_FINDINGS").is_some();
    let mut wrong = Vec::new();
    for entry in fs::read_dir(fixtures()).unwrap() {
        let folder = entry.unwrap().path();
        let id = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let found = findings(&folder, &lint(&folder, &options(&folder)));
        let fires = found
            .lines()
            .any(|line| line.split(' ').nth(1) == Some(&id));
        if !fires {
            wrong.push(format!("{id} does not fire on its fixture:\n{found}"));
        }
        let expected = folder.join("findings.txt");
        if update {
            fs::write(&expected, &found).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != found {
            wrong.push(format!("{id}: findings.txt differs, now:\n{found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_has_a_fixture_and_every_fixture_a_rule() {
    // What is wrong with a policy is tested beside the policies. Files with these defects are signed with keys that only
    // public authorities and Microsoft have; the rules' own tests make the records.
    let unsignable = [
        "cross-cert-ca-expired",
        "cross-cert-missing",
        "kernel-verify-policy",
    ];
    let ids = rules::ALL.iter().map(|info| info.id);
    let mut rules: Vec<String> = ids
        .filter(|id| !id.starts_with("policy-") && !unsignable.contains(id))
        .map(str::to_owned)
        .collect();
    let names = fs::read_dir(fixtures()).unwrap();
    let mut folders: Vec<String> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    rules.sort();
    folders.sort();
    assert_eq!(rules, folders);
}
