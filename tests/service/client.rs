//! The command line as a client of the service that really runs.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::issuer::{ISSUER, Issuer, claims};
use super::server::Server;
use crate::loopback::{self, Answer, Asked};
use crate::support::{Run, command, folder, proofmark, repository, testcert};

/// Runs the program in `folder` with a token; words are separated by blanks.
fn with_token(token: &str, folder: &Path, line: &str) -> Run {
    let mut command = command(folder);
    command
        .args(line.split_whitespace())
        .env("PROOFMARK_TOKEN", token)
        .stdin(std::process::Stdio::null());
    command.output().unwrap().into()
}

/// The same with the first token of the service.
fn client(server: &Server, folder: &Path, line: &str) -> Run {
    with_token(server.token.as_deref().unwrap(), folder, line)
}

/// A token for somebody, made where the service is.
fn token(folder: &Path, roles: &str, name: &str) -> String {
    let roles: Vec<String> = roles
        .split_whitespace()
        .map(|role| format!("--role {role}"))
        .collect();
    let line = format!("token create {} --profile * {name}", roles.join(" "));
    proofmark(folder, &line).ended(0).stdout.trim().to_owned()
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}", run.stdout))
}

fn read(folder: &Path, name: &str) -> Vec<u8> {
    std::fs::read(folder.join(name)).unwrap()
}

/// Passes requests on to the service, and lies about some of them.
fn proxy(
    server: &Server,
    lie: impl Fn(&Asked) -> Option<Answer> + Send + Sync + 'static,
) -> loopback::Server {
    let url = server.url.clone();
    loopback::Server::of_any_method(move |asked| {
        lie(asked).unwrap_or_else(|| passed_on(&url, asked, &asked.path))
    })
}

