//! Which server is asked when, and what is said of those that give no time stamp.

use std::sync::Mutex;
use std::time::Duration;

use signer::anchor::Anchors;
use signer::digest::DigestAlgorithm;
use signer::environment::Environment;
use signer::timestamp::{ObtainError, Obtainer, Protocol, Request, Servers};

use crate::authority::{Authority, Lie};
use crate::network::{
    Handler, Network, anchors, authority, failing, reply, saying, servers, serving, stampable,
};
use crate::support::now;

/// What one server's answer leads to.
fn answer(protocol: Protocol, handler: Handler) -> Result<(), ObtainError> {
    let network = Network::new(vec![("http://one", handler)]);
    let servers = servers(&[("http://one", protocol)]);
    Obtainer::new(&servers, &anchors(), &network)
        .obtain(&stampable())
        .map(|_| ())
}

/// What is said of a server's answer, its address left out.
fn refusal(protocol: Protocol, handler: Handler) -> String {
    let error = answer(protocol, handler).unwrap_err();
    error.failures[0].problem.to_string()
}

#[test]
fn every_lie_of_an_rfc_3161_server_is_named() {
    let refusal = |name, lie| {
        refusal(
            Protocol::Rfc3161,
            serving(Protocol::Rfc3161, authority(name, lie)),
        )
    };
    let unsound = "sent a time stamp that does not hold: ";
    for (lie, expected) in [
        (Lie::Nonce, "its nonce is 3039, 01020304050607 was sent"),
        (Lie::NoNonce, "its nonce is none, 01020304050607 was sent"),
        (Lie::Imprint, "its imprint is of another signature"),
        (Lie::ShortImprint, "its imprint has 4 bytes, SHA-256 has 32"),
        (
            Lie::OtherDigest,
            "its imprint is of SHA-384, SHA-256 was sent",
        ),
        (
            Lie::Signature,
            "the signature does not match the key and the signed bytes",
        ),
        (Lie::NoCertificate, "its certificate is missing"),
    ] {
        assert_eq!(refusal("tsa", lie), format!("{unsound}{expected}"));
    }
    assert_eq!(
        refusal("tsa", Lie::NoToken),
        "sent a reply that grants a token and has none"
    );
    assert_eq!(refusal("tsa", Lie::Revoked), "refused: revocationWarning");
    assert_eq!(
        refusal("tsa", Lie::Refusal),
        "refused: rejection 'we are closed', badRequest"
    );
    let wrong_usage = refusal("oem", Lie::Nothing);
    assert!(
        wrong_usage.ends_with("may not sign time stamps: extendedKeyUsage lacks timeStamping"),
        "{wrong_usage}"
    );
}

#[test]
fn every_lie_of_a_legacy_server_is_named() {
    let refusal = |name, lie| {
        refusal(
            Protocol::Legacy,
            serving(Protocol::Legacy, authority(name, lie)),
        )
    };
    let unsound = "sent a time stamp that does not hold: ";
    let another = refusal("tsa", Lie::Imprint);
    assert!(
        another.starts_with(&format!("{unsound}it states digest ")),
        "{another}"
    );
    assert_eq!(
        refusal("tsa", Lie::NoCertificate),
        format!("{unsound}its certificate is missing")
    );
    assert!(refusal("oem", Lie::Nothing).contains("may not sign time stamps"));
    assert!(refusal("tsa", Lie::Signature).contains("does not match the key"));
}

#[test]
fn a_wrong_clock_and_an_unknown_root_are_named() {
    for protocol in [Protocol::Rfc3161, Protocol::Legacy] {
        let fast = Authority {
            time: now() + time::Duration::days(3),
            ..authority("tsa", Lie::Nothing)
        };
        let said = refusal(protocol, serving(protocol, fast));
        assert!(
            said.ends_with(
                "its time is 2026-06-04T00:00:00Z, more than a day from this machine's 2026-06-01T00:00:00Z"
            ),
            "{said}"
        );
        let network = Network::new(vec![(
            "http://one",
            serving(protocol, authority("tsa", Lie::Nothing)),
        )]);
        let servers = servers(&[("http://one", protocol)]);
        let built_in = Anchors::built_in();
        let error = Obtainer::new(&servers, &built_in, &network)
            .obtain(&stampable())
            .unwrap_err();
        assert!(error.has_unknown_chain());
        let said = error.to_string();
        assert!(said.contains("Proofmark Timestamp Root"), "{said}");
    }
}

