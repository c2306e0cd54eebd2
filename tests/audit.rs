//! The log of decisions in the hands of who does not run the service: `proofmark audit`, and Python beside it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use service::audit::tile::Tile;
use service::audit::{Decision, Entry, Log, LogSettings, Subject};
use service::store::Store;
use signer::digest::{DigestAlgorithm, hex};

use crate::support::{Run, folder, oracle, proofmark, repository};

/// A log with 300 entries about `plain.cab` and others, as files in `log/`, its key in `log.pub`.
struct Logged {
    folder: tempfile::TempDir,
}

impl Logged {
    fn new() -> Self {
        let folder = folder();
        let logged = Self { folder };
        logged.grow(0..300);
        logged
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn grow(&self, numbers: std::ops::Range<u64>) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(async {
            let store = Store::open_file(&self.path().join("proofmark.db"))
                .await
                .unwrap();
            let settings = LogSettings {
                origin: Some("sign.example/log".to_owned()),
                ..LogSettings::in_folder(self.path())
            };
            let log = Log::open(store.clone(), &settings).await.unwrap();
            let mut transaction = store.begin().await.unwrap();
            for number in numbers {
                let entry = self.entry(number);
                log.append(&mut transaction, &entry).await.unwrap();
            }
            transaction.commit().await.unwrap();
            let size = log.head().await.unwrap().size();
            for tile in Tile::all(size) {
                let bytes = log.tile(tile).await.unwrap().unwrap();
                self.write(&tile.to_string(), &bytes);
            }
            self.write("checkpoint", log.checkpoint().await.unwrap().as_bytes());
            fs::write(self.path().join("log.pub"), log.public_key().to_string()).unwrap();
        });
    }

