//! The description of the routes, against the routes.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::server::{Answer, Server};
use crate::support::{folder, oracle, proofmark, repository, testcert};

#[test]
fn the_methods_that_are_described_are_those_that_there_are() {
    let folder = folder();
    let server = Server::start(folder.path());
    let document = server.get_with("/openapi.json", &[]).is(200).json();
    let paths = document["paths"].as_object().unwrap();
    for (path, described) in paths {
        let target = path
            .replace("{path}", "0/000")
            .replace("{index}", "0")
            .replace("{id}", "0123456789abcdef");
        let target = target.replace("{sha256}", &"0".repeat(64));
        for method in ["get", "post", "put", "patch", "delete", "options", "trace"] {
            let head = format!(
                "{} {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
                method.to_uppercase()
            );
            let came = super::hostile::exchange(&server, head.as_bytes());
            let [status] = super::hostile::statuses(&came)[..] else {
                panic!("{method} {path}: {came}")
            };
            let is_there = described.get(method).is_some();
            assert_eq!(status != 405, is_there, "{method} {path}: {came}");
            // What is for everybody says so, and the rest asks who it is.
            let security = described[method].get("security").and_then(Value::as_array);
            let is_open = security
                .is_some_and(|ways| ways.is_empty() || ways.contains(&serde_json::json!({})));
            if is_there {
                assert_eq!(status != 401, is_open, "{method} {path}: {came}");
            }
        }
    }
}

#[test]
fn what_is_answered_has_the_form_that_is_described() {
    let folder = folder();
    let path = folder.path();
    let config = format!(
        "[service.profile.test]\ngate = 'test'\napprovals = 1\n[service.profile.retail]\ngate = 'retail'\n\
         [profile.retail]\npfx = '{}'\n[trust]\nroots = ['{}']\n",
        testcert("demo-retail.pfx").display(),
        testcert("demo-retail-root.cer").display()
    );
    std::fs::write(path.join("proofmark.toml"), config).unwrap();
    let token = |name: &str| {
        let roles = "--role lint --role sign --role approve --role audit --role admin";
        let line = format!("token create {roles} --profile * {name}");
        format!("Bearer {}", proofmark(path, &line).ended(0).stdout.trim())
    };
    let (ann, ben) = (token("ann"), token("ben"));
    let server = Server::start(path);
    let answers = path.join("answers");
    std::fs::create_dir(&answers).unwrap();
    let keep = |name: &str, answer: &Answer| {
        std::fs::write(answers.join(format!("{name}.json")), &answer.body).unwrap();
    };
    let input = std::fs::read(path.join("plain.cab")).unwrap();
    let headers = [
        ("authorization", ann.as_str()),
        ("accept", "application/vnd.proofmark.patch+json"),
    ];
    let post = |who: &str, target: &str, body: &[u8]| {
        server.post_with(target, body, &[("authorization", who)])
    };
    let get = |target: &str| server.get_with(target, &[("authorization", &ann)]);
    keep(
        "Patch-signed",
        &server
            .post_with("/v1/sign?profile=retail", &input, &headers)
            .is(200),
    );
    keep(
        "Report-cab",
        &post(&ann, "/v1/lint?name=a.cab", &input).is(200),
    );
    keep(
        "Sarif-cab",
        &post(&ann, "/v1/lint?name=a.cab&format=sarif", &input).is(200),
    );
    keep(
        "Verification-cab",
        &post(&ann, "/v1/verify", &input).is(200),
    );
    keep(
        "Verification-text",
        &post(&ann, "/v1/verify", b"text").is(200),
    );
    keep("Rules-all", &get("/v1/rules").is(200));
    keep("Policy-list", &get("/v1/policies").is(200));
    keep("Profile-list", &get("/v1/profiles").is(200));
    keep("Entry-first", &get("/log/entry/0").is(200));
    let asked = post(
        &ann,
        "/v1/requests?profile=test&reason=x&name=a.cab",
        &input,
    )
    .is(201);
    keep("Request-asked", &asked);
    let id = asked.json()["id"].as_str().unwrap().to_owned();
    keep(
        "Request-approved",
        &post(&ben, &format!("/v1/requests/{id}/approve"), b"{}").is(200),
    );
    keep("Request-shown", &get(&format!("/v1/requests/{id}")).is(200));
    keep("Request-list", &get("/v1/requests").is(200));
    let soon = signer::clock::rfc3339(time::OffsetDateTime::now_utc() + time::Duration::hours(1));
    let window = serde_json::json!({ "profile": "test", "principal": "oidc:x#y", "until": soon, "most": 1, "reason": "x" });
    let opened = post(&ben, "/v1/windows", window.to_string().as_bytes()).is(201);
    keep("Window-opened", &opened);
    let window = opened.json()["id"].as_str().unwrap().to_owned();
    keep(
        "Window-revoked",
        &post(&ann, &format!("/v1/windows/{window}/revoke"), b"").is(200),
    );
    keep("Window-list", &get("/v1/windows").is(200));
    let image = crate::image_builder::RawImage::new(true).bytes();
    std::fs::create_dir(path.join("bad")).unwrap();
    std::fs::write(path.join("bad/driver.sys"), image).unwrap();
    proofmark(path, "sign --profile test --in-place bad/driver.sys").ended(0);
    proofmark(path, "package pack --out bad.cab bad").ended(0);
    let bad = std::fs::read(path.join("bad.cab")).unwrap();
    keep(
        "Problem-policy",
        &post(&ann, "/v1/sign?profile=retail", &bad).problem(422, "policy-refused"),
    );
    keep(
        "Problem-unknown",
        &server
            .get_with("/v1/rules", &[])
            .problem(401, "unauthenticated"),
    );
    keep(
        "Problem-busy",
        &post(&ann, "/v1/sign?profile=test", &input).problem(403, "approval-needed"),
    );
    std::fs::write(path.join("openapi.json"), get("/openapi.json").body).unwrap();
    let script = repository().join("tests/service/openapi.py");
    // The Python of the system has the Debian package.
    let line = format!("/usr/bin/python3 {} openapi.json answers", script.display());
    if let Some(run) = oracle(path, &line) {
        let count: usize = run.ended(0).stdout.trim().parse().unwrap();
        assert!(count >= 20, "{count}");
    }
}

