//! The whole way of a release: two nodes on one PostgreSQL, keys on a token, jobs and people with tokens of an issuer, and the
//! log that proves each decision to who does not trust the service.

use std::path::Path;

use serde_json::{Value, json};
use signer::digest::{DigestAlgorithm, hex};

use super::issuer::{ISSUER, Issuer};
use super::nodes::Person;
use super::postgres::Postgres;
use super::server::Server;
use crate::support::{Run, oracle, proofmark, repository, testcert};
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
         [[service.oidc.allow]]\nclaims = {{ repository = 'people' }}\nprofiles = ['retail']\nroles = ['approve', 'audit']\n\
         [[service.oidc.allow]]\nclaims = {{ repository = 'auditors' }}\nprofiles = ['*']\nroles = ['audit', 'lint']\n",
        root = testcert("demo-retail-root.cer").display(),
        module = module().display(),
    );
    std::fs::write(folder.join("proofmark.toml"), config).unwrap();
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
    let auditor = Auditor::new(&issuer, &folder, &one);
    auditor.verified(&one, "--keep early");
    let export = format!("--out old --token-file eve.jwt {}", one.url);
    auditor.audit("export", &export).ended(0);

    // The mended one waits for two people, who may come to any node.
    let path = "/v1/requests?profile=retail&name=good.cab&reason=release";
    let request = job.post(&one, path, &good).is(201).json();
    let id = request["id"].as_str().unwrap().to_owned();
    let approve = format!("/v1/requests/{id}/approve");
    job.post(&two, &approve, b"{}").problem(409, "conflict");
    // One of them on the command line, where what is agreed to is shown.
    std::fs::write(
        folder.join("ann.jwt"),
        ann.token.strip_prefix("Bearer ").unwrap(),
    )
    .unwrap();
    let line = format!(
        "approve --remote {} --token-file ann.jwt --reason seen {id}",
        two.url
    );
    let agreed = proofmark(&folder, &line).ended(0);
    for shown in [
        sha256(&good).as_str(),
        "repository fjordlight/kiosk",
        "profile    retail",
    ] {
        assert!(agreed.stderr.contains(shown), "{shown}: {}", agreed.stderr);
    }
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
    // The job itself takes it with the proof that it was logged, from either node.
    std::fs::write(
        folder.join("job.jwt"),
        job.token.strip_prefix("Bearer ").unwrap(),
    )
    .unwrap();
    let line = format!(
        "fetch --remote {} --token-file job.jwt --log-key log.pub --file good.cab --out taken.cab {id}",
        one.url
    );
    let taken = proofmark(&folder, &line).ended(0);
    assert_eq!(
        taken.stdout,
        format!(
            "signed   taken.cab (profile retail, entry {} of the log)\n",
            done["entry"]
        )
    );
    assert_eq!(
        std::fs::read(folder.join("taken.cab")).unwrap(),
        result.body
    );
    proofmark(&folder, "lint --image retail --fail-on error signed.cab").ended(0);

    // The log has one refusal, one request, two consents and one signature, in this order, and each is proven.
    let first = refused["entry"].as_u64().unwrap();
    let told = ["refused", "requested", "approved", "approved", "signed"];
    assert_eq!(done["entry"], json!(first + told.len() as u64 - 1));
    let files = ["bad.cab", "good.cab", "good.cab", "good.cab", "signed.cab"];
    auditor.verified(&two, "--since early --keep late");
    let entries: Vec<Value> = (first..)
        .zip(files)
        .map(|(index, file)| auditor.proven(&two, index, file))
        .collect();
    let decisions: Vec<_> = entries.iter().map(|entry| &entry["decision"]).collect();
    assert_eq!(decisions, told);
    let who = |name: &str| format!("oidc:{ISSUER}#{name}");
    let mut approvers: Vec<_> = [2, 3].map(|at| entries[at]["principal"].clone()).to_vec();
    approvers.sort_by_key(Value::to_string);
    assert_eq!(approvers[0], who("ann"));
    assert!(
        [who("ben"), who("cem")]
            .iter()
            .any(|name| approvers[1] == *name.as_str()),
        "{approvers:?}"
    );
    let key = sha256(&std::fs::read(testcert("demo-retail.cer")).unwrap());
    for entry in &entries {
        assert_eq!(
            (&entry["profile"], &entry["key"]),
            (&json!("retail"), &json!(key))
        );
    }
    for entry in &entries[1..] {
        assert_eq!(entry["request"], id.as_str());
        assert_eq!(entry["input"]["sha256"], sha256(&good));
    }
    for at in [0, 1, 4] {
        assert_eq!(entries[at]["principal"], who("job"));
        assert_eq!(entries[at]["claims"]["repository"], "fjordlight/kiosk");
        // The version of the policy is the one in force, and the report is there, byte for byte.
        assert_eq!(entries[at]["policy"], auditor.policy(&one));
        let report = auditor.report(&two, entries[at]["report"].as_str().unwrap());
        assert_eq!(report["counts"]["error"].as_u64().unwrap() > 0, at == 0);
    }
    assert_eq!(entries[0]["report"], refused["report_sha256"]);
    assert_eq!(entries[0]["input"]["sha256"], sha256(&bad));
    assert_eq!(entries[4]["output"]["sha256"], sha256(&result.body));
    auditor.notices_what_is_changed(&two, first);
}

