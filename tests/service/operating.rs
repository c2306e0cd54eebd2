//! What operators rely on: the log tells of their changes, ends of certificates are told, files belong to whom they should.

use std::path::Path;

use serde_json::Value;

use super::server::Server;
use crate::support::{command, folder, oracle, proofmark, testcert};

/// A token that may read the whole log.
pub(super) fn audit_token(folder: &Path) -> String {
    let mut create = command(folder);
    create.args(["token", "create", "--role", "audit", "--role", "sign"]);
    let output = create.args(["--profile", "*", "auditor"]).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Every entry of the log.
pub(super) fn entries(server: &Server, token: &str) -> Vec<Value> {
    let bearer = format!("Bearer {token}");
    let numbers = 0..;
    let answers = numbers.map(|number| {
        let path = format!("/log/entry/{number}");
        server.get_with(&path, &[("authorization", &bearer)])
    });
    let found = answers.take_while(|answer| answer.status == 200);
    found.map(|answer| answer.json()).collect()
}

fn decisions(entries: &[Value]) -> Vec<&str> {
    let decisions = entries.iter().map(|entry| entry["decision"].as_str());
    decisions.map(Option::unwrap).collect()
}

#[test]
fn what_is_configured_is_in_the_log_and_again_when_it_changes() {
    let folder = folder();
    let path = folder.path();
    let configure = |text: &str| std::fs::write(path.join("proofmark.toml"), text).unwrap();
    let gate = "[service.profile.test]\ngate = 'test'\n";
    configure(gate);
    let token = audit_token(path);
    // Starts with this configuration, and says which entries that added.
    let mut known = 1;
    let mut starts = |text: &str| {
        configure(text);
        let server = Server::start(path);
        let all = entries(&server, &token);
        let new = all[known..].to_vec();
        known = all.len();
        assert_eq!(server.stop(), Some(0));
        new
    };
    let first = starts(gate);
    assert_eq!(
        decisions(&first),
        ["policy-changed", "key-changed", "access-changed"]
    );
    assert!(first.iter().all(|entry| entry["principal"] == "service"));
    assert_eq!(first[0]["policy"]["image"], "test");
    let leaf = std::fs::read(testcert("oem.cer")).unwrap();
    let thumbprint = |der: &[u8]| {
        let digest = ring::digest::digest(&ring::digest::SHA256, der);
        let digits = digest.as_ref().iter().map(|byte| format!("{byte:02x}"));
        digits.collect::<String>()
    };
    assert_eq!(first[1]["key"], thumbprint(&leaf));
    assert_eq!(starts(gate), [] as [Value; 0], "nothing has changed");

    let agreed = format!("{gate}approvals = 2\n");
    let new = starts(&agreed);
    assert_eq!(decisions(&new), ["policy-changed"]);
    assert_eq!(new[0]["claims"]["approvals"], 2);
    assert_eq!(new[0]["policy"], first[0]["policy"]);

    let pfx = testcert("ecdsa-p256.pfx");
    let keyed = format!("[profile.test]\npfx = '{}'\n{agreed}", pfx.display());
    let new = starts(&keyed);
    assert_eq!(decisions(&new), ["key-changed"]);
    let leaf = std::fs::read(testcert("ecdsa-p256.cer")).unwrap();
    assert_eq!(new[0]["key"], thumbprint(&leaf));

    proofmark(path, "policy init organisation.toml").ended(0);
    let judged = format!("[lint]\npolicy = 'organisation.toml'\n{keyed}");
    let new = starts(&judged);
    assert_eq!(decisions(&new), ["policy-changed"]);
    assert_ne!(new[0]["policy"], first[0]["policy"]);

    let issuer = "[[service.oidc]]\nissuer = 'https://ci.example'\naudience = 'proofmark'\njwks = 'https://ci.example/jwks'\n\
         [[service.oidc.allow]]\nclaims = { repository = 'a' }\nprofiles = ['test']\nroles = ['sign']\n";
    let accessible = format!("{judged}{issuer}");
    let new = starts(&accessible);
    assert_eq!(decisions(&new), ["access-changed"]);
    assert_eq!(
        new[0]["claims"]["oidc"][0]["allow"][0]["claims"]["repository"],
        "a"
    );
    assert_eq!(starts(&accessible), [] as [Value; 0]);
    assert_eq!(decisions(&starts(&judged)), ["access-changed"]);
}

#[test]
fn without_tls_other_machines_are_not_served_unless_a_proxy_is_named() {
    let folder = folder();
    let run = proofmark(folder.path(), "serve --listen 0.0.0.0:0").ended(2);
    assert!(run.stderr.contains("there is no TLS"), "{}", run.stderr);
    assert!(run.stderr.contains("--behind-tls-proxy"), "{}", run.stderr);
    assert!(!folder.path().join("proofmark-data").exists());
    let start = |options: &[&str]| {
        let server = Server::start_with(command(folder.path()), folder.path(), options);
        assert!(server.url.starts_with("http://0.0.0.0:"), "{}", server.url);
        assert_eq!(server.stop(), Some(0));
    };
    start(&["--listen", "0.0.0.0:0", "--behind-tls-proxy"]);
    let config = "[service]\nlisten = '0.0.0.0:0'\nbehind-tls-proxy = true\n";
    std::fs::write(folder.path().join("proofmark.toml"), config).unwrap();
    start(&[]);
}

#[test]
fn a_certificate_that_has_expired_signs_nothing_and_is_complained_of() {
    let folder = folder();
    let path = folder.path();
    let pfx = testcert("expired-2022.pfx");
    let config = format!(
        "[profile.old]\nkind = 'test'\npfx = '{}'\n[service]\nexpiry-warning = 36500\n\
         [service.profile.old]\ngate = 'test'\n[service.profile.test]\ngate = 'test'\n",
        pfx.display()
    );
    std::fs::write(path.join("proofmark.toml"), config).unwrap();
    let token = audit_token(path);
    let server = Server::start(path);
    let lines: Vec<&str> = server.printed.lines().collect();
    let told = |level: &str, what: &str, whose: &str| {
        let mut lines = lines.iter();
        let found =
            lines.any(|line| line.contains(level) && line.contains(what) && line.contains(whose));
        assert!(found, "{what}: {}", server.printed);
    };
    told("ERROR", "a certificate has ended", "profile old");
    told("WARN", "a certificate ends soon", "profile test");
    let bearer = format!("Bearer {token}");
    let input = std::fs::read(path.join("plain.cab")).unwrap();
    let post = |path: &str| server.post_with(path, &input, &[("authorization", &bearer)]);
    for path in [
        "/v1/sign?profile=old&name=plain.cab",
        "/v1/requests?profile=old&name=plain.cab&reason=release",
    ] {
        let problem = post(path).problem(503, "key-unavailable").json();
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("expired on 2023-01-01"), "{detail}");
    }
    post("/v1/sign?profile=test&name=plain.cab").is(200);
    let metrics = server.get("/metrics").is(200).text();
    let ends = "proofmark_certificate_not_after{profile=\"old\"} 16725";
    assert!(metrics.contains(ends), "{metrics}");
}

