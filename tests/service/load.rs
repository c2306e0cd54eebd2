//! Clients that are slow, many, or send much: the others go on.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use super::server::Server;
use crate::support::{folder, proofmark};

const SIGN: &str = "/v1/sign?profile=test&name=a.cab";

/// Connections of each kind that a client keeps open.
const SLOW: usize = 100;

#[test]
#[cfg(target_os = "linux")]
fn slow_clients_do_not_keep_a_fast_one_waiting() {
    let folder = folder();
    let config = "[service.profile.test]\ngate = 'test'\n";
    std::fs::write(folder.path().join("proofmark.toml"), config).unwrap();
    let tokens = ["fast", "slow", "slower"].map(|name| {
        let line = format!("token create --role sign --profile test {name}");
        proofmark(folder.path(), &line)
            .ended(0)
            .stdout
            .trim()
            .to_owned()
    });
    // Fewer files than there will be connections, until the service asks for more.
    let mut serve = Command::new("sh");
    serve.args(["-c", "ulimit -Sn 128 && exec \"$@\"", "sh"]);
    serve
        .arg(env!("CARGO_BIN_EXE_proofmark"))
        .current_dir(folder.path());
    let mut server = Server::start_by(serve, folder.path());
    server.token = Some(tokens[0].clone());
    let address = server.url.strip_prefix("http://").unwrap();
    let begin = |text: &str| {
        let mut client = TcpStream::connect(address).unwrap();
        client.write_all(text.as_bytes()).unwrap();
        client
    };
    let input = std::fs::read(folder.path().join("stored.cab")).unwrap();
    let head = format!("POST {SIGN} HTTP/1.1\r\nHost: x\r\n");
    let heads: Vec<_> = (0..SLOW).map(|_| begin(&head)).collect();
    let bodies: Vec<_> = (0..SLOW)
        .map(|number| {
            let token = &tokens[1 + number % 2];
            let length = input.len();
            begin(&format!(
                "{head}Authorization: Bearer {token}\r\nContent-Length: {length}\r\n\r\nMSCF"
            ))
        })
        .collect();
    for _ in 0..10 {
        server.post(SIGN, &input).is(200);
    }
    // They were all there: nobody was refused, or answered, or sent away to make room.
    for mut slow in heads.into_iter().chain(bodies) {
        slow.set_nonblocking(true).unwrap();
        let read = slow.read(&mut [0; 1]);
        assert_eq!(read.unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn who_says_nothing_is_sent_away() {
    let folder = folder();
    let server = Server::start(folder.path());
    let mut client = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).unwrap();
    client.write_all(b"POST /v1/sign HTTP/1.1\r\n").unwrap();
    client
        .set_read_timeout(Some(Duration::from_secs(120)))
        .unwrap();
    let mut said = Vec::new();
    client.read_to_end(&mut said).unwrap();
    let said = String::from_utf8(said).unwrap();
    assert!(!said.starts_with("HTTP/1.1 2"), "{said}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_large_file_is_signed_without_being_in_memory() {
    let folder = folder();
    let server = Server::start(folder.path());
    std::fs::create_dir(folder.path().join("large")).unwrap();
    let file = std::fs::File::create(folder.path().join("large/a.bin")).unwrap();
    file.set_len(64 << 20).unwrap();
    proofmark(folder.path(), "package pack --stored --out large.cab large").ended(0);
    let small = std::fs::read(folder.path().join("stored.cab")).unwrap();
    let large = std::fs::read(folder.path().join("large.cab")).unwrap();
    server.post(SIGN, &small).is(200);
    let before = server.most_memory();
    let signed = server.post(SIGN, &large).is(200).body;
    assert!(signed.len() > large.len());
    let grown = server.most_memory() - before;
    assert!(grown < 24 << 20, "{} MiB more", grown >> 20);
    std::fs::write(folder.path().join("signed.cab"), signed).unwrap();
    proofmark(folder.path(), "verify signed.cab").ended(0);
}
