//! `proofmark sign` and `proofmark verify` as a release engineer uses them.

use std::fs;

use crate::support::{folder, proofmark, testcert};

#[test]
fn the_test_profile_works_with_no_file_at_all() {
    let folder = folder();
    let run = proofmark(folder.path(), "sign --profile test --in-place plain.cab").ended(0);
    assert!(
        run.stdout.starts_with("signed   plain.cab"),
        "{}",
        run.stdout
    );
    proofmark(folder.path(), "verify plain.cab").ended(0);
    proofmark(folder.path(), "verify --require test plain.cab").ended(0);
    let run = proofmark(folder.path(), "verify --require retail plain.cab").ended(1);
    assert!(run.stdout.starts_with("refused"), "{}", run.stdout);
}

#[test]
fn the_retail_profile_has_no_key_and_takes_no_test_key() {
    let folder = folder();
    let before = fs::read(folder.path().join("plain.cab")).unwrap();
    let run = proofmark(folder.path(), "sign --profile retail --in-place plain.cab").ended(2);
    assert!(
        run.stderr.contains("profile 'retail' has no key"),
        "{}",
        run.stderr
    );
    for (leaf, reason) in [
        ("oem", "published"),
        ("expired", "expired on 2016"),
        ("not-yet-valid", "not valid before 2044"),
        ("wrong-eku", "may not sign code"),
        ("self-signed", "published"),
    ] {
        let pfx = testcert(&format!("{leaf}.pfx"));
        let line = format!(
            "sign --profile retail --pfx {} --in-place plain.cab",
            pfx.display()
        );
        let run = proofmark(folder.path(), &line).ended(2);
        assert!(
            run.stderr.contains(reason) || run.stderr.contains("test certificate"),
            "{}",
            run.stderr
        );
        assert!(run.stderr.contains("--allow-"), "{}", run.stderr);
    }
    assert_eq!(fs::read(folder.path().join("plain.cab")).unwrap(), before);
}

#[test]
fn faults_are_told_apart_by_kind() {
    let folder = folder();
    let status = |leaf: &str, allow: &str| {
        let pfx = testcert(&format!("{leaf}.pfx"));
        let sign = format!(
            "sign --profile test {allow} --pfx {} --out {leaf}.cab plain.cab",
            pfx.display()
        );
        proofmark(folder.path(), &sign).ended(0);
        proofmark(folder.path(), &format!("verify {leaf}.cab"))
            .ended(1)
            .stdout
    };
    assert!(status("expired-2022", "--allow-expired").contains("[expired]"));
    assert!(status("self-signed", "").contains("[unknown-root]"));
    assert!(status("microsoft-name", "").contains("[missing-issuer]"));
    assert!(status("wrong-eku", "--allow-wrong-usage").contains("[wrong-usage]"));
    let unsigned = proofmark(folder.path(), "verify plain.cab").ended(1).stdout;
    assert!(unsigned.starts_with("unsigned plain.cab"), "{unsigned}");
    proofmark(folder.path(), "verify --at 2022-06-01 expired-2022.cab").ended(0);
}

#[test]
fn a_profile_of_the_configuration_signs_under_a_named_root() {
    let folder = folder();
    let copy = |from: &str, to: &str| fs::copy(testcert(from), folder.path().join(to)).unwrap();
    copy("demo-retail.key", "leaf.key");
    copy("demo-retail.cer", "leaf.cer");
    copy("demo-retail-root.cer", "root.cer");
    let toml = "[profile.ship]\ncertificate = 'leaf.cer'\nkey = 'leaf.key'\ndigest = 'sha384'\n";
    fs::write(folder.path().join("proofmark.toml"), toml).unwrap();
    proofmark(folder.path(), "sign --profile ship --in-place plain.cab").ended(0);
    // The leaf's issuer is neither in the file nor an anchor.
    let run = proofmark(folder.path(), "verify --root root.cer plain.cab").ended(1);
    assert!(run.stdout.contains("[missing-issuer]"), "{}", run.stdout);
    let pfx = testcert("demo-retail.pfx");
    let sign = format!(
        "sign --profile retail --pfx {} --in-place plain.cab",
        pfx.display()
    );
    proofmark(folder.path(), &sign).ended(0);
    proofmark(
        folder.path(),
        "verify --root root.cer --require retail plain.cab",
    )
    .ended(0);
    fs::write(
        folder.path().join("proofmark.toml"),
        "[trust]\nroots = ['root.cer']\n",
    )
    .unwrap();
    let run = proofmark(folder.path(), "verify --require retail plain.cab").ended(0);
    assert!(run.stdout.contains("(named)"), "{}", run.stdout);
}

