//! Two nodes on one PostgreSQL: what they do at once, and what stops and comes back.

use std::path::Path;

use serde_json::{Value, json};

use super::backup;
use super::issuer::{ISSUER, Issuer};
use super::operating::{audit_token, entries};
use super::postgres::Postgres;
use super::server::{Answer, Server};
use crate::support::testcert;

/// Someone with a token of the issuer.
pub(super) struct Person {
    pub(super) token: String,
}

impl Person {
    pub(super) fn new(issuer: &Issuer, subject: &str, repository: &str) -> Self {
        let token = format!("Bearer {}", issuer.token(subject, repository));
        Self { token }
    }

    pub(super) fn post(&self, node: &Server, path: &str, body: &[u8]) -> Answer {
        node.post_with(path, body, &[("authorization", &self.token)])
    }

    pub(super) fn get(&self, node: &Server, path: &str) -> Answer {
        node.get_with(path, &[("authorization", &self.token)])
    }

    /// The request once a node has signed it.
    pub(super) fn signed(&self, node: &Server, id: &str) -> Value {
        for _ in 0..600 {
            let request = self.get(node, &format!("/v1/requests/{id}")).is(200).json();
            if request["state"] != "approved" {
                return request;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("nobody signs the request")
    }
}

/// What nodes write into a new log before anything is decided: policy and key of two profiles, and who may do what.
const CONFIGURED: usize = 5;

/// A profile for jobs of the repository `a`, and one that needs one person's consent.
fn configure_jobs(folder: &Path, database: &str) {
    let config = format!(
        "[service]\ndatabase = '{database}'\n[service.profile.test]\ngate = 'test'\n\
         [profile.asked]\nkind = 'test'\npfx = '{}'\n[service.profile.asked]\ngate = 'test'\napprovals = 1\n\
         [[service.oidc]]\nissuer = '{ISSUER}'\naudience = 'proofmark'\njwks = 'jwks.json'\n\
         [[service.oidc.allow]]\nclaims = {{ repository = 'a' }}\nprofiles = ['*']\nroles = ['sign', 'audit']\n\
         [[service.oidc.allow]]\nclaims = {{ repository = 'people' }}\nprofiles = ['*']\nroles = ['approve']\n",
        testcert("oem.pfx").display(),
    );
    std::fs::write(folder.join("proofmark.toml"), config).unwrap();
}

/// Whether the whole log holds, by the key that it tells.
fn expect_log(folder: &Path, node: &Server, job: &Person) -> usize {
    let key = node.get("/log/key").is(200).text();
    std::fs::write(folder.join("log.pub"), key).unwrap();
    let token = job.token.trim_start_matches("Bearer ");
    let mut verify = crate::support::command(folder);
    verify.args(["audit", "verify", "--key", "log.pub", &node.url]);
    let output = verify.env("PROOFMARK_TOKEN", token).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let checkpoint = node.get("/log/checkpoint").is(200).text();
    checkpoint.lines().nth(1).unwrap().parse().unwrap()
}

#[test]
fn two_nodes_that_sign_at_once_keep_one_log_without_a_gap() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    let folder = crate::support::folder();
    let path = folder.path();
    let issuer = Issuer::new(path);
    configure_jobs(path, &postgres.database("load"));
    let nodes = [Server::start(path), Server::start(path)];
    let job = Person::new(&issuer, "job", "a");
    let input = std::fs::read(path.join("plain.cab")).unwrap();
    let sign = |node: &Server, name: &str, key: &str| {
        let path = format!("/v1/sign?profile=test&name={name}.cab");
        let headers = [
            ("authorization", job.token.as_str()),
            ("idempotency-key", key),
        ];
        let answer = node.post_with(
            &path,
            &input,
            &headers[..if key.is_empty() { 1 } else { 2 }],
        );
        answer
            .is(200)
            .header("proofmark-entry")
            .parse::<usize>()
            .unwrap()
    };
    // Clients of both nodes; every second request has a key, and the reports are those of few names.
    let entries = std::thread::scope(|scope| {
        let (sign, nodes) = (&sign, &nodes);
        let clients: Vec<_> = (0..8)
            .map(|client| {
                scope.spawn(move || {
                    let keyed = |number: usize| match number % 2 {
                        0 => format!("{client}-{number}"),
                        _ => String::new(),
                    };
                    let name = |number: usize| format!("n{}", number % 3);
                    (0..12)
                        .map(|number| sign(&nodes[client % 2], &name(number), &keyed(number)))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        let entries = clients
            .into_iter()
            .flat_map(|client| client.join().unwrap());
        entries.collect::<Vec<_>>()
    });
    let mut sorted = entries.clone();
    sorted.sort_unstable();
    assert!(sorted.windows(2).all(|two| two[0] < two[1]), "{sorted:?}");
    let all = CONFIGURED + entries.len();
    assert_eq!(expect_log(path, &nodes[0], &job), all);
    // The other node knows what a key stood for.
    assert_eq!(sign(&nodes[1], "n0", "0-0"), entries[0]);
    assert_eq!(expect_log(path, &nodes[1], &job), all);
}

#[test]
fn two_nodes_race_for_one_request_and_one_of_them_signs_it() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    let folder = crate::support::folder();
    let path = folder.path();
    let issuer = Issuer::new(path);
    configure_jobs(path, &postgres.database("race"));
    let nodes = [Server::start(path), Server::start(path)];
    let job = Person::new(&issuer, "job", "a");
    let people = ["ann", "ben"].map(|name| Person::new(&issuer, name, "people"));
    let input = std::fs::read(path.join("plain.cab")).unwrap();
    let ask = "/v1/requests?profile=asked&name=plain.cab&reason=race";
    let rounds = 50;
    for round in 0..rounds {
        let request = job.post(&nodes[round % 2], ask, &input).is(201).json();
        let id = request["id"].as_str().unwrap();
        let approve = format!("/v1/requests/{id}/approve");
        // Both nodes decide at once, and both of them look for what is to be signed at once.
        let barrier = std::sync::Barrier::new(2);
        let mut votes = std::thread::scope(|scope| {
            let votes = [0, 1].map(|side: usize| {
                let (barrier, approve, people, nodes) = (&barrier, &approve, &people, &nodes);
                scope.spawn(move || {
                    barrier.wait();
                    people[side].post(&nodes[side], approve, b"{}").status
                })
            });
            votes.map(|vote| vote.join().unwrap())
        });
        votes.sort_unstable();
        assert_eq!(votes, [200, 409], "round {round}");
        let done = job.signed(&nodes[(round + 1) % 2], id);
        assert_eq!(done["state"], "signed", "{done:#}");
        // Asked for, agreed to, signed: three entries, and no fourth.
        assert_eq!(done["entry"], json!(CONFIGURED + 3 * round + 2), "{done:#}");
    }
    let all = CONFIGURED + 3 * rounds;
    assert_eq!(expect_log(path, &nodes[0], &job), all);
}

#[test]
fn a_dump_that_is_put_back_keeps_the_log_true() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    let folder = crate::support::folder();
    let path = folder.path();
    let configure = |database: &str| {
        let config =
            format!("[service]\ndatabase = '{database}'\n[service.profile.test]\ngate = 'test'\n");
        std::fs::write(path.join("proofmark.toml"), config).unwrap();
    };
    configure(&postgres.database("live"));
    let ann = backup::token(path, "ann", "--role sign --role audit");
    let input = std::fs::read(path.join("plain.cab")).unwrap();
    let sign = |server: &Server| {
        let answer = server.post_with(backup::SIGN, &input, &[("authorization", &ann)]);
        backup::entry(&answer.is(200))
    };
    let server = Server::start(path);
    let last = sign(&server);
    backup::verify(path, &server, &ann, "--keep early").ended(0);
    let restored = postgres.restored("live", "restored");
    sign(&server);
    backup::verify(path, &server, &ann, "--since early --keep late").ended(0);
    assert_eq!(server.stop(), Some(0));
    configure(&restored);
    let server = Server::start(path);
    backup::verify(path, &server, &ann, "--since early").ended(0);
    assert_eq!(sign(&server), last + 1);
    // As long as the log that was lost, and another.
    backup::verify(path, &server, &ann, "--since early").ended(0);
    backup::verify(path, &server, &ann, "--since late").ended(1);
}

#[test]
fn nodes_that_start_together_write_once_what_they_are_configured_for() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    let database = postgres.database("together");
    let (first, second) = (crate::support::folder(), crate::support::folder());
    let configure = |approvals: u32| {
        let config = format!(
            "[service]\ndatabase = '{database}'\n[service.log]\nkey = '{}'\n\
             [service.profile.test]\ngate = 'test'\napprovals = {approvals}\n",
            first.path().join("shared.key").display()
        );
        for folder in [&first, &second] {
            std::fs::write(folder.path().join("proofmark.toml"), &config).unwrap();
        }
    };
    configure(0);
    let token = audit_token(first.path());
    let mut expected = vec![
        "token-created",
        "policy-changed",
        "key-changed",
        "access-changed",
    ];
    for approvals in [0, 2, 3] {
        if approvals > 0 {
            configure(approvals);
            expected.push("policy-changed");
        }
        let (one, two) = std::thread::scope(|scope| {
            let [one, two] =
                [&first, &second].map(|folder| scope.spawn(|| Server::start(folder.path())));
            (one.join().unwrap(), two.join().unwrap())
        });
        for node in [&one, &two] {
            let entries = entries(node, &token);
            let told: Vec<&str> = entries
                .iter()
                .map(|e| e["decision"].as_str().unwrap())
                .collect();
            assert_eq!(told, expected);
            assert_eq!(
                entries.last().unwrap()["claims"]["approvals"]
                    .as_u64()
                    .unwrap_or(0),
                u64::from(approvals)
            );
        }
        assert_eq!((one.stop(), two.stop()), (Some(0), Some(0)));
    }
}

#[test]
fn a_database_that_stops_and_comes_back_loses_nothing() {
    let Some(mut postgres) = Postgres::start() else {
        return;
    };
    let folder = crate::support::folder();
    let path = folder.path();
    let issuer = Issuer::new(path);
    configure_jobs(path, &postgres.database("stops"));
    let server = Server::start(path);
    let job = Person::new(&issuer, "job", "a");
    let input = std::fs::read(path.join("plain.cab")).unwrap();
    let sign = || job.post(&server, "/v1/sign?profile=test&name=plain.cab", &input);
    let entry = |answer: &Answer| answer.header("proofmark-entry").parse::<u64>().unwrap();
    let first = entry(&sign().is(200));
    postgres.stop();
    let answer = sign();
    assert!(
        answer.header("proofmark-entry").is_empty(),
        "a signature without an entry"
    );
    answer.problem(503, "unavailable");
    server.get("/readyz").problem(503, "unavailable");
    server.get("/healthz").is(200);
    postgres.start_again();
    let mut again = sign();
    for _ in 0..100 {
        if again.status == 200 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
        again = sign();
    }
    assert_eq!(entry(&again.is(200)), first + 1);
}
