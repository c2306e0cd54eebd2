//! Webhooks: told by a real service, received by a real server, checked by somebody else's HMAC.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::server::Server;
use crate::loopback::{Answer, Asked, Server as Receiver};
use crate::support::{folder, oracle, proofmark, testcert};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Checks the signature of a message with nothing of ours.
const CHECK: &str = "import base64, hashlib, hmac, sys\n\
    id, seconds, secret, body = sys.argv[1:5]\n\
    key = base64.b64decode(secret.removeprefix('whsec_'))\n\
    signed = f'{id}.{seconds}.'.encode() + open(body, 'rb').read()\n\
    print('v1,' + base64.b64encode(hmac.digest(key, signed, 'sha256')).decode())\n";

/// What came.
#[derive(Clone)]
struct Message {
    id: String,
    seconds: String,
    signature: String,
    body: Vec<u8>,
}

impl Message {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A receiver that keeps what it is told, and answers as `answer` says of the number of attempts of a message.
#[derive(Clone, Default)]
struct Inbox(Arc<Mutex<Vec<Message>>>);

impl Inbox {
    fn receive(&self, answer: impl Fn(usize) -> Answer + Send + Sync + 'static) -> Receiver {
        let inbox = self.clone();
        Receiver::new(move |asked: &Asked| {
            let message = Message {
                id: asked.header("webhook-id").to_owned(),
                seconds: asked.header("webhook-timestamp").to_owned(),
                signature: asked.header("webhook-signature").to_owned(),
                body: asked.body.clone(),
            };
            assert_eq!(asked.content_type, "application/json");
            let mut messages = inbox.0.lock().unwrap();
            let attempts = messages.iter().filter(|one| one.id == message.id).count() + 1;
            messages.push(message);
            answer(attempts)
        })
    }

    fn messages(&self) -> Vec<Message> {
        self.0.lock().unwrap().clone()
    }

