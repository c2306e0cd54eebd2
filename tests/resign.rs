//! Packages are signed again layer by layer, and other people's tools agree with every layer.

use std::collections::BTreeSet;
use std::fs;
use std::io::Cursor;
use std::path::Path;

use formats::container::cab::Limits;
use formats::container::cat::{Catalog, CatalogBuilder, SubjectKind};
use formats::document::package_manifest::DigestForm;
use serde_json::Value;
use signer::digest::DigestAlgorithm;
use signer::package::Package;

use crate::cbs::{self, DEPLOYMENT, KEY, Parts};
use crate::package_builder::{Hash, RawPackage, SHA256, Style, publisher};
use crate::support::{corpus, oracle, pem_files, proofmark, testcert};

fn package(path: &Path) -> Package {
    Package::read(&mut Cursor::new(fs::read(path).unwrap()), Limits::default()).unwrap()
}

fn folder(parts: &Parts) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    cbs::write(folder.path(), "in.cab", parts);
    folder
}

fn driver() -> String {
    format!("{KEY}/windows/System32/drivers/Sample.sys")
}

/// What happened to each file: layer, path, action.
fn actions(json: &str) -> Vec<(String, String, String)> {
    let records: Value = serde_json::from_str(json).unwrap();
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    let rows = records[0]["files"].as_array().unwrap().iter();
    rows.map(|row| (text(row, "layer"), text(row, "member"), text(row, "action")))
        .collect()
}

/// What others say of each layer, as cabextract takes it out of `out.cab`.
fn assert_verified_by_others(path: &Path, images_as: SubjectKind) {
    let extracted = oracle(path, "cabextract -q -d others out.cab");
    let (Some(()), Some(run)) = (pem_files(path, "oem"), extracted) else {
        return;
    };
    run.ended(0);
    for file in package(&path.join("out.cab")).files {
        let theirs = fs::read(path.join("others").join(&file.path)).unwrap();
        assert!(theirs == file.bytes, "{}", file.path);
    }
    let driver = format!("others/{}", driver());
    for file in ["out.cab", "others/update.cat", &driver] {
        let line = format!("osslsigncode verify -CAfile ca.pem -ignore-crl -in {file}");
        let Some(run) = oracle(path, &line) else {
            return;
        };
        assert!(run.ended(0).stdout.contains("Succeeded"), "{file}");
    }
    if images_as == SubjectKind::Pe {
        let line = format!(
            "osslsigncode verify -CAfile ca.pem -ignore-crl -catalog others/update.cat -in {driver}"
        );
        let run = oracle(path, &line).unwrap().ended(0);
        assert!(run.stdout.contains("Succeeded"), "{}", run.stdout);
    }
    // The hashes in both manifests, as openssl computes them.
    let line = format!("openssl dgst -sha256 -r {driver}");
    let hash = oracle(path, &line).unwrap().ended(0).stdout;
    let hash = hash.split(' ').next().unwrap().to_uppercase();
    let mum = fs::read_to_string(path.join("others/update.mum")).unwrap();
    assert!(mum.contains(&format!("hash=\"{hash}\"")));
    let line = format!("openssl dgst -sha256 -binary -out hash {driver}");
    oracle(path, &line).unwrap().ended(0);
    let hash = oracle(path, "openssl base64 -in hash").unwrap().ended(0);
    let manifest = fs::read_to_string(path.join(format!("others/{KEY}.manifest"))).unwrap();
    assert!(manifest.contains(&format!(">{}<", hash.stdout.trim())));
}

