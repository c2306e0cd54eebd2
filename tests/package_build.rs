//! Packages are built from definitions: what is built again, what stops a build, what changed.

use std::fs;
use std::io::Cursor;

use formats::container::cab::Limits;
use serde_json::Value;
use signer::package::Package;

use crate::definitions::{cabinets, definition, workspace};
use crate::support::{command, proofmark, repository};

const BUILD: &str = "package build --profile test --define PROD=Kiosk --out";

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

/// Nobody misses a package that was left out silently.
#[test]
fn a_definition_that_cannot_be_read_stops_the_build_of_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("p")).unwrap();
    fs::write(at("p/x.txt"), "x").unwrap();
    let good = definition("Good", r#"<files><file source="x.txt" /></files>"#);
    fs::write(at("p/Good.wm.xml"), good).unwrap();
    for (text, rule) in [
        ("<identity", "document-not-well-formed"),
        ("<Identity/>", "package-wrong-root"),
        ("\0\u{1}", "document-not-well-formed"),
        ("", "document-not-well-formed"),
    ] {
        fs::write(at("p/Bad.wm.xml"), text).unwrap();
        for paths in ["p", "p/Bad.wm.xml"] {
            let line = format!("package build --cpu arm --out out {paths}");
            let run = proofmark(folder.path(), &line).ended(1);
            assert!(run.stdout.contains(rule), "{text}: {}", run.stdout);
            assert!(!at("out").exists());
        }
        let line = "package build --cpu arm --out good p/Good.wm.xml";
        proofmark(folder.path(), line).ended(0);
    }
    let line = "package build --cpu arm --out p/x.txt p/Good.wm.xml";
    let run = proofmark(folder.path(), line).ended(2);
    assert!(
        run.stderr.contains("p/x.txt: it is a file"),
        "{}",
        run.stderr
    );
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
    let driver = r#"<drivers><driver><inf source="x.inf" /></driver></drivers>"#;
    fs::write(at("p/x.inf"), "; no driver").unwrap();
    fs::write(at("p/Driver.wm.xml"), definition("Driver", driver)).unwrap();
    let run = proofmark(
        folder.path(),
        "package build --cpu arm64 --out out p/Good.wm.xml p/Driver.wm.xml p/Escape.wm.xml",
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
        run.stderr.contains("drivers are not built"),
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

/// A package for 32-bit programs beside the package, and the image of a partition: marked as what no device has seen, in
/// every run and form; signed, verified and shown like any other.
#[test]
fn twins_and_images_of_partitions_are_built_and_marked() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("p")).unwrap();
    fs::write(at("p/x.txt"), "x").unwrap();
    fs::write(at("p/fw.mbn"), "firmware").unwrap();
    let twin = definition("Twin", r#"<files><file source="x.txt" /></files>"#);
    let twin = twin.replace("owner=", "buildWow=\"true\" owner=");
    fs::write(at("p/Twin.wm.xml"), twin).unwrap();
    let image = definition("Fw", r#"<BinaryPartition ImageSource="fw.mbn" />"#);
    fs::write(at("p/Fw.wm.xml"), image.replace("MainOS", "PLAT")).unwrap();
    let build = "package build --profile test --cpu arm64 --out out p";
    let run = proofmark(folder.path(), build).ended(0);
    let twin = "out/Contoso.Kiosk.Twin_Wow_arm64.arm.cab";
    let plat = "out/Contoso.Kiosk.Fw.cab";
    assert!(
        run.stdout
            .contains(&format!("built     {twin} (arm64.arm, 1 file, signed)"))
            && run.stdout.ends_with("3 built, 0 unchanged, 0 failed\n"),
        "{}",
        run.stdout
    );
    for (path, forms) in [
        (twin, "the twin for 32-bit programs"),
        (plat, "the image of a partition, the partition `PLAT`"),
    ] {
        let note = format!("note: {path}: inferred and seen on no device: {forms}");
        assert_eq!(run.stderr.matches(&note).count(), 1, "{}", run.stderr);
    }
    assert_eq!(run.stderr.matches("inferred").count(), 2, "{}", run.stderr);
    // What is not built again is marked all the same.
    let again = proofmark(folder.path(), &format!("{build} --format json")).ended(0);
    let report: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(report["unchanged"], 3);
    let rows = report["packages"].as_array().unwrap();
    let rows = rows.iter().map(|row| {
        let [output, architecture] = ["output", "architecture"].map(|name| row[name].as_str());
        (
            output.unwrap(),
            architecture.unwrap(),
            row["inferred"].as_array().unwrap().len(),
        )
    });
    let host = "out/Contoso.Kiosk.Twin.cab";
    let wanted = [
        (plat, "arm64", 2),
        (host, "arm64", 0),
        (twin, "arm64.arm", 1),
    ];
    assert_eq!(rows.collect::<Vec<_>>(), wanted);
    let root = repository().join("testcerts/root.cer");
    for path in [plat, host, twin] {
        let line = format!("package show --root {} {path}", root.display());
        proofmark(folder.path(), &line).ended(0);
    }
    // A 32-bit processor has no twin, and both are refused where they cannot be meant.
    let run = proofmark(folder.path(), "package build --cpu arm --out arm p").ended(0);
    assert!(
        run.stdout.ends_with("2 built, 0 unchanged, 0 failed\n"),
        "{}",
        run.stdout
    );
    let run = proofmark(folder.path(), "package build --cpu amd64 --out amd64 p").ended(2);
    assert!(
        run.stderr.contains("32-bit programs on amd64"),
        "{}",
        run.stderr
    );
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
    let broken = proofmark(
        path,
        &format!("package diff one/{name} {packages}/agent.json"),
    );
    let said = &broken.ended(2).stderr;
    assert!(
        said.starts_with(&format!("error: {packages}/agent.json: ")),
        "{said}"
    );
    let run = proofmark(path, &format!("package diff one/{name} two/{name}")).ended(1);
    assert!(
        run.stdout
            .starts_with("changed  identity version\n  - 1.0.0.0\n  + 1.0.0.1\n"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_package_is_shown_with_its_registry_and_services() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let body = r#"<regKeys>
        <regKey keyName="$(hklm.software)\Contoso\Kiosk"><regValue name="" type="REG_DWORD" value="1E" /></regKey>
        <regKey keyName="$(hklm.system)\CurrentControlSet\Services\Other\Parameters"><regValue name="Start" type="REG_SZ" value="x" /></regKey>
      </regKeys>
      <service name="Agent" start="auto" type="win32OwnProcess" imagePath="%SystemRoot%\agent.exe" />"#;
    fs::write(path.join("A.wm.xml"), definition("A", body)).unwrap();
    proofmark(path, "package build --cpu arm --out out A.wm.xml").ended(0);
    let cab = "out/Contoso.Kiosk.A.cab";
    let shown = proofmark(path, &format!("package show {cab}"))
        .ended(1)
        .stdout;
    let part = shown.split_once("registry\n").unwrap().1;
    let (part, _) = part.split_once("links\n").unwrap();
    let services = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services";
    let wanted = format!(
        r"  HKEY_LOCAL_MACHINE\SOFTWARE\Contoso\Kiosk
    (default)  REG_DWORD  0x0000001e
  {services}\Other\Parameters
    Start  REG_SZ  x
  {services}\Agent
    Start  REG_DWORD  0x00000002
    Type  REG_DWORD  0x00000010
    ImagePath  REG_EXPAND_SZ  %SystemRoot%\agent.exe
    ErrorControl  REG_DWORD  0x00000001
services
  Agent  start 0x00000002  runs %SystemRoot%\agent.exe
"
    );
    assert_eq!(part, wanted);
    let shown = proofmark(path, &format!("package show --format json {cab}")).ended(1);
    let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
    let service = &shown["services"][0];
    assert_eq!(service["image_path"], r"%SystemRoot%\agent.exe");
    let keys = shown["registry"].as_array().unwrap();
    let last = keys.last().unwrap();
    assert_eq!(last["values"][0]["data"], "0x00000002");

    // As packages of Windows have a service: an element, which a comparison knows as well.
    let manifest = |start: &str| {
        format!(
            r#"<assembly xmlns="urn:schemas-microsoft-com:asm.v3"><memberships><categoryMembership><categoryInstance subcategory="Agent"><serviceData name="Agent" start="{start}" imagePath="a.exe"/></categoryInstance></categoryMembership></memberships></assembly>"#
        )
    };
    for (folder, start) in [("one", "demand"), ("two", "auto")] {
        fs::create_dir(path.join(folder)).unwrap();
        fs::write(path.join(folder).join("x.manifest"), manifest(start)).unwrap();
        proofmark(path, &format!("package pack --out {folder}.cab {folder}")).ended(0);
    }
    let run = proofmark(path, "package diff one.cab two.cab").ended(1);
    let wanted = "changed  service agent: start\n  - demand\n  + auto\n";
    assert!(run.stdout.ends_with(wanted), "{}", run.stdout);
    let shown = proofmark(path, "package show two.cab");
    assert!(
        shown
            .stdout
            .contains("services\n  Agent  start auto  runs a.exe\n"),
        "{}",
        shown.stdout
    );
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
