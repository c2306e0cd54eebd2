//! What belongs to others looks like what is not there, and what was said once does not count again.

use serde_json::{Value, json};

use super::super::server::{Answer, Server};
use crate::support::{folder, proofmark, testcert};

struct Person<'a> {
    server: &'a Server,
    token: String,
    id: String,
}

impl Person<'_> {
    fn post(&self, path: &str, body: &[u8], more: &[(&str, &str)]) -> Answer {
        let mut headers = vec![("authorization", self.token.as_str())];
        headers.extend(more);
        self.server.post_with(path, body, &headers)
    }

    fn get(&self, path: &str) -> Answer {
        self.server
            .get_with(path, &[("authorization", &self.token)])
    }
}

/// Two profiles that know nothing of each other, each with two people's approval.
fn configured() -> (tempfile::TempDir, Server) {
    let folder = folder();
    let config = format!(
        "[profile.other]\nkind = 'test'\npfx = '{}'\n[service.profile.test]\ngate = 'test'\napprovals = 2\n\
         [service.profile.other]\ngate = 'test'\n[service.profile.free]\ngate = 'test'\n[profile.free]\nkind = 'test'\npfx = '{}'\n",
        testcert("oem.pfx").display(),
        testcert("oem.pfx").display(),
    );
    std::fs::write(folder.path().join("proofmark.toml"), config).unwrap();
    let server = Server::start(folder.path());
    (folder, server)
}

fn person<'a>(
    server: &'a Server,
    folder: &tempfile::TempDir,
    name: &str,
    roles: &str,
    profile: &str,
) -> Person<'a> {
    let made = proofmark(
        folder.path(),
        &format!("token create {roles} --profile {profile} {name}"),
    )
    .ended(0);
    Person {
        server,
        token: format!("Bearer {}", made.stdout.trim()),
        id: format!("token:{}", made.stderr.split_whitespace().nth(1).unwrap()),
    }
}

const ALL: &str = "--role lint --role sign --role approve --role audit --role admin";