#[test]
fn every_layer_is_signed_again_and_nothing_else_changes() {
    for images_as in [SubjectKind::Flat, SubjectKind::Pe] {
        for compressed in [true, false] {
            let parts = Parts {
                images_as,
                compressed,
                ..Parts::default()
            };
            let folder = folder(&parts);
            let path = folder.path();
            let line = "resign --profile test --format json --out out.cab in.cab";
            let run = proofmark(path, line).ended(0);
            let expected = [
                ("image", driver().as_str(), "replaced"),
                (
                    "component-manifest",
                    &format!("{KEY}.manifest"),
                    "refreshed",
                ),
                ("package-manifest", "update.mum", "refreshed"),
                ("catalog", "update.cat", "replaced"),
                ("cabinet", "", "replaced"),
            ]
            .map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()));
            assert_eq!(actions(&run.stdout), expected);
            proofmark(path, "verify out.cab").ended(0);
            let shown = proofmark(path, "package show --format json out.cab").ended(0);
            let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
            assert_eq!(shown["holds"], true);
            assert_eq!(shown["identity"]["name"], "Contoso.Sample.Driver");
            assert_eq!(shown["identity"]["release_type"], "Production");
            assert_eq!(shown["identity"]["owner"], "Contoso");
            proofmark(path, "package unpack --out files out.cab").ended(0);
            assert_verified_by_others(path, images_as);
            let (old, new) = (
                package(&path.join("in.cab")),
                package(&path.join("out.cab")),
            );
            let changed: BTreeSet<&str> = ["update.mum", "update.cat"].into_iter().collect();
            for (old, new) in old.files.iter().zip(&new.files) {
                assert_eq!(
                    (&old.path, old.date, old.time, old.attribs),
                    (&new.path, new.date, new.time, new.attribs)
                );
                let is_to_change = changed.contains(old.path.as_str())
                    || old.path == driver()
                    || old.path == format!("{KEY}.manifest");
                assert_eq!(old.bytes != new.bytes, is_to_change, "{}", old.path);
            }
            assert_eq!(new.files[0].path, DEPLOYMENT);
            assert_eq!(old.files.len(), new.files.len());
            assert_manifests_changed_in_values_only(&old, &new);
            assert_catalog_kept_its_form(&old, &new, images_as);
        }
    }
}

fn file(package: &Package, path: &str) -> Vec<u8> {
    package.files[package.position(path).unwrap()].bytes.clone()
}

/// Exactly the lines of the driver differ, and in them only letters and digits of the values.
fn assert_manifests_changed_in_values_only(old: &Package, new: &Package) {
    for (name, count) in [(format!("{KEY}.manifest"), 1), ("update.mum".to_owned(), 1)] {
        let text = |package| String::from_utf8(file(package, &name)).unwrap();
        let (old, new) = (text(old), text(new));
        let pairs = old.split("\r\n").zip(new.split("\r\n"));
        let differing: Vec<_> = pairs.filter(|(a, b)| a != b).collect();
        assert_eq!(differing.len(), count, "{name}");
        let frame = |line: &str| {
            let mut frame = line.replace(|c: char| c.is_ascii_alphanumeric() || c == '+', "");
            frame.retain(|c| c != '/' && c != '=');
            frame
        };
        assert_eq!(frame(differing[0].0), frame(differing[0].1));
    }
    // An estimate of a compressed size stays.
    let size = file(old, &driver()).len() / 2;
    let mum = String::from_utf8(file(new, "update.mum")).unwrap();
    assert!(mum.contains(&format!("compressed=\"{size}\"")));
    let size = file(new, &driver()).len();
    assert!(mum.contains(&format!("size=\"{size}\" staged=\"{size}\"")));
    assert!(mum.contains("size=\"4516\""));
}

fn assert_catalog_kept_its_form(old: &Package, new: &Package, images_as: SubjectKind) {
    let read = |package| Catalog::parse(file(package, "update.cat")).unwrap();
    let (old, new) = (read(old), read(new));
    assert_eq!(old.list_identifier(), new.list_identifier());
    assert_eq!(old.this_update(), new.this_update());
    assert_eq!(old.attributes(), new.attributes());
    assert_eq!(old.members().len(), new.members().len());
    let tags = |catalog: &Catalog| -> BTreeSet<Vec<u8>> {
        catalog
            .members()
            .iter()
            .map(|member| member.tag.clone())
            .collect()
    };
    // Two entries each of driver, component manifest and update.mum; what is hashed of an image does not change.
    let renewed = match images_as {
        SubjectKind::Pe => 4,
        _ => 6,
    };
    assert_eq!(tags(&new).difference(&tags(&old)).count(), renewed);
}