#[test]
fn files_that_wait_are_in_one_place_that_is_built_in() {
    let folder = folder();
    let refused = |config: &str, told: &str| {
        std::fs::write(folder.path().join("proofmark.toml"), config).unwrap();
        let run = proofmark(folder.path(), "serve --listen 127.0.0.1:0").ended(2);
        assert!(run.stderr.contains(told), "{}", run.stderr);
    };
    refused(
        "[service]\nartifacts = 'a'\n[service.s3]\nbucket = 'b'\n",
        "either in `artifacts` or in [service.s3]",
    );
    if !cfg!(feature = "s3") {
        let told = "S3 is not built in; build with --features s3";
        refused("[service.s3]\nbucket = 'b'\n", told);
    }
}

/// Runs a command line as another user than root; `None` where the tests are not run by root.
fn as_other(folder: &Path, user: &str, line: &str) -> Option<std::process::Command> {
    let id = std::process::Command::new("id").arg("-u").output().unwrap();
    if id.stdout != b"0\n" {
        println!("skipped: only root can make files for another");
        return None;
    }
    let mut command = std::process::Command::new("setpriv");
    command.args(["--reuid", user, "--regid", user, "--clear-groups"]);
    command.arg(env!("CARGO_BIN_EXE_proofmark"));
    command.args(line.split_whitespace()).current_dir(folder);
    Some(command)
}

