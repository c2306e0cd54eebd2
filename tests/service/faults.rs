//! What fails below the service while it runs, and comes back: nothing is lost, nothing is signed without an entry.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::server::{Answer, Server};
use crate::support::{command, folder, proofmark, testcert};
use crate::token::{Token, module};

const SIGN: &str = "/v1/sign?profile=test&name=a.cab";

/// A cabinet of a few kilobytes, which stays in memory, and one that goes through the disk.
fn small_and_large(folder: &Path) -> [Vec<u8>; 2] {
    std::fs::create_dir(folder.join("small")).unwrap();
    std::fs::write(folder.join("small/a.bin"), vec![7; 5000]).unwrap();
    proofmark(folder, "package pack --stored --out small.cab small").ended(0);
    ["small.cab", "stored.cab"].map(|name| std::fs::read(folder.join(name)).unwrap())
}

/// The number of the entry that a signature came with.
fn entry(answer: Answer) -> u64 {
    answer.is(200).header("proofmark-entry").parse().unwrap()
}

/// An answer without a signature, whatever it says.
#[track_caller]
fn nothing_signed(answer: Answer, status: u16, slug: &str) {
    assert!(answer.header("proofmark-entry").is_empty());
    assert!(answer.header("retry-after").parse::<u32>().is_ok());
    answer.problem(status, slug);
}

/// Whether every entry is in the log, and no more than so many.
fn expect_log(folder: &Path, server: &Server, entries: u64) {
    let key = server.get("/log/key").is(200).text();
    std::fs::write(folder.join("log.pub"), key).unwrap();
    let mut verify = command(folder);
    verify.args(["audit", "verify", "--key", "log.pub", &server.url]);
    let token = server.token.as_deref().unwrap();
    let output = verify.env("PROOFMARK_TOKEN", token).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let checkpoint = server.get("/log/checkpoint").is(200).text();
    assert_eq!(
        checkpoint.lines().nth(1),
        Some(entries.to_string().as_str())
    );
}

/// Fills a file until its disk is full.
fn fill(path: &Path) {
    let mut file = std::fs::File::create(path).unwrap();
    for size in [1 << 16, 1 << 12, 1 << 8, 1] {
        while file.write_all(&vec![1; size]).is_ok() {}
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_disk_that_is_full_refuses_and_signs_again_once_there_is_room() {
    let folder = folder();
    let [small, large] = small_and_large(folder.path());
    std::fs::create_dir(folder.path().join("proofmark-data")).unwrap();
    let mut serve = Command::new("unshare");
    let mount = "mount -t tmpfs -o size=6m none proofmark-data && exec \"$@\"";
    serve.args(["--map-root-user", "--mount", "sh", "-c", mount, "sh"]);
    serve.arg(env!("CARGO_BIN_EXE_proofmark"));
    serve.current_dir(folder.path());
    let server = Server::start_by(serve, folder.path());
    // The disk of the service, as seen from outside.
    let seen = format!("/proc/{}/root{}", server.id(), folder.path().display());
    let ballast = Path::new(&seen).join("proofmark-data/ballast");
    let first = entry(server.post(SIGN, &large));
    fill(&ballast);
    nothing_signed(server.post(SIGN, &large), 507, "storage-full");
    // This one needs no room for itself; its entry does.
    nothing_signed(server.post(SIGN, &small), 507, "storage-full");
    server.get("/readyz").problem(507, "storage-full");
    server.get("/healthz").is(200);
    std::fs::remove_file(&ballast).unwrap();
    assert_eq!(entry(server.post(SIGN, &small)), first + 1);
    assert_eq!(entry(server.post(SIGN, &large)), first + 2);
    server.get("/readyz").is(200);
    expect_log(folder.path(), &server, first + 3);
}

/// Another process that writes to a database of SQLite, until it is let go.
struct Writer(Child);

impl Writer {
    fn lock(database: &Path) -> Self {
        let lock = "import sqlite3, sys\n\
             database = sqlite3.connect(sys.argv[1], isolation_level=None)\n\
             database.execute('BEGIN IMMEDIATE')\n\
             print('locked', flush=True)\n\
             sys.stdin.read()\n";
        let mut python = Command::new("python3");
        python.args(["-c", lock]).arg(database);
        python.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = python.spawn().unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        assert_eq!(line, "locked\n");
        Self(process)
    }

    fn let_go(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().unwrap().success());
    }
}

#[test]
fn a_database_that_another_process_has_locked_loses_nothing() {
    let folder = folder();
    let server = Server::start(folder.path());
    let [small, _] = small_and_large(folder.path());
    let database = folder.path().join("proofmark-data/proofmark.db");
    let first = entry(server.post(SIGN, &small));
    let writer = Writer::lock(&database);
    // For longer than anyone waits: several at once, all of them without a signature.
    std::thread::scope(|scope| {
        let asked = [(); 4].map(|()| scope.spawn(|| server.post(SIGN, &small)));
        for answer in asked {
            nothing_signed(answer.join().unwrap(), 503, "unavailable");
        }
    });
    // What is only read is there all the same.
    server.get("/log/checkpoint").is(200);
    // For a while: whoever asks meanwhile waits.
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| server.post(SIGN, &small));
        std::thread::sleep(std::time::Duration::from_millis(300));
        writer.let_go();
        assert_eq!(entry(asked.join().unwrap()), first + 1);
    });
    expect_log(folder.path(), &server, first + 2);
}

