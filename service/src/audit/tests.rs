//! The log in a database, and what its files are worth in the hands of others.

use std::fs;
use std::path::Path;

use super::checkpoint::Checkpoint;
use super::merkle::{Leaves, TreeHash, is_consistent};
use super::note::{Note, NoteKey};
use super::source::{self, Check, Export, Folder, LogFault, Verified};
use super::tile::{Tile, bundle, unbundle};
use super::*;
use crate::store::Store;

fn settings(folder: &Path) -> LogSettings {
    LogSettings {
        url: Some("https://sign.example/".to_owned()),
        ..LogSettings::in_folder(folder)
    }
}

async fn open(folder: &Path) -> Log {
    let store = Store::open_file(&folder.join("proofmark.db"))
        .await
        .unwrap();
    Log::open(store, &settings(folder)).await.unwrap()
}

fn entry(number: u64) -> Entry {
    let time = format!("2026-01-31T12:00:00.{:03}Z", number % 1000);
    let mut entry = Entry::new(time, Decision::Signed, format!("token:{number}"));
    entry.profile = Some(["retail", "test"][(number % 2) as usize].to_owned());
    entry.input = Some(Subject {
        sha256: format!("{:064x}", number % 100),
        size: number,
        format: None,
        name: None,
    });
    entry
}

async fn append(log: &Log, numbers: std::ops::Range<u64>) {
    let mut transaction = log.store.begin().await.unwrap();
    for number in numbers {
        let receipt = log.append(&mut transaction, &entry(number)).await.unwrap();
        assert_eq!(receipt.index, number);
    }
    transaction.commit().await.unwrap();
}

/// Writes the files of a log as its routes give them.
async fn write(log: &Log, folder: &Path) {
    let size = log.head().await.unwrap().size();
    for tile in Tile::all(size) {
        let path = folder.join(tile.to_string());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, log.tile(tile).await.unwrap().unwrap()).unwrap();
    }
    fs::write(folder.join("checkpoint"), log.checkpoint().await.unwrap()).unwrap();
}

fn verify(folder: &Path, log: &Log, earlier: &[Checkpoint]) -> Result<Verified, LogFault> {
    let keys: Vec<_> = log
        .witnesses()
        .iter()
        .map(|witness| witness.key.clone())
        .collect();
    let check = Check {
        key: log.public_key(),
        earlier,
        witnesses: &keys,
    };
    source::verify(&Folder(folder.to_owned()), &check, &mut ())
}

#[tokio::test]
async fn its_files_hold_and_prove_every_entry() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path()).await;
    assert_eq!(log.public_key().name(), "sign.example/log");
    let files = folder.path().join("files");
    fs::create_dir(&files).unwrap();
    write(&log, &files).await;
    let empty = verify(&files, &log, &[]).unwrap().checkpoint;
    assert_eq!((empty.size, empty.root), (0, TreeHash::of_nothing()));
    append(&log, 0..256).await;
    write(&log, &files).await;
    let earlier = verify(&files, &log, std::slice::from_ref(&empty))
        .unwrap()
        .checkpoint;
    append(&log, 256..700).await;
    write(&log, &files).await;
    let kept = [empty, earlier.clone()];
    let now = verify(&files, &log, &kept).unwrap().checkpoint;
    assert_eq!(now.size, 700);
    for index in [0, 1, 255, 256, 511, 512, 698, 699] {
        let of_files = source::prove(&Folder(files.clone()), log.public_key(), index).unwrap();
        let bytes = entry(index).bytes().unwrap();
        assert_eq!(of_files.0, bytes);
        assert_eq!(log.prove(index).await.unwrap(), Some(of_files.1));
    }
    assert_eq!(log.prove(700).await.unwrap(), None);
    for (old, size) in [(256, 700), (1, 699), (699, 700), (511, 513)] {
        let path = log.consistency(old, size).await.unwrap().unwrap();
        let root = async |size| {
            let proof = log.consistency(0, size).await.unwrap();
            assert_eq!(proof, Some(Vec::new()));
            log.root(size).await.unwrap()
        };
        let (old, size) = ((old, root(old).await), (size, root(size).await));
        assert!(is_consistent(old, size, &path));
    }
    assert_eq!(log.root(256).await.unwrap(), earlier.root);
    assert_eq!(log.consistency(1, 701).await.unwrap(), None);
    // A copy is one, and grows with the log.
    let copy = folder.path().join("copy");
    let check = Check {
        key: log.public_key(),
        earlier: &[],
        witnesses: &[],
    };
    for written in [8, 0] {
        let mut export = Export::new(&copy);
        source::verify(&Folder(files.clone()), &check, &mut export).unwrap();
        assert_eq!(export.written, written);
    }
    verify(&copy, &log, &kept).unwrap();
}

