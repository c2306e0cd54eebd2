//! What can be mended: `fixes.tsv` says it of every rule, the pages in `docs/rules/` say it on, and this holds both against
//! what the fixtures are offered.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use lint::diagnostic::Applicability;
use lint::rules;

use crate::support::{lint, options, repository};

const TABLE: &str = include_str!("fixes.tsv");

/// What mends the findings of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cure {
    /// `--fix`.
    Safe,
    /// `--unsafe-fixes`.
    Guess,
    /// Nothing, for this reason.
    None(&'static str),
}

/// The table, by rule.
pub(crate) fn cures() -> BTreeMap<&'static str, Cure> {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    let rows = lines.map(|line| {
        let columns: Vec<&str> = line.split('\t').collect();
        let [rule, cure, reason] = columns.as_slice() else {
            panic!("fixes.tsv: not three columns: {line}");
        };
        let cure = match *cure {
            "safe" => Cure::Safe,
            "guess" => Cure::Guess,
            "none" => Cure::None(reason),
            other => panic!("fixes.tsv: there is no cure {other}"),
        };
        (*rule, cure)
    });
    let rows: Vec<(&str, Cure)> = rows.collect();
    assert!(
        rows.is_sorted_by_key(|(rule, _)| *rule),
        "fixes.tsv is not sorted"
    );
    rows.into_iter().collect()
}

/// The kinds of fixes that each rule offers in the fixtures.
fn offered() -> BTreeMap<&'static str, BTreeSet<Applicability>> {
    let mut offered: BTreeMap<&str, BTreeSet<Applicability>> = BTreeMap::new();
    for entry in fs::read_dir(repository().join("lint/tests/fixtures")).unwrap() {
        let folder = entry.unwrap().path();
        for found in lint(&folder, &options(&folder)).diagnostics {
            let kinds = found.fix.map(|fix| fix.applicability);
            if let Some(kind) = kinds {
                offered.entry(found.rule).or_default().insert(kind);
            }
        }
    }
    offered
}

#[test]
fn the_table_says_what_is_offered() {
    let offered = offered();
    let cures = cures();
    let mut wrong = Vec::new();
    for (rule, cure) in &cures {
        let kinds: Vec<&Applicability> = offered.get(rule).into_iter().flatten().collect();
        let is_right = match cure {
            Cure::Safe => kinds.contains(&&Applicability::Safe),
            Cure::Guess => kinds == [&Applicability::Unsafe],
            Cure::None(reason) => kinds.is_empty() && reason.len() > 20,
        };
        if !is_right || rules::find(rule).is_none() {
            wrong.push(format!(
                "{rule}: {cure:?} in fixes.tsv, its fixture has {kinds:?}"
            ));
        }
    }
    let unknown = offered.keys().filter(|rule| !cures.contains_key(*rule));
    wrong.extend(unknown.map(|rule| format!("{rule} has a fix that fixes.tsv does not have")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
