//! `sign --remote` against services that do what they should, and against those that do not.

use std::fs;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::folder::Folder;
use crate::loopback::{Answer, Asked, Server};
use crate::timestamp;

const TOKEN: &str = "pm_0123456789";

/// What the service was told: the path and who asked.
type Told = Arc<Mutex<Vec<(String, String)>>>;

/// What a service does that is not to be trusted.
type Lie = Box<dyn Fn(&Asked) -> Answer + Send + Sync>;

fn file(body: Vec<u8>) -> Answer {
    Answer::Reply("200 OK", "application/octet-stream", body)
}

/// Signs with the test profile what comes.
fn signed(asked: &Asked) -> Answer {
    let folder = Folder::new();
    folder.write("in", &asked.body);
    folder
        .proofmark("sign --profile test --out out in")
        .ended(0);
    file(folder.read("out"))
}

/// A service that takes the token and answers so.
fn service(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> (Server, Told) {
    let told = Told::default();
    let log = Arc::clone(&told);
    let server = Server::of_any_method(move |asked| {
        let who = asked.header("authorization").to_owned();
        log.lock().unwrap().push((asked.path.clone(), who));
        answer(asked)
    });
    (server, told)
}

fn folder() -> Folder {
    let mut folder = timestamp::folder();
    folder.set("PROOFMARK_TOKEN", TOKEN);
    folder
}

#[test]
fn what_the_service_signed_takes_the_place_of_the_file() {
    let folder = folder();
    let (server, told) = service(signed);
    folder.write("a name & more.cab", folder.read("plain.cab"));
    let mode = fs::metadata(folder.path("plain.cab"))
        .unwrap()
        .permissions();
    let line = format!(
        "sign --remote {}/ --profile retail --in-place plain.cab",
        server.url
    );
    let run = folder.proofmark(&line).ended(0);
    assert_eq!(run.stdout, "signed   plain.cab (profile retail)\n");
    folder.proofmark("verify plain.cab").ended(0);
    let now = fs::metadata(folder.path("plain.cab"))
        .unwrap()
        .permissions();
    assert_eq!(now, mode);
    let told = told.lock().unwrap();
    let expected = (
        "/v1/sign?profile=retail&name=plain.cab".to_owned(),
        format!("Bearer {TOKEN}"),
    );
    assert_eq!(*told, [expected]);
}

#[test]
fn who_asks_too_often_waits_and_asks_again() {
    let folder = folder();
    let refused = std::sync::atomic::AtomicUsize::new(0);
    let (server, told) =
        service(
            move |asked| match refused.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
                0 | 1 => {
                    let wait = ("Retry-After".to_owned(), "0".to_owned());
                    Answer::Passed(429, vec![wait], Vec::new())
                }
                _ => signed(asked),
            },
        );
    let line = format!(
        "sign --remote {} --profile test --in-place plain.cab",
        server.url
    );
    folder.proofmark(&line).ended(0);
    assert_eq!(told.lock().unwrap().len(), 3);
    folder.proofmark("verify plain.cab").ended(0);
}

#[test]
fn many_files_are_signed_and_reported() {
    let folder = folder();
    let (server, told) = service(signed);
    let line = format!(
        "sign --remote {} --profile test --format json --out out/ plain.cab signed.cab plain.cat",
        server.url
    );
    let run = folder.proofmark(&line).ended(0);
    let rows: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 3);
    assert!(
        rows.as_array()
            .unwrap()
            .iter()
            .all(|row| row["status"] == "signed")
    );
    assert_eq!(told.lock().unwrap().len(), 3);
    folder.proofmark("verify out").ended(0);
}

#[test]
fn nothing_is_written_that_is_not_the_file_with_a_signature() {
    let folder = folder();
    let plain = folder.read("plain.cab");
    let lies: [(&str, Lie); 5] = [
        (
            "does not verify",
            Box::new(|asked: &Asked| file(asked.body.clone())),
        ),
        (
            "does not verify",
            Box::new(|asked: &Asked| {
                let Answer::Reply(_, _, mut body) = signed(asked) else {
                    unreachable!()
                };
                let last = body.len() - 100;
                body[last] ^= 1;
                file(body)
            }),
        ),
        (
            "is another file",
            Box::new(move |_: &Asked| {
                let folder = Folder::new();
                folder.write("x.txt", "another file");
                folder.proofmark("package pack --out other.cab .").ended(0);
                folder
                    .proofmark("sign --profile test --in-place other.cab")
                    .ended(0);
                file(folder.read("other.cab"))
            }),
        ),
        (
            "the answer of the service",
            Box::new(|_: &Asked| file(b"<html>hello</html>".to_vec())),
        ),
        ("sent more than", Box::new(|_: &Asked| Answer::Endless)),
    ];
    for (why, lie) in lies {
        let (server, _) = service(lie);
        let line = format!(
            "sign --remote {} --profile test --in-place plain.cab",
            server.url
        );
        folder.proofmark(&line).ended(2).complained(why);
        assert_eq!(folder.read("plain.cab"), plain, "{why}");
    }
    // A proof is asked for, and none comes.
    let key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    let (server, _) = service(signed);
    let line = format!(
        "sign --remote {} --log-key {key} --profile test --in-place plain.cab",
        server.url
    );
    folder
        .proofmark(&line)
        .ended(2)
        .complained("the service names no entry");
    assert_eq!(folder.read("plain.cab"), plain);
}