#[tokio::test]
async fn whatever_is_changed_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path()).await;
    append(&log, 0..270).await;
    let files = folder.path().join("files");
    fs::create_dir(&files).unwrap();
    write(&log, &files).await;
    let kept = verify(&files, &log, &[]).unwrap().checkpoint;
    let paths = Tile::all(270).map(|tile| tile.to_string());
    for path in paths.chain(["checkpoint".to_owned()]) {
        let path = files.join(path);
        let bytes = fs::read(&path).unwrap();
        for at in (0..bytes.len()).step_by(1 + bytes.len() / 60) {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            fs::write(&path, changed).unwrap();
            assert!(
                verify(&files, &log, &[]).is_err(),
                "{} {at}",
                path.display()
            );
        }
        fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        assert!(verify(&files, &log, &[]).is_err(), "{}", path.display());
        fs::write(&path, bytes).unwrap();
    }
    verify(&files, &log, &[kept]).unwrap();
}

#[tokio::test]
async fn a_log_that_was_rewritten_is_none_although_it_is_signed() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path()).await;
    append(&log, 0..20).await;
    let files = folder.path().join("files");
    fs::create_dir(&files).unwrap();
    write(&log, &files).await;
    let kept = [verify(&files, &log, &[]).unwrap().checkpoint];
    // The end is cut off, and the rest signed again.
    let shorter = folder.path().join("shorter");
    fs::create_dir(&shorter).unwrap();
    fs::copy(folder.path().join("log.key"), shorter.join("log.key")).unwrap();
    let cut = open(&shorter).await;
    append(&cut, 0..19).await;
    write(&cut, &shorter).await;
    verify(&shorter, &log, &[]).unwrap();
    let fault = verify(&shorter, &log, &kept).unwrap_err();
    assert!(
        matches!(
            fault,
            LogFault::Shorter {
                size: 19,
                earlier: 20
            }
        ),
        "{fault}"
    );
    // Another decision takes the place of the last one, and more follow.
    let mut transaction = cut.store.begin().await.unwrap();
    for number in [77, 20, 21] {
        cut.append(&mut transaction, &entry(number)).await.unwrap();
    }
    transaction.commit().await.unwrap();
    write(&cut, &shorter).await;
    verify(&shorter, &log, &[]).unwrap();
    let fault = verify(&shorter, &log, &kept).unwrap_err();
    assert!(
        matches!(fault, LogFault::Rewritten { earlier: 20 }),
        "{fault}"
    );
    // Two entries change places.
    let path = files.join("tile/entries/000.p/20");
    let bytes = fs::read(&path).unwrap();
    let mut entries = unbundle(&bytes).unwrap();
    entries.swap(3, 4);
    fs::write(&path, bundle(entries).unwrap()).unwrap();
    assert!(matches!(verify(&files, &log, &[]), Err(LogFault::Tile(_))));
    // With their hashes.
    let hashes = files.join("tile/0/000.p/20");
    let mut swapped = merkle::hashes(&fs::read(&hashes).unwrap()).unwrap();
    swapped.swap(3, 4);
    fs::write(hashes, merkle::concatenated(&swapped)).unwrap();
    assert!(matches!(
        verify(&files, &log, &[]),
        Err(LogFault::Root { size: 20 })
    ));
}

#[tokio::test]
async fn many_append_at_once_and_each_has_its_place() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).await;
    let mut tasks = Vec::new();
    for node in 0..4 {
        let log = open(folder.path()).await;
        tasks.push(tokio::spawn(async move {
            let mut places = Vec::new();
            for number in 0..15 {
                let mut transaction = log.store.begin().await.unwrap();
                let receipt = log.append(&mut transaction, &entry(number)).await.unwrap();
                match number % 5 {
                    // Taken back: as if it had never been.
                    4 => drop(transaction),
                    _ => {
                        transaction.commit().await.unwrap();
                        let proof = log.proof(&receipt);
                        let bytes = entry(number).bytes().unwrap();
                        let checkpoint = proof.verify(&bytes, log.public_key()).unwrap();
                        assert_eq!(checkpoint.size, receipt.index + 1);
                        places.push(receipt.index);
                    }
                }
            }
            (node, places)
        }));
    }
    let mut places = Vec::new();
    for task in tasks {
        places.extend(task.await.unwrap().1);
    }
    places.sort_unstable();
    assert!(places.into_iter().eq(0..48));
    let log = open(folder.path()).await;
    let files = folder.path().join("files");
    fs::create_dir(&files).unwrap();
    write(&log, &files).await;
    verify(&files, &log, &[]).unwrap();
}