#[cfg(unix)]
#[test]
fn what_an_administrator_makes_belongs_to_the_service() {
    use std::os::unix::fs::{MetadataExt, chown};

    const SERVICE: u32 = 4321;
    let folder = folder();
    let path = folder.path();
    let Some(listing) = as_other(path, "4321", "token list --data data") else {
        return;
    };
    let data = path.join("data");
    std::fs::create_dir(&data).unwrap();
    chown(path, Some(SERVICE), Some(SERVICE)).unwrap();
    chown(&data, Some(SERVICE), Some(SERVICE)).unwrap();
    proofmark(
        path,
        "token create --data data --role sign --profile test ci",
    )
    .ended(0);
    for entry in std::fs::read_dir(&data).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().uid(), SERVICE, "{entry:?}");
    }
    for (name, mode) in [("log.key", 0o600), ("proofmark.db", 0o600)] {
        let metadata = data.join(name).metadata().unwrap();
        assert_eq!((metadata.uid(), metadata.mode() & 0o777), (SERVICE, mode));
    }
    let mut listing = listing;
    let listed = listing.output().unwrap();
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(listed.contains("ci: sign with test"), "{listed}");

    // Who can neither write as the owner nor give files away is told so, and leaves nothing.
    let shared = path.join("shared");
    std::fs::create_dir(&shared).unwrap();
    std::os::unix::fs::chown(&shared, Some(SERVICE), Some(4322)).unwrap();
    std::fs::set_permissions(&shared, std::os::unix::fs::PermissionsExt::from_mode(0o770)).unwrap();
    let line = "token create --data shared --role sign --profile test ci";
    let refused = as_other(path, "4322", line).unwrap().output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(told.contains("belongs to user 4321"), "{told}");
    assert_eq!(std::fs::read_dir(&shared).unwrap().count(), 0);
}

#[test]
fn the_end_of_the_tls_certificate_is_told() {
    let folder = folder();
    let path = folder.path();
    let make = "openssl req -x509 -newkey rsa:2048 -nodes -keyout server.key -out server.pem -subj /CN=localhost -days 2 -addext subjectAltName=IP:127.0.0.1";
    let Some(run) = oracle(path, make) else {
        return;
    };
    run.ended(0);
    let config = "[service.profile.test]\ngate = 'test'\n[service.tls]\ncertificate = 'server.pem'\nkey = 'server.key'\n";
    std::fs::write(path.join("proofmark.toml"), config).unwrap();
    let server = Server::start(path);
    let warning = server
        .printed
        .lines()
        .find(|line| line.contains("a certificate ends soon"));
    assert!(
        warning.is_some_and(|line| line.contains("TLS") && line.contains("localhost")),
        "{}",
        server.printed
    );
    let line = format!("curl -sS --cacert server.pem {}/metrics", server.url);
    let metrics = oracle(path, &line).unwrap().ended(0).stdout;
    let end = metrics.lines().find_map(|line| {
        line.strip_prefix("proofmark_tls_certificate_not_after{subject=\"localhost\"} ")
    });
    let end: i64 = end.unwrap_or_else(|| panic!("{metrics}")).parse().unwrap();
    let run = oracle(
        path,
        "openssl x509 -in server.pem -noout -enddate -dateopt iso_8601",
    )
    .unwrap();
    let date = run.ended(0).stdout;
    let date = date
        .trim()
        .trim_start_matches("notAfter=")
        .replace(' ', "T");
    let run = oracle(path, &format!("date -d {date} +%s")).unwrap();
    assert_eq!(run.ended(0).stdout.trim(), end.to_string());
}