#[test]
fn what_belongs_to_another_profile_is_not_there() {
    let (folder, server) = configured();
    let ann = person(&server, &folder, "ann", "--role sign", "test");
    let ben = person(&server, &folder, "ben", "--role approve", "test");
    let eve = person(&server, &folder, "eve", ALL, "other");
    let input = std::fs::read(folder.path().join("plain.cab")).unwrap();
    let asked = ann
        .post("/v1/requests?profile=test&reason=x", &input, &[])
        .is(201)
        .json();
    let id = asked["id"].as_str().unwrap();
    let soon = signer::clock::rfc3339(time::OffsetDateTime::now_utc() + time::Duration::hours(1));
    let window =
        json!({ "profile": "test", "principal": ann.id, "until": soon, "most": 1, "reason": "x" });
    let opened = ben
        .post("/v1/windows", window.to_string().as_bytes(), &[])
        .is(201)
        .json();
    let window_id = opened["id"].as_str().unwrap();
    let never = "0123456789abcdef";
    // The same answer for what is there and for what never was, to the last byte.
    let same = |one: Answer, other: Answer| {
        let (one, other) = (
            one.problem(404, "not-found"),
            other.problem(404, "not-found"),
        );
        assert_eq!(one.body, other.body);
    };
    for part in ["", "/result"] {
        same(
            eve.get(&format!("/v1/requests/{id}{part}")),
            eve.get(&format!("/v1/requests/{never}{part}")),
        );
    }
    for action in ["approve", "reject", "cancel"] {
        let path = |id: &str| format!("/v1/requests/{id}/{action}");
        same(
            eve.post(&path(id), b"{}", &[]),
            eve.post(&path(never), b"{}", &[]),
        );
    }
    for action in ["approve", "revoke"] {
        let path = |id: &str| format!("/v1/windows/{id}/{action}");
        same(
            eve.post(&path(window_id), b"", &[]),
            eve.post(&path(never), b"", &[]),
        );
    }
    for list in ["/v1/requests", "/v1/windows"] {
        assert_eq!(eve.get(list).is(200).json(), json!([]));
    }
    let names = |profiles: &Value| {
        let profiles = profiles.as_array().unwrap().iter();
        profiles
            .map(|profile| profile["name"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&eve.get("/v1/profiles").is(200).json()), ["other"]);
    for profile in ["test", "nosuch", "*", "test%00", ""] {
        eve.post(&format!("/v1/sign?profile={profile}"), &input, &[])
            .problem(404, "not-found");
        eve.post(&format!("/v1/sign-digest?profile={profile}"), b"x", &[])
            .problem(404, "not-found");
        let request = format!("/v1/requests?profile={profile}&reason=x");
        eve.post(&request, &input, &[]).problem(404, "not-found");
    }
    // Nothing of what she tried changed anything.
    assert_eq!(
        ann.get(&format!("/v1/requests/{id}")).is(200).json()["state"],
        "pending"
    );
    assert_eq!(
        ben.get("/v1/windows").is(200).json()[0]["revoked"],
        Value::Null
    );
    // Entries of the log: hers alone, and those that she may audit.
    let size: u64 = {
        let checkpoint = server.get_with("/log/checkpoint", &[]).is(200).text();
        checkpoint.lines().nth(1).unwrap().parse().unwrap()
    };
    for index in 0..size + 1 {
        let answer = eve.get(&format!("/log/entry/{index}"));
        match answer.status {
            200 => assert_eq!(answer.json()["profile"], "other", "{index}"),
            _ => drop(answer.problem(404, "not-found")),
        }
    }
    // A key of another principal stands for nothing.
    let key = [("idempotency-key", "one")];
    let first = person(&server, &folder, "first", "--role sign", "free");
    let second = person(&server, &folder, "second", "--role sign", "free");
    let stored = std::fs::read(folder.path().join("stored.cab")).unwrap();
    let one = first
        .post("/v1/sign?profile=free&name=a.cab", &input, &key)
        .is(200);
    let two = second
        .post("/v1/sign?profile=free&name=b.cab", &stored, &key)
        .is(200);
    assert_ne!(one.header("proofmark-entry"), two.header("proofmark-entry"));
    first
        .post("/v1/sign?profile=free&name=a.cab", &input, &key)
        .is(200);
}

#[test]
fn however_many_requests_others_have_ones_own_are_listed() {
    let (folder, server) = configured();
    let ann = person(&server, &folder, "ann", "--role sign", "test");
    let ben = person(&server, &folder, "ben", "--role approve", "test");
    let eve = person(&server, &folder, "eve", "--role sign", "other");
    let input = std::fs::read(folder.path().join("plain.cab")).unwrap();
    let asked = ann.post("/v1/requests?profile=test&reason=x", &input, &[]);
    let id = asked.is(201).json()["id"].clone();
    for _ in 0..201 {
        eve.post("/v1/requests?profile=other&reason=y", &input, &[])
            .is(201);
    }
    for person in [&ann, &ben] {
        let listed = person.get("/v1/requests").is(200).json();
        let ids: Vec<&Value> = listed
            .as_array()
            .unwrap()
            .iter()
            .map(|r| &r["id"])
            .collect();
        assert_eq!(ids, [&id]);
    }
    let of_eve = eve.get("/v1/requests?state=pending").is(200).json();
    assert!(!of_eve.as_array().unwrap().iter().any(|r| r["id"] == id));
}

#[test]
fn an_approval_counts_once_and_for_its_request() {
    let (folder, server) = configured();
    let ann = person(&server, &folder, "ann", "--role sign", "test");
    let ben = person(&server, &folder, "ben", "--role approve", "test");
    let cem = person(&server, &folder, "cem", "--role approve", "test");
    let [plain, stored] =
        ["plain.cab", "stored.cab"].map(|name| std::fs::read(folder.path().join(name)).unwrap());
    let ask = |body: &[u8]| {
        ann.post("/v1/requests?profile=test&reason=x", body, &[])
            .is(201)
            .json()
    };
    let (first, second) = (ask(&plain), ask(&stored));
    let approve = |person: &Person<'_>, request: &Value, sha256: &Value| {
        let path = format!("/v1/requests/{}/approve", request["id"].as_str().unwrap());
        person.post(
            &path,
            json!({ "reason": "seen", "sha256": sha256 })
                .to_string()
                .as_bytes(),
            &[],
        )
    };
    let sha256 = &first["file"]["sha256"];
    approve(&ben, &first, sha256).is(200);
    // The same again, with a key too, and to another request: what was agreed to was one file.
    approve(&ben, &first, sha256).problem(409, "conflict");
    let path = format!("/v1/requests/{}/approve", first["id"].as_str().unwrap());
    ben.post(&path, b"{}", &[("idempotency-key", "other")])
        .problem(409, "conflict");
    approve(&ben, &second, sha256).problem(409, "conflict");
    // One more person, twice at the same time: one of the two counts.
    let (one, two) = std::thread::scope(|scope| {
        let vote = || approve(&cem, &first, sha256).status;
        let (one, two) = (scope.spawn(vote), scope.spawn(vote));
        (one.join().unwrap(), two.join().unwrap())
    });
    assert_eq!((one.min(two), one.max(two)), (200, 409));
    for person in [&ben, &cem] {
        approve(person, &first, sha256).problem(409, "conflict");
    }
    let untouched = ann
        .get(&format!("/v1/requests/{}", second["id"].as_str().unwrap()))
        .is(200)
        .json();
    assert_eq!(
        (&untouched["state"], &untouched["votes"]),
        (&json!("pending"), &json!([]))
    );
}
