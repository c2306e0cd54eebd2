//! Every definition that can be built: it builds, signs, and other people's tools agree with every layer of the package.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use formats::container::cab::Limits;
use serde_json::Value;
use signer::package::Package;

use crate::definitions::{cabinets, copy, find_definitions, make_sources, workspace};
use crate::support::{corpus, oracle, pem_files, proofmark, repository};

const DEFINED: &str = "--define BUILDTIME=0";

/// Checks every package of `path/out`: our own verifier, the linter, cabextract, and osslsigncode on the cabinet, the
/// catalog and each image. Returns how many packages and images there were; `None` where a tool is missing.
fn agreed(path: &Path, out: &str) -> Option<(usize, usize)> {
    let root = repository().join("testcerts/root.cer");
    let root = root.display();
    pem_files(path, "oem")?;
    let built = cabinets(&path.join(out));
    let mut images = 0;
    for (name, bytes) in &built {
        proofmark(path, &format!("package show --root {root} {out}/{name}")).ended(0);
        proofmark(path, &format!("verify --root {root} {out}/{name}")).ended(0);
        oracle(path, &format!("cabextract -q -t {out}/{name}"))?.ended(0);
        oracle(
            path,
            &format!("cabextract -q -d {out}/{name}.files {out}/{name}"),
        )?
        .ended(0);
        let package = Package::read(&mut Cursor::new(bytes), Limits::default()).unwrap();
        let mut layers = vec![format!("{out}/{name}")];
        for file in &package.files {
            let extracted = format!("{out}/{name}.files/{}", file.path);
            let theirs = fs::read(path.join(&extracted)).unwrap();
            assert!(theirs == file.bytes, "{name} {}", file.path);
            let is_image = file.bytes.starts_with(b"MZ");
            images += usize::from(is_image);
            if is_image || file.path == "update.cat" {
                layers.push(extracted);
            }
        }
        for file in layers {
            // A path with a blank is no word of a command line.
            fs::copy(path.join(&file), path.join("layer")).unwrap();
            let line = "osslsigncode verify -CAfile ca.pem -ignore-crl -in layer";
            let run = oracle(path, line)?;
            assert!(run.ended(0).stdout.contains("Succeeded"), "{file}");
        }
    }
    // As packages they are clean, whatever was told of their definitions.
    let lint = format!("lint --format json --root {root} --image test {out}");
    let report = proofmark(path, &lint).ended(0);
    let report: Value = serde_json::from_str(&report.stdout).unwrap();
    assert_eq!(report["diagnostics"], serde_json::json!([]));
    Some((built.len(), images))
}

#[test]
fn the_example_workspace_builds_and_other_tools_agree() {
    let folder = workspace();
    let path = folder.path();
    let line = "package build --profile test --define PROD=Kiosk --out out w";
    let run = proofmark(path, line).ended(0);
    assert!(
        run.stdout.ends_with("4 built, 0 unchanged, 0 failed\n"),
        "{}",
        run.stdout
    );
    let built = cabinets(&path.join("out"));
    let names: Vec<&str> = built.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "Fjordlight.FjordBoard.DeviceLayout.cab",
            "Fjordlight.Kiosk.Agent.cab",
            "Fjordlight.Kiosk.Location.cab",
            "Fjordlight.Provisioning.Auto.cab",
        ]
    );
    let Some(agreed) = agreed(path, "out") else {
        return;
    };
    assert_eq!(agreed, (4, 0));
}

/// Builds definitions for a processor; each is signed, or refused with the reason that is returned.
fn build(path: &Path, arch: &str, out: &str, definitions: &[String]) -> (usize, Vec<String>) {
    for name in definitions {
        make_sources(path, name, arch);
    }
    let line = format!(
        "package build --profile test --cpu {arch} --format json {DEFINED} --define PROD=Sample --out {out} {}",
        definitions.join(" ")
    );
    let run = proofmark(path, &line);
    assert!(
        matches!(run.code, Some(0 | 2)),
        "{}{}",
        run.stdout,
        run.stderr
    );
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let rows = report["packages"].as_array().unwrap();
    assert_eq!(rows.len(), definitions.len());
    let failed = rows.iter().filter(|row| row["status"] != "built");
    let reason = |row: &Value| {
        let error = row["error"].as_str().unwrap();
        let reason = error.splitn(3, ": ").nth(2).unwrap_or(error);
        format!("{}: {reason}", row["name"].as_str().unwrap())
    };
    let mut failed: Vec<String> = failed.map(reason).collect();
    failed.sort();
    (rows.len() - failed.len(), failed)
}

/// Every definition of the kit's own workspace: built, or refused for what has no known form.
#[test]
fn the_definitions_of_the_kit_build_as_far_as_their_form_is_known() {
    let Some(kit) = corpus("addonkit/Workspace") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    copy(&kit, &path.join("w"));
    let of = |part: &str| find_definitions(path, part);
    let with_keys = |name: &String| {
        name.ends_with("Security.RootCerts.wm.xml") || name.ends_with("Security.SecureBoot.wm.xml")
    };
    let arm = [of("w/Common"), of("w/Source-arm")].concat();
    let (published, arm): (Vec<_>, Vec<_>) = arm.into_iter().partition(with_keys);
    let (built, refused) = build(path, "arm", "out", &arm);
    let kit = "build this package with the kit, and sign it with `proofmark resign`";
    let boot =
        format!("boot settings are not built: their form in a package is not published; {kit}");
    assert_eq!(
        refused,
        [
            format!("Contoso.Custom.BCD: {boot}"),
            format!(
                "Contoso.CustomRPi2.GPIO: drivers are not built: what a package has of an INF file is published for no driver of an OEM; {kit}"
            ),
            format!("Contoso.Recovery.GPT-BCD: {boot}"),
            format!("Contoso.Recovery.MBR-BCD: {boot}"),
            "Contoso.Settings.HotKey: REG_QWORD has no known form in a package; write the eight bytes as REG_BINARY where the reader takes them, or build this package with the kit".to_owned(),
        ]
    );
    assert_eq!((arm.len(), built), (31, 26));
    let arm64 = of("w/Source-arm64");
    let (built_too, refused) = build(path, "arm64", "out64", &arm64);
    assert_eq!((built_too, refused), (1, Vec::new()));
    // Whoever signs with keys that are published is stopped before anything is built.
    assert_eq!(published.len(), 2);
    for name in &published {
        make_sources(path, name, "arm");
        let line = format!("package build --profile test --cpu arm {DEFINED} --out keys {name}");
        let run = proofmark(path, &line).ended(1);
        assert!(
            run.stdout.contains("key of PK is published")
                || run.stdout.contains("its key is published"),
            "{}",
            run.stdout
        );
        assert!(!path.join("keys").exists());
    }
    let (Some((packages, images)), Some((one, _))) = (agreed(path, "out"), agreed(path, "out64"))
    else {
        return;
    };
    assert_eq!((packages, one), (26, 1));
    assert!(images > 0, "no program was looked at");
}