    /// Waits for so many messages, attempts included.
    fn wait(&self, count: usize) -> Vec<Message> {
        for _ in 0..1200 {
            let messages = self.messages();
            if messages.len() >= count {
                return messages;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        let types: Vec<Value> = self
            .messages()
            .iter()
            .map(|one| one.json()["type"].clone())
            .collect();
        panic!("{count} messages are awaited, these came: {types:?}")
    }
}

fn good(_: usize) -> Answer {
    Answer::Reply("204 No Content", "text/plain", Vec::new())
}

fn configure(folder: &Path, webhooks: &str) {
    let config = format!(
        "[service.profile.test]\ngate = 'test'\n[service.profile.two]\ngate = 'test'\napprovals = 1\n\
         [profile.two]\nkind = 'test'\npfx = '{}'\n{webhooks}",
        testcert("oem.pfx").display()
    );
    std::fs::write(folder.join("proofmark.toml"), config).unwrap();
    std::fs::write(folder.join("secret"), format!("{SECRET}\n")).unwrap();
}

fn webhook(name: &str, url: &str, more: &str) -> String {
    format!(
        "[[service.webhook]]\nname = '{name}'\nurl = '{url}/hook'\nsecret-file = 'secret'\n{more}\n"
    )
}

fn token(folder: &Path, name: &str) -> String {
    let roles = "--role lint --role sign --role approve --role admin --role audit";
    let made = proofmark(folder, &format!("token create {roles} --profile * {name}")).ended(0);
    format!("Bearer {}", made.stdout.trim())
}

#[test]
fn decisions_are_told_signed_and_once() {
    let folder = folder();
    let path = folder.path();
    let (all, refusals) = (Inbox::default(), Inbox::default());
    let (to_all, to_refusals) = (all.receive(good), refusals.receive(good));
    let some = "events = ['refused', 'window-opened']\nprofiles = ['two']";
    let both = webhook("all", &to_all.url, "") + &webhook("some", &to_refusals.url, some);
    configure(path, &both);
    let server = Server::start(path);
    let (ann, ben) = (token(path, "ann"), token(path, "ben"));
    let post = |who: &str, path: &str, body: &[u8]| {
        server.post_with(path, body, &[("authorization", who)])
    };
    let input = std::fs::read(path.join("plain.cab")).unwrap();
    post(&ann, "/v1/sign?profile=test&name=a.cab", &input).is(200);
    post(&ann, "/v1/sign?profile=test", b"nothing").is(422);
    post(&ann, "/v1/sign?profile=two", b"nothing").is(403);
    let ask = || {
        let asked = post(&ann, "/v1/requests?profile=two&reason=x", &input)
            .is(201)
            .json();
        asked["id"].as_str().unwrap().to_owned()
    };
    post(&ann, "/v1/requests?profile=two&reason=x", b"nothing").is(422);
    for (who, action) in [(&ben, "approve"), (&ben, "reject"), (&ann, "cancel")] {
        let id = ask();
        post(who, &format!("/v1/requests/{id}/{action}"), b"{}").is(200);
    }
    let told = all.wait(10);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for message in &told {
        let json = message.json();
        *counts
            .entry(json["type"].as_str().unwrap().to_owned())
            .or_default() += 1;
        // The entry is that of the log, byte for byte, and its number is right.
        let index = &json["data"]["index"];
        let entry = server
            .get_with(&format!("/log/entry/{index}"), &[("authorization", &ann)])
            .is(200);
        assert!(
            String::from_utf8_lossy(&message.body).contains(&entry.text()),
            "{json}"
        );
        assert_eq!(json["timestamp"], entry.json()["time"]);
        std::fs::write(path.join("body"), &message.body).unwrap();
        std::fs::write(path.join("check.py"), CHECK).unwrap();
        let line = format!(
            "python3 check.py {} {} {SECRET} body",
            message.id, message.seconds
        );
        if let Some(run) = oracle(path, &line) {
            assert_eq!(run.ended(0).stdout.trim(), message.signature);
        }
    }
    let expected = [
        ("approved", 1),
        ("cancelled", 1),
        ("refused", 2),
        ("rejected", 1),
        ("requested", 3),
        ("signed", 2),
    ];
    let expected: BTreeMap<String, usize> = expected
        .map(|(name, count)| (name.to_owned(), count))
        .into();
    assert_eq!(counts, expected);
    let refused = refusals.wait(1);
    let entry = &refused[0].json()["data"]["entry"];
    assert_eq!(
        (&entry["decision"], &entry["profile"]),
        (&json!("refused"), &json!("two"))
    );
    // Nothing is told twice, and nothing waits.
    let waits = |name: &str| format!("proofmark_webhook_waiting{{webhook=\"{name}\"}} 0");
    let metrics = server.get_with("/metrics", &[]).text();
    assert!(
        metrics.contains(&waits("all")) && metrics.contains(&waits("some")),
        "{metrics}"
    );
    assert!(
        metrics
            .contains("proofmark_webhook_attempts_total{webhook=\"all\",outcome=\"delivered\"} 10"),
        "{metrics}"
    );
    assert!(!metrics.contains("outcome=\"failed\""), "{metrics}");
    drop(server);
    let server = Server::start(path);
    post_again(&server, &ann, &input);
    let told = all.wait(11);
    let mut ids: Vec<&str> = told.iter().map(|message| message.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(
        (told.len(), ids.len(), refusals.messages().len()),
        (11, 11, 1)
    );
}

fn post_again(server: &Server, who: &str, input: &[u8]) {
    let path = "/v1/sign?profile=test&name=again.cab";
    server
        .post_with(path, input, &[("authorization", who)])
        .is(200);
}

#[test]
fn who_does_not_answer_is_told_again_also_after_a_crash() {
    let folder = folder();
    let path = folder.path();
    let (inbox, elsewhere) = (Inbox::default(), Inbox::default());
    let other = elsewhere.receive(good);
    let place = format!("{}/other", other.url);
    // First an error, then another place, then nothing at all, then a word of thanks.
    let receiver = inbox.receive(move |attempts| match attempts {
        1 => Answer::Reply("500 Internal Server Error", "text/plain", b"no".to_vec()),
        2 => Answer::Elsewhere("307 Temporary Redirect", place.clone()),
        3 => Answer::Nothing,
        _ => good(attempts),
    });
    let gone = Inbox::default();
    let to_gone = gone.receive(|_| Answer::Reply("410 Gone", "text/plain", Vec::new()));
    configure(
        path,
        &(webhook("slow", &receiver.url, "") + &webhook("gone", &to_gone.url, "")),
    );
    let server = Server::start(path);
    let ann = token(path, "ann");
    let input = std::fs::read(path.join("plain.cab")).unwrap();
    server
        .post_with(
            "/v1/sign?profile=test&name=a.cab",
            &input,
            &[("authorization", &ann)],
        )
        .is(200);
    inbox.wait(1);
    // Killed, with a message that waits for its second attempt.
    drop(server);
    let server = Server::start(path);
    let told = inbox.wait(4);
    let first = &told[0];
    for message in &told {
        assert_eq!((&message.id, &message.body), (&first.id, &first.body));
    }
    post_again(&server, &ann, &input);
    let told = inbox.wait(8);
    assert_eq!(
        told.iter().filter(|message| message.id == first.id).count(),
        4
    );
    assert!(
        elsewhere.messages().is_empty(),
        "redirects are not followed"
    );
    let unwanted = gone.wait(2);
    assert_ne!(
        unwanted[0].id, unwanted[1].id,
        "what is not wanted is told once"
    );
    let metrics = server.get_with("/metrics", &[]).text();
    assert!(
        metrics.contains("{webhook=\"gone\",outcome=\"given-up\"}"),
        "{metrics}"
    );
}

#[test]
fn what_others_could_read_or_forge_is_refused_at_the_start() {
    let folder = folder();
    let path = folder.path();
    let start = |webhooks: &str| {
        configure(path, webhooks);
        proofmark(path, "serve --listen 127.0.0.1:0")
            .ended(2)
            .stderr
    };
    let told = start(&webhook("a", "http://chat.example", ""));
    assert!(told.contains("neither https nor on this machine"), "{told}");
    let told = start(&webhook("a", "https://user@chat.example", ""));
    assert!(told.contains("user name and password"), "{told}");
    let told =
        start(&webhook("a", "https://chat.example", "").replace("'secret'", "'proofmark.toml'"));
    assert!(
        told.contains("whsec_") && told.contains("openssl rand"),
        "{told}"
    );
    let told =
        start(&webhook("a", "https://chat.example", "").replace("secret-file = 'secret'\n", ""));
    assert!(told.contains("its secret is no"), "{told}");
    let one = webhook("a", "https://chat.example", "");
    assert!(start(&format!("{one}{one}")).contains("two webhooks 'a'"));
    let told = start(&webhook("a", "https://chat.example", "events = ['sined']"));
    assert!(told.contains("sined"), "{told}");
}