fn passed_on(url: &str, asked: &Asked, path: &str) -> Answer {
    let server = Server::elsewhere(url);
    let headers = [("authorization", asked.header("authorization"))];
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
    let at = Arc::new(server.url.clone());
    let of_another = |what: &'static str| {
        let at = Arc::clone(&at);
        proxy(&server, move |asked| {
            let (kind, _) = asked.path.rsplit_once('/')?;
            (kind == what).then(|| passed_on(&at, asked, &format!("{kind}/0")))
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
            asked
                .path
                .starts_with("/log/")
                .then(|| passed_on(&at, asked, &format!("{kind}/0")))
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

/// A text without its times: certificates are judged by the clock.
fn timeless(text: &str) -> String {
    let is_time = |word: &str| {
        word.len() == 20 && word.starts_with("20") && word.ends_with('Z') && word.contains('T')
    };
    let words = text.split_inclusive([' ', '"', '\n', '<', ')', '.']);
    let words = words.map(|word| match is_time(word.trim_end()) {
        true => "TIME ",
        false => word,
    });
    words.collect()
}

#[test]
fn what_a_service_finds_reads_like_what_is_found_here() {
    let data = folder();
    let server = Server::start(data.path());
    let here = repository();
    // Findings of every rule, a product of a workspace, a document of it, and a package.
    let all = ["text", "json", "sarif", "github", "gitlab", "html"];
    let paths = [
        "lint/tests/fixtures",
        "examples/workspace",
        "lint/tests/fixtures/test-signed-in-retail",
        "--image retail examples/workspace/Source-arm/Products",
        "signer/tests",
        "lint/tests/fixtures/cert-expired/Fjordlight.Kiosk.Agent.cab README.md",
    ];
    for path in paths {
        let formats = match path {
            "lint/tests/fixtures" => &all[..2],
            _ => &all[..],
        };
        for format in formats {
            let line = format!("lint --format {format} {path}");
            let local = proofmark(&here, &format!("{line} --no-project-policy"));
            let remote = client(&server, &here, &format!("{line} --remote {}", server.url));
            assert_eq!(remote.code, local.code, "{line}: {}", remote.stderr);
            let (one, other) = (timeless(&remote.stdout), timeless(&local.stdout));
            let mut by_clock = other.matches("(the time of verification").count();
            for (one, other) in one.lines().zip(other.lines()) {
                // A hash of SARIF is one of the message, which names the time.
                if one != other && one.contains("primaryLocationLineHash") && by_clock > 0 {
                    by_clock -= 1;
                    continue;
                }
                assert_eq!(one, other, "{line}");
            }
            assert_eq!(one.len(), other.len(), "{line}");
            assert_eq!(remote.stderr, local.stderr, "{line}");
        }
    }
    // A path that is not there, and what counts here and does not count there.
    let line = format!("lint --remote {} example", server.url);
    let run = client(&server, &here, &line).ended(2);
    assert!(
        run.stderr.contains("did you mean examples?"),
        "{}",
        run.stderr
    );
    let line = format!("lint --remote {} --policy x examples", server.url);
    let run = client(&server, &here, &line).ended(2);
    assert!(run.stderr.contains("means nothing with --remote"));
}

#[test]
fn what_a_service_verifies_reads_like_what_is_verified_here() {
    let folder = folder();
    let path = folder.path();
    let server = Server::start(path);
    let signed = path.join("signed");
    std::fs::create_dir(&signed).unwrap();
    proofmark(path, "sign --profile test --out signed/t.cab plain.cab").ended(0);
    let retail = testcert("demo-retail.pfx");
    let line = format!(
        "sign --profile retail --pfx {} --allow-test-certificate --out signed/r.cab stored.cab",
        retail.display()
    );
    proofmark(path, &line);
    let mut damaged = read(path, "signed/t.cab");
    let last = damaged.len() - 100;
    damaged[last] ^= 1;
    std::fs::write(path.join("signed/damaged.cab"), damaged).unwrap();
    std::fs::write(path.join("signed/none.cab"), "no cabinet").unwrap();
    std::fs::copy(path.join("plain.cab"), path.join("signed/unsigned.cab")).unwrap();
    for line in [
        "verify signed/t.cab",
        "verify signed",
        "verify --require retail signed/t.cab",
        "verify --require test --format json signed",
        "verify signed/missing.cab",
    ] {
        let local = proofmark(path, line);
        let remote = client(&server, path, &format!("{line} --remote {}", server.url));
        assert_eq!(remote.stdout, local.stdout, "{line}");
        assert_eq!(
            (remote.code, remote.stderr),
            (local.code, local.stderr),
            "{line}"
        );
    }
    let line = format!("verify --remote {} --root x signed", server.url);
    client(&server, path, &line).ended(2);
}

#[test]
fn people_agree_on_the_command_line() {
    let folder = folder();
    let path = folder.path();
    let config = "[service.profile.test]\ngate = 'test'\napprovals = 2\n";
    std::fs::write(path.join("proofmark.toml"), config).unwrap();
    let server = Server::start(path);
    let url = &server.url;
    std::fs::write(path.join("log.pub"), server.get("/log/key").is(200).body).unwrap();
    let ann = token(path, "sign approve", "ann");
    let (ben, cem) = (token(path, "approve", "ben"), token(path, "approve", "cem"));
    let run = |token: &str, line: &str| with_token(token, path, line);
    let request = |more: &str, file: &str| {
        let line = format!("request --remote {url} --profile test --reason release {more} {file}");
        run(&ann, &line)
    };
    let id_of = |run: &Run| json(run)[0]["request"].as_str().unwrap().to_owned();
    let asked = request("--format json", "plain.cab").ended(0);
    let expected = json!({
        "file": "plain.cab", "status": "pending", "request": id_of(&asked), "output": null,
        "profile": "test", "log_entry": null,
    });
    assert_eq!(json(&asked), json!([expected]));
    let id = id_of(&asked);
    let listed = run(&ben, &format!("status --remote {url} --state pending")).ended(0);
    assert!(
        listed.stdout.starts_with(&id) && listed.stdout.contains("0 of 2 agree"),
        "{}",
        listed.stdout
    );
    let shown = run(&ben, &format!("status --remote {url} {id}")).ended(0);
    for part in ["asked by   ann (token:", "plain.cab, ", "no findings"] {
        assert!(shown.stdout.contains(part), "{part}: {}", shown.stdout);
    }
    // Not who asked; not another file than was looked at; nobody twice.
    let approve = |token: &str, more: &str, id: &str| {
        run(token, &format!("approve --remote {url} {more} {id}"))
    };
    let own = approve(&ann, "", &id).ended(2);
    assert!(own.stderr.contains("their own request"), "{}", own.stderr);
    let other = approve(&ben, "--sha256 00", &id).ended(2);
    assert!(other.stderr.contains("another file"), "{}", other.stderr);
    let agreed = approve(&ben, "--reason seen", &id).ended(0);
    assert!(agreed.stdout.contains("1 of 2 agree"), "{}", agreed.stdout);
    // What is agreed to was shown.
    assert!(agreed.stderr.contains("sha256     "), "{}", agreed.stderr);
    approve(&ben, "", &id).ended(2);
    let fetch = |id: &str, log: &str| {
        let line = format!("fetch --remote {url} --log-key {log} --file plain.cab --out got/ {id}");
        run(&ann, &line)
    };
    fetch(&id, "log.pub").ended(1);
    approve(&cem, "--yes", &id).ended(0);
    // Whoever waits gets the signed file as soon as it is there.
    let waiting = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| request("--wait --in-place --log-key log.pub", "stored.cab"));
        let id = loop {
            let pending = run(
                &ben,
                &format!("status --remote {url} --state pending --format json"),
            );
            if let Some(id) = json(&pending)[0]["id"].as_str() {
                break id.to_owned();
            }
        };
        approve(&ben, "", &id).ended(0);
        approve(&cem, "", &id).ended(0);
        waiting.join().unwrap()
    });
    let waiting = waiting.ended(0);
    assert!(
        waiting
            .stdout
            .starts_with("signed   stored.cab (profile test, entry "),
        "{}",
        waiting.stdout
    );
    proofmark(path, "verify stored.cab").ended(0);
    let other = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    std::fs::create_dir(path.join("got")).unwrap();
    fetch(&id, other).ended(2);
    assert!(!path.join("got/plain.cab").exists());
    fetch(&id, "log.pub").ended(0);
    proofmark(path, "verify got/plain.cab").ended(0);
    // No and never mind.
    let rejected = id_of(&request("--format json", "plain.cab"));
    run(
        &ben,
        &format!("reject --remote {url} --reason no {rejected}"),
    )
    .ended(0);
    let status = run(&ann, &format!("status --remote {url} {rejected}")).ended(1);
    assert!(
        status.stdout.contains("disagrees  ben (token:"),
        "{}",
        status.stdout
    );
    assert!(status.stdout.contains("): no\n"), "{}", status.stdout);
    let cancelled = id_of(&request("--format json", "plain.cab"));
    run(&ann, &format!("cancel --remote {url} {cancelled}")).ended(0);
    run(&ben, &format!("cancel --remote {url} {cancelled}")).ended(2);
    approve(&ben, "", "nosuch").ended(2);
    // A window for ann, and what does not pass is refused at once.
    let soon = time::OffsetDateTime::now_utc() + time::Duration::hours(1);
    let soon = signer::clock::rfc3339(soon);
    let whose = proofmark(path, "token list --format json").ended(0);
    let whose = json(&whose);
    let ann_id = whose.as_array().unwrap().iter();
    let ann_id = ann_id
        .filter(|token| token["name"] == "ann")
        .map(|token| token["id"].as_str().unwrap())
        .next()
        .unwrap();
    let open = format!(
        "window open --remote {url} --profile test --principal token:{ann_id} --until {soon} --most 1 --reason night --format json"
    );
    let opened = json(&run(&ben, &open).ended(0));
    let window = opened[0]["id"].as_str().unwrap();
    let sign =
        format!("sign --remote {url} --profile test --log-key log.pub --out w.cab plain.cab");
    let early = run(&ann, &sign).ended(2);
    assert!(
        early.stderr.contains("`proofmark request` asks them"),
        "{}",
        early.stderr
    );
    let typo = run(&ann, &sign.replace("profile test", "profile tets")).ended(2);
    assert!(
        typo.stderr.contains("profiles that are for you: test"),
        "{}",
        typo.stderr
    );
    run(&cem, &format!("window approve --remote {url} {window}")).ended(0);
    run(&ann, &sign).ended(0);
    let listed = run(&ann, &format!("window list --remote {url}")).ended(0);
    assert!(
        listed.stdout.contains("1 of 1 used, 2 of 2 agree"),
        "{}",
        listed.stdout
    );
    run(&cem, &format!("window revoke --remote {url} {window}")).ended(0);
    let broken = request("", "proofmark.toml").ended(2);
    assert!(!broken.stderr.contains(&ann), "the token is in the error");
}