#[test]
fn schemathesis_finds_no_answer_that_is_not_described() {
    let tool =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join("../oracles/schemathesis/bin/schemathesis");
    if !tool.exists() {
        let is_skipped =
            std::env::var_os("PROOFMARK_SKIP_ORACLES").is_some_and(|value| value == "1");
        assert!(
            is_skipped,
            "{}: ./test installs it, PROOFMARK_SKIP_ORACLES=1 skips it",
            tool.display()
        );
        println!("skipped: schemathesis is not there");
        return;
    }
    let folder = folder();
    let config = "[service.profile.test]\ngate = 'test'\ndigest-signing = true\n";
    std::fs::write(folder.path().join("proofmark.toml"), config).unwrap();
    let roles = "--role lint --role sign --role approve --role audit --role admin";
    let made = proofmark(
        folder.path(),
        &format!("token create {roles} --profile * all"),
    )
    .ended(0);
    let server = Server::start(folder.path());
    let checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
                  response_schema_conformance,negative_data_rejection,missing_required_header,unsupported_method,\
                  allow_header_conformance,ignored_auth";
    let run = Command::new(tool)
        .current_dir(folder.path())
        .args(["run", &format!("{}/openapi.json", server.url)])
        .args([
            "--header",
            &format!("Authorization: Bearer {}", made.stdout.trim()),
        ])
        .args(["--checks", checks, "--phases", "examples,coverage,fuzzing"])
        .args([
            "--seed",
            "1",
            "--max-examples",
            "10",
            "--generation-database",
            "none",
        ])
        .args([
            "--no-color",
            "--suppress-health-check",
            "all",
            "--warnings",
            "off",
        ])
        .output()
        .unwrap();
    let (told, errors) = (
        String::from_utf8_lossy(&run.stdout),
        String::from_utf8_lossy(&run.stderr),
    );
    assert!(run.status.success(), "{told}\n{errors}");
}
