//! Wrong files, broken files and typos: a clear message, exit code 2 or 1, nothing written.

use std::fs;

use crate::support::{folder, proofmark, repository};

#[test]
fn files_of_the_wrong_kind_are_named() {
    let folder = folder();
    let path = folder.path();
    fs::write(path.join("empty.cab"), "").unwrap();
    fs::write(path.join("driver.cab"), b"\xd0\xcf\x11\xe0....").unwrap();
    for (file, what) in [
        ("empty.cab", "an empty file"),
        ("driver.cab", "an MSI or other OLE file"),
    ] {
        let run = proofmark(path, &format!("sign --profile test --in-place {file}")).ended(2);
        assert!(
            run.stderr.contains(file) && run.stderr.contains(what),
            "{}",
            run.stderr
        );
        let run = proofmark(path, &format!("verify {file}")).ended(1);
        assert!(run.stdout.contains(what), "{}", run.stdout);
    }
    let run = proofmark(path, "verify missing.cab").ended(2);
    assert!(run.stderr.contains("missing.cab"), "{}", run.stderr);
    fs::create_dir(path.join("nothing")).unwrap();
    let run = proofmark(path, "verify nothing").ended(2);
    assert!(run.stderr.contains("no .cab"), "{}", run.stderr);
}

#[test]
fn typos_are_answered_with_what_there_is() {
    let folder = folder();
    let run = proofmark(folder.path(), "explain relase-type-value").ended(2);
    assert!(
        run.stderr.contains("did you mean `release-type-value`?"),
        "{}",
        run.stderr
    );
    let run = proofmark(folder.path(), "sign --profile tset --in-place plain.cab").ended(2);
    assert!(
        run.stderr.contains("known profiles: retail, test"),
        "{}",
        run.stderr
    );
    let run = proofmark(folder.path(), "sgin plain.cab").ended(2);
    assert!(run.stderr.contains("sign"), "{}", run.stderr);
    fs::write(
        folder.path().join("proofmark.toml"),
        "[profile.a]\npfxx = 'a'\n",
    )
    .unwrap();
    let run = proofmark(folder.path(), "verify plain.cab").ended(2);
    assert!(
        run.stderr.contains("proofmark.toml") && run.stderr.contains("pfxx"),
        "{}",
        run.stderr
    );
}

#[test]
fn one_bad_file_of_a_batch_leaves_the_others_signed_and_itself_untouched() {
    let folder = folder();
    let path = folder.path();
    let plain = fs::read(path.join("plain.cab")).unwrap();
    fs::write(path.join("cut.cab"), &plain[..50]).unwrap();
    let run = proofmark(
        path,
        "sign --profile test --in-place plain.cab cut.cab stored.cab",
    )
    .ended(2);
    assert!(
        run.stderr.contains("cut.cab") && run.stderr.contains("offset"),
        "{}",
        run.stderr
    );
    assert_eq!(run.stdout.lines().count(), 2);
    assert_eq!(fs::read(path.join("cut.cab")).unwrap(), &plain[..50]);
    proofmark(path, "verify plain.cab stored.cab").ended(0);
    let left = fs::read_dir(path).unwrap().map(|e| e.unwrap().file_name());
    assert!(
        !left
            .into_iter()
            .any(|name| name.to_string_lossy().starts_with(".proofmark"))
    );
}

#[test]
fn a_closed_pipe_is_no_panic() {
    let folder = repository();
    let program = env!("CARGO_BIN_EXE_proofmark");
    let line = format!("'{program}' rules | head -1");
    let output = std::process::Command::new("sh")
        .arg("-c")
        .arg(line)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
