//! Clients that mean harm, or break.

mod archives;
mod bodies;
mod tenants;
mod wire;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use super::server::Server;

/// Sends bytes as they are, and reads what comes back until the service closes.
pub(super) fn exchange(server: &Server, sent: &[u8]) -> String {
    let mut stream = connect(server);
    // A service that has answered may close before everything is sent.
    stream.write_all(sent).ok();
    read_all(&mut stream)
}

fn connect(server: &Server) -> TcpStream {
    let address = server.url.strip_prefix("http://").unwrap();
    let stream = TcpStream::connect(address).unwrap();
    // Longer than the service has patience.
    let patience = Some(Duration::from_secs(60));
    stream.set_read_timeout(patience).unwrap();
    stream
}

fn read_all(stream: &mut TcpStream) -> String {
    let mut came = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => came.extend(&buffer[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => break,
            Err(error) => panic!("{error} after {}", String::from_utf8_lossy(&came)),
        }
    }
    String::from_utf8_lossy(&came).into_owned()
}

/// What is left of uploads, which are in a folder of the process.
fn left(folder: &Path) -> usize {
    let uploads = std::fs::read_dir(folder.join("proofmark-data/uploads")).unwrap();
    let folders = uploads.map(|entry| entry.unwrap().path());
    folders
        .filter(|path| path.is_dir())
        .map(|path| std::fs::read_dir(path).unwrap().count())
        .sum()
}

/// The status of every answer.
pub(super) fn statuses(came: &str) -> Vec<u16> {
    let answers = came.split("HTTP/1.1 ").skip(1);
    answers
        .map(|answer| answer.get(..3).unwrap().parse().unwrap())
        .collect()
}