#[test]
fn passwords_come_from_a_file_or_a_variable() {
    let folder = folder();
    let pfx = testcert("pfx/oem-password.pfx");
    fs::write(folder.path().join("password"), "proofmark\n").unwrap();
    let line = format!(
        "sign --profile test --pfx {} --out out.cab plain.cab",
        pfx.display()
    );
    let run = proofmark(folder.path(), &line).ended(2);
    assert!(
        run.stderr.contains("the password is wrong"),
        "{}",
        run.stderr
    );
    proofmark(folder.path(), &format!("{line} --password-file password")).ended(0);
    let line = format!("{line} --password-env PROOFMARK_TEST_PASSWORD");
    let run = proofmark(folder.path(), &line).ended(2);
    assert!(
        run.stderr.contains("PROOFMARK_TEST_PASSWORD"),
        "{}",
        run.stderr
    );
    let mut command = crate::support::command(folder.path());
    command.env("PROOFMARK_TEST_PASSWORD", "proofmark");
    let status = command.args(line.split(' ')).output().unwrap().status;
    assert!(status.success());
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let folder = folder();
    for name in ["first.cab", "second.cab"] {
        proofmark(
            folder.path(),
            &format!("sign --profile test --out {name} plain.cab"),
        )
        .ended(0);
    }
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    assert_eq!(read("first.cab"), read("second.cab"));
}

#[test]
fn json_has_a_record_per_file_and_outcome() {
    let folder = folder();
    let run = proofmark(
        folder.path(),
        "sign --profile test --format json --out out plain.cab stored.cab",
    );
    let signed: serde_json::Value = serde_json::from_str(&run.ended(0).stdout).unwrap();
    assert_eq!(signed[1]["status"], "signed");
    assert_eq!(signed[1]["format"], "cab");
    let run = proofmark(folder.path(), "verify --format json out plain.cab");
    let verified: serde_json::Value = serde_json::from_str(&run.ended(1).stdout).unwrap();
    assert_eq!(verified.as_array().unwrap().len(), 3);
    assert_eq!(verified[0]["status"], "verified");
    assert_eq!(verified[0]["class"], "own-test");
    let outcomes = verified[0]["signatures"][0]["outcomes"].as_array().unwrap();
    let checks: Vec<_> = outcomes
        .iter()
        .map(|o| o["check"].as_str().unwrap())
        .collect();
    let all = [
        "structure",
        "digest",
        "signature",
        "chain",
        "usage",
        "validity",
        "timestamp",
        "revocation",
    ];
    assert_eq!(checks, all);
    assert_eq!(verified[2]["status"], "unsigned");
}

#[test]
fn several_inputs_need_a_folder_and_different_names() {
    let folder = folder();
    fs::create_dir(folder.path().join("other")).unwrap();
    fs::copy(
        folder.path().join("plain.cab"),
        folder.path().join("other/plain.cab"),
    )
    .unwrap();
    let run = proofmark(
        folder.path(),
        "sign --profile test --out out plain.cab other/plain.cab",
    )
    .ended(2);
    assert!(
        run.stderr.contains("two inputs have this file name"),
        "{}",
        run.stderr
    );
}
