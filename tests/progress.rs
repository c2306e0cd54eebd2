//! Long runs show a bar on a terminal, and nowhere else.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{command, folder};

/// Files of the batch.
const COUNT: usize = 20;

fn batch() -> tempfile::TempDir {
    let folder = folder();
    let files = folder.path().join("batch");
    fs::create_dir(&files).unwrap();
    for index in 0..COUNT {
        let target = files.join(format!("{index}.cab"));
        fs::copy(folder.path().join("plain.cab"), target).unwrap();
    }
    folder
}

const LINE: &str = "sign --profile test --in-place batch";

/// What a run writes to a terminal, on which both streams meet.
fn on_a_terminal(folder: &Path, ci: &str) -> String {
    let line = format!("{} {LINE}", env!("CARGO_BIN_EXE_proofmark"));
    let output = Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .current_dir(folder)
        .env("TERM", "xterm")
        .env("CI", ci)
        .output()
        .expect("script of bsdutils is part of every Linux");
    assert!(output.status.success());
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_bar_is_drawn_for_people_only() {
    if cfg!(not(target_os = "linux")) {
        println!("passed over: script has other arguments here");
        return;
    }
    let folder = batch();
    let path = folder.path();
    let drawn = on_a_terminal(path, "");
    assert!(drawn.contains(&format!("/{COUNT}, ")), "{drawn}");
    assert!(drawn.contains("signing "), "{drawn}");
    // It is gone before the results are there.
    let results = drawn
        .find("replaced batch")
        .or_else(|| drawn.find("signed   batch"));
    assert!(drawn.rfind(&format!("/{COUNT}, ")) < results, "{drawn}");
    let in_ci = on_a_terminal(path, "true");
    assert!(!in_ci.contains("signing "), "{in_ci}");
    assert_eq!(in_ci.matches("replaced").count(), COUNT);
    let output = command(path)
        .args(LINE.split_whitespace())
        .env_remove("CI")
        .output()
        .unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
