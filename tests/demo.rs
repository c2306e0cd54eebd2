//! The README's first command.

use crate::support::proofmark;

#[test]
fn the_demo_runs_twice_and_shows_the_gate() {
    let folder = tempfile::tempdir().unwrap();
    let first = proofmark(folder.path(), "demo").ended(0);
    let second = proofmark(folder.path(), "demo").ended(0);
    assert_eq!(first.stdout, second.stdout);
    let rejected = first
        .stdout
        .split("5. Lint the retail image")
        .nth(1)
        .unwrap();
    let rejected = rejected.split("6. Sign").next().unwrap();
    assert!(rejected.contains("test-signed-in-retail"), "{rejected}");
    assert!(rejected.contains("OEMFM.xml:6:46"), "{rejected}");
    let last = first
        .stdout
        .split("7. Lint the retail image again.")
        .nth(1)
        .unwrap();
    assert!(last.contains("no findings"), "{last}");
    // What was printed can be typed, and ends the same way.
    let commands = first
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("$ proofmark "));
    for line in commands {
        let run = proofmark(folder.path(), line);
        let is_rejected = run.stdout.contains("test-signed-in-retail");
        assert_eq!(
            run.code,
            Some(i32::from(is_rejected)),
            "{line}\n{}",
            run.stderr
        );
    }
}
