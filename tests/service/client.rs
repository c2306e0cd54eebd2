//! The command line as a client of the service that really runs.

use std::path::Path;
use std::sync::Arc;

use super::server::Server;
use crate::loopback::{self, Answer, Asked};
use crate::support::{Run, command, folder};

/// Runs the program in `folder` with the first token of the service; words are separated by blanks.
fn client(server: &Server, folder: &Path, line: &str) -> Run {
    let token = server.token.as_deref().unwrap();
    let mut command = command(folder);
    command
        .args(line.split_whitespace())
        .env("PROOFMARK_TOKEN", token);
    command.output().unwrap().into()
}

fn read(folder: &Path, name: &str) -> Vec<u8> {
    std::fs::read(folder.join(name)).unwrap()
}

/// Passes requests on to the service, and lies about some of them.
fn proxy(
    server: &Server,
    lie: impl Fn(&Asked) -> Option<Answer> + Send + Sync + 'static,
) -> loopback::Server {
    let (url, token) = (server.url.clone(), server.token.clone().unwrap());
    loopback::Server::of_any_method(move |asked| {
        lie(asked).unwrap_or_else(|| passed_on(&url, &token, asked, &asked.path))
    })
}

fn passed_on(url: &str, token: &str, asked: &Asked, path: &str) -> Answer {
    let server = Server::elsewhere(url);
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    let answer = match asked.method.as_str() {
        "GET" => server.get_with(path, &headers),
        _ => server.post_with(path, &asked.body, &headers),
    };
    let kept = ["proofmark-entry", "content-type"];
    let kept = kept.map(|name| (name.to_owned(), answer.header(name).to_owned()));
    let kept = kept.into_iter().filter(|(_, value)| !value.is_empty());
    Answer::Passed(answer.status, kept.collect(), answer.body)
}

#[test]
fn a_signature_is_taken_with_the_proof_that_it_was_logged_and_not_without() {
    let folder = folder();
    let folder = folder.path();
    let server = Server::start(folder);
    std::fs::write(folder.join("log.pub"), server.get("/log/key").is(200).body).unwrap();
    let plain = read(folder, "plain.cab");
    let sign = |url: &str, key: &str| {
        let line =
            format!("sign --remote {url} --log-key {key} --profile test --in-place plain.cab");
        client(&server, folder, &line)
    };
    let refused = |url: &str, key: &str, why: &str| {
        let run = sign(url, key).ended(2);
        assert!(run.stderr.contains(why), "{why} is not in\n{}", run.stderr);
        assert!(
            !run.stderr.contains(server.token.as_deref().unwrap()),
            "the token is in the error"
        );
        assert_eq!(read(folder, "plain.cab"), plain, "{why}");
    };
    // The key of another log.
    let other = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    refused(&server.url, other, "the signature is not in the log");
    // A signature whose proof does not come, is that of another entry, or whose entry is about something else.
    let silent = proxy(&server, |asked| {
        asked
            .path
            .starts_with("/log/proof/")
            .then(|| Answer::Passed(404, Vec::new(), Vec::new()))
    });
    refused(&silent.url, "log.pub", "404");
    let at = Arc::new((server.url.clone(), server.token.clone().unwrap()));
    let of_another = |what: &'static str| {
        let at = Arc::clone(&at);
        proxy(&server, move |asked| {
            let (kind, _) = asked.path.rsplit_once('/')?;
            let (url, token) = &*at;
            (kind == what).then(|| passed_on(url, token, asked, &format!("{kind}/0")))
        })
    };
    let proof = of_another("/log/proof");
    refused(&proof.url, "log.pub", "the signature is not in the log");
    let entry = of_another("/log/entry");
    refused(&entry.url, "log.pub", "the signature is not in the log");
    let both = proxy(&server, {
        let at = Arc::clone(&at);
        move |asked| {
            let (kind, _) = asked.path.rsplit_once('/')?;
            let (url, token) = &*at;
            asked
                .path
                .starts_with("/log/")
                .then(|| passed_on(url, token, asked, &format!("{kind}/0")))
        }
    });
    refused(&both.url, "log.pub", "the entry is about another file");
    // The service itself.
    let run = sign(&server.url, "log.pub").ended(0);
    let entry = run.stdout.split("entry ").nth(1).unwrap();
    let entry = entry.split(' ').next().unwrap();
    assert_eq!(
        run.stdout,
        format!("signed   plain.cab (profile test, entry {entry} of the log)\n")
    );
    client(&server, folder, "verify plain.cab").ended(0);
    let prove = format!(
        "audit prove --key log.pub --entry {entry} --out kept {}",
        server.url
    );
    client(&server, folder, &prove).ended(0);
    let check = "audit check --key log.pub kept.tlog-proof kept.json plain.cab";
    client(&server, folder, check).ended(0);
}
