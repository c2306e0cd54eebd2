//! `proofmark catalog`, and what other people's tools say of the catalogs that it makes.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{corpus, folder, oracle, pem_files, proofmark};

const TIME: &str = "--time 2026-01-01";

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// The statuses of a JSON report.
fn statuses(text: &str) -> Vec<String> {
    let records = json(text);
    let records = records.as_array().unwrap().iter();
    records
        .map(|r| r["status"].as_str().unwrap().to_owned())
        .collect()
}

/// A folder `package` with files of different kinds; two of them are equal.
fn package(folder: &Path) {
    let package = folder.join("package");
    fs::create_dir_all(package.join("sub")).unwrap();
    fs::copy(folder.join("plain.cab"), package.join("plain.cab")).unwrap();
    fs::copy(folder.join("stored.cab"), package.join("sub/stored.cab")).unwrap();
    fs::write(package.join("driver.inf"), "[Version]\r\nSignature=x\r\n").unwrap();
    fs::write(package.join("copy.inf"), "[Version]\r\nSignature=x\r\n").unwrap();
    fs::write(package.join("empty.txt"), "").unwrap();
}

#[test]
fn a_folder_becomes_a_catalog_that_lists_it() {
    let folder = folder();
    let path = folder.path();
    package(path);
    let run = proofmark(path, &format!("catalog create package {TIME}")).ended(0);
    assert!(
        run.stdout
            .starts_with("created  package.cat (version 2, 5 files"),
        "{}",
        run.stdout
    );
    let run = proofmark(path, "catalog verify package.cat package --format json").ended(0);
    assert_eq!(statuses(&run.stdout), ["listed"; 5]);
    let list = json(&proofmark(path, "catalog list package.cat --format json").stdout);
    assert_eq!(list["version"], 2);
    assert_eq!(list["time"], "2026-01-01T00:00:00Z");
    assert_eq!(list["attributes"][0]["text"], "2:10.0");
    let members = list["members"].as_array().unwrap();
    let of_kind = |kind: &'static str| {
        members
            .iter()
            .filter(move |m| m["kind"] == kind && m["twin"] == false)
    };
    assert_eq!((of_kind("cab").count(), of_kind("flat").count()), (2, 2));
    assert_eq!(members.iter().filter(|m| m["twin"] == true).count(), 4);
    let names = |m: &Value| m["attributes"].as_array().unwrap().len();
    assert!(
        of_kind("flat").any(|m| names(m) == 2),
        "equal files share an entry"
    );
    let text = proofmark(path, "catalog list package.cat").ended(0).stdout;
    assert!(text.contains("File = driver.inf"), "{text}");
}

#[test]
fn the_same_files_and_time_give_the_same_bytes() {
    let folder = folder();
    let path = folder.path();
    package(path);
    let read = |name: &str| fs::read(path.join(name)).unwrap();
    for name in ["a.cat", "b.cat"] {
        proofmark(path, &format!("catalog create package --out {name} {TIME}")).ended(0);
    }
    assert_eq!(read("a.cat"), read("b.cat"));
    let id = "--list-id 000102030405060708090a0b0c0d0e0f";
    proofmark(
        path,
        &format!("catalog create package --out c.cat {TIME} {id}"),
    )
    .ended(0);
    assert_ne!(read("a.cat"), read("c.cat"));
    let list = json(&proofmark(path, "catalog list c.cat --format json").stdout);
    assert_eq!(list["list_identifier"], "000102030405060708090a0b0c0d0e0f");
}

#[test]
fn changed_and_foreign_files_are_told_apart() {
    let folder = folder();
    let path = folder.path();
    package(path);
    proofmark(path, &format!("catalog create package {TIME}")).ended(0);
    fs::write(
        path.join("package/driver.inf"),
        "[Version]\r\nSignature=y\r\n",
    )
    .unwrap();
    fs::write(path.join("package/new.inf"), "new").unwrap();
    fs::write(path.join("package/sub/stored.cab"), "MSCF").unwrap();
    let run = proofmark(
        path,
        "catalog verify --format json package.cat package/copy.inf package/driver.inf package/new.inf package/sub missing",
    );
    assert!(run.ended(2).stderr.contains("missing"));
    let files = "package/copy.inf package/driver.inf package/new.inf package/sub";
    let run = proofmark(
        path,
        &format!("catalog verify --format json package.cat {files}"),
    )
    .ended(1);
    assert_eq!(
        statuses(&run.stdout),
        ["listed", "changed", "not-listed", "changed"]
    );
    let text = proofmark(path, &format!("catalog verify package.cat {files}"))
        .ended(1)
        .stdout;
    assert!(text.contains("is listed under its name"), "{text}");
    fs::rename(path.join("package/sub/stored.cab"), path.join("cut.cab")).unwrap();
    let run = proofmark(path, "catalog verify --format json package.cat cut.cab").ended(1);
    assert_eq!(statuses(&run.stdout), ["error"]);
    proofmark(path, "catalog verify plain.cab plain.cab").ended(2);
}

