//! Packages are built from definitions, and other people's tools agree with every layer.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use formats::container::cab::Limits;
use serde_json::Value;
use signer::package::Package;

use crate::support::{command, corpus, oracle, pem_files, proofmark, repository};

/// The example workspace, with the provisioning packages that the kit would have made.
fn workspace() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(
        &repository().join("examples/workspace"),
        &folder.path().join("w"),
    );
    let made = folder.path().join("w/Build/arm/ppkgs");
    fs::create_dir_all(&made).unwrap();
    for name in ["KioskProv.ppkg", "KioskProv.cat"] {
        fs::write(made.join(name), format!("not really {name}")).unwrap();
    }
    folder
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => {
                fs::copy(entry.path(), target).unwrap();
            }
        }
    }
}

/// The cabinets of a folder, by name.
fn cabinets(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let cabinets = entries.filter(|path| path.extension().is_some_and(|end| end == "cab"));
    let mut cabinets: Vec<_> = cabinets
        .map(|path| {
            (
                path.file_name().unwrap().to_string_lossy().into_owned(),
                fs::read(&path).unwrap(),
            )
        })
        .collect();
    cabinets.sort();
    cabinets
}

const BUILD: &str = "package build --profile test --define PROD=Kiosk --out";

#[test]
fn the_example_workspace_builds_and_other_tools_agree() {
    let folder = workspace();
    let path = folder.path();
    let run = proofmark(path, &format!("{BUILD} out w")).ended(0);
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
    let root = repository().join("testcerts/root.cer");
    for (name, bytes) in &built {
        let line = format!("package show --root {} out/{name}", root.display());
        proofmark(path, &line).ended(0);
        let package = Package::read(&mut Cursor::new(bytes), Limits::default()).unwrap();
        let extracted = oracle(path, &format!("cabextract -q -d {name}.files out/{name}"));
        let (Some(()), Some(run)) = (pem_files(path, "oem"), extracted) else {
            return;
        };
        run.ended(0);
        for file in &package.files {
            let theirs = fs::read(path.join(format!("{name}.files")).join(&file.path)).unwrap();
            assert!(theirs == file.bytes, "{name} {}", file.path);
        }
        for file in [format!("out/{name}"), format!("{name}.files/update.cat")] {
            let line = format!("osslsigncode verify -CAfile ca.pem -ignore-crl -in {file}");
            let Some(run) = oracle(path, &line) else {
                return;
            };
            assert!(run.ended(0).stdout.contains("Succeeded"), "{file}");
        }
    }
    // As packages they are as clean as they were as definitions.
    let lint = format!(
        "lint --root {} --image test out/Fjordlight.Kiosk.Agent.cab",
        root.display()
    );
    proofmark(path, &lint).ended(0);
}

#[test]
fn builds_are_the_same_anywhere_and_unchanged_ones_do_no_work() {
    let (one, two) = (workspace(), workspace());
    proofmark(one.path(), &format!("{BUILD} out w")).ended(0);
    proofmark(&two.path().join("w"), &format!("{BUILD} ../out --jobs 1 .")).ended(0);
    let first = cabinets(&one.path().join("out"));
    assert!(first == cabinets(&two.path().join("out")));

    let counts = |line: &str| {
        let run = proofmark(one.path(), line).ended(0);
        let report: Value = serde_json::from_str(&run.stdout).unwrap();
        [&report["built"], &report["unchanged"], &report["failed"]]
            .map(|count| count.as_u64().unwrap())
    };
    let again = format!("{BUILD} out --format json w");
    assert_eq!(counts(&again), [0, 4, 0]);
    let agent = one
        .path()
        .join("w/Source-arm/Packages/Kiosk.Agent/agent.json");
    fs::write(&agent, "{ \"changed\": true }").unwrap();
    assert_eq!(counts(&again), [1, 3, 0]);
    // Whoever touched a package, it is made again.
    fs::write(
        one.path().join("out/Fjordlight.Kiosk.Location.cab"),
        "other",
    )
    .unwrap();
    assert_eq!(counts(&again), [1, 3, 0]);
    assert_eq!(counts(&format!("{again} --version 1.0.0.1")), [4, 0, 0]);
    assert_eq!(
        counts(&format!("{again} --version 1.0.0.1 --stored")),
        [4, 0, 0]
    );

    let dated = command(one.path())
        .args(format!("{BUILD} dated w").split_whitespace())
        .env("SOURCE_DATE_EPOCH", "1577836800")
        .status()
        .unwrap();
    assert!(dated.success());
    let dated = cabinets(&one.path().join("dated"));
    let date = |bytes: &[u8]| {
        let package = Package::read(&mut Cursor::new(bytes), Limits::default()).unwrap();
        package.files[0].date
    };
    // Years from 1980, months and days of MS-DOS.
    assert_eq!(date(&dated[0].1), 40 << 9 | 1 << 5 | 1);
    assert_eq!(date(&first[0].1), 20 << 9 | 1 << 5 | 1);
}

