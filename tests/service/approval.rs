//! Requests that wait for people, and windows.

use std::path::Path;

use serde_json::{Value, json};

use super::server::{Answer, Server};
use crate::support::{folder, proofmark};

/// A profile that two people have to agree to.
fn configure(folder: &Path) {
    let config = "[service.profile.test]\ngate = 'test'\napprovals = 2\n";
    std::fs::write(folder.join("proofmark.toml"), config).unwrap();
}

struct Person<'a> {
    server: &'a Server,
    token: String,
    id: String,
}

impl<'a> Person<'a> {
    fn new(server: &'a Server, folder: &Path, name: &str, role: &str) -> Self {
        let line = format!("token create --role {role} --profile test {name}");
        let made = proofmark(folder, &line).ended(0);
        Self {
            server,
            token: format!("Bearer {}", made.stdout.trim()),
            id: format!("token:{}", made.stderr.split_whitespace().nth(1).unwrap()),
        }
    }

    fn post(&self, path: &str, body: &[u8]) -> Answer {
        self.server
            .post_with(path, body, &[("authorization", &self.token)])
    }

    fn get(&self, path: &str) -> Answer {
        self.server
            .get_with(path, &[("authorization", &self.token)])
    }
}

/// The request once a node has signed it.
fn signed(person: &Person<'_>, id: &str) -> Value {
    for _ in 0..600 {
        let request = person.get(&format!("/v1/requests/{id}")).is(200).json();
        if request["state"] != "approved" {
            return request;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("nobody signs the request")
}

#[test]
fn two_people_who_did_not_ask_have_to_agree() {
    let folder = folder();
    configure(folder.path());
    let server = Server::start(folder.path());
    let person = |name: &str, role: &str| Person::new(&server, folder.path(), name, role);
    let (ann, ben) = (
        person("ann", "sign --role approve"),
        person("ben", "approve"),
    );
    let (cem, dora) = (person("cem", "approve"), person("dora", "sign"));
    let input = std::fs::read(folder.path().join("plain.cab")).unwrap();
    ann.post("/v1/sign?profile=test", &input)
        .problem(403, "approval-needed");
    let path = "/v1/requests?profile=test&name=plain.cab&reason=release";
    ben.post(path, &input).problem(404, "not-found");
    ann.post("/v1/requests?profile=test&reason=", &input)
        .problem(400, "bad-request");
    let request = ann.post(path, &input).is(201).json();
    let id = request["id"].as_str().unwrap().to_owned();
    assert_eq!(
        (&request["state"], &request["needed"]),
        (&json!("pending"), &json!(2))
    );
    let at = |action: &str| format!("/v1/requests/{id}/{action}");
    // Never who asked; nobody twice; and who has nothing to do with it does not see it.
    ann.post(&at("approve"), b"{}").problem(409, "conflict");
    dora.post(&at("approve"), b"{}").problem(404, "not-found");
    dora.get(&format!("/v1/requests/{id}"))
        .problem(404, "not-found");
    ben.post(&at("approve"), br#"{"sha256":"00"}"#)
        .problem(409, "conflict");
    let one = ben
        .post(&at("approve"), br#"{"reason":"looked at"}"#)
        .is(200)
        .json();
    assert_eq!(one["state"], "pending");
    ben.post(&at("approve"), b"{}").problem(409, "conflict");
    ben.post(&at("reject"), b"{}").problem(409, "conflict");
    ann.get(&at("result")).problem(409, "conflict");
    cem.post(&at("approve"), b"").is(200);
    let done = signed(&ann, &id);
    assert_eq!(done["state"], "signed", "{done:#}");
    assert!(done["entry"].is_u64() && done["report"]["diagnostics"].is_array());
    cem.post(&at("approve"), b"{}").problem(409, "conflict");
    ann.post(&at("cancel"), b"{}").problem(409, "conflict");
    proofmark(
        folder.path(),
        "sign --profile test --out signed.cab plain.cab",
    )
    .ended(0);
    let result = ann.get(&at("result")).is(200);
    assert_eq!(
        result.body,
        std::fs::read(folder.path().join("signed.cab")).unwrap()
    );
    assert_eq!(
        ben.get("/v1/requests?state=signed")
            .is(200)
            .json()
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(dora.get("/v1/requests").is(200).json(), json!([]));
}

#[test]
fn two_tokens_of_one_person_are_one_person() {
    let folder = folder();
    configure(folder.path());
    let server = Server::start(folder.path());
    let person = |name: &str, role: &str| Person::new(&server, folder.path(), name, role);
    let ann = person("ann", "sign");
    // Whoever asked does not agree by another token.
    let ann_too = person("laptop --for ann", "approve");
    let (ben, ben_too) = (person("ben", "approve"), person("ci --for ben", "approve"));
    let cem = person("cem", "approve");
    let input = std::fs::read(folder.path().join("plain.cab")).unwrap();
    let path = "/v1/requests?profile=test&name=plain.cab&reason=release";
    let request = ann.post(path, &input).is(201).json();
    assert_eq!(request["person"], "person:ann");
    let at = |action: &str| format!("/v1/requests/{}/{action}", request["id"].as_str().unwrap());
    ann_too.post(&at("approve"), b"").problem(409, "conflict");
    ann_too.post(&at("reject"), b"").problem(409, "conflict");
    ben.post(&at("approve"), b"").is(200);
    let again = ben_too.post(&at("approve"), b"").problem(409, "conflict");
    assert_eq!(again.json()["detail"], "you decided already");
    ben_too.post(&at("reject"), b"").problem(409, "conflict");
    let done = cem.post(&at("approve"), b"").is(200).json();
    assert_eq!(done["state"], "approved");
    assert_eq!(done["votes"][0]["person"], "person:ben");

    // The same for windows.
    let soon = time::OffsetDateTime::now_utc() + time::Duration::hours(1);
    let window = json!({ "profile": "test", "principal": ann.id, "until": signer::clock::rfc3339(soon), "most": 1,
        "reason": "release night" });
    let window = window.to_string().into_bytes();
    ann_too
        .post("/v1/windows", &window)
        .problem(400, "bad-request");
    let opened = ben.post("/v1/windows", &window).is(201).json();
    let approve = format!("/v1/windows/{}/approve", opened["id"].as_str().unwrap());
    ben_too.post(&approve, b"").problem(409, "conflict");
    ann_too.post(&approve, b"").problem(409, "conflict");
    let sign = || ann.post("/v1/sign?profile=test", &input);
    sign().problem(403, "approval-needed");
    cem.post(&approve, b"").is(200);
    sign().is(200);
    let listed = proofmark(folder.path(), "token list").ended(0);
    assert!(
        listed.stdout.contains("laptop (person:ann)"),
        "{}",
        listed.stdout
    );
}

#[test]
fn one_refusal_ends_a_request_and_its_maker_may_take_it_back() {
    let folder = folder();
    configure(folder.path());
    let server = Server::start(folder.path());
    let ann = Person::new(&server, folder.path(), "ann", "sign");
    let ben = Person::new(&server, folder.path(), "ben", "approve");
    let input = std::fs::read(folder.path().join("plain.cab")).unwrap();
    let ask = || {
        let request = ann
            .post("/v1/requests?profile=test&reason=x", &input)
            .is(201)
            .json();
        request["id"].as_str().unwrap().to_owned()
    };
    let id = ask();
    let rejected = ben
        .post(&format!("/v1/requests/{id}/reject"), br#"{"reason":"no"}"#)
        .is(200);
    assert_eq!(rejected.json()["state"], "rejected");
    ann.get(&format!("/v1/requests/{id}/result"))
        .problem(409, "conflict");
    let id = ask();
    ben.post(&format!("/v1/requests/{id}/cancel"), b"{}")
        .problem(404, "not-found");
    let cancelled = ann
        .post(&format!("/v1/requests/{id}/cancel"), b"{}")
        .is(200);
    assert_eq!(cancelled.json()["state"], "cancelled");
    ben.post(&format!("/v1/requests/{id}/approve"), b"{}")
        .problem(409, "conflict");
    ann.get("/v1/requests/../requests/nosuch")
        .problem(404, "not-found");
}

#[test]
fn a_window_lets_so_many_signatures_through_and_closes() {
    let folder = folder();
    configure(folder.path());
    let server = Server::start(folder.path());
    let person = |name: &str, role: &str| Person::new(&server, folder.path(), name, role);
    let (ann, ben, cem) = (
        person("ann", "sign"),
        person("ben", "approve"),
        person("cem", "approve"),
    );
    let input = std::fs::read(folder.path().join("plain.cab")).unwrap();
    let window = |principal: &str, most: i64, until: &str| {
        let window = json!({ "profile": "test", "principal": principal, "until": until, "most": most, "reason": "release night" });
        window.to_string().into_bytes()
    };
    let until = "2999-01-01T00:00:00Z";
    ann.post("/v1/windows", &window(&ann.id, 1, until))
        .problem(404, "not-found");
    ben.post("/v1/windows", &window(&ben.id, 1, until))
        .problem(400, "bad-request");
    ben.post("/v1/windows", &window(&ann.id, 1, until))
        .problem(400, "bad-request");
    ben.post("/v1/windows", &window(&ann.id, 0, until))
        .problem(400, "bad-request");
    let soon = time::OffsetDateTime::now_utc() + time::Duration::hours(1);
    let soon = signer::clock::rfc3339(soon);
    let opened = ben
        .post("/v1/windows", &window(&ann.id, 2, &soon))
        .is(201)
        .json();
    let id = opened["id"].as_str().unwrap();
    let sign = || ann.post("/v1/sign?profile=test", &input);
    // One of two people is not enough.
    sign().problem(403, "approval-needed");
    ben.post(&format!("/v1/windows/{id}/approve"), b"")
        .problem(409, "conflict");
    cem.post(&format!("/v1/windows/{id}/approve"), b"").is(200);
    sign().is(200);
    sign().is(200);
    sign().problem(403, "approval-needed");
    let windows = ann.get("/v1/windows").is(200).json();
    assert_eq!(windows[0]["used"], 2);
    // Another one, which is revoked before it is used.
    let opened = ben
        .post("/v1/windows", &window(&ann.id, 2, &soon))
        .is(201)
        .json();
    let id = opened["id"].as_str().unwrap();
    cem.post(&format!("/v1/windows/{id}/approve"), b"").is(200);
    ann.post(&format!("/v1/windows/{id}/revoke"), b"")
        .problem(404, "not-found");
    cem.post(&format!("/v1/windows/{id}/revoke"), b"").is(200);
    sign().problem(403, "approval-needed");
}
