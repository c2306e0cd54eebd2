//! Replies of time-stamping servers, of both protocols.

use signer::anchor::Anchors;
use signer::digest::DigestAlgorithm;
use signer::timestamp::{Protocol, Request};
use time::OffsetDateTime;

/// What no authority has ever stamped.
const STAMPED: &[u8] = b"octets of a signature value that nobody made";

pub(crate) fn run(input: &[u8]) {
    let now = OffsetDateTime::UNIX_EPOCH;
    for protocol in [Protocol::Rfc3161, Protocol::Legacy] {
        let request = Request::new(protocol, DigestAlgorithm::Sha256, STAMPED, [7; 8]);
        match request.read_reply(input, &Anchors::built_in(), now) {
            Ok(_) => panic!("a reply to another question is accepted"),
            Err(error) => assert!(!error.to_string().contains('\u{1b}'), "{error}"),
        }
    }
}
