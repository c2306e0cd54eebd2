//! Signing with Google Cloud KMS: a server on this machine that checks requests to the letter, after the reference pages of
//! the vendor. The service itself was never asked.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use serde_json::{Value, json};

use crate::cloud::{
    Count, base64, body, certificate, folder, json as answer, profile, public_pem, refused, sign,
    sign_digest, unexpected, verifies,
};
use crate::folder::{Folder, testcert};
use crate::loopback::{Answer, Asked, Server, closed_port};

const TABLE: &str = "google-cloud-kms";
const NAME: &str =
    "projects/p-1/locations/europe-west3/keyRings/ring/cryptoKeys/release/cryptoKeyVersions/1";
const TOKEN: &str = "ya29.hunter2-and-more";

/// CRC32C by the definition: the remainder of a division of polynomials, bits reflected.
fn crc32c(bytes: &[u8]) -> String {
    let mut remainder = u32::MAX;
    for bit in bytes
        .iter()
        .flat_map(|byte| (0..8).map(move |place| byte >> place & 1))
    {
        let top = remainder & 1 ^ u32::from(bit);
        remainder = remainder >> 1 ^ if top == 1 { 0x82f6_3b78 } else { 0 };
    }
    (!remainder).to_string()
}

/// The answer about a public key of `testcerts`.
fn public_key(key: &str, algorithm: &str) -> Value {
    let pem = public_pem(key);
    json!({
        "pem": pem, "algorithm": algorithm, "pemCrc32c": crc32c(pem.as_bytes()), "name": NAME,
        "protectionLevel": "HSM", "publicKeyFormat": "PEM",
    })
}

/// The answer to a request for a signature.
fn signature(key: &str, asked: &Asked) -> Value {
    let body = body(asked);
    let (algorithm, digest) = body["digest"].as_object().unwrap().iter().next().unwrap();
    let digest = Base64::decode_vec(digest.as_str().unwrap()).unwrap();
    assert_eq!(body["digestCrc32c"], crc32c(&digest));
    assert_eq!(body.as_object().unwrap().len(), 2);
    let signature = sign_digest(key, algorithm, &digest);
    json!({
        "signature": base64(&signature), "signatureCrc32c": crc32c(&signature),
        "verifiedDigestCrc32c": true, "name": NAME, "protectionLevel": "HSM",
    })
}

fn service(key: &str, algorithm: &str, asked: &Asked) -> Answer {
    if asked.header("authorization") != format!("Bearer {TOKEN}") {
        return unexpected(asked);
    }
    let path = asked.path.strip_prefix("/v1/").unwrap_or_default();
    match (
        asked.method.as_str(),
        path.strip_prefix(NAME).unwrap_or_default(),
    ) {
        ("GET", "/publicKey") => answer("200 OK", &public_key(key, algorithm)),
        ("POST", ":asymmetricSign") if asked.content_type == "application/json" => {
            answer("200 OK", &signature(key, asked))
        }
        _ => unexpected(asked),
    }
}

/// A profile for a service at `url`, with a token from outside.
fn with_token(url: &str, name: &str, more: &str) -> Folder {
    let mut folder = folder(TABLE, &[]);
    configure(&folder, url, name, more);
    folder.set("GOOGLE_OAUTH_ACCESS_TOKEN", TOKEN);
    folder
}

fn configure(folder: &Folder, url: &str, name: &str, more: &str) {
    let key = format!("key = \"{NAME}\"");
    let endpoint = format!("endpoint = \"{url}\"");
    profile(folder, TABLE, &[&key, &endpoint, &certificate(name), more]);
}

#[test]
fn keys_of_every_kind_sign() {
    for (key, algorithm, digest) in [
        ("oem", "RSA_SIGN_PKCS1_2048_SHA256", "sha256"),
        ("rsa4096", "RSA_SIGN_PKCS1_4096_SHA512", "sha512"),
        ("ecdsa-p256", "EC_SIGN_P256_SHA256", "sha256"),
        ("ecdsa-p384", "EC_SIGN_P384_SHA384", "sha384"),
    ] {
        let server = Server::of_any_method(move |asked| service(key, algorithm, asked));
        let folder = with_token(&server.url, key, "");
        sign(&folder, digest).ended(0);
        verifies(&folder);
    }
}

