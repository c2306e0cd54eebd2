//! Signing with AWS KMS: moto's server, which makes keys and signs, and a server on this machine that says what moto does
//! not. `./test` installs moto. AWS itself was never asked.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use base64ct::{Base64, Encoding};
use serde_json::{Value, json};

use crate::cloud::{
    Count, SECRET, base64, body, certificate, folder, json as answer, profile, public_der, refused,
    sign, sign_digest, unexpected, verifies,
};
use crate::folder::{Folder, testcert};
use crate::loopback::{Answer, Asked, Server, closed_port};
use crate::moto::Moto;

const TABLE: &str = "aws-kms";

/// A folder whose programs have made-up credentials and know nothing else of AWS.
fn aws_folder() -> Folder {
    let mut folder = folder(TABLE, &[]);
    folder.set("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
    folder.set("AWS_SECRET_ACCESS_KEY", SECRET);
    folder.set("AWS_CONFIG_FILE", "no-such-file");
    folder.set("AWS_SHARED_CREDENTIALS_FILE", "no-such-file");
    folder.set("AWS_EC2_METADATA_DISABLED", "true");
    folder
}

fn configure(folder: &Folder, key: &str, url: &str, certificate: &str, more: &str) {
    let key = format!("key = \"{key}\"");
    let endpoint = format!("endpoint = \"{url}\"");
    let region = "region = \"eu-central-1\"";
    profile(folder, TABLE, &[&key, region, &endpoint, certificate, more]);
}

impl Moto {
    fn post(&self, path: &str, headers: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let length = body.len();
        write!(
            stream,
            "POST {path} HTTP/1.0\r\nHost: {}\r\nContent-Length: {length}\r\n{headers}\r\n{body}",
            self.address
        )
        .unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        assert!(reply.contains(" 200 "), "{reply}");
        reply.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    fn kms(&self, operation: &str, body: &Value) -> Value {
        let headers = format!(
            "X-Amz-Target: TrentService.{operation}\r\nContent-Type: application/x-amz-json-1.1\r\nAuthorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/eu-central-1/kms/aws4_request, SignedHeaders=host, Signature=0\r\n"
        );
        serde_json::from_str(&self.post("/", &headers, &body.to_string())).unwrap()
    }

    /// A new key: its ARN, and its public half as PEM file in the folder.
    fn key(&self, folder: &Folder, spec: &str) -> String {
        let made = self.kms(
            "CreateKey",
            &json!({ "KeySpec": spec, "KeyUsage": "SIGN_VERIFY" }),
        );
        let arn = made["KeyMetadata"]["Arn"].as_str().unwrap().to_owned();
        let public = self.kms("GetPublicKey", &json!({ "KeyId": arn }));
        let der = Base64::decode_vec(public["PublicKey"].as_str().unwrap()).unwrap();
        folder.write("public.der", der);
        folder.openssl("pkey -pubin -inform DER -in public.der -pubout -out public.pem");
        arn
    }
}

/// A certificate of the test intermediate's for the key in `public.pem`, as `kms.pem` with the chain.
fn certify(folder: &Folder) {
    let authority = testcert("intermediate.cer").display().to_string();
    folder.openssl(&format!("x509 -inform DER -in {authority} -out ca.pem"));
    let root = testcert("root.cer").display().to_string();
    folder.openssl(&format!("x509 -inform DER -in {root} -out root.pem"));
    folder.write(
        "extensions",
        "keyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\n",
    );
    let key = testcert("intermediate.key").display().to_string();
    folder.openssl(&format!(
        "x509 -new -subj /CN=KMS -force_pubkey public.pem -CA ca.pem -CAkey {key} -extfile extensions -days 30 -out leaf.pem"
    ));
    let chain = [folder.read("leaf.pem"), folder.read("ca.pem")].concat();
    folder.write("kms.pem", chain);
}

#[test]
fn keys_of_moto_sign() {
    let Some(moto) = Moto::start() else {
        return;
    };
    let folder = aws_folder();
    let file = "certificate = \"kms.pem\"";
    for (spec, digests) in [
        ("RSA_2048", &["sha256", "sha384", "sha512"][..]),
        ("RSA_4096", &["sha384"]),
        ("ECC_NIST_P256", &["sha256"]),
        ("ECC_NIST_P384", &["sha384"]),
    ] {
        let arn = moto.key(&folder, spec);
        certify(&folder);
        configure(&folder, &arn, &moto.url(), file, "");
        for digest in digests {
            sign(&folder, digest).ended(0);
            verifies(&folder);
            if let Some(run) = folder.osslsigncode("verify -CAfile root.pem -ignore-crl -in b.cab")
            {
                assert!(
                    run.stdout.contains("Signature verification: ok"),
                    "{}",
                    run.stdout
                );
            }
            std::fs::remove_file(folder.path("b.cab")).unwrap();
        }
        // The region may come from the ARN, and the key may have another name.
        let alias = format!("alias/{}", spec.to_lowercase());
        moto.kms(
            "CreateAlias",
            &json!({ "AliasName": alias, "TargetKeyId": arn }),
        );
        configure(&folder, &alias, &moto.url(), file, "");
        sign(&folder, digests[0]).ended(0);
        std::fs::remove_file(folder.path("b.cab")).unwrap();
    }
    let doctor = folder.proofmark("keys doctor --profile cloud").ended(0);
    assert!(doctor.stdout.contains("ECDSA P-384"), "{}", doctor.stdout);
    // The certificate is of another key.
    let arn = moto.key(&folder, "RSA_2048");
    configure(&folder, &arn, &moto.url(), file, "");
    refused(
        &folder,
        "sha256",
        "none of the 2 certificates belongs to the private key",
    );
    // There is no such key, and one that does not sign.
    configure(&folder, "alias/none", &moto.url(), file, "");
    refused(
        &folder,
        "sha256",
        "refused to show the public key (kms:GetPublicKey): NotFoundException",
    );
    let made = moto.kms(
        "CreateKey",
        &json!({ "KeySpec": "RSA_2048", "KeyUsage": "ENCRYPT_DECRYPT" }),
    );
    let arn = made["KeyMetadata"]["Arn"].as_str().unwrap();
    configure(&folder, arn, &moto.url(), file, "");
    refused(&folder, "sha256", "is not for signing");
    // From here on moto wants credentials that it knows.
    moto.post("/moto-api/reset-auth", "", "0");
    configure(&folder, "alias/rsa_2048", &moto.url(), file, "");
    let run = refused(
        &folder,
        "sha256",
        "key alias/rsa_2048 of AWS KMS in eu-central-1",
    );
    assert!(
        run.stderr.contains("refused to show the public key"),
        "{}",
        run.stderr
    );
}

/// KMS with a key of `testcerts`.
fn service(key: &str, form: &str, asked: &Asked) -> Answer {
    let scope = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/";
    if asked.method != "POST" || !asked.header("authorization").starts_with(scope) {
        return unexpected(asked);
    }
    let body = body(asked);
    assert_eq!(body["KeyId"], "alias/release");
    match asked.header("x-amz-target") {
        "TrentService.GetPublicKey" => answer(
            "200 OK",
            &json!({
                "KeyId": "arn", "KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY",
                "PublicKey": base64(&public_der(key)),
            }),
        ),
        "TrentService.Sign" if body["MessageType"] == form => {
            assert_eq!(body["SigningAlgorithm"], "RSASSA_PKCS1_V1_5_SHA_256");
            let message = Base64::decode_vec(body["Message"].as_str().unwrap()).unwrap();
            let digest = match form {
                "DIGEST" => message,
                _ => sha256(&message),
            };
            let signature = base64(&sign_digest(key, "sha256", &digest));
            answer("200 OK", &json!({ "KeyId": "arn", "Signature": signature }))
        }
        _ => unexpected(asked),
    }
}

fn sha256(message: &[u8]) -> Vec<u8> {
    let folder = Folder::new();
    folder.write("message", message);
    folder.openssl("dgst -sha256 -binary -out digest message");
    folder.read("digest")
}

fn error(status: &'static str, code: &str, message: &str) -> Answer {
    answer(status, &json!({ "__type": code, "message": message }))
}

#[test]
fn long_messages_are_sent_as_digests() {
    let folder = aws_folder();
    let server = Server::of_any_method(|asked| service("oem", "RAW", asked));
    configure(
        &folder,
        "alias/release",
        &server.url,
        &certificate("oem"),
        "",
    );
    sign(&folder, "sha256").ended(0);
    verifies(&folder);
    let server = Server::of_any_method(|asked| service("oem", "DIGEST", asked));
    configure(
        &folder,
        "alias/release",
        &server.url,
        &certificate("oem"),
        "",
    );
    let name = "n".repeat(5000);
    let line = format!("sign --profile cloud --name {name} --out b.cab a.cab");
    folder.proofmark(&line).ended(0);
    verifies(&folder);
}

#[test]
fn a_refusal_is_not_tried_again() {
    let server = Server::of_any_method(|_| {
        let message = "User: arn:aws:iam::111122223333:user/ci is not authorized to perform: kms:GetPublicKey";
        error("400 Bad Request", "AccessDeniedException", message)
    });
    let folder = aws_folder();
    configure(
        &folder,
        "alias/release",
        &server.url,
        &certificate("oem"),
        "",
    );
    let run = refused(
        &folder,
        "sha256",
        "refused to show the public key (kms:GetPublicKey): AccessDeniedException: User: arn:aws:iam::111122223333:user/ci is not authorized",
    );
    let named = "key alias/release of AWS KMS in eu-central-1";
    assert!(run.stderr.contains(named), "{}", run.stderr);
    assert_eq!(server.asked(), 1);
}

#[test]
fn throttling_passes() {
    let tried = Arc::new(Count::default());
    let count = Arc::clone(&tried);
    let server = Server::of_any_method(move |asked| match count.next() {
        0 | 2 => error("400 Bad Request", "ThrottlingException", "Rate exceeded"),
        3 => error("500 Internal Server Error", "KMSInternalException", "oh"),
        _ => service("oem", "RAW", asked),
    });
    let folder = aws_folder();
    configure(
        &folder,
        "alias/release",
        &server.url,
        &certificate("oem"),
        "",
    );
    sign(&folder, "sha256").ended(0);
    verifies(&folder);
    assert_eq!(tried.get(), 5);
    std::fs::remove_file(folder.path("b.cab")).unwrap();
    let server =
        Server::of_any_method(|_| error("400 Bad Request", "ThrottlingException", "Rate exceeded"));
    configure(
        &folder,
        "alias/release",
        &server.url,
        &certificate("oem"),
        "",
    );
    refused(&folder, "sha256", "ThrottlingException: Rate exceeded");
    assert_eq!(server.asked(), 4);
}

#[test]
fn servers_that_do_not_answer_are_named() {
    let folder = aws_folder();
    let oem = certificate("oem");
    configure(&folder, "alias/release", &closed_port(), &oem, "");
    refused(&folder, "sha256", "refuses connections");
    let server = Server::of_any_method(|_| Answer::Silence);
    configure(&folder, "alias/release", &server.url, &oem, "timeout = 1");
    refused(&folder, "sha256", "gave no complete answer within 1 s");
}

#[test]
fn a_wrong_key_never_signs() {
    let folder = aws_folder();
    let server = Server::of_any_method(|asked| service("app", "RAW", asked));
    configure(
        &folder,
        "alias/release",
        &server.url,
        &certificate("oem"),
        "",
    );
    refused(
        &folder,
        "sha256",
        "none of the 1 certificates belongs to the private key",
    );
    assert_eq!(server.asked(), 1);
    let server = Server::of_any_method(|asked| match asked.header("x-amz-target") {
        "TrentService.Sign" => service("app", "RAW", asked),
        _ => service("oem", "RAW", asked),
    });
    configure(
        &folder,
        "alias/release",
        &server.url,
        &certificate("oem"),
        "",
    );
    refused(
        &folder,
        "sha256",
        "made a signature that does not match the certificate",
    );
}

#[test]
fn what_is_missing_is_named() {
    let mut folder = aws_folder();
    profile(
        &folder,
        TABLE,
        &["key = \"alias/release\"", &certificate("oem")],
    );
    refused(&folder, "sha256", "write region = \"NAME\"");
    let key = "key = \"arn:aws:kms:eu-west-1:111122223333:key/1\"";
    let readable = "endpoint = \"http://kms.example\"";
    profile(&folder, TABLE, &[key, readable, &certificate("oem")]);
    refused(&folder, "sha256", "must begin with https://");
    let server = Server::of_any_method(unexpected);
    let endpoint = format!("endpoint = \"{}\"", server.url);
    profile(&folder, TABLE, &[key, &endpoint, &certificate("oem")]);
    folder.set("AWS_ACCESS_KEY_ID", "");
    folder.set("AWS_SECRET_ACCESS_KEY", "");
    let run = refused(&folder, "sha256", "credentials");
    assert!(
        run.stderr.contains("of AWS KMS in eu-west-1"),
        "{}",
        run.stderr
    );
    assert_eq!(server.asked(), 0);
}
