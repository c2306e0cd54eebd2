//! `proofmark sign` on files that are signed, and `proofmark remove`.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::image_builder::{RawImage, plain_check_sum};

/// A folder in which the program runs.
struct Folder(tempfile::TempDir);

impl Folder {
    /// A folder with an image of each kind that a search finds.
    fn with_images() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (index, name) in ["a.sys", "b.DLL", "c.exe", "d.efi"].iter().enumerate() {
            folder.write(name, &RawImage::new(index % 2 == 0).bytes());
        }
        folder.write("a.sys", &RawImage::small(true).bytes());
        folder.write("notes.txt", b"no image");
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// Runs the program, which must end with `code`; what it printed on stdout and stderr.
    fn run(&self, code: i32, arguments: &[&str]) -> (String, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_proofmark"))
            .args(arguments)
            .current_dir(self.0.path())
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        let message = format!("{arguments:?}: {stdout}{stderr}");
        assert_eq!(output.status.code(), Some(code), "{message}");
        (stdout, stderr)
    }

    fn json(&self, code: i32, arguments: &[&str]) -> Vec<Value> {
        let arguments = [arguments, &["--format", "json"]].concat();
        let (stdout, _) = self.run(code, &arguments);
        serde_json::from_str(&stdout).unwrap()
    }

    /// Signs in place with the built-in test profile.
    fn sign(&self, code: i32, name: &str, options: &[&str]) -> Value {
        let arguments = ["sign", "--profile", "test", "--in-place", name];
        let mut records = self.json(code, &[&arguments, options].concat());
        assert_eq!(records.len(), 1);
        records.remove(0)
    }

    /// The routes of the signatures of a file that verifies.
    fn routes(&self, name: &str) -> Vec<String> {
        let records = self.json(0, &["verify", name]);
        let signatures = records[0]["signatures"].as_array().unwrap();
        let routes = signatures.iter().map(|s| s["route"].as_str().unwrap());
        routes.map(str::to_owned).collect()
    }
}

/// A second identity, so that signatures can be told apart.
fn other_key() -> [String; 2] {
    let pfx = Path::new(env!("CARGO_MANIFEST_DIR")).join("testcerts/ecdsa-p256.pfx");
    ["--pfx".to_owned(), pfx.to_str().unwrap().to_owned()]
}

#[test]
fn a_signature_is_replaced_unless_told_otherwise() {
    let folder = Folder::with_images();
    let record = folder.sign(0, "a.sys", &[]);
    assert_eq!(
        (&record["status"], &record["action"]),
        (&"signed".into(), &"signed".into())
    );
    assert_eq!(record["format"], "pe");
    let once = folder.read("a.sys");
    let [pfx, file] = &other_key();
    folder.sign(0, "a.sys", &[pfx, file]);
    assert!(folder.read("a.sys") != once);
    for options in [&[][..], &["--if-signed", "replace"]] {
        let record = folder.sign(0, "a.sys", options);
        assert_eq!(record["status"], "signed");
        assert_eq!(record["action"], "replaced");
        assert!(folder.read("a.sys") == once);
    }
    assert_eq!(folder.routes("a.sys"), ["signature[0]"]);
}

#[test]
fn a_signature_is_appended_and_removed_by_itself() {
    let folder = Folder::with_images();
    let unsigned = folder.read("b.DLL");
    // Without a signature there is none to append to.
    assert_eq!(folder.sign(0, "b.DLL", &["--append"])["action"], "signed");
    let once = folder.read("b.DLL");
    let [pfx, file] = &other_key();
    for (count, options) in [(2, &["--append"][..]), (3, &["--if-signed", "append"])] {
        let record = folder.sign(0, "b.DLL", &[options, &[pfx, file]].concat());
        assert_eq!(record["action"], "appended");
        assert_eq!(record["status"], "signed");
        assert_eq!(folder.routes("b.DLL").len(), count);
    }
    let routes = folder.routes("b.DLL");
    assert_eq!(routes[..2], ["signature[0]", "signature[0].nested[0]"]);

    let (text, _) = folder.run(0, &["remove", "--nested", "--out", "first.dll", "b.DLL"]);
    assert_eq!(text, "removed   first.dll (PE image)\n");
    assert!(folder.read("first.dll") == once);
    let records = folder.json(0, &["remove", "--nested", "--in-place", "first.dll"]);
    assert_eq!(records[0]["status"], "unchanged");
    let records = folder.json(0, &["remove", "--in-place", "b.DLL"]);
    assert_eq!(
        (&records[0]["status"], &records[0]["format"]),
        (&"removed".into(), &"pe".into())
    );
    assert!(folder.read("b.DLL") == unsigned);
}