#[test]
fn a_large_file_stays_here_and_its_digest_is_signed_where_the_profile_allows_it() {
    let folder = folder();
    let path = folder.path();
    let config = "[service.profile.test]\ngate = 'test'\ndigest-signing = true\n\
                  [profile.seen]\nkind = 'test'\npfx = 'seen.pfx'\n[service.profile.seen]\ngate = 'test'\n";
    std::fs::write(path.join("proofmark.toml"), config).unwrap();
    std::fs::copy(testcert("oem.pfx"), path.join("seen.pfx")).unwrap();
    let big = path.join("big");
    std::fs::create_dir(&big).unwrap();
    let content: Vec<u8> = (0..10_000_000_u32).flat_map(u32::to_le_bytes).collect();
    std::fs::write(big.join("big.bin"), content).unwrap();
    proofmark(path, "package pack --stored --out big.cab big").ended(0);
    let server = Server::start(path);
    std::fs::write(path.join("log.pub"), server.get("/log/key").is(200).body).unwrap();
    let token = token(path, "sign", "ci");
    let sent = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    let proxy = proxy(&server, move |asked| {
        count.fetch_add(asked.body.len(), Ordering::SeqCst);
        None
    });
    let sign = |profile: &str, url: &str, more: &str| {
        let line = format!(
            "sign --remote {url} --by-digest --log-key log.pub --profile {profile} {more} big.cab"
        );
        with_token(&token, path, &line)
    };
    let run = sign("test", &proxy.url, "--out signed.cab").ended(0);
    assert!(run.stdout.contains("of the log"), "{}", run.stdout);
    let sent = sent.load(Ordering::SeqCst);
    assert!(
        (1..16 << 10).contains(&sent),
        "{sent} bytes went over the wire"
    );
    proofmark(path, "sign --profile test --out local.cab big.cab").ended(0);
    assert!(
        read(path, "signed.cab") == read(path, "local.cab"),
        "another file than signing here makes"
    );
    // A profile whose policy looks into files does not; and a signature that another key made is none.
    let before = read(path, "big.cab");
    let refused = sign("seen", &server.url, "--in-place").ended(2);
    assert!(
        refused.stderr.contains("its policy looks into the files"),
        "{}",
        refused.stderr
    );
    sign("nosuch", &server.url, "--in-place").ended(2);
    let url = server.url.clone();
    let liar = loopback::Server::of_any_method(move |asked| {
        let Answer::Passed(status, headers, mut body) = passed_on(&url, asked, &asked.path) else {
            unreachable!()
        };
        if asked.path.starts_with("/v1/sign-digest") {
            body[20] ^= 1;
        }
        Answer::Passed(status, headers, body)
    });
    sign("test", &liar.url, "--in-place").ended(2);
    assert!(read(path, "big.cab") == before, "the file was changed");
}

