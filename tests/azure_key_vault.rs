//! Signing with Azure Key Vault: a server on this machine that checks requests to the letter, after the reference pages of
//! the vendor. The service itself was never asked.

use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::{Value, json};

use crate::cloud::{
    Count, SECRET, body, certificate, folder, json as answer, modulus, profile, public_der,
    refused, side_by_side, sign, sign_digest, unexpected, verifies,
};
use crate::folder::Folder;
use crate::loopback::{Answer, Asked, Server, closed_port};

const TABLE: &str = "azure-key-vault";
const VERSION: &str = "9885aa558e8d448789683188f8c194b0";
const TOKEN: &str = "eyJ0eXAi.hunter2-and-more.abc";

fn base64url(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

/// What a vault knows of a key of `testcerts`, as `keys/get-key` shows it.
fn key_bundle(host: &str, key: &str) -> Value {
    let kid = format!("http://{host}/keys/release/{VERSION}");
    let operations = json!(["sign", "verify"]);
    let key = match key.strip_prefix("ecdsa-p") {
        None => json!({
            "kid": kid, "kty": "RSA-HSM", "key_ops": operations,
            "n": base64url(&modulus(key)), "e": "AQAB",
        }),
        Some(curve) => {
            let public = public_der(key);
            let length = if curve == "256" { 32 } else { 48 };
            let (x, y) = public[public.len() - 2 * length..].split_at(length);
            json!({
                "kid": kid, "kty": "EC", "crv": format!("P-{curve}"), "key_ops": operations,
                "x": base64url(x), "y": base64url(y),
            })
        }
    };
    let attributes = json!({
        "enabled": true, "created": 1_493_942_451, "updated": 1_493_942_451, "recoveryLevel": "Recoverable+Purgeable",
    });
    json!({ "key": key, "attributes": attributes })
}

/// A vault that holds a key of `testcerts`.
fn vault(key: &'static str, asked: &Asked) -> Answer {
    if asked.header("authorization") != format!("Bearer {TOKEN}") {
        return unexpected(asked);
    }
    let sign = format!("/keys/release/{VERSION}/sign?api-version=7.4");
    match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", "/keys/release?api-version=7.4") => {
            answer("200 OK", &key_bundle(asked.header("host"), key))
        }
        ("POST", path) if path == sign && asked.content_type == "application/json" => {
            let body = body(asked);
            let digest = Base64UrlUnpadded::decode_vec(body["value"].as_str().unwrap()).unwrap();
            let (algorithm, length) = match body["alg"].as_str().unwrap() {
                "RS256" => ("sha256", 32),
                "RS384" => ("sha384", 48),
                "RS512" => ("sha512", 64),
                "ES256" => ("sha256", 32),
                "ES384" => ("sha384", 48),
                _ => return unexpected(asked),
            };
            assert_eq!(digest.len(), length);
            assert_eq!(body.as_object().unwrap().len(), 2);
            let mut signature = sign_digest(key, algorithm, &digest);
            if key.starts_with("ecdsa") {
                signature = side_by_side(&signature, length);
            }
            let host = asked.header("host");
            answer(
                "200 OK",
                &json!({
                    "kid": format!("http://{host}/keys/release/{VERSION}"),
                    "value": base64url(&signature),
                }),
            )
        }
        _ => unexpected(asked),
    }
}

/// A profile for a vault at `url`, with a token from outside.
fn with_token(url: &str, name: &str, more: &str) -> Folder {
    let mut folder = folder(TABLE, &[]);
    configure(&folder, url, name, more);
    folder.set("AZURE_ACCESS_TOKEN", TOKEN);
    folder
}

fn configure(folder: &Folder, url: &str, name: &str, more: &str) {
    let key = format!("key = \"{url}/keys/release\"");
    let resource = "resource = \"https://vault.azure.net\"";
    profile(folder, TABLE, &[&key, resource, &certificate(name), more]);
}

#[test]
fn keys_of_every_kind_sign() {
    for (key, digests) in [
        ("oem", &["sha256", "sha384", "sha512"][..]),
        ("ecdsa-p256", &["sha256"]),
        ("ecdsa-p384", &["sha384"]),
    ] {
        let server = Server::of_any_method(move |asked| vault(key, asked));
        let folder = with_token(&server.url, key, "");
        for digest in digests {
            sign(&folder, digest).ended(0);
            verifies(&folder);
        }
    }
}

