//! An HTTP server on this machine that answers as a test wants it, with an authority behind it or a fault.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What the server does with a request.
pub(crate) enum Answer {
    /// A complete reply: status line, content type, body.
    Reply(&'static str, &'static str, Vec<u8>),
    /// What another server said: status, headers, body.
    Passed(u16, Vec<(String, String)>, Vec<u8>),
    /// Another place, by the status line given.
    Elsewhere(&'static str, String),
    /// Nothing, until the client gives up.
    Silence,
    /// The connection is closed without a word.
    Nothing,
    /// A body that is shorter than announced.
    Half,
    /// What no HTTP server says.
    Noise,
    /// A body without end.
    Endless,
    /// One byte of body every now and then.
    Drip,
}

/// A request.
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
    /// Names in lower case.
    headers: Vec<(String, String)>,
}

impl Asked {
    /// A header's value, empty where there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut headers = self.headers.iter();
        let found = headers.find(|(found, _)| found == name);
        found.map_or("", |(_, value)| value)
    }
}

/// The token that an RFC 3161 server returns.
pub(crate) fn token(body: Vec<u8>) -> Answer {
    Answer::Reply("200 OK", "application/timestamp-reply", body)
}

/// A server that runs until the tests end.
pub(crate) struct Server {
    pub(crate) url: String,
    asked: Arc<AtomicUsize>,
}

impl Server {
    /// A server that is asked by POST alone.
    pub(crate) fn new(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        Self::of_any_method(move |asked| {
            assert_eq!(asked.method, "POST");
            answer(asked)
        })
    }

    pub(crate) fn of_any_method(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        Self::start("http", answer, Some)
    }

    /// A server behind TLS; `folder` holds `server.pem` and `server.key`.
    pub(crate) fn with_tls(
        folder: &Path,
        answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let certificate = CertificateDer::from_pem_file(folder.join("server.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let config = Arc::new(config);
        Self::start("https", answer, move |stream| {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).ok()?;
            Some(rustls::StreamOwned::new(connection, stream))
        })
    }

    fn start<S: Read + Write>(
        scheme: &str,
        answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
        wrap: impl Fn(TcpStream) -> Option<S> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let shared = Arc::new((answer, wrap));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (shared, count) = (Arc::clone(&shared), Arc::clone(&count));
                thread::spawn(move || {
                    let (answer, wrap) = &*shared;
                    if let Some(stream) = wrap(stream) {
                        // A client that goes away in the middle is what some tests are about.
                        serve(stream, answer, &count).ok();
                    }
                });
            }
        });
        Self { url, asked }
    }

    /// How many requests came.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// An address where nobody listens.
pub(crate) fn closed_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

fn serve(
    stream: impl Read + Write,
    answer: &impl Fn(&Asked) -> Answer,
    count: &AtomicUsize,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let asked = read_request(&mut reader)?;
    count.fetch_add(1, Ordering::SeqCst);
    let mut stream = reader.into_inner();
    let endless = b"HTTP/1.1 200 OK\r\nContent-Type: application/timestamp-reply\r\nConnection: close\r\n\r\n";
    match answer(&asked) {
        Answer::Reply(status, content_type, body) => {
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            )?;
            stream.write_all(&body)?;
            stream.flush()
        }
        Answer::Passed(status, headers, body) => {
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 {status} passed\r\nContent-Length: {length}\r\nConnection: close\r\n"
            )?;
            for (name, value) in headers {
                write!(stream, "{name}: {value}\r\n")?;
            }
            stream.write_all(b"\r\n")?;
            stream.write_all(&body)?;
            stream.flush()
        }
        Answer::Elsewhere(status, place) => {
            write!(
                stream,
                "HTTP/1.1 {status}\r\nLocation: {place}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )?;
            stream.flush()
        }
        Answer::Silence => stream.read(&mut [0]).map(|_| ()),
        Answer::Nothing => Ok(()),
        Answer::Half => stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"),
        Answer::Noise => stream.write_all(b"220 mail.example.com ESMTP ready\r\n"),
        Answer::Endless => {
            stream.write_all(endless)?;
            loop {
                stream.write_all(&[0x30; 4096])?;
            }
        }
        Answer::Drip => {
            stream.write_all(endless)?;
            loop {
                stream.write_all(&[0x30])?;
                stream.flush()?;
                thread::sleep(Duration::from_millis(100));
            }
        }
    }
}

fn read_request(reader: &mut impl BufRead) -> std::io::Result<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split(' ').map(str::to_owned);
    let mut asked = Asked {
        method: words.next().unwrap_or_default(),
        path: words.next().unwrap_or_default(),
        content_type: String::new(),
        body: Vec::new(),
        headers: Vec::new(),
    };
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim_end().split_once(':') else {
            break;
        };
        let (name, value) = (name.to_ascii_lowercase(), value.trim().to_owned());
        match name.as_str() {
            "content-length" => asked.body = vec![0; value.parse().unwrap()],
            "content-type" => asked.content_type = value.clone(),
            _ => {}
        }
        asked.headers.push((name, value));
    }
    reader.read_exact(&mut asked.body)?;
    Ok(asked)
}
