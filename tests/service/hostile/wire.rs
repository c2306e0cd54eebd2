//! Requests whose end is in dispute: none is ever read as part of another.

use super::super::server::Server;
use super::{exchange, statuses};
use crate::support::folder;

/// A request that must never be answered: it is a part of another, or comes after one whose end is not certain.
const HIDDEN: &str = "GET /healthz HTTP/1.1\r\nHost: hidden\r\nConnection: close\r\n\r\n";
/// The last request of a connection.
const LAST: &str = "GET /readyz HTTP/1.1\r\nHost: last\r\nConnection: close\r\n\r\n";
/// A body of four bytes, in one chunk.
const CHUNKED: &str = "4\r\n<a/>\r\n0\r\n\r\n";

struct Wire {
    server: Server,
    _folder: tempfile::TempDir,
}

impl Wire {
    fn new() -> Self {
        let folder = folder();
        let server = Server::start(folder.path());
        let _folder = folder;
        Self { server, _folder }
    }

    /// The head of a request to lint a document, up to what says how long it is.
    fn head(&self) -> String {
        let token = self.server.token.as_deref().unwrap();
        format!("POST /v1/lint?name=a.reg HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n")
    }

    #[track_caller]
    fn answers(&self, sent: &str, expected: &[u16]) {
        let came = exchange(&self.server, sent.as_bytes());
        assert_eq!(statuses(&came), expected, "{sent:?}\n{came}");
    }
}

#[test]
fn requests_that_follow_each_other_stay_apart() {
    let wire = Wire::new();
    let head = wire.head();
    wire.answers(
        &format!("{head}Content-Length: 4\r\n\r\n<a/>{LAST}"),
        &[200, 200],
    );
    wire.answers(
        &format!("{head}Transfer-Encoding: chunked\r\n\r\n{CHUNKED}{LAST}"),
        &[200, 200],
    );
    wire.answers(
        &format!("{head}Content-Length: 4\r\nContent-Length: 4\r\n\r\n<a/>{LAST}"),
        &[200, 200],
    );
    let more = "4;name=value\r\n<a/>\r\n0\r\nAuthorization: Bearer x\r\n\r\n";
    wire.answers(
        &format!("{head}Transfer-Encoding: chunked\r\n\r\n{more}{LAST}"),
        &[200, 200],
    );
    // A body that looks like a request is a body, whether it is wanted, refused or left unread.
    let length = format!("Content-Length: {}\r\n", HIDDEN.len());
    for (request, status) in [
        ("GET /healthz", 200),
        ("POST /v1/lint", 401),
        ("POST /nosuch", 404),
        ("PUT /v1/sign", 405),
    ] {
        for expect in ["", "Expect: 100-continue\r\n", "Expect: something\r\n"] {
            let sent =
                format!("{request} HTTP/1.1\r\nHost: a\r\n{expect}{length}\r\n{HIDDEN}{LAST}");
            wire.answers(&sent, &[status, 200]);
        }
    }
    // No other protocol is changed to, and no tunnel is made.
    for request in [
        "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
        "GET http://elsewhere/healthz HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        wire.answers(&format!("{request}{LAST}"), &[200, 200]);
    }
    for (request, status) in [
        ("CONNECT a:1", 404),
        ("CONNECT /healthz", 405),
        ("TRACE /healthz", 405),
        ("OPTIONS *", 404),
    ] {
        wire.answers(
            &format!("{request} HTTP/1.1\r\nHost: a\r\n\r\n{LAST}"),
            &[status, 200],
        );
    }
}

#[test]
fn where_two_lengths_are_said_nothing_follows() {
    let wire = Wire::new();
    let head = wire.head();
    // As RFC 9112 has it: the chunks count, and the connection ends.
    for lengths in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
    ] {
        wire.answers(&format!("{head}{lengths}\r\n{CHUNKED}{HIDDEN}"), &[200]);
        // The rest of the chunks is no request, wherever a length of the other kind would end.
        wire.answers(&format!("{head}{lengths}\r\n0\r\n\r\n{HIDDEN}"), &[400]);
    }
    for lengths in [
        "Content-Length: 4\r\nContent-Length: 5\r\n",
        "Content-Length: 4, 4\r\n",
        "Content-Length: +4\r\n",
        "Content-Length: -4\r\n",
        "Content-Length: 0x4\r\n",
        "Content-Length: 4 4\r\n",
        "Content-Length : 4\r\n",
        "Content-Length:\r\n",
        "Content-Length: 99999999999999999999999\r\n",
        "Transfer-Encoding: chunked, gzip\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: identity\r\nContent-Length: 4\r\n",
        "Transfer-Encoding: \x0bchunked\r\n",
        "Transfer-Encoding:\r\n chunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        " Transfer-Encoding: chunked\r\n",
        "X: a\r\n b\r\nContent-Length: 4\r\n",
        "X: a\rTransfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        "X: a\0b\r\nContent-Length: 4\r\n",
        "Host: b\r\nContent-Length: 4\r\n",
        "Content-Encoding: gzip\r\nContent-Length: 4\r\n",
    ] {
        wire.answers(&format!("{head}{lengths}\r\n{CHUNKED}{HIDDEN}"), &[400]);
    }
    wire.answers(
        &format!("{head}Content-Length: 18446744073709551615\r\n\r\n<a/>{HIDDEN}"),
        &[431],
    );
    for chunks in [
        "4\n<a/>\r\n0\r\n\r\n",
        "4;\n<a/>\r\n0\r\n\r\n",
        "10000000000000004\r\n<a/>\r\n0\r\n\r\n",
        "0x4\r\n<a/>\r\n0\r\n\r\n",
        "-4\r\n<a/>\r\n0\r\n\r\n",
        "+4\r\n<a/>\r\n0\r\n\r\n",
        "4\r\n<a/>XX0\r\n\r\n",
        "\r\n4\r\n<a/>\r\n0\r\n\r\n",
        "4 4\r\n<a/>\r\n0\r\n\r\n",
    ] {
        let sent = format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunks}{HIDDEN}");
        wire.answers(&sent, &[400]);
    }
}

