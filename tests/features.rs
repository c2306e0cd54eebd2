//! `docs/features.md` promises nothing that no test shows.

use std::collections::BTreeSet;
use std::fs;

use crate::support::repository;

/// The cells of each row of the comparison.
fn rows() -> Vec<Vec<String>> {
    let page = fs::read_to_string(repository().join("docs/features.md")).unwrap();
    let lines = page
        .lines()
        .skip_while(|line| !line.starts_with("| Feature |"));
    let lines = lines.take_while(|line| line.starts_with('|'));
    let cells = |line: &str| {
        let inner = line.trim_matches('|');
        inner
            .split('|')
            .map(|cell| cell.trim().to_owned())
            .collect()
    };
    lines.map(cells).collect()
}

/// Whether the tree has a test of this name in this file, given as `folder/file::name` or `file::name` below `tests/`.
fn has_test(named: &str) -> bool {
    let Some((file, name)) = named.split_once("::") else {
        return false;
    };
    let path = match file.contains('/') {
        true => repository().join(format!("{file}.rs")),
        false => repository().join(format!("tests/{file}.rs")),
    };
    let text = fs::read_to_string(path).unwrap_or_default();
    let is_named = |line: &str| line.trim_start().starts_with(&format!("fn {name}("));
    let mut lines = text.lines().skip_while(|line| line.trim() != "#[test]");
    let mut is_marked = false;
    lines.any(|line| {
        if is_named(line) {
            return is_marked;
        }
        match line.trim() {
            "#[test]" => is_marked = true,
            line if line.starts_with("fn ") => is_marked = false,
            _ => {}
        }
        false
    })
}

#[test]
fn every_yes_names_a_test_that_exists() {
    assert!(has_test("features::every_yes_names_a_test_that_exists"));
    assert!(!has_test("features::has_test"));
    assert!(!has_test("features::no_such_test"));
    assert!(!has_test(
        "no_such_file::every_yes_names_a_test_that_exists"
    ));
    let rows = rows();
    let (head, body) = (&rows[0], &rows[2..]);
    assert_eq!(head[1], "proofmark");
    assert_eq!(head.last().unwrap(), "shown by");
    let mut seen = BTreeSet::new();
    for row in body {
        assert_eq!(row.len(), head.len(), "{row:?}");
        assert!(seen.insert(&row[0]), "{} comes twice", row[0]);
        let tests: Vec<&str> = row.last().unwrap().split_whitespace().collect();
        let is_promise = match row[1].split([' ', ',', ':']).next().unwrap() {
            "yes" | "partly" => true,
            "no" => false,
            other => panic!("{}: '{other}' is neither yes, partly nor no", row[0]),
        };
        assert_eq!(is_promise, !tests.is_empty(), "{row:?}");
        for named in tests {
            assert!(has_test(named.trim_matches('`')), "{}: {named}", row[0]);
        }
    }
    assert!(body.len() > 30, "{} rows", body.len());
}