fn sha256(bytes: &[u8]) -> String {
    hex(&DigestAlgorithm::Sha256.of(bytes))
}

/// Who looks at the log, with nothing but its key, and its own token where entries are read.
struct Auditor<'a> {
    folder: &'a Path,
    person: Person,
}

impl<'a> Auditor<'a> {
    fn new(issuer: &Issuer, folder: &'a Path, node: &Server) -> Self {
        let person = Person::new(issuer, "eve", "auditors");
        let token = person.token.strip_prefix("Bearer ").unwrap();
        std::fs::write(folder.join("eve.jwt"), token).unwrap();
        let key = node.get("/log/key").is(200);
        std::fs::write(folder.join("log.pub"), &key.body).unwrap();
        Self { folder, person }
    }

    fn audit(&self, command: &str, rest: &str) -> Run {
        proofmark(
            self.folder,
            &format!("audit {command} --key log.pub {rest}"),
        )
    }

    /// Every entry and hash that a node serves.
    fn verified(&self, node: &Server, more: &str) {
        let line = format!("{more} --token-file eve.jwt {}", node.url);
        self.audit("verify", &line).ended(0);
    }

    /// An entry whose proof holds, without the service, and that is about this file.
    fn proven(&self, node: &Server, index: u64, file: &str) -> Value {
        let line = format!(
            "--entry {index} --out entry-{index} --token-file eve.jwt {}",
            node.url
        );
        self.audit("prove", &line).ended(0);
        let line = format!("entry-{index}.tlog-proof entry-{index}.json {file}");
        self.audit("check", &line).ended(0);
        // The same by Python's hashlib and openssl.
        let script = repository().join("tests/oracles/tlog_verify.py");
        let key = std::fs::read_to_string(self.folder.join("log.pub")).unwrap();
        let line = format!(
            "python3 {} proof entry-{index}.tlog-proof entry-{index}.json {key}",
            script.display()
        );
        if let Some(run) = oracle(self.folder, &line) {
            run.ended(0);
        }
        let entry = std::fs::read(self.folder.join(format!("entry-{index}.json")));
        serde_json::from_slice(&entry.unwrap()).unwrap()
    }

    /// The policy of retail images that a node has.
    fn policy(&self, node: &Server) -> Value {
        let policies = self.person.get(node, "/v1/policies").is(200).json();
        let mut policies = policies.as_array().unwrap().iter();
        let retail = policies.find(|policy| policy["image"] == "retail").unwrap();
        json!({ "image": "retail", "sha256": retail["sha256"] })
    }

    /// A report by its hash.
    fn report(&self, node: &Server, digest: &str) -> Value {
        let report = self.person.get(node, &format!("/v1/reports/{digest}"));
        let report = report.is(200);
        assert_eq!(sha256(&report.body), digest);
        report.json()
    }

    /// Whoever changes an entry, moves its proof, or cuts the log, is found out.
    fn notices_what_is_changed(&self, node: &Server, index: u64) {
        let path = |name: &str| self.folder.join(name);
        let (entry, proof) = (
            format!("entry-{index}.json"),
            format!("entry-{index}.tlog-proof"),
        );
        let check = |entry: &str, proof: &str| self.audit("check", &format!("{proof} {entry}"));
        check(&entry, &proof).ended(0);
        let text = std::fs::read_to_string(path(&entry)).unwrap();
        let changed = text.replace("\"refused\"", "\"signed\"");
        assert_ne!(changed, text);
        std::fs::write(path("changed.json"), changed).unwrap();
        check("changed.json", &proof).ended(1);
        let next = index + 1;
        check(&format!("entry-{next}.json"), &proof).ended(1);
        check(&entry, &format!("entry-{next}.tlog-proof")).ended(1);
        // The log as a folder: one byte of an entry, and an older log in the stead of this one.
        let export = format!("--out log --token-file eve.jwt {}", node.url);
        self.audit("export", &export).ended(0);
        self.audit("verify", "--since early --since late log")
            .ended(0);
        let tiles = std::fs::read_dir(path("log/tile/entries")).unwrap();
        for tile in tiles.map(|tile| tile.unwrap().path()) {
            let files = match tile.is_dir() {
                true => std::fs::read_dir(&tile)
                    .unwrap()
                    .map(|file| file.unwrap().path())
                    .collect(),
                false => vec![tile],
            };
            for file in files {
                let bytes = std::fs::read(&file).unwrap();
                let at = bytes
                    .windows(9)
                    .position(|found| found == b"\"refused\"")
                    .unwrap();
                let changed = [&bytes[..at], b"\"expired\"", &bytes[at + 9..]].concat();
                std::fs::write(file, changed).unwrap();
            }
        }
        let run = self.audit("verify", "log").ended(1);
        assert!(run.stdout.starts_with("failed"), "{}", run.stdout);
        self.audit("verify", "--since late old").ended(1);
    }
}