fn definition(name: &str, body: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="utf-8"?>
<identity xmlns="urn:Microsoft.CompPlat/ManifestSchema.v1.00" owner="Contoso" namespace="Kiosk" name="{name}" legacyName="Contoso.Kiosk.{name}">
  <onecorePackageInfo targetPartition="MainOS" releaseType="Production" ownerType="OEM" />
  {body}
</identity>
"#
    )
}

#[test]
fn an_error_of_the_linter_stops_the_build_with_its_findings() {
    let folder = tempfile::tempdir().unwrap();
    let body = r#"<files><file source="missing.txt" /></files>"#;
    fs::create_dir(folder.path().join("p")).unwrap();
    fs::write(folder.path().join("p/A.wm.xml"), definition("A", body)).unwrap();
    fs::write(folder.path().join("p/other.txt"), "other").unwrap();
    let run = proofmark(folder.path(), "package build --cpu arm --out out p").ended(1);
    assert!(run.stdout.contains("file-source-missing"), "{}", run.stdout);
    assert!(run.stderr.contains("nothing was built"), "{}", run.stderr);
    assert!(!folder.path().join("out").exists());
}

#[test]
fn one_package_that_cannot_be_built_leaves_the_others_alone() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("p")).unwrap();
    fs::write(at("secret.txt"), "secret").unwrap();
    fs::write(at("p/x.txt"), "x").unwrap();
    for (name, source) in [
        ("Good", "x.txt"),
        ("Escape", r"..\secret.txt"),
        ("Twice", "x.txt"),
    ] {
        let file = format!(r#"<files><file source="{source}" /></files>"#);
        fs::write(at(&format!("p/{name}.wm.xml")), definition(name, &file)).unwrap();
    }
    let same = definition(
        "Twice",
        r#"<files><file source="x.txt" name="y.txt" /></files>"#,
    );
    fs::write(at("p/Same.wm.xml"), same).unwrap();
    let wow = definition("Wow", r#"<files><file source="x.txt" /></files>"#);
    fs::write(
        at("p/Wow.wm.xml"),
        wow.replace("owner=", "buildWow=\"true\" owner="),
    )
    .unwrap();
    let run = proofmark(
        folder.path(),
        "package build --cpu arm64 --out out p/Good.wm.xml p/Wow.wm.xml p/Escape.wm.xml",
    )
    .ended(2);
    assert!(
        run.stdout
            .contains("built     out/Contoso.Kiosk.Good.cab (arm64, 1 file, not signed)"),
        "{}",
        run.stdout
    );
    assert!(
        run.stderr.contains("is outside of the workspace")
            && run.stderr.contains("p/Escape.wm.xml:4:"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr
            .contains("the twin for programs of another processor"),
        "{}",
        run.stderr
    );
    assert_eq!(cabinets(&at("out")).len(), 1);
    let without = proofmark(folder.path(), "package build --out out p/Good.wm.xml").ended(2);
    assert!(
        without.stderr.contains("--cpu arm|arm64|x86|amd64"),
        "{}",
        without.stderr
    );
    let wrong = proofmark(
        folder.path(),
        "package build --cpu arm --version 1.0.0 --out out p",
    )
    .ended(2);
    assert!(wrong.stderr.contains("four numbers"), "{}", wrong.stderr);
}

#[test]
fn a_comparison_shows_what_changed_and_nothing_that_follows() {
    let folder = workspace();
    let path = folder.path();
    let packages = "w/Source-arm/Packages/Kiosk.Agent";
    proofmark(path, &format!("{BUILD} one {packages}")).ended(0);
    let agent = path.join(packages);
    fs::write(agent.join("agent.json"), "{}").unwrap();
    let definition = agent.join("Kiosk.Agent.wm.xml");
    let text = fs::read_to_string(&definition).unwrap();
    fs::write(&definition, text.replace("0000001E", "0000003C")).unwrap();
    let unsigned = "package build --define PROD=Kiosk --version 1.0.0.1 --out";
    proofmark(path, &format!("{unsigned} two {packages}")).ended(0);
    let name = "Fjordlight.Kiosk.Agent.cab";
    let same = proofmark(path, &format!("package diff one/{name} one/{name}")).ended(0);
    assert_eq!(same.stdout, "no differences\n");
    let run = proofmark(
        path,
        &format!("package diff --format json one/{name} two/{name}"),
    )
    .ended(1);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let rows =
        report.as_array().unwrap().iter().map(|row| {
            ["status", "part", "name"].map(|name| row[name].as_str().unwrap().to_owned())
        });
    let rows: Vec<_> = rows.collect();
    let key = r"hkey_local_machine\software\fjordlight\kiosk";
    let wanted = [
        ["changed", "identity", "version"],
        ["changed", "file", "kiosk/agent.json"],
        ["changed", "registry", &format!("{key}: idleseconds")],
        ["changed", "registry", &format!("{key}: version")],
        ["removed", "signer", "cabinet"],
        ["removed", "signer", "update.cat"],
    ];
    assert_eq!(rows, wanted.map(|row| row.map(str::to_owned)));
    assert_eq!(report[2]["after"], "REG_DWORD 0x0000003c");
    let run = proofmark(path, &format!("package diff one/{name} two/{name}")).ended(1);
    assert!(
        run.stdout
            .starts_with("changed  identity version\n  - 1.0.0.0\n  + 1.0.0.1\n"),
        "{}",
        run.stdout
    );
}

/// Every definition of the kit's own workspace is built, or refused for what has no known form.
#[test]
fn the_definitions_of_the_kit_build_as_far_as_their_form_is_known() {
    let Some(kit) = corpus("addonkit/Workspace") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    copy(&kit, &path.join("w"));
    let mut definitions = Vec::new();
    for part in ["w/Common", "w/Source-arm"] {
        find_definitions(path, Path::new(part), &mut definitions);
    }
    // They bring published keys, which the linter finds.
    definitions
        .retain(|name| !name.ends_with("RootCerts.wm.xml") && !name.ends_with("SecureBoot.wm.xml"));
    for name in &definitions {
        make_sources(path, name);
    }
    let defined = "--define PROD=Sample --define BUILDTIME=0";
    let line = format!(
        "package build --profile test --cpu arm --format json {defined} --out out {}",
        definitions.join(" ")
    );
    let run = proofmark(path, &line).ended(2);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let rows = report["packages"].as_array().unwrap();
    let mut refused = Vec::new();
    for row in rows {
        let text = |name: &str| row[name].as_str().unwrap_or_default();
        match text("status") {
            "built" => {
                let root = repository().join("testcerts/root.cer");
                let line = format!("package show --root {} {}", root.display(), text("output"));
                proofmark(path, &line).ended(0);
            }
            _ => refused.push((
                text("name"),
                text("error").split(": ").nth(2).unwrap_or_default(),
            )),
        }
    }
    assert_eq!((rows.len(), report["built"].as_u64()), (31, Some(25)));
    refused.sort_unstable();
    assert_eq!(
        refused,
        [
            (
                "Contoso.AzureDM.Services",
                "`failureActions` of services is not built"
            ),
            ("Contoso.Custom.BCD", "boot settings are not built"),
            ("Contoso.CustomRPi2.GPIO", "drivers are not built"),
            ("Contoso.Recovery.GPT-BCD", "boot settings are not built"),
            ("Contoso.Recovery.MBR-BCD", "boot settings are not built"),
            (
                "Contoso.Settings.HotKey",
                "REG_QWORD has no known form in a package; write the eight bytes as REG_BINARY where the reader takes them, or build this package with the kit"
            ),
        ]
    );
}

fn find_definitions(root: &Path, folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(root.join(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = folder.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => find_definitions(root, &path, found),
            false if path.to_string_lossy().ends_with(".wm.xml") => {
                found.push(path.to_string_lossy().into_owned());
            }
            false => {}
        }
    }
}

/// What a definition names and the kit would have made.
fn make_sources(root: &Path, definition: &str) {
    let definition = root.join(definition);
    let text = fs::read_to_string(&definition).unwrap();
    let workspace = root.join("w").display().to_string();
    for source in text.split(" source=\"").skip(1) {
        let source = source.split_once('"').unwrap().0.replace('\\', "/");
        let source = source
            .replace("$(BLDDIR)", &format!("{workspace}/Build/arm"))
            .replace("$(PRJDIR)", &format!("{workspace}/Source-arm"))
            .replace("$(PROD)", "Sample");
        let path = definition.parent().unwrap().join(source);
        if !path.exists() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, format!("made for {}", path.display())).unwrap();
        }
    }
}

/// More files than one page of a manifest: whatever repeats for each of them stays within the limits of our reader.
#[test]
fn a_package_of_many_files_is_built_and_holds() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("p")).unwrap();
    let mut files = String::new();
    for index in 0..2000 {
        fs::write(at(&format!("p/f{index}.txt")), format!("file {index}")).unwrap();
        files.push_str(&format!(r#"<file source="f{index}.txt" />"#));
    }
    fs::write(
        at("p/A.wm.xml"),
        definition("A", &format!("<files>{files}</files>")),
    )
    .unwrap();
    let run = proofmark(
        folder.path(),
        "package build --profile test --cpu x86 --out out p",
    )
    .ended(0);
    assert!(
        run.stdout.contains("(x86, 2000 files, signed)"),
        "{}",
        run.stdout
    );
    let root = repository().join("testcerts/root.cer");
    let line = format!(
        "package show --root {} out/Contoso.Kiosk.A.cab",
        root.display()
    );
    proofmark(folder.path(), &line).ended(0);
}