#[test]
fn a_service_account_signs_a_batch_with_one_token() {
    let tokens = Arc::new(Count::default());
    let count = Arc::clone(&tokens);
    let keys = Folder::new();
    keys.write("account.pem", public_pem("app"));
    let server = Server::of_any_method(move |asked| {
        if asked.path != "/token" {
            return service("oem", "RSA_SIGN_PKCS1_2048_SHA256", asked);
        }
        count.next();
        assert_eq!(asked.content_type, "application/x-www-form-urlencoded");
        let form = String::from_utf8_lossy(&asked.body);
        let grant = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
        let assertion = form.strip_prefix(grant).unwrap();
        let [header, claims, signature] = assertion.split('.').collect::<Vec<_>>()[..] else {
            panic!("{assertion}");
        };
        let decode = |text: &str| Base64UrlUnpadded::decode_vec(text).unwrap();
        let read = |text: &str| serde_json::from_slice::<Value>(&decode(text)).unwrap();
        assert_eq!(
            read(header),
            json!({ "alg": "RS256", "typ": "JWT", "kid": "key-1" })
        );
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let claims_read = read(claims);
        let issued = claims_read["iat"].as_u64().unwrap();
        assert!(now.abs_diff(issued) < 300);
        let host = asked.header("host");
        assert_eq!(
            claims_read,
            json!({
                "iss": "signer@p-1.iam.gserviceaccount.com",
                "scope": "https://www.googleapis.com/auth/cloudkms",
                "aud": format!("http://{host}/token"), "iat": issued, "exp": issued + 600,
            })
        );
        keys.write("signed", format!("{header}.{claims}"));
        keys.write("signature", decode(signature));
        keys.openssl("dgst -sha256 -verify account.pem -signature signature signed");
        answer(
            "200 OK",
            &json!({ "access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer" }),
        )
    });
    let mut folder = folder(TABLE, &[]);
    configure(&folder, &server.url, "oem", "");
    let key = std::fs::read_to_string(testcert("app.key")).unwrap();
    let account = json!({
        "type": "service_account", "project_id": "p-1", "private_key_id": "key-1", "private_key": key,
        "client_email": "signer@p-1.iam.gserviceaccount.com", "client_id": "1",
        "token_uri": format!("{}/token", server.url),
    });
    folder.write("account.json", account.to_string());
    folder.set("GOOGLE_APPLICATION_CREDENTIALS", "account.json");
    for name in ["1.cab", "2.cab", "3.cab"] {
        folder.write(name, crate::token::small_cabinet());
    }
    let run = folder.proofmark("sign --profile cloud --in-place 1.cab 2.cab 3.cab");
    run.ended(0);
    assert_eq!(tokens.get(), 1);
    assert_eq!(server.asked(), 1 + 1 + 3);
}

#[test]
fn a_machine_gets_its_token() {
    let server = Server::of_any_method(|asked| {
        let path = "/computeMetadata/v1/instance/service-accounts/default/token";
        match asked.path == path && asked.header("metadata-flavor") == "Google" {
            true => answer(
                "200 OK",
                &json!({ "access_token": TOKEN, "expires_in": 3598, "token_type": "Bearer" }),
            ),
            false => service("oem", "RSA_SIGN_PKCS1_2048_SHA256", asked),
        }
    });
    let mut folder = folder(TABLE, &[]);
    configure(&folder, &server.url, "oem", "");
    let host = server.url.strip_prefix("http://").unwrap().to_owned();
    folder.set("GCE_METADATA_HOST", host);
    sign(&folder, "sha256").ended(0);
    verifies(&folder);
}

