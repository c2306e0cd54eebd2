//! Who is let in: tokens of an issuer, forged ones, and certificates.

use std::path::Path;

use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::{Value, json};

use super::issuer::{ISSUER, Issuer, claims, encoded, now};
use super::server::Server;
use crate::support::{folder, oracle};

const PATH: &str = "/v1/sign?profile=test&name=plain.cab";

fn with_issuer(folder: &Path) -> Issuer {
    let issuer = Issuer::new(folder);
    let config = format!(
        "[service.profile.test]\ngate = 'test'\n[[service.oidc]]\nissuer = '{ISSUER}'\naudience = 'proofmark'\n\
         jwks = 'jwks.json'\n[[service.oidc.allow]]\nclaims = {{ repository = 'fjordlight/kiosk' }}\n\
         profiles = ['test']\nroles = ['sign']\n"
    );
    std::fs::write(folder.join("proofmark.toml"), config).unwrap();
    issuer
}

#[test]
fn a_job_signs_with_the_token_of_its_issuer_and_forged_ones_do_not() {
    let folder = folder();
    let issuer = with_issuer(folder.path());
    let server = Server::start(folder.path());
    let input = std::fs::read(folder.path().join("plain.cab")).unwrap();
    let post = |token: &str| {
        server.post_with(
            PATH,
            &input,
            &[("authorization", &format!("Bearer {token}"))],
        )
    };
    let good = issuer.token("job", "fjordlight/kiosk");
    post(&good).is(200);
    // Another repository is known, and may do nothing.
    post(&issuer.token("job", "fjordlight/other")).problem(404, "not-found");

    let head = json!({ "alg": "RS256", "kid": "one" });
    let mut forged: Vec<(&str, String)> = Vec::new();
    let mut changed = |what, name: &str, value: Value| {
        let mut claims = claims("job", "fjordlight/kiosk");
        claims[name] = value;
        forged.push((what, issuer.sign(&head, &claims)));
    };
    changed("another issuer", "iss", json!("https://other.example"));
    changed("another audience", "aud", json!("other"));
    changed("no audience", "aud", Value::Null);
    changed("expired", "exp", json!(now() - 120));
    changed("no end", "exp", Value::Null);
    changed("not yet", "nbf", json!(now() + 600));
    changed("no subject", "sub", Value::Null);
    let body = encoded(&claims("job", "fjordlight/kiosk"));
    let none = format!("{}.{body}.", encoded(&json!({ "alg": "none" })));
    forged.push(("no algorithm", none));
    // The public key as a shared secret.
    let message = format!(
        "{}.{body}",
        encoded(&json!({ "alg": "HS256", "kid": "one" }))
    );
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &issuer.public_key());
    let tag = ring::hmac::sign(&key, message.as_bytes());
    let tag = Base64UrlUnpadded::encode_string(tag.as_ref());
    forged.push(("a shared secret", format!("{message}.{tag}")));
    let other = issuer.token("job", "fjordlight/other");
    let signature = good.rsplit('.').next().unwrap();
    let (content, _) = other.rsplit_once('.').unwrap();
    forged.push((
        "the signature of another token",
        format!("{content}.{signature}"),
    ));
    let unknown = json!({ "alg": "RS256", "kid": "two" });
    let unknown = issuer.sign(&unknown, &claims("job", "fjordlight/kiosk"));
    forged.push(("an unknown key", unknown));
    let own = json!({ "alg": "RS256", "kid": "one", "jwk": { "kty": "RSA" }, "jku": "http://127.0.0.1:1/" });
    let (_, rest) = good.split_once('.').unwrap();
    forged.push(("a key of its own", format!("{}.{rest}", encoded(&own))));
    forged.push(("too long", format!("{good}{}", "A".repeat(20_000))));
    for (what, token) in forged {
        let answer = post(&token);
        assert_eq!(answer.status, 401, "{what}: {}", answer.text());
    }
}

#[test]
fn a_client_certificate_is_a_credential_where_its_authority_is_named() {
    let folder = folder();
    let path = folder.path();
    let subject = "/O=Fjordlight/CN=build-7";
    let client = |name: &str, subject: &str| {
        format!(
            "req -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.csr -subj {subject} -addext extendedKeyUsage=clientAuth"
        )
    };
    let issued = |name: &str| {
        format!(
            "x509 -req -copy_extensions copy -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out {name}.pem -days 2"
        )
    };
    let made = [
        "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=authority -days 2".to_owned(),
        "req -x509 -newkey rsa:2048 -nodes -keyout server.key -out server.pem -subj /CN=localhost -days 2 -addext subjectAltName=IP:127.0.0.1".to_owned(),
        client("client", subject),
        issued("client"),
        client("namesake", "/CN=build-7"),
        issued("namesake"),
        format!("req -x509 -newkey rsa:2048 -nodes -keyout forged.key -out forged.pem -subj {subject} -days 2"),
    ];
    for line in made {
        let Some(run) = oracle(path, &format!("openssl {line}")) else {
            return;
        };
        run.ended(0);
    }
    let config = "[service.profile.test]\ngate = 'test'\n[service.tls]\ncertificate = 'server.pem'\nkey = 'server.key'\n\
         client-ca = 'ca.pem'\n[[service.certificate]]\nsubject = 'CN=build-7, O=Fjordlight'\nprofiles = ['test']\nroles = ['sign']\n";
    std::fs::write(path.join("proofmark.toml"), config).unwrap();
    let server = Server::start(path);
    let url = &server.url;
    let ask = |credential: &str| {
        let line = format!(
            "curl -sS -o out.cab -w %{{http_code}} --cacert server.pem {credential} --data-binary @plain.cab {url}{PATH}"
        );
        oracle(path, &line)
    };
    let Some(run) = ask("--cert client.pem --key client.key") else {
        return;
    };
    assert_eq!(run.ended(0).stdout, "200");
    let run = ask("--cert namesake.pem --key namesake.key").unwrap();
    assert_eq!(run.ended(0).stdout, "404");
    let run = ask("").unwrap();
    assert_eq!(run.ended(0).stdout, "401");
    // One of another authority does not get as far as a request.
    assert_ne!(
        ask("--cert forged.pem --key forged.key").unwrap().code,
        Some(0)
    );
}
