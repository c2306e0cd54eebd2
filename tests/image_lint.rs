//! `proofmark lint` of finished images, as a user meets it.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{oracle, proofmark, repository, testcert};

/// Puts one of the images in which nothing is found into `folder` as `Flash.ffu`.
fn put(folder: &Path, name: &str) -> Option<()> {
    let clean = repository().join("lint/tests/images/clean");
    let packed = clean.join(name).join("Flash.ffu.gz");
    fs::copy(packed, folder.join("Flash.ffu.gz")).unwrap();
    oracle(folder, "gzip -d -f Flash.ffu.gz")?.ended(0);
    Some(())
}

/// The arguments under which the images of the fixtures are sound.
fn trusting() -> String {
    format!(
        "lint --at 2026-06-01 --root {}",
        testcert("demo-retail-root.cer").display()
    )
}

#[test]
fn what_is_in_an_image_is_judged_by_its_own_type() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let trusting = trusting();
    for name in ["retail-gpt", "retail-mbr", "test-gpt", "test-mbr"] {
        if put(path, name).is_none() {
            return;
        }
        let lint = format!("{trusting} --fail-on info --format json Flash.ffu");
        let found: Value = serde_json::from_str(&proofmark(path, &lint).ended(0).stdout).unwrap();
        let kind = name.split('-').next().unwrap();
        assert_eq!(found["products"][0]["image"], kind);
        assert_eq!(found["products"][0]["name"], "Flash.ffu");
    }
    let run = proofmark(path, &format!("{trusting} --image retail Flash.ffu")).ended(1);
    for place in [
        "image-testsigning-on\n",
        "Flash.ffu/EFIESP:EFI/Microsoft/Boot/BCD ({globalsettings}.testsigning)",
        "image-test-signed\n",
        "Flash.ffu/MainOS:Windows/System32/drivers/lineprobe.sys",
    ] {
        assert!(run.stdout.contains(place), "{place}\n{}", run.stdout);
    }
}

#[test]
fn every_form_of_report_has_places_in_images() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    if put(path, "test-gpt").is_none() {
        return;
    }
    let lint = format!("{} --image retail", trusting());
    for form in ["text", "json", "sarif", "junit", "github", "gitlab", "html"] {
        let run = proofmark(path, &format!("{lint} --format {form} Flash.ffu")).ended(1);
        assert!(
            run.stdout.contains("Boot/BCD") && run.stdout.contains("image-testsigning-on"),
            "{form}: {}",
            run.stdout
        );
    }
}

#[test]
fn findings_in_an_image_may_wait() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    if put(path, "retail-gpt").is_none() {
        return;
    }
    // Nobody says that its root is trusted.
    let lint = "lint --at 2026-06-01 --fail-on info";
    let run = proofmark(path, &format!("{lint} Flash.ffu")).ended(1);
    assert!(
        run.stdout.contains("image-catalog-unverified"),
        "{}",
        run.stdout
    );
    let written = proofmark(
        path,
        &format!("{lint} --write-baseline baseline.json Flash.ffu"),
    );
    assert!(
        written.stderr.contains("findings may wait"),
        "{}",
        written.stderr
    );
    proofmark(path, &format!("{lint} --baseline baseline.json Flash.ffu")).ended(0);
}

#[test]
fn what_is_no_sound_image_is_said_plainly() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    if put(path, "retail-gpt").is_none() {
        return;
    }
    let whole = fs::read(path.join("Flash.ffu")).unwrap();
    let found = |bytes: &[u8]| {
        fs::write(path.join("Flash.ffu"), bytes).unwrap();
        proofmark(path, &format!("{} Flash.ffu", trusting()))
            .ended(1)
            .stdout
    };
    let cut = found(&whole[..whole.len() - 5000]);
    assert!(
        cut.contains("image-not-intact\n") && cut.contains("image-contradiction"),
        "{cut}"
    );
    let head = found(&whole[..100]);
    assert!(
        head.contains("image-unreadable\n") && head.contains("needs"),
        "{head}"
    );
    let other = found(b"this is no image at all, whatever it is called");
    assert!(other.contains("image-unreadable\n"), "{other}");
    let run = proofmark(path, "lint Flahs.ffu").ended(2);
    assert!(run.stderr.contains("Flahs.ffu"), "{}", run.stderr);
    let run = proofmark(path, "lint --workspace . plain.xml").ended(2);
    assert!(!run.stderr.is_empty());
}

#[test]
fn an_image_is_compared_with_the_workspace_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    if put(path, "retail-gpt").is_none() {
        return;
    }
    let workspace = repository().join("lint/tests/fixtures/image-differs-from-workspace/workspace");
    let workspace = workspace.display();
    let lint = format!("{} --workspace {workspace} Flash.ffu", trusting());
    let named = proofmark(path, &lint).ended(0).stdout;
    let difference = "`SOC` is `FjordBoard`, the workspace has `FjordBoard2`";
    assert!(named.contains(difference), "{named}");
    let both = proofmark(path, &format!("{} Flash.ffu {workspace}", trusting()));
    assert!(both.stdout.contains(difference), "{}", both.stdout);
    let neither = proofmark(path, &format!("{} Flash.ffu", trusting()))
        .ended(0)
        .stdout;
    assert!(
        !neither.contains("image-differs-from-workspace"),
        "{neither}"
    );
}
