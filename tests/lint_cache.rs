//! `lint --cache`: what was found in cabinets is kept from run to run.

use std::fs;

use crate::support::{Run, command, repository};

#[test]
fn a_report_is_the_same_without_a_cache_with_an_empty_and_with_a_full_one() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = repository().join("lint/tests/fixtures/catalog-os-attr");
    let cabinet = folder.path().join("Fjordlight.Kiosk.Agent.cab");
    fs::copy(fixture.join("Fjordlight.Kiosk.Agent.cab"), &cabinet).unwrap();
    let lint = |options: &[&str]| -> Run {
        let mut command = command(folder.path());
        let lint = ["lint", "--at", "2026-06-01T00:00:00Z", "--image", "retail"];
        let lint = command.args(lint).args(["--format", "json"]).args(options);
        lint.arg("Fjordlight.Kiosk.Agent.cab")
            .output()
            .unwrap()
            .into()
    };
    let without = lint(&[]).ended(1);
    assert!(without.stdout.contains("catalog-os-attr"));
    for turn in ["cold", "warm"] {
        let with = lint(&["--cache", "kept"]).ended(1);
        assert_eq!(with.stdout, without.stdout, "{turn}");
        assert_eq!(with.stderr, without.stderr, "{turn}");
    }
    let kept = folder.path().join("kept");
    assert_eq!(fs::read_dir(&kept).unwrap().count(), 1);

    // The name and the time of a cabinet say nothing about what is in it.
    let mut bytes = fs::read(&cabinet).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&cabinet, bytes).unwrap();
    let changed = lint(&["--cache", "kept"]);
    assert_eq!(changed.stdout, lint(&[]).stdout);
    assert_ne!(changed.stdout, without.stdout);
}

#[test]
fn a_file_is_no_folder_for_a_cache() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("kept"), "").unwrap();
    let mut command = command(folder.path());
    let output = command.args(["lint", "--cache", "kept", "."]).output();
    let run = Run::from(output.unwrap()).ended(2);
    let expected = "error: kept: the cache is a folder, and this is a file";
    assert!(run.stderr.contains(expected), "{}", run.stderr);
}