#[test]
fn answers_in_the_other_protocol_are_recognised() {
    let legacy_for_rfc = refusal(
        Protocol::Rfc3161,
        Box::new(|_| {
            let tsa = authority("tsa", Lie::Nothing);
            let request = Request::new(Protocol::Legacy, DigestAlgorithm::Sha256, b"x", [0; 8]);
            reply(200, "text/plain", &tsa.countersign(&request.body()))
        }),
    );
    assert_eq!(legacy_for_rfc, "answers in the other protocol (legacy)");
    for lie in [Lie::Refusal, Lie::Nothing] {
        let rfc_for_legacy = refusal(
            Protocol::Legacy,
            Box::new(move |_| {
                let tsa = authority("tsa", lie);
                let request =
                    Request::new(Protocol::Rfc3161, DigestAlgorithm::Sha256, b"x", [1; 8]);
                let body = tsa.answer(&request.body());
                reply(200, "application/timestamp-reply", &body)
            }),
        );
        assert_eq!(rfc_for_legacy, "answers in the other protocol (RFC 3161)");
    }
}

#[test]
fn whatever_else_a_server_sends_is_described() {
    let page = b"<html><head><title>Sign in</title></head></html>";
    for protocol in [Protocol::Rfc3161, Protocol::Legacy] {
        assert_eq!(
            refusal(protocol, saying(200, "text/html", page)),
            "sent an HTML page 'Sign in', labelled text/html"
        );
        assert_eq!(
            refusal(protocol, saying(200, "text/plain", b"no such service\r\n")),
            "sent text 'no such service', labelled text/plain"
        );
        assert_eq!(
            refusal(protocol, saying(404, "text/html", page)),
            "answers with HTTP status 404 and an HTML page 'Sign in'"
        );
        assert_eq!(
            refusal(protocol, saying(405, "text/html", &[0x30, 0])),
            "answers with HTTP status 405"
        );
    }
    let noise = refusal(
        Protocol::Rfc3161,
        saying(200, "application/timestamp-reply", &[0x30, 3, 2, 1, 0]),
    );
    assert_eq!(
        noise,
        "sent no reply: TimeStampResp.status at offset 2: found tag 0x02, expected tag 0x30"
    );
}

#[test]
fn the_next_server_is_asked_when_one_fails() {
    let network = Network::new(vec![
        ("http://slow", failing("timed out", true)),
        (
            "http://liar",
            serving(Protocol::Rfc3161, authority("tsa", Lie::Imprint)),
        ),
        (
            "http://good",
            serving(Protocol::Legacy, authority("tsa", Lie::Nothing)),
        ),
    ]);
    let servers = servers(&[
        ("http://slow", Protocol::Rfc3161),
        ("http://liar", Protocol::Rfc3161),
        ("http://good", Protocol::Legacy),
    ]);
    let anchors = anchors();
    let obtainer = Obtainer::new(&servers, &anchors, &network);
    let obtained = obtainer.obtain(&stampable()).unwrap();
    assert_eq!(obtained.server.url, "http://good");
    assert_eq!(obtained.stamp.timestamp.protocol, Protocol::Legacy);
    let said: Vec<String> = obtained.failures.iter().map(|f| f.to_string()).collect();
    assert_eq!(
        said,
        [
            "http://slow (RFC 3161) timed out",
            "http://liar (RFC 3161) sent a time stamp that does not hold: its imprint is of another signature",
        ]
    );
    assert_eq!(network.log(), ["http://slow", "http://liar", "http://good"]);
    // The next signature of the batch begins where the last one ended.
    obtainer.obtain(&stampable()).unwrap();
    assert_eq!(network.log(), ["http://good"]);
}