#[test]
fn credentials_that_are_none_are_named_without_their_contents() {
    let mut folder = folder(TABLE, &[]);
    configure(&folder, "http://127.0.0.1:9", "oem", "");
    folder.set("GOOGLE_APPLICATION_CREDENTIALS", "account.json");
    let cases = [
        (
            "hunter2-and-more".to_owned(),
            "account.json: the credentials are no JSON",
        ),
        (
            json!({ "type": "external_account" }).to_string(),
            "of type external_account",
        ),
        (
            json!({ "type": "service_account", "private_key": "hunter2-and-more" }).to_string(),
            "the private_key of the credentials cannot be read",
        ),
    ];
    for (file, expected) in cases {
        folder.write("account.json", file);
        refused(&folder, "sha256", expected);
    }
}

#[test]
fn a_refusal_is_not_tried_again_and_hides_the_token() {
    let server = Server::of_any_method(|asked| {
        let said = format!("Permission denied for {}", asked.header("authorization"));
        let error = json!({ "code": 403, "message": said, "status": "PERMISSION_DENIED" });
        answer("403 Forbidden", &json!({ "error": error }))
    });
    let folder = with_token(&server.url, "oem", "");
    let run = refused(
        &folder,
        "sha256",
        "HTTP status 403, PERMISSION_DENIED: Permission denied for Bearer (secret)",
    );
    let named = "key release, version 1, of Google Cloud KMS (p-1, europe-west3, ring)";
    assert!(run.stderr.contains(named), "{}", run.stderr);
    assert_eq!(server.asked(), 1);
}

#[test]
fn faults_pass_and_dead_or_slow_servers_are_named() {
    let tried = Count::default();
    let server = Server::of_any_method(move |asked| match tried.next() {
        0 | 2 => answer(
            "429 Too Many Requests",
            &json!({ "error": { "code": 429 } }),
        ),
        _ => service("oem", "RSA_SIGN_PKCS1_2048_SHA256", asked),
    });
    let folder = with_token(&server.url, "oem", "");
    sign(&folder, "sha256").ended(0);
    verifies(&folder);
    let folder = with_token(&closed_port(), "oem", "");
    refused(&folder, "sha256", "refuses connections");
    let server = Server::of_any_method(|_| Answer::Silence);
    let folder = with_token(&server.url, "oem", "timeout = 1");
    refused(&folder, "sha256", "gave no complete answer within 1 s");
}

#[test]
fn damaged_or_foreign_answers_are_refused() {
    const RSA: &str = "RSA_SIGN_PKCS1_2048_SHA256";
    let cases: [(&str, Value, &str); 8] = [
        ("pemCrc32c", json!("1"), "arrived damaged (pemCrc32c)"),
        (
            "algorithm",
            json!("RSA_SIGN_PSS_2048_SHA256"),
            "has the algorithm RSA_SIGN_PSS_2048_SHA256",
        ),
        (
            "algorithm",
            json!("RSA_SIGN_PKCS1_2048_SHA512"),
            "signs SHA-512 alone, not SHA-256",
        ),
        (
            "name",
            json!("projects/other"),
            "answered for another key, projects/other",
        ),
        (
            "signatureCrc32c",
            json!("1"),
            "arrived damaged (signatureCrc32c)",
        ),
        (
            "verifiedDigestCrc32c",
            json!(false),
            "did not check the digest's checksum",
        ),
        (
            "signature",
            json!("?"),
            "sent a signature that is no base64",
        ),
        ("signature", Value::Null, "sent an answer without signature"),
    ];
    for (field, value, expected) in cases {
        let server = Server::of_any_method(move |asked| {
            let mut reply = match asked.method.as_str() {
                "GET" => public_key("oem", RSA),
                _ => signature("oem", asked),
            };
            if reply.get(field).is_some() {
                reply[field] = value.clone();
            }
            answer("200 OK", &reply)
        });
        let folder = with_token(&server.url, "oem", "");
        refused(&folder, "sha256", expected);
    }
    let server = Server::of_any_method(|asked| service("app", RSA, asked));
    let folder = with_token(&server.url, "oem", "");
    refused(
        &folder,
        "sha256",
        "none of the 1 certificates belongs to the private key",
    );
    assert_eq!(server.asked(), 1);
}