#[test]
fn a_key_on_a_token_that_goes_away_and_comes_back_signs_again() {
    let Some(token) = Token::new() else {
        return;
    };
    token.add_key("demo-retail", "01");
    token.add_certificate("demo-retail", "01");
    token.add_certificate("demo-retail-intermediate", "aa");
    let folder = token.folder.path("");
    let config = format!(
        "[trust]\nroots = ['{root}']\n\
         [profile.retail.pkcs11]\nmodule = '{module}'\ntoken-label = 'release'\nkey-label = 'demo-retail'\n\
         pin-env = 'TOKEN_PIN'\n[service.profile.retail]\ngate = 'retail'\n",
        root = testcert("demo-retail-root.cer").display(),
        module = module().display(),
    );
    std::fs::write(folder.join("proofmark.toml"), config).unwrap();
    let made = proofmark(
        &folder,
        "token create --role sign --role audit --profile * all",
    )
    .ended(0);
    let serve = token.command(env!("CARGO_BIN_EXE_proofmark"));
    let mut server = Server::start_by(serve, &folder);
    server.token = Some(made.stdout.trim().to_owned());
    std::fs::create_dir(folder.join("files")).unwrap();
    let [small, _] = {
        std::fs::write(folder.join("files/a.txt"), "text").unwrap();
        proofmark(&folder, "package pack --stored --out stored.cab files").ended(0);
        small_and_large(&folder)
    };
    let sign = || server.post("/v1/sign?profile=retail&name=a.cab", &small);
    let begun = entry(sign());
    for round in 0..3 {
        std::fs::rename(folder.join("tokens"), folder.join("elsewhere")).unwrap();
        for _ in 0..2 {
            nothing_signed(sign(), 503, "key-unavailable");
        }
        std::fs::rename(folder.join("elsewhere"), folder.join("tokens")).unwrap();
        // Several at once: the token is opened again for all of them.
        let entries = std::thread::scope(|scope| {
            let asked = [(); 4].map(|()| scope.spawn(sign));
            asked.map(|answer| entry(answer.join().unwrap()))
        });
        let mut sorted = entries;
        sorted.sort_unstable();
        let first = begun + 1 + round * 4;
        assert!(sorted.into_iter().eq(first..first + 4), "{entries:?}");
    }
    expect_log(&folder, &server, begun + 13);
}

/// The library that lets a program see another time; `None` where it is missing and the user said that this is allowed.
fn faketime() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").unwrap().flatten();
    let mut found = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    let found = found.find(|path| path.exists());
    assert!(
        found.is_some() || std::env::var_os("PROOFMARK_SKIP_ORACLES").is_some_and(|v| v == "1"),
        "libfaketime is missing; ./test installs it, PROOFMARK_SKIP_ORACLES=1 skips this"
    );
    if found.is_none() {
        println!("skipped: libfaketime is missing");
    }
    found
}

#[test]
#[cfg(target_os = "linux")]
fn a_clock_that_jumps_loses_nothing_and_opens_nothing() {
    let Some(library) = faketime() else {
        return;
    };
    let folder = folder();
    let [small, _] = small_and_large(folder.path());
    let config = "[profile.asked]\nkind = 'test'\npfx = 'oem.pfx'\n[service.profile.test]\ngate = 'test'\n\
         [service.profile.asked]\ngate = 'test'\napprovals = 1\n";
    std::fs::copy(testcert("oem.pfx"), folder.path().join("oem.pfx")).unwrap();
    std::fs::write(folder.path().join("proofmark.toml"), config).unwrap();
    let tokens = ["one", "two"].map(|name| {
        let line = format!(
            "token create --role sign --role approve --role audit --profile * --expires 30d {name}"
        );
        proofmark(folder.path(), &line)
            .ended(0)
            .stdout
            .trim()
            .to_owned()
    });
    let now = folder.path().join("now");
    let jump = |by: &str| {
        std::fs::write(folder.path().join("next"), by).unwrap();
        std::fs::rename(folder.path().join("next"), &now).unwrap();
    };
    jump("+0d");
    let mut serve = command(folder.path());
    serve
        .env("LD_PRELOAD", library)
        .env("FAKETIME_TIMESTAMP_FILE", &now);
    serve
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    let mut server = Server::start_by(serve, folder.path());
    server.token = Some(tokens[0].clone());
    let bearer = tokens.map(|token| format!("Bearer {token}"));
    let keyed = |key: &str| {
        let headers = [
            ("authorization", bearer[0].as_str()),
            ("idempotency-key", key),
        ];
        server.post_with(SIGN, &small, &headers)
    };
    let ask = "/v1/requests?profile=asked&name=a.cab&reason=release";
    let first = entry(keyed("first"));
    let asked = server.post(ask, &small).is(201).json();
    let approve = format!("/v1/requests/{}/approve", asked["id"].as_str().unwrap());
    let agree = || server.post_with(&approve, b"{}", &[("authorization", &bearer[1])]);

    // Forward: tokens have ended, and nothing is signed.
    jump("+40d");
    keyed("first").problem(401, "unauthenticated");
    // Backward, to before anything was there: the log goes on, and a key stands for what it stood for.
    jump("-40d");
    assert_eq!(entry(keyed("first")), first);
    let second = entry(keyed("second"));
    assert!(second > first);
    // To and fro: what was signed in the past is known in the future, and the other way round.
    jump("+20d");
    assert_eq!(entry(keyed("second")), second);
    // The time in which people may agree is over, whatever the clock says later.
    agree().problem(409, "conflict");
    let path = format!("/v1/requests/{}", asked["id"].as_str().unwrap());
    let expired = || server.get(&path).is(200).json()["state"] == "expired";
    while !expired() {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    jump("+0d");
    agree().problem(409, "conflict");
    assert!(expired());
    let third = entry(keyed("third"));
    // Signed, asked, signed, expired, signed: in the order in which it was decided.
    assert_eq!([second, third], [first + 2, first + 4]);
    expect_log(folder.path(), &server, first + 5);
}
