//! Packages built again: elsewhere, at other times, with other keys, by killed runs, from their own parts.

use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use formats::container::cab::Limits;
use formats::document::decode::decode;
use formats::document::package_manifest::{ManifestKind, PackageManifest};
use formats::document::rewrite::escaped;
use serde_json::Value;
use signer::digest::DigestAlgorithm;
use signer::package::Package;

use crate::definitions::{cabinets, copy, definition, workspace};
use crate::killed::{Moments, kill};
use crate::support::{pem_files, proofmark, testcert};
use crate::timestamp::{openssl_server, root};
use crate::token::{Token, module};

const BUILD: &str = "package build --define PROD=Kiosk --out";

/// Copies a folder, its last entry first: what a file system lists in another order.
fn copy_backwards(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    let entries = fs::read_dir(from).unwrap().map(Result::unwrap);
    let mut entries: Vec<_> = entries.collect();
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.file_name()));
    for entry in entries {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_backwards(&entry.path(), &target),
            false => {
                fs::copy(entry.path(), target).unwrap();
            }
        }
    }
}

/// A folder in memory where the system has one, whose file system lists entries in another order than those on disks.
fn in_memory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    match memory.is_dir() {
        true => tempfile::tempdir_in(memory).unwrap(),
        false => tempfile::tempdir().unwrap(),
    }
}