#[test]
fn what_is_done_is_not_done_twice() {
    let folder = folder(&Parts::default());
    let path = folder.path();
    proofmark(path, "resign --profile test --in-place in.cab").ended(0);
    let first = fs::read(path.join("in.cab")).unwrap();
    let run = proofmark(path, "resign --profile test --in-place in.cab").ended(0);
    assert!(run.stdout.starts_with("kept "), "{}", run.stdout);
    assert!(fs::read(path.join("in.cab")).unwrap() == first);
    proofmark(path, "resign --profile test --out copy.cab in.cab").ended(0);
    assert!(fs::read(path.join("copy.cab")).unwrap() == first);
}

#[test]
fn equal_files_stay_equal() {
    let twice = cbs::signed(&cbs::image(), "rsa4096");
    let parts = Parts {
        payload: vec![(r"windows\a.dll", twice.clone()), (r"windows\b.dll", twice)],
        ..Parts::default()
    };
    let folder = folder(&parts);
    let path = folder.path();
    proofmark(path, "resign --profile test --out both.cab in.cab").ended(0);
    let both = package(&path.join("both.cab"));
    let of = |package: &Package, name: &str| file(package, &format!("{KEY}/windows/{name}"));
    assert!(of(&both, "a.dll") == of(&both, "b.dll"));
    // One entry of the catalog becomes two where only one of them is signed.
    proofmark(
        path,
        "resign --profile test --skip B.* --out one.cab in.cab",
    )
    .ended(0);
    let one = package(&path.join("one.cab"));
    assert!(of(&one, "a.dll") == of(&both, "a.dll"));
    assert!(of(&one, "b.dll") == of(&package(&path.join("in.cab")), "b.dll"));
    let entries = |package: &Package| {
        Catalog::parse(file(package, "update.cat"))
            .unwrap()
            .members()
            .len()
    };
    assert_eq!(entries(&one), entries(&both) + 2);
}

#[test]
fn damage_is_named_and_not_signed_over() {
    let folder = folder(&Parts {
        is_wrong: true,
        ..Parts::default()
    });
    let path = folder.path();
    cbs::write(path, "good.cab", &Parts::default());
    let before = fs::read(path.join("in.cab")).unwrap();
    let run = proofmark(path, "resign --profile test --in-place in.cab good.cab").ended(2);
    assert!(run.stderr.contains("component manifest"), "{}", run.stderr);
    assert!(run.stderr.contains("Sample.sys"), "{}", run.stderr);
    assert!(run.stdout.contains("resigned  good.cab"), "{}", run.stdout);
    assert!(fs::read(path.join("in.cab")).unwrap() == before);
    let shown = proofmark(path, "package show in.cab --at 2026-06-01").ended(1);
    assert!(
        shown.stdout.contains("component-manifest 2, 1 do not hold"),
        "{}",
        shown.stdout
    );
    // A letter of a name, which only the cabinet's own digest covers.
    let bytes = fs::read(path.join("good.cab")).unwrap();
    let name = bytes
        .windows(5)
        .position(|window| window == b"_none")
        .unwrap();
    let mut flipped = bytes.clone();
    flipped[name] = b'-';
    fs::write(path.join("flipped.cab"), flipped).unwrap();
    let pfx = testcert("rsa4096.pfx");
    let line = format!(
        "resign --profile test --pfx {} --out x.cab flipped.cab",
        pfx.display()
    );
    let run = proofmark(path, &line).ended(2);
    assert!(
        run.stderr
            .contains("the package is damaged: cabinet: the file has SHA-256"),
        "{}",
        run.stderr
    );
    assert!(!path.join("x.cab").exists());
}