    fn entry(&self, number: u64) -> Entry {
        let decision = match number % 3 {
            0 => Decision::Signed,
            1 => Decision::Refused,
            _ => Decision::Approved,
        };
        let mut entry = Entry::new(
            "2026-01-31T12:00:00.000Z".to_owned(),
            decision,
            "token:ci\u{1b}[31m".to_owned(),
        );
        let sha256 = match number {
            17 | 280 => sha256(&self.path().join("plain.cab")),
            _ => format!("{number:064x}"),
        };
        entry.input = Some(Subject {
            sha256,
            size: number,
            format: None,
            name: None,
        });
        entry
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.file(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn file(&self, path: &str) -> PathBuf {
        self.path().join("log").join(path)
    }

    fn audit(&self, line: &str) -> Run {
        proofmark(self.path(), &format!("audit {line}"))
    }

    /// Verifies with Python's hashlib and openssl.
    fn independently(&self, line: &str) -> Option<Run> {
        let script = repository().join("tests/oracles/tlog_verify.py");
        let key = fs::read_to_string(self.path().join("log.pub")).unwrap();
        oracle(
            self.path(),
            &format!("python3 {} {line} {key}", script.display()),
        )
    }
}

fn sha256(path: &Path) -> String {
    hex(&DigestAlgorithm::Sha256.of(&fs::read(path).unwrap()))
}

#[test]
fn a_log_holds_for_us_and_for_python() {
    let log = Logged::new();
    let run = log.audit("verify --key log.pub --keep kept log").ended(0);
    assert!(
        run.stdout
            .starts_with("passed   sign.example/log: 300 entries, root "),
        "{}",
        run.stdout
    );
    let json = log.audit("verify --key log.pub --format json log").ended(0);
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(
        (&json["status"], &json["size"]),
        (&"passed".into(), &300.into())
    );
    if let Some(run) = log.independently("log log") {
        let seen: Value = serde_json::from_str(&run.ended(0).stdout).unwrap();
        assert_eq!(seen["size"], 300);
        assert_eq!(seen["decisions"][1], "refused");
        assert!(run_has_root(&json, seen["root"].as_str().unwrap()));
    }
    // It grows, and is what it was; the copy grows with it.
    log.audit("export --key log.pub --out copy log").ended(0);
    log.grow(300..310);
    let run = log.audit("verify --key log.pub --since kept log").ended(0);
    assert!(
        run.stdout.contains("continues what was kept"),
        "{}",
        run.stdout
    );
    let run = log.audit("export --key log.pub --out copy log").ended(0);
    assert!(
        run.stdout
            .starts_with("copy: 310 entries of sign.example/log, 3 files written"),
        "{}",
        run.stdout
    );
    log.audit("verify --key log.pub --since kept copy").ended(0);
    // A log that lost its end: what was kept is more than there is.
    log.audit("verify --key log.pub --keep newer log").ended(0);
    log.write("checkpoint", &fs::read(log.path().join("kept")).unwrap());
    let run = log.audit("verify --key log.pub --since newer log").ended(1);
    assert!(
        run.stdout
            .contains("it had 310 before: the end was cut off"),
        "{}",
        run.stdout
    );
}

/// Whether the root in base64 is the one in hexadecimal.
fn run_has_root(json: &Value, root: &str) -> bool {
    use base64ct::{Base64, Encoding};
    hex(&Base64::decode_vec(json["root"].as_str().unwrap()).unwrap()) == root
}

#[test]
fn a_changed_bit_is_found_by_us_and_by_python() {
    let log = Logged::new();
    for path in [
        "checkpoint",
        "tile/0/000",
        "tile/1/000.p/1",
        "tile/entries/000",
        "tile/entries/001.p/44",
    ] {
        let path = log.file(path);
        let bytes = fs::read(&path).unwrap();
        let mut changed = bytes.clone();
        let at = bytes.len() * 2 / 3;
        changed[at] ^= 1;
        fs::write(&path, changed).unwrap();
        let run = log.audit("verify --key log.pub log");
        assert_ne!(run.code, Some(0), "{}: {}", path.display(), run.stdout);
        if let Some(run) = log.independently("log log") {
            assert_ne!(run.code, Some(0), "{}", path.display());
        }
        fs::write(&path, bytes).unwrap();
    }
    log.audit("verify --key log.pub log").ended(0);
    // The key of another log.
    let other = "sign.example/log+5fc66a98+AbKgwtfZ8fWSEYvHnZ0nBRmUqBzrdCcKZtzCGI5i9Zpo";
    let run = log.audit(&format!("verify --key {other} log")).ended(2);
    assert!(
        run.stderr.contains("the eight digits do not fit"),
        "{}",
        run.stderr
    );
}

#[test]
fn who_signed_this_and_the_proof_of_it() {
    let log = Logged::new();
    let run = log
        .audit("find --key log.pub --file plain.cab log")
        .ended(0);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{}", run.stdout);
    assert!(
        lines[0].contains("17  2026-01-31T12:00:00.000Z  approved"),
        "{}",
        lines[0]
    );
    // Nothing in an entry steers a terminal.
    assert!(!run.stdout.contains('\u{1b}'));
    log.audit("find --key log.pub --file stored.cab log")
        .ended(1);
    log.audit("find --key log.pub --sha256 12 log").ended(2);
    log.audit("prove --key log.pub --entry 17 --out mine log")
        .ended(0);
    let run = log
        .audit("check --key log.pub mine.tlog-proof mine.json plain.cab")
        .ended(0);
    assert!(
        run.stdout.contains("passed   entry 17 of 300"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("plain.cab is what the entry is about"));
    log.audit("check --key log.pub mine.tlog-proof mine.json stored.cab")
        .ended(1);
    if let Some(run) = log.independently("proof mine.tlog-proof mine.json") {
        assert_eq!(run.ended(0).stdout.trim(), r#"{"index": 17, "size": 300}"#);
    }
    // Another entry, another place.
    let json = log.path().join("mine.json");
    let text = fs::read_to_string(&json).unwrap();
    fs::write(&json, text.replace("approved", "rejected")).unwrap();
    let run = log
        .audit("check --key log.pub mine.tlog-proof mine.json")
        .ended(1);
    assert!(
        run.stdout.contains("the entry is not number 17"),
        "{}",
        run.stdout
    );
    let run = log
        .audit("prove --key log.pub --entry 300 --out mine log")
        .ended(2);
    assert!(
        run.stderr
            .contains("there is no entry 300, the log has 300"),
        "{}",
        run.stderr
    );
}

#[test]
fn what_is_no_log_is_said_to_be_none() {
    let log = Logged::new();
    let run = log.audit("verify --key log.pub files").ended(2);
    assert!(
        run.stderr.contains("there is no file checkpoint"),
        "{}",
        run.stderr
    );
    let run = log.audit("verify --key nonsense log").ended(2);
    assert!(run.stderr.contains("/log/key"), "{}", run.stderr);
    let run = log
        .audit("verify --key log.pub http://127.0.0.1:1")
        .ended(2);
    assert!(run.stderr.contains("refuses connections"), "{}", run.stderr);
    fs::remove_file(log.file("tile/0/000")).unwrap();
    let run = log.audit("verify --key log.pub log").ended(2);
    assert!(run.stderr.contains("tile/0/000: "), "{}", run.stderr);
}