#[test]
fn an_application_signs_a_batch_with_one_token() {
    let tokens = Arc::new(Count::default());
    let count = Arc::clone(&tokens);
    let server = Server::of_any_method(move |asked| {
        if asked.path != "/tenant-1/oauth2/v2.0/token" {
            return vault("oem", asked);
        }
        count.next();
        let form = "client_id=app-1&scope=https%3A%2F%2Fvault.azure.net%2F.default&client_secret=hunter2-and-more&grant_type=client_credentials";
        assert_eq!(asked.method, "POST");
        assert_eq!(asked.content_type, "application/x-www-form-urlencoded");
        assert_eq!(String::from_utf8_lossy(&asked.body), form);
        answer(
            "200 OK",
            &json!({ "token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": TOKEN }),
        )
    });
    let mut folder = folder(TABLE, &[]);
    configure(&folder, &server.url, "oem", "");
    folder.set("AZURE_AUTHORITY_HOST", server.url.clone());
    folder.set("AZURE_TENANT_ID", "tenant-1");
    folder.set("AZURE_CLIENT_ID", "app-1");
    folder.set("AZURE_CLIENT_SECRET", SECRET);
    for name in ["1.cab", "2.cab", "3.cab"] {
        folder.write(name, crate::token::small_cabinet());
    }
    let run = folder.proofmark("sign --profile cloud --in-place 1.cab 2.cab 3.cab");
    run.ended(0);
    assert_eq!(tokens.get(), 1);
    assert_eq!(server.asked(), 1 + 1 + 3);
}

#[test]
fn machines_and_build_services_get_their_tokens() {
    let token = json!({ "access_token": TOKEN, "expires_in": "86399", "resource": "https://vault.azure.net" });
    let given = token.clone();
    let server = Server::of_any_method(move |asked| {
        let path = "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fvault.azure.net&client_id=app-1";
        match asked.path == path && asked.method == "GET" && asked.header("metadata") == "true" {
            true => answer("200 OK", &given),
            false => vault("oem", asked),
        }
    });
    let mut machine = folder(TABLE, &[]);
    configure(&machine, &server.url, "oem", "");
    machine.set("AZURE_POD_IDENTITY_AUTHORITY_HOST", server.url.clone());
    machine.set("AZURE_CLIENT_ID", "app-1");
    sign(&machine, "sha256").ended(0);
    verifies(&machine);

    let server = Server::of_any_method(move |asked| {
        let form = "client_id=app-1&scope=https%3A%2F%2Fvault.azure.net%2F.default&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=a.b.c&grant_type=client_credentials";
        match asked.path == "/tenant-1/oauth2/v2.0/token" && asked.body == form.as_bytes() {
            true => answer("200 OK", &token),
            false => vault("oem", asked),
        }
    });
    let mut service = folder(TABLE, &[]);
    configure(&service, &server.url, "oem", "");
    service.write("assertion", "a.b.c\n");
    service.set("AZURE_FEDERATED_TOKEN_FILE", "assertion");
    service.set("AZURE_AUTHORITY_HOST", format!("{}/", server.url));
    service.set("AZURE_TENANT_ID", "tenant-1");
    service.set("AZURE_CLIENT_ID", "app-1");
    sign(&service, "sha256").ended(0);
    verifies(&service);
}

#[test]
fn a_refusal_is_not_tried_again_and_hides_the_token() {
    let server = Server::of_any_method(|asked| {
        let said = format!(
            "Caller with {} is not authorized",
            asked.header("authorization")
        );
        let inner = json!({ "code": "ForbiddenByPolicy" });
        answer(
            "403 Forbidden",
            &json!({ "error": { "code": "Forbidden", "message": said, "innererror": inner } }),
        )
    });
    let folder = with_token(&server.url, "oem", "");
    let run = refused(
        &folder,
        "sha256",
        "refused to show the key (keys/get): HTTP status 403, Forbidden (ForbiddenByPolicy): Caller with Bearer (secret) is not authorized",
    );
    assert!(
        run.stderr
            .contains("key release of Azure Key Vault 127.0.0.1")
    );
    assert_eq!(server.asked(), 1);
}

#[test]
fn throttling_and_faults_pass() {
    let tried = Count::default();
    let server = Server::of_any_method(move |asked| match tried.next() {
        0 => answer(
            "429 Too Many Requests",
            &json!({ "error": { "code": "Throttled" } }),
        ),
        2 => Answer::Nothing,
        3 => Answer::Reply(
            "503 Service Unavailable",
            "text/html",
            b"<title>Busy</title>".to_vec(),
        ),
        _ => vault("oem", asked),
    });
    let folder = with_token(&server.url, "oem", "");
    sign(&folder, "sha256").ended(0);
    verifies(&folder);
    assert_eq!(server.asked(), 5);

    let server = Server::of_any_method(|_| {
        answer(
            "429 Too Many Requests",
            &json!({ "error": { "code": "Throttled" } }),
        )
    });
    let folder = with_token(&server.url, "oem", "");
    refused(&folder, "sha256", "HTTP status 429, Throttled");
    assert_eq!(server.asked(), 4);
}

