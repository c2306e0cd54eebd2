//! What the made-up services of the tests have in common: keys of `testcerts`, signed with by openssl, and a cabinet.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use base64ct::{Base64, Encoding};
use serde_json::Value;

use crate::folder::{Folder, Run, testcert};
use crate::loopback::{Answer, Asked};
use crate::token::small_cabinet;

/// A secret of the tests, which must never be seen again.
pub(crate) const SECRET: &str = "hunter2-and-more";

/// Runs openssl with bytes on its standard input.
fn openssl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("openssl is needed by this test");
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "openssl {arguments:?}");
    output.stdout
}

fn key_file(key: &str) -> String {
    testcert(&format!("{key}.key")).display().to_string()
}

/// A signature over a digest: PKCS#1 v1.5, or an `ECDSA-Sig-Value`.
pub(crate) fn sign_digest(key: &str, algorithm: &str, digest: &[u8]) -> Vec<u8> {
    let option = format!("digest:{algorithm}");
    let file = key_file(key);
    openssl(
        &["pkeyutl", "-sign", "-inkey", &file, "-pkeyopt", &option],
        digest,
    )
}

/// A public key as PEM file.
pub(crate) fn public_pem(key: &str) -> String {
    String::from_utf8(openssl(&["pkey", "-in", &key_file(key), "-pubout"], b"")).unwrap()
}

/// A public key as `SubjectPublicKeyInfo`.
pub(crate) fn public_der(key: &str) -> Vec<u8> {
    openssl(
        &["pkey", "-in", &key_file(key), "-pubout", "-outform", "DER"],
        b"",
    )
}

/// The modulus of an RSA key.
pub(crate) fn modulus(key: &str) -> Vec<u8> {
    let text = openssl(&["rsa", "-in", &key_file(key), "-modulus", "-noout"], b"");
    let text = String::from_utf8(text).unwrap();
    let digits = text.trim().strip_prefix("Modulus=").unwrap().as_bytes();
    let pairs = digits
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).unwrap());
    pairs
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect()
}

/// The two numbers of an `ECDSA-Sig-Value`, side by side, each with `length` bytes.
pub(crate) fn side_by_side(signature: &[u8], length: usize) -> Vec<u8> {
    let mut rest = &signature[2..];
    let mut out = Vec::new();
    for _ in 0..2 {
        let end = 2 + usize::from(rest[1]);
        let number = &rest[2..end];
        let digits = &number[number.len().saturating_sub(length)..];
        out.extend(vec![0; length - digits.len()]);
        out.extend(digits);
        rest = &rest[end..];
    }
    out
}

/// A JSON answer.
pub(crate) fn json(status: &'static str, body: &Value) -> Answer {
    Answer::Reply(status, "application/json", body.to_string().into_bytes())
}

/// The answer to a request that the test does not expect. It shows in what the program says.
pub(crate) fn unexpected(asked: &Asked) -> Answer {
    let Asked {
        method, path, body, ..
    } = asked;
    let body = String::from_utf8_lossy(body);
    Answer::Reply(
        "418 Unexpected",
        "text/plain",
        format!("{method} {path} {body}").into_bytes(),
    )
}

/// The body as JSON.
pub(crate) fn body(asked: &Asked) -> Value {
    serde_json::from_slice(&asked.body).unwrap()
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

/// Counts what is tried.
#[derive(Default)]
pub(crate) struct Count(AtomicUsize);

impl Count {
    /// One more; how many there were before.
    pub(crate) fn next(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst)
    }

    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// A folder with a cabinet, and a profile called `cloud` with a table for the service.
pub(crate) fn folder(table: &str, lines: &[&str]) -> Folder {
    let mut folder = Folder::new();
    folder.write("a.cab", small_cabinet());
    profile(&folder, table, lines);
    // What the machine's user has set must not count.
    for variable in [
        "AZURE_ACCESS_TOKEN",
        "AZURE_CLIENT_ID",
        "AZURE_CLIENT_SECRET",
        "AZURE_FEDERATED_TOKEN_FILE",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "GOOGLE_OAUTH_ACCESS_TOKEN",
    ] {
        folder.set(variable, "");
    }
    folder
}

pub(crate) fn profile(folder: &Folder, table: &str, lines: &[&str]) {
    let lines = lines.join("\n");
    let text = format!("[profile.cloud]\nkind = \"test\"\n[profile.cloud.{table}]\n{lines}\n");
    folder.write("proofmark.toml", text);
}

/// The line of a profile that names a certificate of `testcerts`.
pub(crate) fn certificate(name: &str) -> String {
    format!(
        "certificate = \"{}\"",
        testcert(&format!("{name}.cer")).display()
    )
}

/// Signs `a.cab` to `b.cab`.
pub(crate) fn sign(folder: &Folder, digest: &str) -> Run {
    folder.proofmark(&format!(
        "sign --profile cloud --digest {digest} --out b.cab a.cab"
    ))
}

/// Signs, which must fail with a word about it and leave nothing behind.
pub(crate) fn refused(folder: &Folder, digest: &str, expected: &str) -> Run {
    let run = sign(folder, digest).ended(2).complained(expected);
    assert!(!run.stderr.contains(SECRET), "{}", run.stderr);
    assert!(!folder.path("b.cab").exists());
    run
}

/// What was signed must verify.
pub(crate) fn verifies(folder: &Folder) {
    let intermediate = testcert("intermediate.cer").display().to_string();
    folder
        .proofmark(&format!("verify --root {intermediate} b.cab"))
        .ended(0);
}
