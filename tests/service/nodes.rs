//! Two nodes on one PostgreSQL, keys on a token, jobs and people with tokens of an issuer: the whole way of a release.

use std::path::Path;

use serde_json::{Value, json};

use super::issuer::{ISSUER, Issuer};
use super::postgres::Postgres;
use super::server::{Answer, Server};
use crate::support::{proofmark, testcert};
use crate::token::{Token, module};

/// A token with the key that stands in for a retail key.
fn token() -> Option<Token> {
    let token = Token::new()?;
    token.add_key("demo-retail", "01");
    token.add_certificate("demo-retail", "01");
    token.add_certificate("demo-retail-intermediate", "aa");
    Some(token)
}

fn configure(folder: &Path, database: &str) {
    let config = format!(
        "[trust]\nroots = ['{root}']\n\
         [profile.retail.pkcs11]\nmodule = '{module}'\ntoken-label = 'release'\nkey-label = 'demo-retail'\n\
         pin-env = 'TOKEN_PIN'\n\
         [service]\ndatabase = '{database}'\nartifacts = 'artifacts'\n\
         [service.profile.retail]\ngate = 'retail'\napprovals = 2\n\
         [[service.oidc]]\nissuer = '{ISSUER}'\naudience = 'proofmark'\njwks = 'jwks.json'\n\
         [[service.oidc.allow]]\nclaims = {{ repository = 'fjordlight/kiosk' }}\nprofiles = ['retail']\nroles = ['sign']\n\
         [[service.oidc.allow]]\nclaims = {{ repository = 'people' }}\nprofiles = ['retail']\nroles = ['approve', 'audit']\n",
        root = testcert("demo-retail-root.cer").display(),
        module = module().display(),
    );
    std::fs::write(folder.join("proofmark.toml"), config).unwrap();
}

/// Someone with a token of the issuer.
struct Person {
    token: String,
}

impl Person {
    fn new(issuer: &Issuer, subject: &str, repository: &str) -> Self {
        let token = format!("Bearer {}", issuer.token(subject, repository));
        Self { token }
    }

    fn post(&self, node: &Server, path: &str, body: &[u8]) -> Answer {
        node.post_with(path, body, &[("authorization", &self.token)])
    }

    fn get(&self, node: &Server, path: &str) -> Answer {
        node.get_with(path, &[("authorization", &self.token)])
    }

    /// The request once a node has signed it.
    fn signed(&self, node: &Server, id: &str) -> Value {
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

/// A package with an image in it that the test certificate signed, and one that the retail key signed.
fn packages(folder: &Path) -> [Vec<u8>; 2] {
    let image = crate::image_builder::RawImage::new(true).bytes();
    let retail = testcert("demo-retail.pfx").display().to_string();
    [
        ("bad", "--profile test".to_owned()),
        ("good", format!("--profile retail --pfx {retail}")),
    ]
    .map(|(name, profile)| {
        std::fs::create_dir(folder.join(name)).unwrap();
        std::fs::write(folder.join(name).join("driver.sys"), &image).unwrap();
        proofmark(
            folder,
            &format!("sign {profile} --page-hashes --in-place {name}/driver.sys"),
        )
        .ended(0);
        proofmark(folder, &format!("package pack --out {name}.cab {name}")).ended(0);
        std::fs::read(folder.join(format!("{name}.cab"))).unwrap()
    })
}

#[test]
fn a_release_goes_its_whole_way_over_two_nodes() {
    let (Some(token), Some(postgres)) = (token(), Postgres::start()) else {
        return;
    };
    let folder = token.folder.path("");
    let issuer = Issuer::new(&folder);
    let [bad, good] = packages(&folder);
    configure(&folder, &postgres.database("release"));
    let start = || Server::start_by(token.command(env!("CARGO_BIN_EXE_proofmark")), &folder);
    let (one, two) = (start(), start());
    let job = Person::new(&issuer, "job", "fjordlight/kiosk");
    let people = ["ann", "ben", "cem"].map(|name| Person::new(&issuer, name, "people"));
    let [ann, ben, cem] = &people;

    // A package that fails the policy is refused with its report, whoever would agree to it.
    job.post(&one, "/v1/sign?profile=retail&name=bad.cab", &bad)
        .problem(403, "approval-needed");
    let path = "/v1/requests?profile=retail&name=bad.cab&reason=release";
    let refused = job
        .post(&one, path, &bad)
        .problem(422, "policy-refused")
        .json();
    let rules = refused["report"]["diagnostics"].as_array().unwrap().iter();
    let rules: Vec<_> = rules.map(|found| found["rule"].as_str().unwrap()).collect();
    assert!(rules.contains(&"test-signed-in-retail"), "{rules:?}");

    // The mended one waits for two people, who may come to any node.
    let path = "/v1/requests?profile=retail&name=good.cab&reason=release";
    let request = job.post(&one, path, &good).is(201).json();
    let id = request["id"].as_str().unwrap().to_owned();
    let approve = format!("/v1/requests/{id}/approve");
    job.post(&two, &approve, b"{}").problem(409, "conflict");
    ann.post(&two, &approve, b"{}").is(200);
    // Two people at once, on two nodes: nobody is counted twice, and one signature comes of it.
    let votes = std::thread::scope(|scope| {
        let votes = [(ben, &one), (cem, &two)].map(|(person, node)| {
            let approve = &approve;
            scope.spawn(move || person.post(node, approve, b"{}").status)
        });
        votes.map(|vote| vote.join().unwrap())
    });
    let mut sorted = votes;
    sorted.sort_unstable();
    assert_eq!(sorted, [200, 409]);
    let done = job.signed(&two, &id);
    assert_eq!(done["state"], "signed", "{done:#}");
    let result = job.get(&two, &format!("/v1/requests/{id}/result")).is(200);
    std::fs::write(folder.join("signed.cab"), &result.body).unwrap();
    proofmark(&folder, "verify --require retail signed.cab").ended(0);
    proofmark(&folder, "lint --image retail --fail-on error signed.cab").ended(0);

    // The log has one refusal, one request, two consents and one signature, in this order.
    let refused = refused["entry"].as_u64().unwrap();
    assert!(refused < done["entry"].as_u64().unwrap());
    let entries = ["refused", "requested", "approved", "approved", "signed"];
    assert_eq!(done["entry"], json!(refused + entries.len() as u64 - 1));
}

#[test]
fn a_database_that_stops_and_comes_back_loses_nothing() {
    let Some(mut postgres) = Postgres::start() else {
        return;
    };
    let folder = crate::support::folder();
    let path = folder.path();
    let issuer = Issuer::new(path);
    let config = format!(
        "[service]\ndatabase = '{}'\n[service.profile.test]\ngate = 'test'\n[[service.oidc]]\nissuer = '{ISSUER}'\n\
         audience = 'proofmark'\njwks = 'jwks.json'\n[[service.oidc.allow]]\nclaims = {{ repository = 'a' }}\n\
         profiles = ['test']\nroles = ['sign']\n",
        postgres.database("stops")
    );
    std::fs::write(path.join("proofmark.toml"), config).unwrap();
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