/// Builds the example workspace in the surroundings of another machine.
fn build_elsewhere(folder: &Path, surroundings: [(&str, &str); 4], umask: &str, jobs: &str) {
    let script = format!("umask {umask}; exec \"$0\" \"$@\"");
    let mut shell = Command::new("sh");
    shell.current_dir(folder).args(["-c", &script]);
    shell.arg(env!("CARGO_BIN_EXE_proofmark"));
    shell.args(format!("{BUILD} out --profile test --jobs {jobs} w").split_whitespace());
    let output = shell.envs(surroundings).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn two_machines_build_the_same_bytes() {
    let (one, two) = (workspace(), workspace());
    let deep = two.path().join("a folder/of another/depth");
    copy(&two.path().join("w"), &deep.join("w"));
    let here = [
        ("TZ", "UTC"),
        ("LC_ALL", "C"),
        ("HOME", "/nonexistent"),
        ("COLUMNS", "80"),
    ];
    // A Turkish i has no dot in small letters, and this is the first place where a day begins.
    let there = [
        ("TZ", "Pacific/Kiritimati"),
        ("LC_ALL", "tr_TR.UTF-8"),
        ("HOME", "/"),
        ("COLUMNS", "20"),
    ];
    build_elsewhere(one.path(), here, "077", "1");
    build_elsewhere(&deep, there, "002", "7");
    let third = in_memory();
    copy_backwards(&one.path().join("w"), &third.path().join("w"));
    build_elsewhere(third.path(), there, "000", "4");
    let built = cabinets(&one.path().join("out"));
    assert_eq!(built.len(), 4);
    assert!(built == cabinets(&deep.join("out")));
    assert!(built == cabinets(&third.path().join("out")));
    // Built on another machine: what differs here, no package built before is rebuilt as.
    let digests = built
        .iter()
        .map(|(name, bytes)| (name.as_str(), sha256(bytes)));
    let elsewhere: [(&str, &str); 4] = [
        (
            "Fjordlight.FjordBoard.DeviceLayout.cab",
            "ff7aabb7d5d5d92062dcef9f4232ab9b04fbac7c679b36d4785b170a2dcb9a54",
        ),
        (
            "Fjordlight.Kiosk.Agent.cab",
            "bde0c7bc6f3e19b3bfd26d5f1b67819d549313489a54c374906c7ac50b5a2ea9",
        ),
        (
            "Fjordlight.Kiosk.Location.cab",
            "ac038fcfc0de169410ddd61c9aa1bb2fbdb481771544b3f6883fd77d20e6c67d",
        ),
        (
            "Fjordlight.Provisioning.Auto.cab",
            "474d7961b9bf58cf22df2d46599d03884249b35c1f4dfbe334971498879b3788",
        ),
    ];
    assert_eq!(
        digests.collect::<Vec<_>>(),
        elsewhere.map(|(name, hex)| (name, hex.to_owned()))
    );
}

fn sha256(bytes: &[u8]) -> String {
    let digest = DigestAlgorithm::Sha256.of(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Built, unchanged and failed packages of a run.
fn counts(run: &str) -> [u64; 3] {
    let report: Value = serde_json::from_str(run).unwrap();
    ["built", "unchanged", "failed"].map(|name| report[name].as_u64().unwrap())
}

#[test]
fn keys_of_every_kind_sign_what_is_built() {
    let folder = workspace();
    let path = folder.path();
    let ca = testcert("root.cer");
    for name in ["rsa4096", "ecdsa-p256", "ecdsa-p384"] {
        // The chain and the key of this name.
        if pem_files(path, name).is_none() {
            return;
        }
        let files = "--profile test --cert chain.pem --key key.pem";
        let line = format!("{BUILD} {name} {files} --format json w");
        assert_eq!(counts(&proofmark(path, &line).ended(0).stdout), [4, 0, 0]);
        assert_eq!(counts(&proofmark(path, &line).ended(0).stdout), [0, 4, 0]);
        // Deterministic signatures: the same key elsewhere gives the same bytes.
        let again = format!("{BUILD} again-{name} {files} w");
        proofmark(path, &again).ended(0);
        assert!(cabinets(&path.join(name)) == cabinets(&path.join(format!("again-{name}"))));
        for (cabinet, _) in cabinets(&path.join(name)) {
            let line = format!("package show --root {} {name}/{cabinet}", ca.display());
            proofmark(path, &line).ended(0);
        }
    }
    let alone = proofmark(path, &format!("{BUILD} none --pfx a.pfx w")).ended(2);
    assert!(alone.stderr.contains("--profile"), "{}", alone.stderr);
}

#[test]
fn a_key_on_a_token_signs_what_is_built() {
    let Some(token) = Token::new() else { return };
    for (name, id) in [("oem", "01"), ("ecdsa-p256", "02")] {
        token.add_key(name, id);
        token.add_certificate(name, id);
    }
    token.add_certificate("intermediate", "aa");
    copy(workspace().path(), &token.folder.path(""));
    let ca = testcert("root.cer").display().to_string();
    for name in ["oem", "ecdsa-p256"] {
        let label = format!("key-label = \"{name}\"");
        token.profile(
            module(),
            &[
                "token-label = \"release\"",
                "pin-env = \"TOKEN_PIN\"",
                &label,
            ],
        );
        let line = format!("{BUILD} {name} --profile token --jobs 3 w");
        let words: Vec<&str> = line.split_whitespace().collect();
        token.proofmark(&words).ended(0);
        let built = cabinets(&token.folder.path(name));
        assert_eq!(built.len(), 4);
        for (cabinet, _) in built {
            let shown = format!("{name}/{cabinet}");
            token
                .proofmark(&["package", "show", "--root", &ca, &shown])
                .ended(0);
        }
    }
    // RSA signatures are what key files give.
    proofmark(
        &token.folder.path(""),
        &format!("{BUILD} files --profile test w"),
    )
    .ended(0);
    assert!(cabinets(&token.folder.path("oem")) == cabinets(&token.folder.path("files")));
}

#[test]
fn what_is_built_is_stamped_and_then_left() {
    let folder = workspace();
    let path = folder.path();
    let (server, root) = (openssl_server(), root());
    let agent = "w/Source-arm/Packages/Kiosk.Agent";
    let line = format!(
        "{BUILD} out --profile test {root} --timestamp {} --format json {agent}",
        server.url
    );
    assert_eq!(counts(&proofmark(path, &line).ended(0).stdout), [1, 0, 0]);
    let asked = server.asked();
    assert!(asked >= 2, "catalog and cabinet are stamped");
    assert_eq!(counts(&proofmark(path, &line).ended(0).stdout), [0, 1, 0]);
    assert_eq!(server.asked(), asked);
    let verify = format!(
        "verify {root} --root {} --at 2050-01-01 --format json out/Fjordlight.Kiosk.Agent.cab",
        testcert("root.cer").display()
    );
    let records: Value = serde_json::from_str(&proofmark(path, &verify).ended(0).stdout).unwrap();
    assert_eq!(
        records[0]["signatures"][0]["timestamp"]["protocol"],
        "RFC 3161"
    );
}

/// Writes the definition that a package's own manifests give, its payload beside it.
fn taken_apart(package: &Package, folder: &Path) {
    let manifest = |kind: ManifestKind, path: &str, bytes: &[u8]| {
        PackageManifest::parse(kind, &decode(path, bytes).unwrap()).unwrap()
    };
    let text_of = |text: &str, name: &str| {
        let after = text.split_once(&format!(" {name}=\"")).unwrap().1;
        after.split_once('"').unwrap().0.to_owned()
    };
    let (mut files, mut keys, mut root) = (String::new(), String::new(), String::new());
    let mut info = String::new();
    for file in &package.files {
        let Some(kind) = ManifestKind::of_path(&file.path) else {
            continue;
        };
        let parsed = manifest(kind, &file.path, &file.bytes);
        let text = String::from_utf8(file.bytes.clone()).unwrap();
        if kind == ManifestKind::Update {
            let part = |name| text_of(&text, name);
            let name = parsed.identity.name.unwrap();
            root = format!(
                "owner=\"{}\" namespace=\"{}\" name=\"{}\" legacyName=\"{name}\"",
                part("phoneOwner"),
                part("phoneComponent"),
                part("phoneSubComponent"),
            );
            info = format!(
                "targetPartition=\"{}\" releaseType=\"{}\" ownerType=\"{}\"",
                part("targetPartition"),
                part("phoneRelease"),
                part("phoneOwnerType"),
            );
            continue;
        }
        let folders = text.split("destinationPath=\"").skip(1);
        let folders = folders.map(|rest| rest.split_once('"').unwrap().0);
        let stem = file.path.strip_suffix(".manifest").unwrap();
        for (listed, destination) in parsed.files.iter().zip(folders) {
            let path = &listed.path.value;
            let source = format!("{stem}/{path}").replace('/', "\\");
            files.push_str(&format!(
                "<file source=\"{source}\" destinationDir=\"{destination}\"/>"
            ));
        }
        for key in parsed.registry.iter().filter(|key| !key.values.is_empty()) {
            let name = key
                .name
                .replace(r"HKEY_LOCAL_MACHINE\SOFTWARE", "$(hklm.software)");
            let name = name.replace(r"HKEY_LOCAL_MACHINE\SYSTEM", "$(hklm.system)");
            keys.push_str(&format!("<regKey keyName=\"{}\">", escaped(&name)));
            for value in &key.values {
                let (name, data) = (
                    escaped(&value.name),
                    escaped(&value.data.replace("\",\"", ",").replace('"', "")),
                );
                let kind = value.kind.as_deref().unwrap();
                keys.push_str(&format!(
                    "<regValue name=\"{name}\" type=\"{kind}\" value=\"{data}\"/>"
                ));
            }
            keys.push_str("</regKey>");
        }
    }
    let text = format!(
        "<identity xmlns=\"urn:Microsoft.CompPlat/ManifestSchema.v1.00\" {root}><onecorePackageInfo {info}/>\
         <files>{files}</files><regKeys>{keys}</regKeys></identity>"
    );
    fs::write(folder.join("Again.wm.xml"), text).unwrap();
}

/// Manifests, names included, are those of the package whose parts it was made of, and so is every byte.
#[test]
fn a_package_of_its_own_parts_is_the_package() {
    let folder = workspace();
    let path = folder.path();
    proofmark(path, &format!("{BUILD} out w --version 3.1.4.1")).ended(0);
    let built = cabinets(&path.join("out"));
    assert_eq!(built.len(), 4);
    for (name, bytes) in &built {
        let package = Package::read(&mut Cursor::new(bytes), Limits::default()).unwrap();
        proofmark(
            path,
            &format!("package unpack out/{name} --out parts/{name}"),
        )
        .ended(0);
        taken_apart(&package, &path.join("parts").join(name));
        let line = "package build --cpu arm --version 3.1.4.1 --out again";
        proofmark(path, &format!("{line} parts/{name}/Again.wm.xml")).ended(0);
        let again = fs::read(path.join("again").join(name)).unwrap();
        let rebuilt = Package::read(&mut Cursor::new(&again), Limits::default()).unwrap();
        let names = |package: &Package| -> Vec<String> {
            package.files.iter().map(|file| file.path.clone()).collect()
        };
        assert_eq!(names(&package), names(&rebuilt), "{name}");
        assert!(again == *bytes, "{name}");
    }
}

/// Killed at any moment, a build leaves whole packages or none; the next one removes what was half written.
#[test]
fn a_killed_build_leaves_no_package_half_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::create_dir(path.join("p")).unwrap();
    for index in 0..4 {
        let filling = vec![index as u8; 150_000 * (index + 1)];
        fs::write(path.join(format!("p/{index}.bin")), filling).unwrap();
        let body = format!("<files><file source=\"{index}.bin\"/></files>");
        let text = definition(&format!("P{index}"), &body);
        fs::write(path.join(format!("p/{index}.wm.xml")), text).unwrap();
    }
    let build = "package build --stored --profile test --cpu arm --out";
    let started = Instant::now();
    proofmark(path, &format!("{build} done p")).ended(0);
    let whole = started.elapsed();
    let done = cabinets(&path.join("done"));
    assert_eq!(done.len(), 4);
    let mut moments = Moments(0x5eed_0003);
    let mut seen = [0, 0];
    for _ in 0..40 {
        kill(path, &format!("{build} out p"), moments.next(whole));
        let there = match path.join("out").exists() {
            true => cabinets(&path.join("out")),
            false => Vec::new(),
        };
        assert!(there.iter().all(|cabinet| done.contains(cabinet)));
        seen[usize::from(there.len() == done.len())] += 1;
        for (name, _) in &there {
            fs::remove_file(path.join("out").join(name)).unwrap();
        }
    }
    assert!(seen[0] > 0, "no round was killed before the end: {seen:?}");
    fs::create_dir_all(path.join("out")).unwrap();
    // Of a killed run, of a user.
    for name in [".proofmark-abcdefABC123.part", ".proofmark-notes.txt"] {
        fs::write(path.join("out").join(name), "x").unwrap();
    }
    proofmark(path, &format!("{build} out p")).ended(0);
    assert!(cabinets(&path.join("out")) == done);
    let entries = fs::read_dir(path.join("out")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut others: Vec<String> = names.filter(|name| !name.ends_with(".cab")).collect();
    others.sort();
    assert_eq!(others, [".proofmark-build.json", ".proofmark-notes.txt"]);
    println!("killed before the end: {}, after: {}", seen[0], seen[1]);
}

/// Names and folders that lead elsewhere, variables without an end, too many files: an error each, in bounded time.
#[test]
fn hostile_definitions_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::create_dir(path.join("p")).unwrap();
    fs::write(path.join("p/x.txt"), "x").unwrap();
    fs::write(path.join("secret.txt"), "secret").unwrap();
    std::os::unix::fs::symlink("../secret.txt", path.join("p/link.txt")).unwrap();
    let refused = |name: &str, body: &str| {
        fs::write(
            path.join(format!("p/{name}.wm.xml")),
            definition(name, body),
        )
        .unwrap();
        let bomb =
            "--define A=$(B)$(B)$(B)$(B) --define B=$(C)$(C)$(C)$(C) --define C=$(A)$(A)$(A)$(A)";
        let line = format!("package build --cpu arm {bomb} --out out p/{name}.wm.xml");
        let run = proofmark(path, &line);
        assert!(matches!(run.code, Some(1 | 2)), "{name}: {}", run.stdout);
        assert!(!path.join(format!("out/Contoso.Kiosk.{name}.cab")).exists());
        format!("{}{}", run.stdout, run.stderr)
    };
    let file = |attributes: &str| format!("<files><file {attributes}/></files>");
    for (name, attributes, reason) in [
        (
            "Up",
            r#"source="..\secret.txt""#,
            "outside of the workspace",
        ),
        ("Link", r#"source="link.txt""#, "outside of the workspace"),
        (
            "Bomb",
            r#"source="x.txt" name="$(A)""#,
            "too many, too deep",
        ),
        (
            "Folder",
            r#"source="x.txt" destinationDir="$(runtime.system32)\..\..\x""#,
            "..",
        ),
        (
            "Drive",
            r#"source="x.txt" destinationDir="C:\Windows""#,
            "C:\\Windows",
        ),
    ] {
        let said = refused(name, &file(attributes));
        assert!(said.contains(reason), "{name}: {said}");
    }
    let many = "<file source=\"x.txt\" name=\"NUMBER\"/>";
    let many: String = (0..100_000)
        .map(|n| many.replace("NUMBER", &n.to_string()))
        .collect();
    let said = refused("Many", &format!("<files>{many}</files>"));
    assert!(
        said.contains("100000 files are more than the 25000"),
        "{said}"
    );
}
