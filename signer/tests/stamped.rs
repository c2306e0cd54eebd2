//! Time stamps at any time, made with the test authority, on files that are signed already.

use std::io::Cursor;

use formats::container::Container;
use formats::der;
use formats::oid;
use formats::signed_data::{SignedData, SignedDataParts, SignerIdentifier};
use signer::cms::{Attributes, Draft};
use signer::digest::DigestAlgorithm;
use time::OffsetDateTime;

use crate::support::identity;

/// The file with an RFC 3161 token of `time` on its signature.
pub(crate) fn stamped(signed: &[u8], time: OffsetDateTime) -> Vec<u8> {
    let mut input = Cursor::new(signed);
    let container = Container::read(&mut input).unwrap();
    let signature = container.signature().unwrap().der.to_vec();
    let read = SignedData::read(&signature, 0).unwrap();
    let signer = &read.signer_infos[0];
    let token = token(signer.signature.value, time);
    let attribute = der::sequence(&[&der::oid(oid::RFC3161_TOKEN), &der::tlv(der::SET, &token)]);
    let start = signer.signed_attributes.as_ref().unwrap().raw.offset as usize;
    let end = signer.signature.offset as usize + signer.signature.raw.len();
    let before = [
        der::integer(1),
        issuer_and_serial(signer.sid),
        der::algorithm_with_null(signer.digest_algorithm.algorithm),
    ];
    let signer_info = der::sequence(&[
        &before.concat(),
        &signature[start..end],
        &der::tlv(der::context(1), &attribute),
    ]);
    let cms = SignedDataParts {
        digest_algorithm: read.digest_algorithms[0].algorithm,
        content_type: read.content_type,
        content: read.content.unwrap().raw,
        certificates: read.certificates.iter().map(|c| c.raw.to_vec()).collect(),
        signer_info: &signer_info,
    }
    .write();
    let patch = container.amend(&cms, &mut input).unwrap();
    let mut output = Vec::new();
    patch.apply(&mut input, &mut output).unwrap();
    output
}

fn issuer_and_serial(sid: SignerIdentifier<'_>) -> Vec<u8> {
    match sid {
        SignerIdentifier::IssuerAndSerial { issuer, serial } => {
            der::sequence(&[issuer, &der::tlv(der::INTEGER, serial)])
        }
        other => panic!("{other:?}"),
    }
}

/// A token over `stamped`, with the authority's certificate in it.
fn token(stamped: &[u8], time: OffsetDateTime) -> Vec<u8> {
    let digest = DigestAlgorithm::Sha256;
    let text = format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}Z",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    );
    let info = der::sequence(&[
        &der::integer(1),
        &der::oid(oid::DATA),
        &der::sequence(&[
            &der::algorithm_with_null(digest.oid()),
            &der::octet_string(&digest.of(stamped)),
        ]),
        &der::integer(7),
        &der::tlv(der::GENERALIZED_TIME, text.as_bytes()),
    ]);
    let content = der::octet_string(&info);
    let draft = Draft::new(oid::TST_INFO, &content, digest, &Attributes::default()).unwrap();
    draft.sign(&identity("tsa")).unwrap()
}
