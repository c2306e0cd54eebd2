//! Judging the time stamp of a signature.

use formats::certificate::Certificate;
use formats::der::{self, Tlv};
use formats::oid;
use formats::signed_data::{SignedData, SignerInfo};
use time::OffsetDateTime;

use super::tst_info::{TstInfo, read_time};
use super::{Protocol, Timestamp, TimestampError, invalid};
use crate::anchor::{Anchors, Purpose};
use crate::chain::{self, Chain, Wanted};
use crate::digest::{DigestAlgorithm, hex};
use crate::verify::signer::{self, certificates, find_certificate};

/// The verified time stamp of a signature, `None` where it carries none.
///
/// # Errors
/// Where there is one and it does not hold: a bad time stamp is never taken for a missing one.
pub fn verify(
    signer: &SignerInfo<'_>,
    outer: &[Certificate],
    anchors: &Anchors,
) -> Result<Option<Timestamp>, TimestampError> {
    let Some(attributes) = &signer.unsigned_attributes else {
        return Ok(None);
    };
    for attribute in &attributes.attributes {
        let Some(protocol) = Protocol::of_attribute(attribute.kind) else {
            continue;
        };
        let [value] = attribute.values.as_slice() else {
            return Err(invalid(format!(
                "the time stamp attribute has {} values, one is expected",
                attribute.values.len()
            )));
        };
        let stamp = match protocol {
            Protocol::Rfc3161 => verify_token(*value, signer.signature.value, outer, anchors)?,
            Protocol::Legacy => {
                verify_countersignature(*value, signer.signature.value, outer, anchors)?
            }
        };
        return Ok(Some(stamp));
    }
    Ok(None)
}

/// Verifies an RFC 3161 token over `stamped`.
///
/// # Errors
/// Where imprint, signature, usage or chain do not hold.
pub fn verify_token(
    token: Tlv<'_>,
    stamped: &[u8],
    outer: &[Certificate],
    anchors: &Anchors,
) -> Result<Timestamp, TimestampError> {
    let signed_data = SignedData::read_element(token)?;
    let content = token_content(&signed_data)?;
    let info = TstInfo::read(content)?;
    // The length is compared as well: a short imprint would otherwise match by its first bytes.
    if info.digest.of(stamped) != info.imprint {
        return Err(invalid("its imprint is of another signature"));
    }
    let [signer] = signed_data.signer_infos.as_slice() else {
        return Err(invalid(format!(
            "it has {} signers",
            signed_data.signer_infos.len()
        )));
    };
    let mut pool = certificates(&signed_data);
    pool.extend_from_slice(outer);
    let digest = check_signature(signer, content.value, &pool)?;
    let chain = check_chain(signer, &pool, anchors, info.time, true)?;
    Ok(Timestamp {
        time: info.time,
        protocol: Protocol::Rfc3161,
        digest,
        chain,
    })
}

/// The OCTET STRING of a token that holds its TSTInfo.
pub(super) fn token_content<'a>(signed_data: &SignedData<'a>) -> Result<Tlv<'a>, TimestampError> {
    if signed_data.content_type != oid::TST_INFO {
        return Err(invalid(format!(
            "its content is {}, not TSTInfo",
            signed_data.content_type
        )));
    }
    signed_data
        .content
        .filter(|content| content.tag == der::OCTET_STRING)
        .ok_or_else(|| invalid("it has no TSTInfo"))
}

/// Verifies a legacy countersignature over `stamped`; `outer` holds its certificates.
///
/// # Errors
/// Where signature, usage or chain do not hold.
pub(super) fn verify_countersignature(
    value: Tlv<'_>,
    stamped: &[u8],
    outer: &[Certificate],
    anchors: &Anchors,
) -> Result<Timestamp, TimestampError> {
    let signer = SignerInfo::read(value)?;
    let time = signer
        .signed_attributes
        .as_ref()
        .and_then(|attributes| attributes.single(oid::SIGNING_TIME))
        .ok_or_else(|| invalid("it has no signingTime"))?;
    let time = read_time(time)?;
    let digest = check_signature(&signer, stamped, outer)?;
    let chain = check_chain(&signer, outer, anchors, time, false)?;
    Ok(Timestamp {
        time,
        protocol: Protocol::Legacy,
        digest,
        chain,
    })
}

fn check_signature(
    signer: &SignerInfo<'_>,
    content: &[u8],
    pool: &[Certificate],
) -> Result<DigestAlgorithm, TimestampError> {
    let digest = DigestAlgorithm::from_oid(signer.digest_algorithm.algorithm).ok_or_else(|| {
        invalid(format!(
            "its digest algorithm {} is not supported",
            signer.digest_algorithm.algorithm
        ))
    })?;
    let stated = signer
        .signed_attributes
        .as_ref()
        .and_then(|attributes| attributes.single(oid::MESSAGE_DIGEST))
        .ok_or_else(|| invalid("it has no messageDigest"))?;
    let found = digest.of(content);
    if stated.value != found {
        return Err(invalid(format!(
            "it states digest {}, the content has {}",
            hex(stated.value),
            hex(&found)
        )));
    }
    let leaf =
        find_certificate(signer, pool).ok_or_else(|| invalid("its certificate is missing"))?;
    signer::check_signature(signer, leaf, content).map_err(|error| invalid(error.to_string()))?;
    Ok(digest)
}

fn check_chain(
    signer: &SignerInfo<'_>,
    pool: &[Certificate],
    anchors: &Anchors,
    time: OffsetDateTime,
    strict: bool,
) -> Result<Chain, TimestampError> {
    let leaf =
        find_certificate(signer, pool).ok_or_else(|| invalid("its certificate is missing"))?;
    chain::may_sign_timestamps(leaf, strict).map_err(|reason| {
        invalid(format!(
            "{} may not sign time stamps: {reason}",
            leaf.subject
        ))
    })?;
    let wanted = Wanted {
        purpose: Purpose::Timestamp,
        time,
    };
    let chain = chain::build_for(leaf, pool, anchors, wanted);
    let Some(anchor) = chain.anchor() else {
        return Err(TimestampError::UnknownChain(signer::describe_end(
            &chain.end,
        )));
    };
    if !anchor.serves(Purpose::Timestamp) {
        return Err(invalid(format!(
            "the root {} is not for time stamps",
            anchor.name
        )));
    }
    if let Some(fault) = chain.faults(Purpose::Timestamp).first() {
        return Err(invalid(fault.to_string()));
    }
    match chain.invalid_at(time) {
        Some((name, _)) => Err(invalid(format!(
            "the certificate of {name} was not valid at that time"
        ))),
        None => Ok(chain),
    }
}
