//! Code-integrity policies from outside: signed from the bare policy, verified, taken back out, and left alone in folders.

use std::fs;

use crate::support::{corpus, oracle, pem_files, proofmark, testcert};

/// A bare policy of no rules: header, four empty lists, and what versions 3 to 7 brought.
pub(crate) fn bare() -> Vec<u8> {
    let header = [
        7,
        1,
        2,
        3,
        4,
        5,
        6,
        7,
        8,
        0x8000_0004,
        0,
        0,
        0,
        0,
        0,
        0xa_0000,
        64,
    ];
    let body = [0, 0, 0, 0, 3, 4, 5, 6, 1, 2, 3, 4, 1, 2, 3, 4, 0, 7, 8];
    let numbers = header.iter().chain(&body);
    numbers
        .flat_map(|number: &u32| number.to_le_bytes())
        .collect()
}

#[test]
fn a_policy_is_signed_verified_and_taken_back_out() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("policy.bin"), bare()).unwrap();
    let pfx = testcert("no-eku.pfx");
    let sign = format!("sign --profile test --pfx {}", pfx.display());
    let run = proofmark(folder, &format!("{sign} --out SIPolicy.p7b policy.bin")).ended(0);
    assert!(
        run.stdout.contains("code-integrity policy"),
        "{}",
        run.stdout
    );
    let run = proofmark(folder, "verify SIPolicy.p7b").ended(0);
    assert!(run.stdout.contains("own-test"), "{}", run.stdout);
    assert!(run.stdout.contains("timestamp  none"), "{}", run.stdout);
    let run = proofmark(folder, "certs show SIPolicy.p7b").ended(0);
    assert!(run.stdout.contains("No EKU"), "{}", run.stdout);

    let run = proofmark(
        folder,
        &format!("{sign} --if-signed append --in-place SIPolicy.p7b"),
    );
    let run = run.ended(2);
    assert!(
        run.stderr.contains("takes no other signature"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("--if-signed replace"), "{}", run.stderr);
    proofmark(
        folder,
        &format!("{sign} --if-signed fail --in-place SIPolicy.p7b"),
    )
    .ended(2);
    let run = proofmark(
        folder,
        &format!("{sign} --if-signed skip --in-place SIPolicy.p7b"),
    );
    assert!(run.ended(0).stdout.starts_with("skipped"));
    let run = proofmark(folder, "sign --profile test --in-place SIPolicy.p7b").ended(0);
    assert!(run.stdout.starts_with("replaced"), "{}", run.stdout);

    proofmark(folder, "remove --out back.bin SIPolicy.p7b").ended(0);
    assert_eq!(fs::read(folder.join("back.bin")).unwrap(), bare());
    let run = proofmark(folder, "verify back.bin").ended(1);
    assert!(run.stdout.starts_with("unsigned"), "{}", run.stdout);

    if pem_files(folder, "oem").is_some()
        && let Some(run) = oracle(
            folder,
            "openssl cms -verify -binary -inform DER -in SIPolicy.p7b -CAfile ca.pem -purpose any -out out.bin",
        )
    {
        run.ended(0);
        assert_eq!(fs::read(folder.join("out.bin")).unwrap(), bare());
    }
}

/// What signs code is not let loose on policies that happen to lie in the same folder; verifying means them too.
#[test]
fn policies_in_folders_are_verified_and_not_signed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("SIPolicy.p7b"), bare()).unwrap();
    fs::write(folder.join("{0}.cip"), bare()).unwrap();
    let run = proofmark(folder, "sign --profile test --in-place .").ended(2);
    assert!(run.stderr.contains("below this folder"), "{}", run.stderr);
    let run = proofmark(folder, "verify .").ended(1);
    assert_eq!(run.stdout.matches("unsigned").count(), 2, "{}", run.stdout);
    // A code certificate without the usage is still refused as soon as there is code among the files.
    fs::write(folder.join("a.cat"), fs::read(testcert("oem.cer")).unwrap()).unwrap();
    let pfx = testcert("no-eku.pfx");
    let line = format!(
        "sign --profile test --pfx {} --out out SIPolicy.p7b a.cat",
        pfx.display()
    );
    let run = proofmark(folder, &line).ended(2);
    assert!(run.stderr.contains("may not sign code"), "{}", run.stderr);
}

#[test]
fn the_policies_of_the_kit_name_their_root() {
    let Some(workspace) = corpus("addonkit/Workspace") else {
        return;
    };
    let root = workspace.join("Certs/Contoso-RootPK.cer");
    let policy = workspace.join("Common/Packages/Security.DeviceGuard/SIPolicyEnforce.p7b");
    let line = format!("verify --root {} {}", root.display(), policy.display());
    let run = proofmark(&workspace, &line).ended(0);
    assert!(run.stdout.contains("(named)"), "{}", run.stdout);
    assert!(run.stdout.contains("published"), "{}", run.stdout);
    proofmark(
        &workspace,
        &format!(
            "verify --require retail --root {} {}",
            root.display(),
            policy.display()
        ),
    )
    .ended(1);
}

/// The file's name says which variable it is, `--variable` knows better, and the signature has the last word.
#[test]
fn secure_boot_variables_of_the_kit_are_verified_and_shown() {
    let Some(workspace) = corpus("addonkit/Workspace") else {
        return;
    };
    let root = workspace.join("Certs/Contoso-RootPK.cer");
    let folder = workspace.join("Common/Packages/Security.SecureBoot");
    let verify = format!("verify --root {}", root.display());
    let run = proofmark(&folder, &format!("{verify} SetVariable_db.bin")).ended(0);
    assert!(
        run.stdout.contains("(secure-boot variable)"),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout.contains("the content of db, as it was named"),
        "{}",
        run.stdout
    );
    let run = proofmark(
        &folder,
        &format!("{verify} --variable KEK SetVariable_db.bin"),
    )
    .ended(1);
    assert!(
        run.stdout.contains("signed to become db, not KEK"),
        "{}",
        run.stdout
    );
    let copy = tempfile::tempdir().unwrap();
    fs::copy(
        folder.join("SetVariable_kek.bin"),
        copy.path().join("x.bin"),
    )
    .unwrap();
    let run = proofmark(copy.path(), &format!("{verify} x.bin")).ended(0);
    assert!(
        run.stdout.contains("KEK, as the signature itself says"),
        "{}",
        run.stdout
    );
    let run = proofmark(
        &folder,
        &format!("{verify} --variable PKK SetVariable_pk.bin"),
    )
    .ended(2);
    assert!(
        run.stderr.contains("PK, KEK, db or dbx is expected"),
        "{}",
        run.stderr
    );
    let run = proofmark(copy.path(), "sign --profile test --in-place x.bin").ended(2);
    assert!(run.stderr.contains("is not supported"), "{}", run.stderr);
    let run = proofmark(&folder, "certs show SetVariable_db.bin").ended(0);
    for name in [
        "Contoso KEK Secure Boot",
        "UEFI CA 2011",
        "Windows Production PCA 2011",
    ] {
        assert!(run.stdout.contains(name), "{}", run.stdout);
    }
}