#[test]
fn other_versions_and_endless_heads_are_refused() {
    let wire = Wire::new();
    let old = wire.head().replace("HTTP/1.1", "HTTP/1.0");
    wire.answers(&format!("{old}Content-Length: 4\r\n\r\n<a/>{HIDDEN}"), &[]);
    let came = exchange(
        &wire.server,
        format!("{old}Content-Length: 4\r\n\r\n<a/>{HIDDEN}").as_bytes(),
    );
    assert!(came.starts_with("HTTP/1.0 200"), "{came}");
    let came = exchange(&wire.server, format!("{old}\r\n<a/>{HIDDEN}").as_bytes());
    assert!(came.starts_with("HTTP/1.0 400"), "{came}");
    wire.answers(
        &format!("{old}Transfer-Encoding: chunked\r\n\r\n{CHUNKED}{HIDDEN}"),
        &[400],
    );
    wire.answers("GET /healthz\r\n", &[400]);
    for version in ["HTTP/2.0", "HTTP/1.9", "HTTP/1.10", "http/1.1", "HTTP/1.1x"] {
        wire.answers(
            &format!("GET /healthz {version}\r\nHost: a\r\n\r\n{HIDDEN}"),
            &[400],
        );
    }
    wire.answers(&format!("GET /healthz HTTP/1.1\r\n\r\n{HIDDEN}"), &[400]);
    let many: String = (0..200).map(|number| format!("x{number}: y\r\n")).collect();
    wire.answers(
        &format!("GET /healthz HTTP/1.1\r\nHost: a\r\n{many}\r\n"),
        &[431],
    );
    let long = "y".repeat(1 << 20);
    wire.answers(
        &format!("GET /healthz HTTP/1.1\r\nHost: a\r\nx: {long}\r\n\r\n"),
        &[431],
    );
    let long = "y".repeat(70_000);
    wire.answers(&format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n"), &[414]);
}

#[test]
fn what_names_nothing_is_not_there() {
    let wire = Wire::new();
    let token = wire.server.token.clone().unwrap();
    let long = "y".repeat(60_000);
    let ask = |target: &str, status: u16| {
        let request =
            format!("GET {target} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n");
        let came = exchange(&wire.server, format!("{request}{LAST}").as_bytes());
        assert_eq!(statuses(&came), [status, 200], "{target}\n{came}");
        assert!(
            came.contains("content-type: application/problem+json"),
            "{target}\n{came}"
        );
    };
    for id in [
        "a%00b",
        "a%2fb",
        "..%2f..%2fetc%2fpasswd",
        "%ff",
        "%zz",
        "ä",
        "0123456789abcde%00",
        "0123456789ABCDEF",
        "..",
        "%2e%2e",
        "'%20or%201=1--",
    ] {
        ask(&format!("/v1/requests/{id}"), 404);
        ask(&format!("/v1/requests/{id}/result"), 404);
    }
    for index in [
        "-1",
        "x",
        "18446744073709551615",
        "18446744073709551616",
        "9223372036854775808",
        "%00",
    ] {
        ask(&format!("/log/entry/{index}"), 404);
        ask(&format!("/log/proof/{index}"), 404);
    }
    for tile in [
        "0/x000/../000",
        "99/000",
        "0/000.p/0",
        "entries/..%2f000",
        "%ff",
    ] {
        ask(&format!("/log/tile/{tile}"), 404);
    }
    ask(&format!("/v1/requests?state={long}"), 400);
    for query in [
        "state=x",
        "state=pending&state=pending",
        "other=1",
        "state=%00",
        "state=%ff",
    ] {
        ask(&format!("/v1/requests?{query}"), 400);
    }
}