#[test]
fn a_refusal_tells_what_was_found() {
    let folder = folder();
    let (server, _) = service(|_| {
        let body = r#"{"type":"urn:proofmark:policy-refused","title":"It does not pass","report":{"diagnostics":[
            {"level":"error","rule":"test-signed-in-retail","message":"signed\u001b[31m for test"}]}}"#;
        Answer::Reply(
            "422 Unprocessable Content",
            "application/problem+json",
            body.into(),
        )
    });
    let line = format!(
        "sign --remote {} --profile retail --out x.cab plain.cab",
        server.url
    );
    let run = folder.proofmark(&line).ended(1);
    assert!(
        run.stdout.starts_with("refused  plain.cab"),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout
            .contains("error[test-signed-in-retail] signed\u{fffd}[31m for test")
    );
    assert!(!folder.path("x.cab").exists());
    let (server, _) = service(|_| {
        let body = r#"{"type":"urn:proofmark:not-found","title":"There is nothing here that you may see"}"#;
        Answer::Reply("404 Not Found", "application/problem+json", body.into())
    });
    let line = format!(
        "sign --remote {} --profile retail --out x.cab plain.cab",
        server.url
    );
    folder
        .proofmark(&line)
        .ended(2)
        .complained("There is nothing here that you may see");
}

#[test]
fn tokens_stay_where_they_belong() {
    let mut folder = folder();
    let line = "sign --remote http://sign.example --profile test --in-place plain.cab";
    folder
        .proofmark(line)
        .ended(2)
        .complained("for everybody to read");
    let (server, told) = service(signed);
    let elsewhere = server.url.clone();
    let (hub, _) = service(move |_| Answer::Elsewhere("307 Temporary Redirect", elsewhere.clone()));
    let line = format!(
        "sign --remote {} --profile test --in-place plain.cab",
        hub.url
    );
    folder.proofmark(&line).ended(2);
    assert!(told.lock().unwrap().is_empty());
    folder.set("PROOFMARK_TOKEN", "two words");
    let line = format!(
        "sign --remote {} --profile test --in-place plain.cab",
        server.url
    );
    folder
        .proofmark(&line)
        .ended(2)
        .complained("characters that no token has");
    folder.write("token", "pm_of_a_file\n");
    folder
        .proofmark(&format!("{line} --token-file token"))
        .ended(0);
    assert_eq!(told.lock().unwrap()[0].1, "Bearer pm_of_a_file");
}

#[test]
fn a_job_of_github_needs_no_token() {
    let mut folder = folder();
    let (server, told) = service(signed);
    let (github, asked) = service(|asked| {
        assert_eq!(asked.method, "GET");
        Answer::Reply(
            "200 OK",
            "application/json",
            br#"{"value":"a.jwt.of-the-job"}"#.to_vec(),
        )
    });
    folder.set("PROOFMARK_TOKEN", "");
    folder.set(
        "ACTIONS_ID_TOKEN_REQUEST_URL",
        format!("{}/token?api-version=2.0", github.url),
    );
    folder.set("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "of-the-runner");
    let line = format!(
        "sign --remote {} --profile test --in-place plain.cab",
        server.url
    );
    folder.proofmark(&line).ended(0);
    assert_eq!(told.lock().unwrap()[0].1, "Bearer a.jwt.of-the-job");
    let audience = server.url.replace(':', "%3A").replace('/', "%2F");
    let expected = format!("/token?api-version=2.0&audience={audience}");
    assert_eq!(
        asked.lock().unwrap()[0],
        (expected, "Bearer of-the-runner".to_owned())
    );
    // What GitLab puts into the variable of `id_tokens` goes as it is.
    folder.set("PROOFMARK_ID_TOKEN", "a.jwt.of-gitlab");
    folder.proofmark(&line).ended(0);
    assert_eq!(told.lock().unwrap()[1].1, "Bearer a.jwt.of-gitlab");
}
