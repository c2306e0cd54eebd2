//! Files that come in, are judged, and go out signed.

use std::path::Path;

use super::server::Server;
use crate::support::{folder, oracle, proofmark, testcert};

fn read(folder: &Path, name: &str) -> Vec<u8> {
    std::fs::read(folder.join(name)).unwrap()
}

#[test]
fn with_nothing_set_up_a_cabinet_is_signed_as_the_command_line_signs_it() {
    let folder = folder();
    let server = Server::start(folder.path());
    let answer = server.post(
        "/v1/sign?profile=test&name=plain.cab",
        &read(folder.path(), "plain.cab"),
    );
    let answer = answer.is(200);
    // Policy, key, who may do what, and the token were the first entries.
    assert_eq!(answer.header("proofmark-entry"), "4");
    proofmark(
        folder.path(),
        "sign --profile test --out signed.cab plain.cab",
    )
    .ended(0);
    assert_eq!(answer.body, read(folder.path(), "signed.cab"));
    assert_eq!(
        answer.header("content-length"),
        answer.body.len().to_string()
    );
    std::fs::write(folder.path().join("answer.cab"), &answer.body).unwrap();
    proofmark(folder.path(), "verify answer.cab").ended(0);
    let verify = format!(
        "osslsigncode verify -ignore-crl -CAfile {} -in answer.cab",
        testcert("root.cer").display()
    );
    if let Some(run) = oracle(folder.path(), &verify) {
        assert!(run.stdout.contains("Message digest"), "{}", run.stdout);
    }
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn the_patch_makes_the_signed_file() {
    let folder = folder();
    let server = Server::start(folder.path());
    let input = read(folder.path(), "stored.cab");
    let path = "/v1/sign?profile=test&name=stored.cab";
    let signed = server.post(path, &input).is(200);
    let token = format!("Bearer {}", server.token.as_deref().unwrap());
    let headers = [
        ("authorization", token.as_str()),
        ("accept", "application/vnd.proofmark.patch+json"),
    ];
    let patch = server.post_with(path, &input, &headers).is(200);
    assert_eq!(
        patch.header("content-type"),
        "application/vnd.proofmark.patch+json"
    );
    let patch = patch.json();
    let mut output = Vec::new();
    let mut at = 0;
    for hunk in patch["hunks"].as_array().unwrap() {
        let number = |name: &str| usize::try_from(hunk[name].as_u64().unwrap()).unwrap();
        output.extend(&input[at..number("start")]);
        let replacement = hunk["replacement"].as_str().unwrap();
        output.extend(<base64ct::Base64 as base64ct::Encoding>::decode_vec(replacement).unwrap());
        at = number("end");
    }
    output.extend(&input[at..]);
    assert_eq!(output, signed.body);
    assert_eq!(patch["output"]["size"], output.len());
    assert_eq!(patch["output"]["sha256"], signed.header("proofmark-sha256"));
}

/// A profile whose gate is that of retail images, with a key that stands in for a retail key.
fn retail(folder: &Path) -> String {
    let config = format!(
        "[trust]\nroots = ['{}']\n[profile.retail]\npfx = '{}'\n[service.profile.retail]\ngate = 'retail'\n\
         [service.profile.test]\ngate = 'test'\n",
        testcert("demo-retail-root.cer").display(),
        testcert("demo-retail.pfx").display(),
    );
    std::fs::write(folder.join("proofmark.toml"), config).unwrap();
    let made = proofmark(folder, "token create --role sign --profile * ci").ended(0);
    made.stdout.trim().to_owned()
}

#[test]
fn what_does_not_pass_the_policy_is_refused_with_its_report() {
    let folder = folder();
    let token = format!("Bearer {}", retail(folder.path()));
    let server = Server::start(folder.path());
    let post = |path: &str, body: &[u8]| server.post_with(path, body, &[("authorization", &token)]);
    // A package with a test-signed image in it.
    let image = crate::image_builder::RawImage::new(true).bytes();
    let files = folder.path().join("bad");
    std::fs::create_dir(&files).unwrap();
    std::fs::write(files.join("driver.sys"), image).unwrap();
    proofmark(
        folder.path(),
        "sign --profile test --in-place bad/driver.sys",
    )
    .ended(0);
    proofmark(folder.path(), "package pack --out bad.cab bad").ended(0);
    let bad = read(folder.path(), "bad.cab");
    let refused = post("/v1/sign?profile=retail&name=bad.cab", &bad).problem(422, "policy-refused");
    let report = &refused.json()["report"];
    let rules: Vec<_> = report["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| found["rule"].as_str().unwrap())
        .collect();
    assert!(rules.contains(&"test-signed-in-retail"), "{rules:?}");
    assert_eq!(report["diagnostics"][0]["file"], "bad.cab");
    // Whatever the client calls it.
    for name in [
        "",
        "&name=bad",
        "&name=bad.txt",
        "&name=bad.sys",
        "&name=bad.ffu",
        "&name=bad.xml",
    ] {
        let refused = post(&format!("/v1/sign?profile=retail{name}"), &bad);
        let refused = refused.problem(422, "policy-refused").json();
        let found = refused["report"]["diagnostics"].to_string();
        assert!(found.contains("test-signed-in-retail"), "{name}: {found}");
    }
    // The same package for a test image; and the image alone for retail: its own signature makes room.
    post("/v1/sign?profile=test&name=bad.cab", &bad).is(200);
    let image = read(folder.path(), "bad/driver.sys");
    post("/v1/sign?profile=retail&name=driver.sys", &image).is(200);
    // A test-signed package without anything in it: its signature makes room.
    proofmark(folder.path(), "sign --profile test --out t.cab plain.cab").ended(0);
    let signed = post(
        "/v1/sign?profile=retail&name=t.cab",
        &read(folder.path(), "t.cab"),
    )
    .is(200);
    std::fs::write(folder.path().join("r.cab"), &signed.body).unwrap();
    proofmark(folder.path(), "verify --require retail r.cab").ended(0);
    // No request switches the gate off.
    for more in [
        "gate=test",
        "gate=off",
        "policy=test",
        "force=true",
        "profile=test",
    ] {
        let path = format!("/v1/sign?profile=retail&name=bad.cab&{more}");
        post(&path, &bad).problem(400, "bad-request");
    }
}

#[test]
fn what_is_no_container_is_not_signed() {
    let folder = folder();
    let server = Server::start(folder.path());
    let cabinet = read(folder.path(), "plain.cab");
    let path = "/v1/sign?profile=test&name=x.cab";
    for wrong in [
        b"hello".as_slice(),
        &cabinet[..cabinet.len() / 2],
        &[0; 1000],
    ] {
        let answer = server.post(path, wrong).problem(422, "not-signable");
        assert!(answer.json()["entry"].is_u64());
    }
    server.post(path, b"").problem(400, "bad-request");
    server
        .post("/v1/sign?profile=test&name=..", &cabinet)
        .problem(400, "bad-request");
    server
        .post("/v1/sign", &cabinet)
        .problem(400, "bad-request");
    server
        .post("/v1/sign?profile=nosuch", &cabinet)
        .problem(404, "not-found");
    server
        .get("/v1/sign?profile=test")
        .problem(405, "method-not-allowed");
    server.get("/nowhere").problem(404, "not-found");
}

#[test]
fn the_same_request_twice_signs_once() {
    let folder = folder();
    let server = Server::start(folder.path());
    let token = format!("Bearer {}", server.token.as_deref().unwrap());
    let input = read(folder.path(), "plain.cab");
    let post = |path: &str, key: &str| {
        let headers = [("authorization", token.as_str()), ("idempotency-key", key)];
        server.post_with(path, &input, &headers)
    };
    let path = "/v1/sign?profile=test&name=plain.cab";
    let first = post(path, "one").is(200);
    let again = post(path, "one").is(200);
    assert_eq!(first.body, again.body);
    assert_eq!(
        first.header("proofmark-entry"),
        again.header("proofmark-entry")
    );
    let other = post(path, "two").is(200);
    assert_ne!(
        first.header("proofmark-entry"),
        other.header("proofmark-entry")
    );
    post("/v1/sign?profile=test&name=other.cab", "one").problem(422, "key-reused");
    post(path, &"k".repeat(201)).problem(400, "bad-request");
}

#[test]
fn who_is_not_known_learns_nothing() {
    let folder = folder();
    let token = retail(folder.path());
    let lint = proofmark(
        folder.path(),
        "token create --role lint --profile retail linter",
    )
    .ended(0);
    let lint = lint.stdout.trim().to_owned();
    let gone = proofmark(
        folder.path(),
        "token create --role sign --profile retail gone",
    )
    .ended(0);
    let id = gone.stderr.split_whitespace().nth(1).unwrap().to_owned();
    let gone = gone.stdout.trim().to_owned();
    let server = Server::start(folder.path());
    let input = read(folder.path(), "plain.cab");
    let path = "/v1/sign?profile=retail&name=plain.cab";
    let post = |credential: &str| server.post_with(path, &input, &[("authorization", credential)]);
    post(&format!("Bearer {token}")).is(200);
    post(&format!("bearer {gone}")).is(200);
    proofmark(folder.path(), &format!("token revoke {id}")).ended(0);
    let mut changed = token.clone();
    changed.pop();
    changed.push('-');
    for wrong in [
        format!("Bearer {gone}"),
        format!("Bearer {changed}"),
        format!("Basic {token}"),
        "Bearer pmk_".to_owned(),
        "Bearer a.b.c".to_owned(),
        "Bearer".to_owned(),
    ] {
        let answer = post(&wrong).problem(401, "unauthenticated");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        assert!(answer.json().get("detail").is_none());
    }
    server
        .post_with(path, &input, &[])
        .problem(401, "unauthenticated");
    // Forbidden and unknown look the same.
    let linter = format!("Bearer {lint}");
    let linter = [("authorization", linter.as_str())];
    let forbidden = server
        .post_with(path, &input, &linter)
        .problem(404, "not-found");
    let unknown = server.post_with("/v1/sign?profile=nosuch", &input, &linter);
    assert_eq!(forbidden.body, unknown.problem(404, "not-found").body);
}