#[test]
fn a_signed_file_can_be_refused_or_passed_over() {
    let folder = Folder::with_images();
    folder.sign(0, "c.exe", &["--if-signed", "fail"]);
    let once = folder.read("c.exe");
    let [pfx, file] = &other_key();
    let record = folder.sign(2, "c.exe", &["--if-signed", "fail", pfx, file]);
    assert_eq!(record["status"], "failed");
    assert!(record["error"].as_str().unwrap().contains("signed already"));
    let record = folder.sign(0, "c.exe", &["--if-signed", "skip", pfx, file]);
    assert_eq!(
        (&record["status"], &record["action"]),
        (&"skipped".into(), &"skipped".into())
    );
    assert!(folder.read("c.exe") == once);
    // A folder for the results gets every file.
    let skip = ["sign", "--profile", "test", "--if-signed", "skip"];
    let (text, _) = folder.run(0, &[&skip[..], &["--out", "done/", "."]].concat());
    assert!(
        text.contains("skipped  done/c.exe (PE image, it is signed already)"),
        "{text}"
    );
    assert!(text.contains("signed   done/a.sys (PE image"), "{text}");
    assert!(folder.read("done/c.exe") == once);
    assert_eq!(folder.routes("done").len(), 1);
    let (_, error) = folder.run(
        2,
        &[&skip[..], &["--append", "--in-place", "a.sys"]].concat(),
    );
    assert!(error.contains("cannot be used with"), "{error}");
}

#[test]
fn a_folder_is_searched_for_images() {
    let folder = Folder::with_images();
    let records = folder.json(0, &["sign", "--profile", "test", "--in-place", "."]);
    let files: Vec<_> = records
        .iter()
        .map(|r| r["file"].as_str().unwrap())
        .collect();
    assert_eq!(files, ["./a.sys", "./b.DLL", "./c.exe", "./d.efi"]);
    assert_eq!(folder.json(0, &["verify", "."]).len(), 4);
    folder.run(0, &["remove", "--in-place", "."]);
    assert!(folder.read("d.efi") == RawImage::new(false).bytes());
    let records = folder.json(0, &["remove", "--out", "bare", "."]);
    assert!(records.iter().all(|record| record["status"] == "unchanged"));
    assert!(folder.read("bare/a.sys") == folder.read("a.sys"));
}

#[test]
fn removal_keeps_padding_and_refuses_what_it_would_lose() {
    let folder = Folder::with_images();
    let mut raw = RawImage::new(true);
    raw.overlay = vec![7; 3];
    folder.write("odd.exe", &raw.bytes());
    folder.sign(0, "odd.exe", &[]);
    let mut signed = folder.read("odd.exe");
    folder.run(0, &["remove", "--out", "bare.exe", "odd.exe"]);
    let bare = folder.read("bare.exe");
    let mut expected = raw.bytes();
    expected.extend([0; 5]);
    let sum = plain_check_sum(&expected, raw.check_sum()).to_le_bytes();
    expected[raw.check_sum()..][..4].copy_from_slice(&sum);
    assert!(bare == expected);

    signed.extend(b"behind");
    folder.write("odd.exe", &signed);
    let (text, error) = folder.run(2, &["remove", "--in-place", "odd.exe", "a.sys"]);
    assert_eq!(text, "unchanged a.sys (PE image)\n");
    assert!(
        error.contains("6 bytes behind its certificate table"),
        "{error}"
    );
    assert!(folder.read("odd.exe") == signed);
    assert_eq!(raw.entry(), 0x80 + 168);
}

#[test]
fn page_hashes_are_written_on_request() {
    let folder = Folder::with_images();
    // 1.3.6.1.4.1.311.2.3.2
    let kind = [6, 10, 0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 3, 2];
    let has_pages = |name: &str| folder.read(name).windows(12).any(|window| window == kind);
    folder.sign(0, "a.sys", &[]);
    assert!(!has_pages("a.sys"));
    folder.sign(0, "a.sys", &["--page-hashes"]);
    assert!(has_pages("a.sys"));
    assert_eq!(folder.routes("a.sys"), ["signature[0]"]);
}

/// A good signature does not hide a bad one beside it, unless that is asked for.
#[test]
fn every_signature_counts_unless_told_otherwise() {
    let folder = Folder::with_images();
    let expired = crate::support::testcert("expired.pfx");
    let expired = expired.to_str().unwrap();
    folder.sign(0, "a.sys", &[]);
    folder.sign(
        0,
        "a.sys",
        &["--append", "--allow-expired", "--pfx", expired],
    );
    folder.sign(0, "c.exe", &["--allow-expired", "--pfx", expired]);
    folder.sign(0, "c.exe", &["--append"]);
    for (name, signatures, code) in [
        ("a.sys", "all", 1),
        ("a.sys", "first", 0),
        ("a.sys", "any", 0),
        ("c.exe", "all", 1),
        ("c.exe", "first", 1),
        ("c.exe", "any", 0),
    ] {
        folder.run(code, &["verify", "--signatures", signatures, name]);
    }
    folder.run(1, &["verify", "a.sys"]);
}