#[test]
fn only_failures_that_may_pass_are_tried_again_and_pauses_grow() {
    for (chance, pauses) in [(0, ["250 ms", "500 ms"]), (255, ["500 ms", "1000 ms"])] {
        let mut network = Network::new(vec![
            ("http://busy", saying(503, "text/plain", b"later")),
            ("http://gone", saying(410, "text/plain", b"never")),
            (
                "http://clockless",
                serving(Protocol::Rfc3161, authority("tsa", Lie::TryLater)),
            ),
        ]);
        network.chance = chance;
        let servers = servers(&[
            ("http://busy", Protocol::Rfc3161),
            ("http://gone", Protocol::Rfc3161),
            ("http://clockless", Protocol::Rfc3161),
        ]);
        let anchors = anchors();
        let error = Obtainer::new(&servers, &anchors, &network)
            .obtain(&stampable())
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "no server gave a time stamp\n  \
             http://busy (RFC 3161) answers with HTTP status 503 and text 'later' (3 times)\n  \
             http://gone (RFC 3161) answers with HTTP status 410 and text 'never'\n  \
             http://clockless (RFC 3161) refused: rejection 'we are closed', timeNotAvailable (3 times)"
        );
        let again = ["http://busy", "http://clockless"];
        let expected = [
            &["http://busy", "http://gone", "http://clockless"][..],
            &[pauses[0]],
            &again,
            &[pauses[1]],
            &again,
        ];
        assert_eq!(network.log(), expected.concat());
    }
}

#[test]
fn a_server_that_recovers_is_used() {
    let asked = Mutex::new(0);
    let good = serving(Protocol::Rfc3161, authority("tsa", Lie::Nothing));
    let network = Network::new(vec![(
        "http://one",
        Box::new(move |request: &[u8]| {
            *asked.lock().unwrap() += 1;
            match *asked.lock().unwrap() {
                1 => reply(500, "text/html", b""),
                _ => good(request),
            }
        }),
    )]);
    let servers = servers(&[("http://one", Protocol::Rfc3161)]);
    let anchors = anchors();
    let obtained = Obtainer::new(&servers, &anchors, &network)
        .obtain(&stampable())
        .unwrap();
    assert_eq!(
        obtained.failures[0].to_string(),
        "http://one (RFC 3161) answers with HTTP status 500 and an empty body"
    );
    assert_eq!(network.log(), ["http://one", "250 ms", "http://one"]);
}

/// Where one signature got no stamp, the next ones do not wait as long; where one did, patience is back.
#[test]
fn a_batch_without_stamps_does_not_wait_for_every_file() {
    let asked = Mutex::new(0);
    let good = serving(Protocol::Rfc3161, authority("tsa", Lie::Nothing));
    let network = Network::new(vec![(
        "http://one",
        Box::new(move |request: &[u8]| {
            *asked.lock().unwrap() += 1;
            match *asked.lock().unwrap() {
                5 => good(request),
                _ => reply(503, "text/html", b""),
            }
        }),
    )]);
    let servers = servers(&[("http://one", Protocol::Rfc3161)]);
    let anchors = anchors();
    let obtainer = Obtainer::new(&servers, &anchors, &network);
    let rounds = || {
        let stamped = obtainer.obtain(&stampable()).is_ok();
        let log = network.log();
        (
            stamped,
            log.iter().filter(|line| *line == "http://one").count(),
        )
    };
    assert_eq!(rounds(), (false, 3));
    assert_eq!(rounds(), (false, 1));
    assert_eq!(rounds(), (true, 1));
    assert_eq!(rounds(), (false, 3));
}

#[test]
fn the_deadline_ends_everything() {
    let network = Network::new(vec![
        ("http://a", failing("timed out", true)),
        ("http://b", failing("timed out", true)),
    ]);
    let mut servers = servers(&[
        ("http://a", Protocol::Rfc3161),
        ("http://b", Protocol::Rfc3161),
    ]);
    servers.attempts = 100;
    let anchors = anchors();
    let error = Obtainer::new(&servers, &anchors, &network)
        .obtain(&stampable())
        .unwrap_err();
    assert!(error.out_of_time);
    assert!(
        error
            .to_string()
            .starts_with("no server gave a time stamp in time\n")
    );
    assert_eq!(network.elapsed(), servers.deadline);
    // Each server that is given has its turn, however slow those before it are.
    let many = Servers::new(vec![servers.list[0].clone(); 30], Duration::from_secs(10));
    assert_eq!(many.deadline, Duration::from_secs(300));
}
