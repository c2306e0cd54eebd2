//! `lint --shipped`: comparing with an earlier release.

use crate::support::{command, repository};

#[test]
fn rules_compare_with_the_folder_of_an_earlier_release_and_say_nothing_without_it() {
    let folder = repository().join("lint/tests/fixtures/package-version-not-increased");
    let lint = |options: &[&str]| {
        let mut command = command(&folder);
        let output = command.arg("lint").args(options).arg("now").output();
        crate::support::Run::from(output.unwrap())
    };
    let run = lint(&["--shipped", "before"]).ended(1);
    assert!(
        run.stdout
            .contains("`BSPVersion` is 10.0.3.0, and 10.0.3.0 was shipped"),
        "{}",
        run.stdout
    );
    lint(&[]).ended(0);
    let run = lint(&["--shipped", "befor"]).ended(2);
    assert!(run.stderr.contains("befor: "), "{}", run.stderr);
}
