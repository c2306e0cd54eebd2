//! What every answer says to browsers.

use super::server::{Answer, Server};
use crate::support::{folder, oracle};

fn expect(path: &str, answer: &Answer) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-embedder-policy", "require-corp"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(answer.header(name), value, "{path}: {name}");
    }
    let policy = answer.header("content-security-policy");
    for part in [
        "default-src 'none'",
        "base-uri 'none'",
        "form-action ",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.contains(part), "{path}: {policy}");
    }
    assert!(
        !policy.contains("unsafe") && !policy.contains("script-src"),
        "{path}: {policy}"
    );
    let page = path.starts_with("/page");
    let referrer = if page && answer.status == 200 && !path.ends_with(".css") {
        "same-origin"
    } else {
        "no-referrer"
    };
    assert_eq!(answer.header("referrer-policy"), referrer, "{path}");
    let cache = match path {
        "/page/style.css" => "public, max-age=300",
        "/log/checkpoint" | "/log/proof/0" => "no-cache",
        "/log/tile/0/000.p/1" => "public, max-age=31536000, immutable",
        _ => "no-store",
    };
    assert_eq!(answer.header("cache-control"), cache, "{path}");
    assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
    assert_eq!(answer.header("server"), "", "{path}");
}

#[test]
fn every_answer_says_what_browsers_must_not_do_with_it() {
    let folder = folder();
    let server = Server::start(folder.path());
    for path in [
        "/healthz",
        "/readyz",
        "/metrics",
        "/v1/rules",
        "/v1/profiles",
        "/v1/requests",
        "/v1/requests/x",
        "/nosuch",
        "/page/login",
        "/page/style.css",
        "/log/checkpoint",
        "/log/entry/0",
        "/log/proof/0",
        "/log/tile/0/000.p/1",
        "/log/key",
    ] {
        let answer = server.get(path);
        expect(path, &answer);
        assert_eq!(answer.header("strict-transport-security"), "", "{path}");
    }
    expect("/v1/sign", &server.post("/v1/sign", b"x").is(400));
    expect(
        "/v1/rules",
        &server
            .post("/v1/rules", b"x")
            .problem(405, "method-not-allowed"),
    );
    expect(
        "/v1/rules",
        &server
            .get_with("/v1/rules", &[])
            .problem(401, "unauthenticated"),
    );
    let input = std::fs::read(folder.path().join("plain.cab")).unwrap();
    expect(
        "/v1/sign",
        &server.post("/v1/sign?profile=test", &input).is(200),
    );
}

#[test]
fn behind_tls_browsers_stay_with_it_and_a_certificate_of_theirs_is_no_credential() {
    let folder = folder();
    let path = folder.path();
    for line in [
        "req -x509 -newkey rsa:2048 -nodes -keyout server.key -out server.pem -subj /CN=localhost -days 2 -addext subjectAltName=IP:127.0.0.1",
        "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=authority -days 2",
        "req -newkey rsa:2048 -nodes -keyout client.key -out client.csr -subj /CN=ann -addext extendedKeyUsage=clientAuth",
        "x509 -req -copy_extensions copy -in client.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out client.pem -days 2",
    ] {
        let Some(run) = oracle(path, &format!("openssl {line}")) else {
            return;
        };
        run.ended(0);
    }
    let config = "[service.profile.test]\ngate = 'test'\n[service.tls]\ncertificate = 'server.pem'\nkey = 'server.key'\n\
         client-ca = 'ca.pem'\n[[service.certificate]]\nsubject = 'CN=ann'\nprofiles = ['test']\nroles = ['lint']\n";
    std::fs::write(path.join("proofmark.toml"), config).unwrap();
    let server = Server::start(path);
    let ask = |more: &str| {
        let line = format!(
            "curl -sSi --cacert server.pem --cert client.pem --key client.key {more} {}/v1/rules",
            server.url
        );
        oracle(path, &line).unwrap().ended(0).stdout
    };
    let answer = ask("");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(
        answer.contains("strict-transport-security: max-age=31536000"),
        "{answer}"
    );
    // A browser would send the certificate with the form of any page.
    for header in [
        "Origin:https://evil.example",
        "Sec-Fetch-Site:cross-site",
        "Origin:null",
    ] {
        let answer = ask(&format!("-H {header}"));
        assert!(answer.starts_with("HTTP/1.1 401"), "{header}: {answer}");
    }
}