#[test]
fn a_plan_writes_nothing() {
    let folder = folder(&Parts::default());
    let path = folder.path();
    let before = fs::read(path.join("in.cab")).unwrap();
    let planned = proofmark(path, "resign --profile test --dry-run --format json in.cab").ended(0);
    let records: Value = serde_json::from_str(&planned.stdout).unwrap();
    assert_eq!(records[0]["status"], "planned");
    proofmark(path, "resign --profile test --dry-run --out new/ in.cab").ended(0);
    assert_eq!(fs::read_dir(path).unwrap().count(), 1);
    assert!(fs::read(path.join("in.cab")).unwrap() == before);
    let done = proofmark(
        path,
        "resign --profile test --format json --in-place in.cab",
    )
    .ended(0);
    assert_eq!(actions(&planned.stdout), actions(&done.stdout));
}

#[test]
fn hal_extensions_are_left_alone() {
    let mut parts = Parts::default();
    parts.payload.push((
        r"windows\System32\Contoso.HalExtTimer.dll",
        cbs::signed(&cbs::image(), "hal-extension"),
    ));
    let folder = folder(&parts);
    let path = folder.path();
    fs::copy(path.join("in.cab"), path.join("Contoso.HalExtension.cab")).unwrap();
    let run = proofmark(
        path,
        "resign --profile test --out out in.cab Contoso.HalExtension.cab",
    );
    let run = run.ended(0);
    assert!(
        run.stdout
            .contains("skipped   out/Contoso.HalExtension.cab"),
        "{}",
        run.stdout
    );
    let read = |name: &str| fs::read(path.join(name)).unwrap();
    assert!(read("out/Contoso.HalExtension.cab") == read("in.cab"));
    let name = format!("{KEY}/windows/System32/Contoso.HalExtTimer.dll");
    let (old, new) = (
        package(&path.join("in.cab")),
        package(&path.join("out/in.cab")),
    );
    assert!(file(&old, &name) == file(&new, &name));
    assert!(file(&old, &driver()) != file(&new, &driver()));
    proofmark(path, "package show out/in.cab").ended(0);
}

#[test]
fn a_better_signature_is_kept_unless_asked() {
    let mut parts = Parts::default();
    let better = cbs::signed(&cbs::image(), "demo-retail");
    parts
        .payload
        .push((r"windows\System32\better.dll", better.clone()));
    let folder = folder(&parts);
    let path = folder.path();
    let root = testcert("demo-retail-root.cer");
    let line = format!("resign --profile test --root {}", root.display());
    let run = proofmark(path, &format!("{line} --out kept.cab in.cab")).ended(0);
    assert!(run.stdout.contains("of the class named"), "{}", run.stdout);
    let name = format!("{KEY}/windows/System32/better.dll");
    assert!(file(&package(&path.join("kept.cab")), &name) == better);
    proofmark(
        path,
        &format!("{line} --replace-better --out replaced.cab in.cab"),
    )
    .ended(0);
    assert!(file(&package(&path.join("replaced.cab")), &name) != better);
    // A package that is better signed as a whole.
    cbs::write(
        path,
        "whole.cab",
        &Parts {
            signed_by: "demo-retail",
            ..Parts::default()
        },
    );
    let run = proofmark(path, &format!("{line} --in-place whole.cab")).ended(0);
    assert!(run.stdout.starts_with("kept "), "{}", run.stdout);
}

