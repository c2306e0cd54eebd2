//! Bodies that are too long, endless, slow, cut off, or nothing that is wanted.

use std::io::Write;

use super::super::server::Server;
use super::{connect, exchange, left, read_all, statuses};
use crate::support::folder;

const MOST: usize = 100_000;

fn configured() -> (tempfile::TempDir, Server, String) {
    let folder = folder();
    let config = format!("[service]\nmax-upload = {MOST}\n[service.profile.test]\ngate = 'test'\n");
    std::fs::write(folder.path().join("proofmark.toml"), config).unwrap();
    let server = Server::start(folder.path());
    let line = "token create --role lint --role sign --role approve --profile test ci";
    let made = crate::support::proofmark(folder.path(), line).ended(0);
    let head = format!(
        "Host: a\r\nAuthorization: Bearer {}\r\n",
        made.stdout.trim()
    );
    (folder, server, head)
}

#[test]
fn too_much_is_refused_however_it_comes() {
    let (folder, server, head) = configured();
    for path in [
        "/v1/sign?profile=test",
        "/v1/lint",
        "/v1/verify",
        "/v1/requests?profile=test&reason=x",
    ] {
        let head = format!("POST {path} HTTP/1.1\r\n{head}Connection: close\r\n");
        // As announced, without waiting for it.
        let came = exchange(
            &server,
            format!("{head}Content-Length: {}\r\n\r\n", MOST + 1).as_bytes(),
        );
        assert!(came.contains("urn:proofmark:too-large"), "{path}: {came}");
        // In chunks that nobody counted before.
        let chunk = format!("8000\r\n{}\r\n", "y".repeat(0x8000));
        let mut stream = connect(&server);
        let begun = format!("{head}Transfer-Encoding: chunked\r\n\r\n");
        stream.write_all(begun.as_bytes()).unwrap();
        // Without end: what is sent after the refusal fails at some point.
        let sent = (0..10_000).take_while(|_| stream.write_all(chunk.as_bytes()).is_ok());
        assert!(sent.count() < 10_000, "{path}: nobody closed");
        let came = read_all(&mut stream);
        // Whoever reads only after sending may find that the connection broke.
        assert!(
            came.is_empty() || came.contains("urn:proofmark:too-large"),
            "{path}: {came}"
        );
    }
    // What is no file is shorter still.
    let long = format!("{{\"reason\":\"{}\"}}", "y".repeat(70_000));
    for path in [
        "/v1/windows",
        "/v1/requests/0123456789abcdef/approve",
        "/log/cosignatures",
    ] {
        let sent = format!(
            "POST {path} HTTP/1.1\r\n{head}Connection: close\r\nContent-Length: {}\r\n\r\n{long}",
            long.len()
        );
        let came = exchange(&server, sent.as_bytes());
        assert!(came.contains("urn:proofmark:too-large"), "{path}: {came}");
    }
    assert_eq!(left(folder.path()), 0);
}

#[test]
fn what_comes_too_slowly_or_not_at_all_is_given_up() {
    let (folder, server, head) = configured();
    let mut waiting = Vec::new();
    for path in [
        "/v1/sign?profile=test",
        "/v1/lint",
        "/v1/windows",
        "/log/cosignatures",
        "/page/login",
    ] {
        let mut stream = connect(&server);
        let begun = format!("POST {path} HTTP/1.1\r\n{head}Content-Length: 50000\r\n\r\n<a");
        stream.write_all(begun.as_bytes()).unwrap();
        waiting.push((path, stream));
    }
    // Byte by byte is too slow as well.
    let mut drip = connect(&server);
    let begun = format!("POST /v1/lint HTTP/1.1\r\n{head}Content-Length: 50000\r\n\r\n");
    drip.write_all(begun.as_bytes()).unwrap();
    let mut dripping = drip.try_clone().unwrap();
    let dripped = std::thread::spawn(move || {
        while dripping.write_all(b"<").is_ok() {
            std::thread::sleep(std::time::Duration::from_millis(500));
        }
    });
    waiting.push(("drip", drip));
    // A head that does not end has no answer.
    let mut silent = connect(&server);
    silent.write_all(b"GET /healthz HTTP/1.1\r\nHost").unwrap();
    for (path, mut stream) in waiting {
        let mut first = [0; 12];
        std::io::Read::read_exact(&mut stream, &mut first).unwrap();
        assert_eq!(&first, b"HTTP/1.1 408", "{path}");
        stream.shutdown(std::net::Shutdown::Both).ok();
    }
    assert_eq!(read_all(&mut silent), "");
    dripped.join().unwrap();
    // A body that is cut off leaves nothing behind.
    let mut cut = connect(&server);
    let begun =
        format!("POST /v1/sign?profile=test HTTP/1.1\r\n{head}Content-Length: 50000\r\n\r\n<a");
    cut.write_all(begun.as_bytes()).unwrap();
    cut.shutdown(std::net::Shutdown::Write).unwrap();
    read_all(&mut cut);
    assert_eq!(left(folder.path()), 0);
}

#[test]
fn bodies_of_another_kind_are_told_what_is_wanted() {
    let (_folder, server, head) = configured();
    let ask = |path: &str, kind: &str, body: &str| {
        let length = body.len();
        let sent = format!(
            "POST {path} HTTP/1.1\r\n{head}Connection: close\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        exchange(&server, sent.as_bytes())
    };
    let form = "--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.cab\"\r\n\r\nMSCF\r\n--x--\r\n";
    for path in [
        "/v1/sign?profile=test",
        "/v1/lint",
        "/v1/verify",
        "/v1/requests?profile=test&reason=x",
    ] {
        let came = ask(path, "multipart/form-data; boundary=x", form);
        assert_eq!(statuses(&came), [400], "{came}");
        assert!(came.contains("--data-binary"), "{came}");
    }
    for kind in ["application/zip", "application/x-tar", "application/gzip"] {
        for path in ["/v1/lint", "/v1/verify"] {
            let came = ask(path, kind, "MSCF is no archive");
            assert!(
                came.contains("urn:proofmark:bad-archive"),
                "{kind} {path}: {came}"
            );
        }
    }
    for body in [
        "[",
        "[]",
        "\"x\"",
        "{\"reason\":1}",
        "{\"reason\":\"x\",\"more\":1}",
        "{\"reason\":\"a\",\"reason\":\"b\"}",
        "\u{0}",
        "{\"profile\":\"test\",\"principal\":\"a\\u0000\",\"until\":\"2999-01-01T00:00:00Z\",\"most\":1,\"reason\":\"x\"}",
        &"[".repeat(60_000),
    ] {
        let came = ask("/v1/windows", "application/json", body);
        assert_eq!(statuses(&came), [400], "{body:.80}: {came}");
    }
    for reason in ["a%00b", "%1b%5b2J", "", "%20", &"y".repeat(2001)] {
        let came = ask(
            &format!("/v1/requests?profile=test&reason={reason}"),
            "application/octet-stream",
            "MSCF",
        );
        assert_eq!(statuses(&came), [400], "{reason:.20}: {came}");
    }
}