#[test]
fn a_definition_is_followed_and_its_faults_are_named_by_line() {
    let folder = folder();
    let path = folder.path();
    package(path);
    let header = "[CatalogHeader]\r\nName=good.cat\r\nResultDir=.\\out\\deep\r\n";
    let v2 = "CatalogVersion=2\r\nHashAlgorithms=SHA256\r\nCATATTR1=0x10010001:OSAttr:2:10.0\r\n";
    let files = "[CatalogFiles]\r\n<HASH>a=.\\package\\driver.inf\r\n<HASH>aATTR1=0x11010001:File:driver.inf\r\n";
    fs::write(path.join("good.cdf"), format!("{header}{v2}{files}")).unwrap();
    proofmark(path, "catalog create --cdf good.cdf --profile test").ended(0);
    let run = proofmark(
        path,
        "verify --catalog out/deep/good.cat package/driver.inf --format json",
    );
    assert_eq!(statuses(&run.ended(0).stdout), ["verified", "listed"]);

    let v1 = format!("{header}[CatalogFiles]\r\nHashTable.blob=package\\driver.inf");
    fs::write(path.join("v1.cdf"), &v1).unwrap();
    let run = proofmark(path, "catalog create --cdf v1.cdf --out v1.cat").ended(0);
    assert!(run.stderr.contains("no line end"), "{}", run.stderr);
    let list = json(&proofmark(path, "catalog list v1.cat --format json").stdout);
    assert_eq!(
        (&list["version"], &list["members"][0]["label"]),
        (&1.into(), &"HashTable.blob".into())
    );
    proofmark(path, "catalog verify v1.cat package/driver.inf").ended(0);

    for (name, text, wanted) in [
        (
            "pages.cdf",
            format!("{header}PageHashes=true\r\n"),
            "line 4: PageHashes=true is not supported",
        ),
        (
            "missing.cdf",
            format!("{v1}\r\n<HASH>b=nowhere.inf\r\n"),
            "line 6 of the definition",
        ),
        (
            "label.cdf",
            format!("{header}{v2}[CatalogFiles]\r\na=package\\driver.inf\r\n"),
            "looked up by their hash",
        ),
        (
            "kind.cdf",
            format!("{v1}\r\nHashTable.blobALTSIPID={{C689AABA-8E78-11D0-8C47-00C04FC295EE}}\r\n"),
            "a flat file, not a cabinet",
        ),
    ] {
        fs::write(path.join(name), text).unwrap();
        let run = proofmark(path, &format!("catalog create --cdf {name} --out x.cat")).ended(2);
        assert!(run.stderr.contains(wanted), "{name}: {}", run.stderr);
        assert!(!path.join("x.cat").exists());
    }
}

#[test]
fn a_profile_signs_at_once_or_not_at_all() {
    let folder = folder();
    let path = folder.path();
    package(path);
    let run = proofmark(path, "catalog create package --profile test --out a.cat").ended(0);
    assert!(
        run.stdout.contains("signed by Proofmark OEM Test Cert"),
        "{}",
        run.stdout
    );
    proofmark(path, "verify --catalog a.cat package").ended(0);
    proofmark(path, "verify --catalog a.cat --require retail package").ended(1);
    fs::write(path.join("package/copy.inf"), "x").unwrap();
    proofmark(path, "verify --catalog a.cat package").ended(1);
    let run = proofmark(path, "catalog create package --profile retail --out b.cat").ended(2);
    assert!(run.stderr.contains("has no key"), "{}", run.stderr);
    assert!(!path.join("b.cat").exists());
}

/// osslsigncode signs and verifies what we make, and finds the members that it can hash.
#[test]
fn osslsigncode_and_openssl_accept_our_catalogs() {
    let folder = folder();
    let path = folder.path();
    package(path);
    if pem_files(path, "oem").is_none() {
        return;
    }
    for version in [1, 2] {
        let create = format!("catalog create package --version {version} {TIME} --out");
        proofmark(path, &format!("{create} bare.cat")).ended(0);
        proofmark(path, &format!("{create} ours.cat --profile test")).ended(0);
        fs::remove_file(path.join("theirs.cat")).ok();
        let sign = "osslsigncode sign -certs chain.pem -key key.pem -h sha256 -in bare.cat -out theirs.cat";
        let Some(run) = oracle(path, sign) else {
            return;
        };
        run.ended(0);
        for catalog in ["ours.cat", "theirs.cat"] {
            proofmark(path, &format!("verify --catalog {catalog} package")).ended(0);
            let verify = "osslsigncode verify -CAfile ca.pem -ignore-crl";
            let run = oracle(path, &format!("{verify} -in {catalog}"))
                .unwrap()
                .ended(0);
            assert!(run.stdout.contains("Succeeded"), "{}", run.stdout);
            for member in ["package/plain.cab", "package/sub/stored.cab"] {
                let line = format!("{verify} -catalog {catalog} -in {member}");
                let run = oracle(path, &line).unwrap().ended(0);
                assert!(run.stdout.contains("Succeeded"), "{}", run.stdout);
            }
            fs::write(
                path.join("other.cab"),
                changed(&path.join("package/plain.cab")),
            )
            .unwrap();
            let line = format!("{verify} -catalog {catalog} -in other.cab");
            assert_ne!(oracle(path, &line).unwrap().code, Some(0));
        }
        let parse = "openssl asn1parse -inform DER -in bare.cat";
        let run = oracle(path, parse).unwrap().ended(0);
        assert!(
            run.stdout.contains("1.3.6.1.4.1.311.12.1.1"),
            "{}",
            run.stdout
        );
    }
}

/// A cabinet with another byte of data.
fn changed(path: &Path) -> Vec<u8> {
    let mut bytes = fs::read(path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    bytes
}

/// Real files in the catalog that Microsoft's tool made of them.
#[test]
fn members_of_a_real_catalog_are_found() {
    let (Some(catalog), Some(cabinet), Some(package)) = (
        corpus("signed/unsigned.cat"),
        corpus("signed/unsigned.ex_"),
        corpus("signed/unsigned.msi"),
    ) else {
        return;
    };
    let folder = folder();
    let line = format!(
        "catalog verify --format json {} {} {} plain.cab",
        catalog.display(),
        cabinet.display(),
        package.display()
    );
    let run = proofmark(folder.path(), &line).ended(1);
    assert_eq!(statuses(&run.stdout), ["listed", "listed", "not-listed"]);
}