#[test]
fn a_plain_cabinet_with_a_catalog_is_signed_inside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let mut files = vec![
        ("driver.sys".to_owned(), cbs::image()),
        ("driver.inf".to_owned(), b"[Version]\r\n".to_vec()),
        ("dos.exe".to_owned(), b"MZ and no image".to_vec()),
    ];
    let catalog = cbs::catalog(&files[..2], SubjectKind::Flat);
    files.push(("driver.cat".to_owned(), catalog));
    let other = cbs::catalog(&files[1..2], SubjectKind::Flat);
    files.push(("other.cat".to_owned(), other.clone()));
    fs::write(path.join("plain.cab"), cbs::cabinet(&files, true)).unwrap();
    proofmark(path, "resign --profile test --in-place plain.cab").ended(0);
    let package = package(&path.join("plain.cab"));
    assert!(file(&package, "other.cat") == other);
    assert!(file(&package, "dos.exe") == files[2].1);
    proofmark(path, "package unpack --out files plain.cab").ended(0);
    proofmark(
        path,
        "verify --catalog files/driver.cat files/driver.sys files/driver.inf",
    )
    .ended(0);
    proofmark(path, "verify files/driver.sys plain.cab").ended(0);
    // Nothing is overwritten.
    let again = proofmark(path, "package unpack --out files plain.cab").ended(2);
    assert!(again.stderr.contains("not empty"), "{}", again.stderr);
}

#[test]
fn packages_of_the_older_kind_are_signed_alike() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let image = cbs::image();
    let hash = DigestForm::Base64.write(&DigestAlgorithm::Sha256.of(&image));
    let size = image.len();
    let entry = |kind: &str, path: &str, rest: &str| {
        format!("<FileEntry><FileType>{kind}</FileType><CabPath>{path}</CabPath>{rest}</FileEntry>")
    };
    let sizes = format!("<FileSize>{size}</FileSize><Hash>{hash}</Hash>");
    let dsm = [
        "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<Package><ReleaseType>Test</ReleaseType><Files>",
        &entry("Manifest", "man.dsm.xml", "<FileSize>1</FileSize>"),
        &entry("Catalog", "content.cat", "<FileSize>2</FileSize>"),
        &entry("Regular", "1_x.dll", &sizes),
        "</Files></Package>",
    ]
    .concat();
    let mut files = vec![
        ("man.dsm.xml".to_owned(), dsm.into_bytes()),
        ("1_x.dll".to_owned(), image),
    ];
    let catalog = cbs::catalog(&files, SubjectKind::Flat);
    files.push(("content.cat".to_owned(), catalog));
    fs::write(path.join("a.spkg"), cbs::cabinet(&files, true)).unwrap();
    proofmark(path, "resign --profile test --in-place .").ended(0);
    let shown = proofmark(path, "package show a.spkg").ended(0);
    assert!(shown.stdout.contains("(spkg package)"), "{}", shown.stdout);
    assert!(
        shown.stdout.contains("package-manifest   1, hold"),
        "{}",
        shown.stdout
    );
    let new = file(&package(&path.join("a.spkg")), "man.dsm.xml");
    assert!(new.starts_with("\u{feff}<?xml".as_bytes()));
    let new = String::from_utf8(new).unwrap();
    assert!(!new.contains(&hash) && !new.contains(&format!(">{size}<")));
    assert!(new.contains("<FileSize>1</FileSize>") && new.contains("<FileSize>2</FileSize>"));
}

/// What the catalogs of others are made of comes back byte for byte; otherwise none could be refreshed.
#[test]
fn catalogs_of_others_can_be_written_back() {
    for name in ["unsigned.cat", "hyperv.cat", "wineyes.cat"] {
        let Some(path) = corpus(&format!("signed/{name}")) else {
            return;
        };
        let catalog = Catalog::parse(fs::read(path).unwrap()).unwrap();
        let mut builder = CatalogBuilder::new(catalog.version(), catalog.this_update());
        for attribute in catalog.attributes() {
            builder.attribute(attribute.clone());
        }
        for member in catalog.members() {
            builder.add_member(member.clone()).unwrap();
        }
        let again = Catalog::parse(builder.write(catalog.list_identifier()).unwrap()).unwrap();
        assert!(
            again.content().unwrap() == catalog.content().unwrap(),
            "{name}"
        );
    }
}