#[test]
fn servers_that_do_not_answer_are_named() {
    let folder = with_token(&closed_port(), "oem", "");
    refused(&folder, "sha256", "refuses connections");
    let server = Server::of_any_method(|_| Answer::Silence);
    let folder = with_token(&server.url, "oem", "timeout = 1");
    refused(&folder, "sha256", "gave no complete answer within 1 s");
    let server = Server::of_any_method(|_| Answer::Reply("200 OK", "text/html", b"<p>".to_vec()));
    let folder = with_token(&server.url, "oem", "");
    refused(&folder, "sha256", "sent an HTML page");
    // The token must not follow.
    let other = Server::of_any_method(|asked| vault("oem", asked));
    let place = other.url.clone();
    let server = Server::of_any_method(move |asked| {
        Answer::Elsewhere("307 Temporary Redirect", format!("{place}{}", asked.path))
    });
    let folder = with_token(&server.url, "oem", "");
    refused(&folder, "sha256", "HTTP status 307");
    assert_eq!(other.asked(), 0);
}

#[test]
fn a_wrong_key_never_signs() {
    // The vault's key is not the certificate's: nothing is asked to be signed.
    let server = Server::of_any_method(|asked| vault("app", asked));
    let folder = with_token(&server.url, "oem", "");
    refused(
        &folder,
        "sha256",
        "none of the 1 certificates belongs to the private key",
    );
    assert_eq!(server.asked(), 1);
    // The vault signs with another key than it shows.
    let server = Server::of_any_method(|asked| match asked.method.as_str() {
        "GET" => vault("oem", asked),
        _ => vault("app", asked),
    });
    let folder = with_token(&server.url, "oem", "");
    refused(
        &folder,
        "sha256",
        "made a signature that does not match the certificate",
    );
    // Each curve has its digest.
    let server = Server::of_any_method(|asked| vault("ecdsa-p384", asked));
    let folder = with_token(&server.url, "ecdsa-p384", "");
    refused(
        &folder,
        "sha256",
        "signs SHA-384 alone, not SHA-256: sign with the digest sha384",
    );
}

#[test]
fn what_the_vault_says_of_the_key_counts() {
    let cases: [(&str, Value, &str); 4] = [
        ("/attributes/enabled", json!(false), "is disabled"),
        ("/key/key_ops", json!(["encrypt"]), "may not sign (key_ops)"),
        ("/key/kty", json!("oct-HSM"), "is of type oct-HSM"),
        (
            "/key/kid",
            json!("https://other.vault.azure.net/keys/other/1"),
            "answered for another key",
        ),
    ];
    for (pointer, value, expected) in cases {
        let server = Server::of_any_method(move |asked| {
            let mut bundle = key_bundle(asked.header("host"), "oem");
            *bundle.pointer_mut(pointer).unwrap() = value.clone();
            answer("200 OK", &bundle)
        });
        let folder = with_token(&server.url, "oem", "");
        refused(&folder, "sha256", expected);
    }
}

#[test]
fn the_table_is_checked_before_anyone_is_asked() {
    let folder = folder(TABLE, &[]);
    for (key, expected) in [
        (
            "http://contoso.vault.azure.net/keys/release",
            "must begin with https://",
        ),
        (
            "https://contoso.vault.azure.net/release",
            "is no key of Azure Key Vault",
        ),
        (
            "https://contoso.example/keys/release",
            "is no vault's usual name",
        ),
    ] {
        let key = format!("key = \"{key}\"");
        profile(&folder, TABLE, &[&key, &certificate("oem")]);
        refused(&folder, "sha256", expected);
    }
    profile(
        &folder,
        TABLE,
        &["key = \"x\"", "secret = \"x\"", &certificate("oem")],
    );
    refused(&folder, "sha256", "unknown field `secret`");
}

#[test]
fn the_doctor_looks_at_the_cloud() {
    let server = Server::of_any_method(|asked| vault("oem", asked));
    let folder = with_token(&server.url, "oem", "");
    let run = folder.proofmark("keys doctor --profile cloud").ended(0);
    for expected in [
        "Azure Key Vault, key http://127.0.0.1",
        "RSA-2048",
        "certificate Proofmark OEM Test Cert (TEST ONLY), until 2045-01-01",
    ] {
        assert!(run.stdout.contains(expected), "{expected}: {}", run.stdout);
    }
    configure(&folder, &server.url, "app", "");
    let run = folder.proofmark("keys doctor --profile cloud").ended(1);
    assert!(
        run.stdout
            .contains("belongs to the key release of Azure Key Vault"),
        "{}",
        run.stdout
    );
    configure(&folder, &closed_port(), "oem", "timeout = 5");
    let run = folder
        .proofmark("keys doctor --profile cloud --format json")
        .ended(1);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let error = report["cloud"][0]["error"].as_str().unwrap();
    assert!(error.contains("refuses connections"), "{error}");
    assert_eq!(report["findings"][0]["level"], "problem");
    assert!(!run.stdout.contains(SECRET));
}