#[tokio::test]
async fn entries_are_found_by_file_and_profile() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path()).await;
    append(&log, 0..250).await;
    let indices = |found: Vec<Numbered>| found.iter().map(|n| n.index).collect::<Vec<_>>();
    assert_eq!(
        indices(log.about(&format!("{:064x}", 7)).await.unwrap()),
        [7, 107, 207]
    );
    assert!(indices(log.about("none").await.unwrap()).is_empty());
    assert_eq!(
        indices(log.newest(u64::MAX, 3, None).await.unwrap()),
        [249, 248, 247]
    );
    let retail = ["retail".to_owned()];
    assert_eq!(
        indices(log.newest(249, 2, Some(&retail)).await.unwrap()),
        [248, 246]
    );
    let both = ["retail".to_owned(), "test".to_owned()];
    assert_eq!(
        indices(log.newest(10, 3, Some(&both)).await.unwrap()),
        [9, 8, 7]
    );
    assert!(indices(log.newest(10, 3, Some(&[])).await.unwrap()).is_empty());
    let range = Leaves {
        start: 248,
        end: 260,
    };
    assert_eq!(indices(log.entries(range).await.unwrap()), [248, 249]);
}

#[tokio::test]
async fn its_name_and_key_stay() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path()).await;
    let store = first.store.clone();
    // The address of the service changes, the name of its log does not.
    let mut moved = settings(folder.path());
    moved.url = Some("https://elsewhere.example".to_owned());
    let second = Log::open(store.clone(), &moved).await.unwrap();
    assert_eq!(second.public_key(), first.public_key());
    moved.origin = Some("elsewhere.example/log".to_owned());
    let error = Log::open(store.clone(), &moved).await.err().unwrap();
    assert!(matches!(error, LogError::OtherKey { .. }), "{error}");
    let mut other = settings(folder.path());
    other.key = folder.path().join("other.key");
    let error = Log::open(store.clone(), &other).await.err().unwrap();
    assert!(matches!(error, LogError::OtherKey { .. }), "{error}");
    other.origin = Some("a name".to_owned());
    let error = Log::open(store, &other).await.err().unwrap();
    assert!(matches!(error, LogError::Name(_)), "{error}");
}

#[tokio::test]
async fn witnesses_sign_besides() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = open(folder.path()).await;
    let witness = |name: &str| NoteKey::of_witness(name, &NoteKey::generate().unwrap()).unwrap();
    let (known, stranger) = (witness("w.example/1"), witness("w.example/2"));
    log.witnesses = vec![Witness {
        key: known.public().clone(),
        url: None,
    }];
    append(&log, 0..5).await;
    assert_eq!(log.cosigned_checkpoint().await.unwrap(), None);
    let checkpoint = log.checkpoint().await.unwrap();
    let text = Note::parse(&checkpoint).unwrap().text().to_owned();
    let with = |line: &str| format!("{checkpoint}{line}");
    let refused = async |note: String| log.cosign(&note).await.is_err();
    assert!(refused(checkpoint.clone()).await);
    assert!(refused(with(&stranger.sign(&text, 1))).await);
    assert!(refused(with(&known.sign("another text\n", 1))).await);
    // A checkpoint that the log never signed.
    let forged = text.replacen("\n5\n", "\n6\n", 1);
    let forged = format!("{forged}\n{}", known.sign(&forged, 1));
    assert!(refused(forged).await);
    let line = known.sign(&text, 1_800_000_000);
    assert_eq!(log.cosign(&with(&line)).await.unwrap(), 1);
    assert_eq!(log.checkpoint().await.unwrap(), with(&line));
    let files = folder.path().join("files");
    fs::create_dir(&files).unwrap();
    write(&log, &files).await;
    let verified = verify(&files, &log, &[]).unwrap();
    assert_eq!(verified.cosignatures[0].time, 1_800_000_000);
    // The log goes on; what was cosigned stays.
    append(&log, 5..6).await;
    assert!(!log.checkpoint().await.unwrap().contains("w.example/1"));
    assert_eq!(log.cosigned_checkpoint().await.unwrap(), Some(with(&line)));
}

