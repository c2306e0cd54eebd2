//! Copies of what a service keeps, made while it runs, and a service that goes on from one.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::server::{Answer, Server};
use crate::support::{command, folder, proofmark};

pub(super) const SIGN: &str = "/v1/sign?profile=test&name=plain.cab";

pub(super) fn token(folder: &Path, name: &str, roles: &str) -> String {
    let line = format!("token create --profile * {roles} {name}");
    let made = proofmark(folder, &line).ended(0).stdout;
    format!("Bearer {}", made.trim())
}

pub(super) fn entry(answer: &Answer) -> u64 {
    answer.header("proofmark-entry").parse().unwrap()
}

/// `audit verify` of a running service.
pub(super) fn verify(
    folder: &Path,
    server: &Server,
    token: &str,
    more: &str,
) -> crate::support::Run {
    let key = server.get("/log/key").is(200).text();
    std::fs::write(folder.join("log.pub"), key).unwrap();
    let mut command = command(folder);
    command.args(["audit", "verify", "--key", "log.pub"]);
    command.args(more.split_whitespace()).arg(&server.url);
    let secret = token.strip_prefix("Bearer ").unwrap();
    command.env("PROOFMARK_TOKEN", secret);
    command.output().unwrap().into()
}

/// The service with the data of a copy.
fn restored(folder: &Path, data: &str) -> Server {
    let options = ["--listen", "127.0.0.1:0", "--data", data];
    Server::start_with(command(folder), folder, &options)
}

#[test]
fn a_copy_of_a_busy_service_is_one_that_goes_on() {
    let folder = folder();
    let path = folder.path();
    let config = "[service.profile.test]\ngate = 'test'\n[service.profile.asked]\ngate = 'test'\napprovals = 1\n\
                  [profile.asked]\nkind = 'test'\npfx = 'oem.pfx'\n";
    std::fs::copy(crate::support::testcert("oem.pfx"), path.join("oem.pfx")).unwrap();
    std::fs::write(path.join("proofmark.toml"), config).unwrap();
    let ann = token(path, "ann", "--role sign --role audit");
    let ben = token(path, "ben", "--role approve");
    let server = Server::start(path);
    let input = std::fs::read(path.join("plain.cab")).unwrap();
    let post = |server: &Server, path: &str, token: &str, body: &[u8]| {
        server.post_with(path, body, &[("authorization", token)])
    };
    let ask = "/v1/requests?profile=asked&name=plain.cab&reason=release";
    let request = post(&server, ask, &ann, &input).is(201).json();
    let id = request["id"].as_str().unwrap();
    let first = entry(&post(&server, SIGN, &ann, &input).is(200));

    let busy = AtomicBool::new(true);
    std::thread::scope(|scope| {
        let signing = scope.spawn(|| {
            let mut last = first;
            while busy.load(Ordering::Relaxed) {
                last = entry(&post(&server, SIGN, &ann, &input).is(200));
            }
            last
        });
        for copy in ["one", "two"] {
            let run = proofmark(path, &format!("backup {copy}")).ended(0);
            assert!(run.stdout.contains("1 files that wait"), "{}", run.stdout);
            #[cfg(unix)]
            for (name, mode) in [("", 0o700), ("log.key", 0o600), ("proofmark.db", 0o600)] {
                use std::os::unix::fs::PermissionsExt;
                let found = path.join(copy).join(name).metadata().unwrap();
                assert_eq!(found.permissions().mode() & 0o777, mode, "{name}");
            }
        }
        busy.store(false, Ordering::Relaxed);
        assert!(signing.join().unwrap() > first);
    });
    // What came after the copies: a restored service cannot know of it, but whoever kept a checkpoint does.
    post(&server, SIGN, &ann, &input).is(200);
    verify(
        path,
        &server,
        &ann,
        "--since one/checkpoint --since two/checkpoint --keep newest",
    )
    .ended(0);
    let run = proofmark(path, "backup one").ended(2);
    assert!(run.stderr.contains("one: exists already"), "{}", run.stderr);
    assert_eq!(server.stop(), Some(0));
    std::fs::remove_dir_all(path.join("proofmark-data")).unwrap();

    let server = restored(path, "two");
    verify(
        path,
        &server,
        &ann,
        "--since one/checkpoint --since two/checkpoint",
    )
    .ended(0);
    let run = verify(path, &server, &ann, "--since newest").ended(1);
    assert!(
        run.stdout.contains("it had"),
        "{}{}",
        run.stdout,
        run.stderr
    );
    let next = entry(&post(&server, SIGN, &ann, &input).is(200));
    assert!(next > first);
    // What waited can be agreed to, as its file is there.
    let approve = format!("/v1/requests/{id}/approve");
    post(&server, &approve, &ben, b"{}").is(200);
    let result = format!("/v1/requests/{id}/result");
    let mut answer = server.get_with(&result, &[("authorization", &ann)]);
    for _ in 0..200 {
        if answer.status == 200 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
        answer = server.get_with(&result, &[("authorization", &ann)]);
    }
    std::fs::write(path.join("signed.cab"), answer.is(200).body).unwrap();
    proofmark(path, "verify signed.cab").ended(0);
    // Grown beyond the entries that were lost, it is still another log than the one that was seen.
    for _ in 0..4 {
        post(&server, SIGN, &ann, &input).is(200);
    }
    let run = verify(path, &server, &ann, "--since newest").ended(1);
    let told = ["it had", "are not those of the earlier checkpoint"];
    assert!(
        told.iter().any(|told| run.stdout.contains(told)),
        "{}",
        run.stdout
    );
    verify(path, &server, &ann, "--since two/checkpoint").ended(0);
}

#[test]
fn what_cannot_be_copied_leaves_nothing() {
    let folder = folder();
    let path = folder.path();
    let before = std::fs::read_dir(path).unwrap().count();
    let run = proofmark(path, "backup copy").ended(2);
    assert!(
        run.stderr.contains("there is no service's data"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("--data DIR"), "{}", run.stderr);
    assert_eq!(std::fs::read_dir(path).unwrap().count(), before);
    token(path, "ann", "--role sign");
    // Without the log's own key a copy could not go on.
    let other = path.join("other");
    std::fs::create_dir(&other).unwrap();
    proofmark(&other, "token create --profile * --role sign ann").ended(0);
    let key = path.join("proofmark-data/log.key");
    std::fs::copy(other.join("proofmark-data/log.key"), &key).unwrap();
    let run = proofmark(path, "backup copy").ended(2);
    assert!(
        run.stderr.contains("all nodes share one key file"),
        "{}",
        run.stderr
    );
    std::fs::remove_file(&key).unwrap();
    let run = proofmark(path, "backup copy").ended(2);
    assert!(run.stderr.contains("log.key"), "{}", run.stderr);
    assert_eq!(std::fs::read_dir(path).unwrap().count(), before + 2);
    std::fs::write(
        path.join("proofmark.toml"),
        "[service]\ndatabase = 'postgres://db.example/x'\n",
    )
    .unwrap();
    let run = proofmark(path, "backup copy").ended(2);
    assert!(run.stderr.contains("pg_dump"), "{}", run.stderr);
}