#[test]
fn a_job_of_github_asks_for_a_token_that_is_meant_for_the_service() {
    let folder = folder();
    let path = folder.path();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let issuer = Issuer::new(path);
    let config = format!(
        "[service.profile.test]\ngate = 'test'\n[[service.oidc]]\nissuer = '{ISSUER}'\naudience = 'http://{address}'\n\
         jwks = 'jwks.json'\n[[service.oidc.allow]]\nclaims = {{ repository = 'fjordlight/kiosk' }}\n\
         profiles = ['test']\nroles = ['sign']\n"
    );
    std::fs::write(path.join("proofmark.toml"), config).unwrap();
    let server = Server::start_with(command(path), path, &["--listen", &address]);
    let github = loopback::Server::of_any_method(move |asked| {
        let (_, audience) = asked.path.split_once("&audience=").unwrap();
        let mut claims = claims("job", "fjordlight/kiosk");
        claims["aud"] = json!(audience.replace("%3A", ":").replace("%2F", "/"));
        let head = json!({ "alg": "RS256", "kid": "one" });
        let answer = json!({ "value": issuer.sign(&head, &claims) });
        Answer::Reply("200 OK", "application/json", answer.to_string().into())
    });
    // As the address is given, with a slash at its end or without.
    for slash in ["", "/"] {
        let line = format!(
            "sign --remote {}{slash} --profile test --out signed.cab plain.cab",
            server.url
        );
        let mut command = command(path);
        command
            .args(line.split_whitespace())
            .env_remove("PROOFMARK_TOKEN")
            .env(
                "ACTIONS_ID_TOKEN_REQUEST_URL",
                format!("{}/token?api-version=2.0", github.url),
            )
            .env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "of-the-runner");
        Run::from(command.output().unwrap()).ended(0);
    }
}