/// An app package of the signer is signed, one of somebody else is named and left.
#[test]
fn app_packages_are_signed_by_their_publisher_only() {
    let hash = Hash {
        uri: SHA256,
        of: |bytes| DigestAlgorithm::Sha256.of(bytes),
    };
    let app = |name: &str, style| RawPackage::package(&publisher(name), style, hash).bytes();
    let bundle = RawPackage::bundle(&publisher("Proofmark OEM Test Cert"), Style::Plain, hash);
    let foreign = app("Somebody Else", Style::Plain);
    let mut parts = Parts::default();
    parts.payload.extend([
        (
            r"windows\Own.appx",
            app("Proofmark OEM Test Cert", Style::MakeAppx),
        ),
        (r"windows\Own.appxbundle", bundle.bytes()),
        (r"windows\Foreign.appx", foreign.clone()),
        (
            r"windows\archive.zip",
            b"PK\x03\x04 and no archive".to_vec(),
        ),
    ]);
    let folder = folder(&parts);
    let path = folder.path();
    let line = "resign --profile test --format json --out out.cab in.cab";
    let run = proofmark(path, line).ended(0);
    let name = |file: &str| format!("{KEY}/windows/{file}");
    let of_apps: Vec<_> = actions(&run.stdout)
        .into_iter()
        .filter(|(layer, ..)| layer == "app")
        .map(|(_, member, action)| (member, action))
        .collect();
    let expected = [
        (name("Own.appx"), "signed"),
        (name("Own.appxbundle"), "signed"),
        (name("Foreign.appx"), "skipped"),
    ];
    assert_eq!(of_apps, expected.map(|(a, b)| (a, b.to_owned())));
    assert!(
        run.stdout.contains("its publisher is CN=Somebody Else"),
        "{}",
        run.stdout
    );
    let out = package(&path.join("out.cab"));
    assert!(file(&out, &name("Foreign.appx")) == foreign);
    proofmark(path, "package unpack --out files out.cab").ended(0);
    for app in ["Own.appx", "Own.appxbundle"] {
        proofmark(path, &format!("verify files/{}", name(app))).ended(0);
    }
    proofmark(path, "package show out.cab").ended(0);
    // Once more: nothing is signed twice.
    let again = proofmark(path, "resign --profile test --in-place out.cab").ended(0);
    assert!(again.stdout.starts_with("kept "), "{}", again.stdout);
    let skipped = proofmark(
        path,
        "resign --profile test --skip *.appx --out skipped.cab in.cab",
    )
    .ended(0);
    assert!(
        skipped.stdout.contains("Own.appx (it was named)"),
        "{}",
        skipped.stdout
    );
    // One that only has the name stops the package.
    parts
        .payload
        .push((r"windows\broken.msix", b"PK\x03\x04".to_vec()));
    cbs::write(path, "broken.cab", &parts);
    let before = fs::read(path.join("broken.cab")).unwrap();
    let run = proofmark(path, "resign --profile test --in-place broken.cab").ended(2);
    assert!(run.stderr.contains("app package"), "{}", run.stderr);
    assert!(run.stderr.contains("broken.msix"), "{}", run.stderr);
    assert!(fs::read(path.join("broken.cab")).unwrap() == before);
}

/// Page hashes stand in the signature and do not disturb the entry of the catalog.
#[test]
fn drivers_with_page_hashes_have_their_entries() {
    for images_as in [SubjectKind::Flat, SubjectKind::Pe] {
        let folder = folder(&Parts {
            images_as,
            ..Parts::default()
        });
        let path = folder.path();
        let (plain, hashed) = (
            "resign --profile test",
            "resign --profile test --page-hashes",
        );
        proofmark(path, &format!("{plain} --out plain.cab in.cab")).ended(0);
        proofmark(path, &format!("{hashed} --out out.cab in.cab")).ended(0);
        proofmark(path, "package show out.cab").ended(0);
        proofmark(path, "package unpack --out files out.cab").ended(0);
        let driver = driver();
        let line = format!("verify --catalog files/update.cat files/{driver}");
        proofmark(path, &line).ended(0);
        let image = |name: &str| file(&package(&path.join(name)), &driver);
        assert!(image("out.cab").len() > image("plain.cab").len());
        assert_verified_by_others(path, images_as);
    }
}