/// A witness of the specification, in this process.
struct Nearby {
    key: NoteKey,
    log: super::note::VerifierKey,
    seen: std::sync::Mutex<Checkpoint>,
}

impl Nearby {
    fn add_checkpoint(&self, body: &str) -> (u16, String) {
        let mut seen = self.seen.lock().unwrap();
        let (head, note) = body.split_once("\n\n").unwrap();
        let mut lines = head.lines();
        let old: u64 = lines
            .next()
            .unwrap()
            .strip_prefix("old ")
            .unwrap()
            .parse()
            .unwrap();
        if old != seen.size {
            return (409, format!("{}\n", seen.size));
        }
        let path: Vec<TreeHash> = lines
            .map(|line| TreeHash::from_base64(line).unwrap())
            .collect();
        let note = Note::parse(note).unwrap();
        let Ok(checkpoint) = Checkpoint::verified(&note, &self.log) else {
            return (403, String::new());
        };
        let is_whole = |a: &Checkpoint, b: &Checkpoint| {
            is_consistent((a.size, a.root), (b.size, b.root), &path)
        };
        if !is_whole(&seen, &checkpoint) {
            return (422, String::new());
        }
        *seen = checkpoint;
        (200, self.key.sign(note.text(), 1_800_000_000))
    }
}

impl signer::environment::Environment for Nearby {
    fn send(
        &self,
        request: signer::environment::HttpRequest<'_>,
    ) -> Result<signer::environment::HttpReply, signer::environment::TransportError> {
        assert_eq!(request.url, "https://w.example/add-checkpoint");
        let (status, body) = self.add_checkpoint(std::str::from_utf8(request.body).unwrap());
        Ok(signer::environment::HttpReply {
            status,
            headers: Vec::new(),
            body: body.into_bytes(),
        })
    }

    fn elapsed(&self) -> std::time::Duration {
        unreachable!()
    }

    fn now(&self) -> time::OffsetDateTime {
        unreachable!()
    }

    fn pause(&self, _: std::time::Duration) {
        unreachable!()
    }

    fn random(&self) -> Result<[u8; 8], signer::environment::TransportError> {
        unreachable!()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_is_asked_as_the_log_grows() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = open(folder.path()).await;
    let key = NoteKey::of_witness("w.example/1", &NoteKey::generate().unwrap()).unwrap();
    let witness = Witness {
        key: key.public().clone(),
        url: Some("https://w.example/".to_owned()),
    };
    log.witnesses = vec![witness.clone()];
    let nearby = Nearby {
        key,
        log: log.public_key().clone(),
        seen: std::sync::Mutex::new(Checkpoint {
            origin: String::new(),
            size: 0,
            root: TreeHash::of_nothing(),
        }),
    };
    let mut size = 0;
    for grown in [1, 6, 300, 301] {
        append(&log, size..grown).await;
        size = grown;
        assert!(log.ask(&witness, &nearby).await.unwrap());
        assert!(!log.ask(&witness, &nearby).await.unwrap());
        assert_eq!(log.last_cosigned(&witness.key).await.unwrap(), size);
        assert!(log.checkpoint().await.unwrap().contains("w.example/1"));
    }
    // Another node knows nothing of that, and is told.
    let forget = "DELETE FROM audit_cosignature";
    sqlx::query(forget).execute(log.store.pool()).await.unwrap();
    append(&log, 301..302).await;
    assert!(log.ask(&witness, &nearby).await.unwrap());
    // The database is put back to an earlier copy: the witness does not sign, and says what it saw.
    for table in [
        "audit_head",
        "audit_cosignature",
        "audit_entry",
        "audit_digest",
        "audit_tile",
    ] {
        let delete = sqlx::AssertSqlSafe(format!("DELETE FROM {table}"));
        sqlx::query(delete).execute(log.store.pool()).await.unwrap();
    }
    log.claim().await.unwrap();
    append(&log, 0..3).await;
    let error = log.ask(&witness, &nearby).await.unwrap_err();
    assert!(
        matches!(error, WitnessError::Shorter { seen: 302, size: 3 }),
        "{error}"
    );
}
