//! `lint --watch` reports again when a file changes, and only then.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::support::command;

#[test]
fn a_change_of_an_input_is_reported_and_nothing_else_is() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("RetailOEMInput.xml"), "<OEMInput>").unwrap();
    fs::create_dir(at(".git")).unwrap();
    fs::create_dir(at("target")).unwrap();
    let mut child = command(folder.path())
        .args(["lint", "--watch", "--report", "html=lint.html", "."])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let mut summary = || lines.find(|line| line.contains(" read")).unwrap();
    assert!(summary().starts_with("1 error in"));

    // None of these is an input, nor is the report; the next report is about the change after them.
    fs::write(at(".git/index"), "x").unwrap();
    fs::write(at("target/a.xml"), "<a>").unwrap();
    fs::write(at("RetailOEMInput.xml"), "<OEMInput/>").unwrap();
    let second = summary();
    assert!(second.contains("1 product"), "{second}");
    fs::remove_file(at("RetailOEMInput.xml")).unwrap();
    let third = summary();
    assert!(third.starts_with("no findings in no product"), "{third}");
    assert!(at("lint.html").exists());
    child.kill().unwrap();
    child.wait().unwrap();
}
