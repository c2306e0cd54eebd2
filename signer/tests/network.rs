//! A network of made-up servers, with a clock that only requests and pauses move.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use signer::anchor::Anchors;
use signer::digest::DigestAlgorithm;
use signer::environment::{Environment, HttpReply, HttpRequest, TransportError};
use signer::timestamp::{Protocol, Server, Servers, Stampable};
use time::OffsetDateTime;

use crate::authority::{Authority, Lie};
use crate::support::{certificate, identity, now};

/// A server: bytes in, reply out.
pub(crate) type Handler = Box<dyn Fn(&[u8]) -> Result<HttpReply, TransportError> + Send + Sync>;

/// A network of servers by address, with a clock that only requests and pauses move.
pub(crate) struct Network {
    servers: HashMap<String, Handler>,
    elapsed: Mutex<Duration>,
    /// Addresses that were asked, and pauses in milliseconds.
    log: Mutex<Vec<String>>,
    /// What chance gives.
    pub(crate) chance: u8,
}

impl Network {
    pub(crate) fn new(servers: Vec<(&str, Handler)>) -> Self {
        let servers = servers.into_iter();
        Self {
            servers: servers.map(|(url, h)| (url.to_owned(), h)).collect(),
            elapsed: Mutex::default(),
            log: Mutex::default(),
            chance: 0,
        }
    }

    pub(crate) fn log(&self) -> Vec<String> {
        std::mem::take(&mut self.log.lock().unwrap())
    }
}

impl Environment for Network {
    fn send(&self, request: HttpRequest<'_>) -> Result<HttpReply, TransportError> {
        self.log.lock().unwrap().push(request.url.to_owned());
        let result = self.servers[request.url](request.body);
        let took = match &result {
            Err(error) if error.message == "timed out" => request.timeout,
            _ => Duration::from_millis(10),
        };
        *self.elapsed.lock().unwrap() += took;
        result
    }

    fn elapsed(&self) -> Duration {
        *self.elapsed.lock().unwrap()
    }

    fn now(&self) -> OffsetDateTime {
        now()
    }

    fn pause(&self, duration: Duration) {
        let text = format!("{} ms", duration.as_millis());
        self.log.lock().unwrap().push(text);
        *self.elapsed.lock().unwrap() += duration;
    }

    fn random(&self) -> Result<[u8; 8], TransportError> {
        Ok([self.chance, 1, 2, 3, 4, 5, 6, 7])
    }
}

pub(crate) fn reply(
    status: u16,
    content_type: &str,
    body: &[u8],
) -> Result<HttpReply, TransportError> {
    Ok(HttpReply {
        status,
        headers: vec![("Content-Type".to_owned(), content_type.to_owned())],
        body: body.to_vec(),
    })
}

pub(crate) fn authority(name: &str, lie: Lie) -> Authority {
    Authority {
        identity: identity(name),
        time: now(),
        lie,
        chain: vec![certificate("tsa-root").der],
    }
}

/// A server with our own authority behind it.
pub(crate) fn serving(protocol: Protocol, authority: Authority) -> Handler {
    Box::new(move |request| match protocol {
        Protocol::Rfc3161 => reply(
            200,
            "application/timestamp-reply",
            &authority.answer(request),
        ),
        Protocol::Legacy => reply(
            200,
            "application/octet-stream",
            &authority.countersign(request),
        ),
    })
}

pub(crate) fn saying(status: u16, content_type: &'static str, body: &'static [u8]) -> Handler {
    Box::new(move |_| reply(status, content_type, body))
}

pub(crate) fn failing(message: &'static str, passing: bool) -> Handler {
    Box::new(move |_| {
        Err(TransportError {
            message: message.to_owned(),
            passing,
        })
    })
}

pub(crate) fn servers(list: &[(&str, Protocol)]) -> Servers {
    let list = list.iter().map(|(url, protocol)| Server {
        url: (*url).to_owned(),
        protocol: *protocol,
    });
    Servers::new(list.collect(), Duration::from_secs(10))
}

/// The built-in anchors and the test authority's root.
pub(crate) fn anchors() -> Anchors {
    Anchors::built_in().with(&certificate("tsa-root"))
}

pub(crate) fn stampable() -> Stampable {
    Stampable {
        octets: b"a signature value".to_vec(),
        digest: DigestAlgorithm::Sha256,
    }
}
