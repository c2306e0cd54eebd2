//! Traces as a collector gets them: a server of this test's, which takes the messages apart by the specification of OTLP alone.

use std::sync::{Arc, Mutex};

use super::server::Server as Service;
use crate::loopback::{Answer, Server};
use crate::support::{command, folder, proofmark};

/// One span.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Span {
    trace: String,
    id: String,
    parent: String,
    name: String,
}

/// The fields of a protobuf message: number and bytes, or the bytes of a number.
fn fields(mut message: &[u8]) -> Vec<(u64, &[u8])> {
    fn varint(message: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = message.split_first().unwrap();
            *message = rest;
            value |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        value
    }
    let mut found = Vec::new();
    while !message.is_empty() {
        let tag = varint(&mut message);
        let length = match tag & 7 {
            0 => {
                varint(&mut message);
                continue;
            }
            1 => 8,
            2 => usize::try_from(varint(&mut message)).unwrap(),
            5 => 4,
            other => panic!("wire type {other}"),
        };
        let (field, rest) = message.split_at(length);
        message = rest;
        found.push((tag >> 3, field));
    }
    found
}

fn of_number(message: &[u8], number: u64) -> Vec<&[u8]> {
    let fields = fields(message).into_iter();
    let found = fields.filter(|(found, _)| *found == number);
    found.map(|(_, bytes)| bytes).collect()
}

/// The spans of `ExportTraceServiceRequest`: `resource_spans` 1, `scope_spans` 2, `spans` 2.
fn spans(message: &[u8]) -> Vec<Span> {
    let hex = |bytes: Vec<&[u8]>| {
        let bytes = bytes.concat();
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let mut found = Vec::new();
    for resource in of_number(message, 1) {
        for scope in of_number(resource, 2) {
            for span in of_number(scope, 2) {
                found.push(Span {
                    trace: hex(of_number(span, 1)),
                    id: hex(of_number(span, 2)),
                    parent: hex(of_number(span, 4)),
                    name: String::from_utf8(of_number(span, 5).concat()).unwrap(),
                });
            }
        }
    }
    found
}

#[test]
fn a_collector_is_told_what_a_request_waited_for() {
    let received: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
    let taken = Arc::clone(&received);
    let collector = Server::new(move |asked| {
        assert_eq!(asked.path, "/v1/traces");
        assert_eq!(asked.content_type, "application/x-protobuf");
        taken.lock().unwrap().push(asked.body.clone());
        Answer::Reply("200 OK", "application/x-protobuf", Vec::new())
    });
    let folder = folder();
    let path = folder.path();
    let config = format!(
        "[service]\ntraces = '{}/v1/traces'\n[service.profile.test]\ngate = 'test'\n",
        collector.url
    );
    std::fs::write(path.join("proofmark.toml"), config).unwrap();
    let token = super::backup::token(path, "ann", "--role sign");
    let service = Service::start_by(command(path), path);
    let input = std::fs::read(path.join("plain.cab")).unwrap();
    let (trace, caller) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
    let parent = format!("00-{trace}-{caller}-01");
    let headers = [("authorization", token.as_str()), ("traceparent", &parent)];
    service
        .post_with("/v1/sign?profile=test&name=plain.cab", &input, &headers)
        .is(200);
    service.get_with("/healthz", &[]).is(200);
    assert_eq!(service.stop(), Some(0));

    let bodies = received.lock().unwrap().clone();
    let told: Vec<Span> = bodies.iter().flat_map(|body| spans(body)).collect();
    let named = |name: &str| {
        let mut found = told.iter().filter(|span| span.name == name);
        let first = found.next();
        let first = first.unwrap_or_else(|| panic!("{name}: {told:#?}"));
        assert!(found.next().is_none(), "{name}: {told:#?}");
        first.clone()
    };
    let request = named("POST /v1/sign");
    assert_eq!(
        (request.trace.as_str(), request.parent.as_str()),
        (trace, caller)
    );
    for name in ["receive", "gate", "key", "record"] {
        let span = named(name);
        assert_eq!(
            (&span.trace, &span.parent),
            (&request.trace, &request.id),
            "{name}"
        );
    }
    let health = named("GET /healthz");
    assert_eq!(health.parent, "");
    assert_ne!(health.trace, trace);
    let secret = token.strip_prefix("Bearer ").unwrap().as_bytes();
    for body in &bodies {
        for hidden in [secret, b"plain.cab"] {
            assert!(!body.windows(hidden.len()).any(|window| window == hidden));
        }
    }
}

#[test]
fn a_collector_that_is_not_there_holds_nothing_up() {
    let folder = folder();
    let path = folder.path();
    let configure = |address: &str| {
        let config =
            format!("[service]\ntraces = '{address}'\n[service.profile.test]\ngate = 'test'\n");
        std::fs::write(path.join("proofmark.toml"), config).unwrap();
    };
    configure(&format!("{}/v1/traces", crate::loopback::closed_port()));
    let service = Service::start_by(command(path), path);
    service.get_with("/healthz", &[]).is(200);
    assert_eq!(service.stop(), Some(0));
    configure("no address");
    let run = proofmark(path, "serve --listen 127.0.0.1:0").ended(2);
    assert!(run.stderr.contains("traces"), "{}", run.stderr);
}
