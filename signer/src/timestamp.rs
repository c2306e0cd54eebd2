//! Time stamps on a signature: RFC 3161 tokens and the legacy countersignature.

use formats::certificate::Certificate;
use formats::der::{self, Reader, Tlv};
use formats::error::ParseError;
use formats::oid;
use formats::signed_data::{SignedData, SignerInfo};
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time};

use crate::anchor::{Anchors, Purpose};
use crate::chain::{self, Chain};
use crate::digest::{DigestAlgorithm, hex};
use crate::verify::signer::{self, certificates, find_certificate};

/// Which protocol made a time stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// An RFC 3161 token.
    Rfc3161,
    /// A PKCS#9 countersignature.
    Legacy,
}

impl Protocol {
    /// The name that reports use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rfc3161 => "RFC 3161",
            Self::Legacy => "legacy",
        }
    }
}

/// A time stamp that holds.
#[derive(Debug, Clone)]
pub struct Timestamp {
    /// When the signature existed.
    pub time: OffsetDateTime,
    /// Which protocol made it.
    pub protocol: Protocol,
    /// The authority's digest algorithm.
    pub digest: DigestAlgorithm,
    /// The authority's chain.
    pub chain: Chain,
}

/// Why a time stamp does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimestampError {
    /// It cannot be read.
    #[error(transparent)]
    Malformed(#[from] ParseError),
    /// It does not fit the signature, or its own signature does not hold.
    #[error("{0}")]
    Invalid(String),
}

fn invalid(message: impl Into<String>) -> TimestampError {
    TimestampError::Invalid(message.into())
}

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
        let protocol = match attribute.kind {
            oid::RFC3161_TOKEN => Protocol::Rfc3161,
            oid::COUNTERSIGNATURE => Protocol::Legacy,
            _ => continue,
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
    if signed_data.content_type != oid::TST_INFO {
        return Err(invalid(format!(
            "its content is {}, not TSTInfo",
            signed_data.content_type
        )));
    }
    let content = signed_data
        .content
        .filter(|content| content.tag == der::OCTET_STRING)
        .ok_or_else(|| invalid("it has no TSTInfo"))?;
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

fn verify_countersignature(
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
    let chain = chain::build(leaf, pool, anchors);
    let Some(anchor) = chain.anchor() else {
        return Err(invalid(signer::describe_end(&chain.end)));
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

/// ```text
/// TSTInfo ::= SEQUENCE { version, policy OID, messageImprint SEQUENCE { AlgorithmIdentifier, OCTET STRING },
///                        serialNumber INTEGER, genTime GeneralizedTime, ... }        -- RFC 3161 §2.4.2
/// ```
struct TstInfo {
    digest: DigestAlgorithm,
    imprint: Vec<u8>,
    time: OffsetDateTime,
}

impl TstInfo {
    fn read(content: Tlv<'_>) -> Result<Self, TimestampError> {
        let mut reader = Reader::new("TSTInfo", content.value, content.value_offset());
        let body = reader.expect("TSTInfo", der::SEQUENCE)?;
        reader.finish()?;
        let mut reader = body.reader("TSTInfo");
        reader.small_integer("version")?;
        reader.oid("policy")?;
        let mut imprint = reader
            .expect("messageImprint", der::SEQUENCE)?
            .reader("MessageImprint");
        let mut algorithm = imprint
            .expect("hashAlgorithm", der::SEQUENCE)?
            .reader("AlgorithmIdentifier");
        let algorithm = algorithm.oid("algorithm")?;
        let digest = DigestAlgorithm::from_oid(algorithm).ok_or_else(|| {
            invalid(format!(
                "its imprint algorithm {algorithm} is not supported"
            ))
        })?;
        let hash = imprint.expect("hashedMessage", der::OCTET_STRING)?;
        reader.expect("serialNumber", der::INTEGER)?;
        let time = read_time(reader.expect("genTime", der::GENERALIZED_TIME)?)?;
        Ok(Self {
            digest,
            imprint: hash.value.to_vec(),
            time,
        })
    }
}

/// Reads a UTCTime or GeneralizedTime in UTC; fractions of a second are cut off.
fn read_time(tlv: Tlv<'_>) -> Result<OffsetDateTime, TimestampError> {
    let text = std::str::from_utf8(tlv.value).unwrap_or_default();
    parse_time(tlv.tag, text)
        .ok_or_else(|| invalid(format!("its time '{}' cannot be read", text.escape_debug())))
}

fn parse_time(tag: u8, text: &str) -> Option<OffsetDateTime> {
    let digits = text.strip_suffix('Z')?;
    let digits = digits.split('.').next()?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = match tag {
        der::UTC_TIME => {
            let (year, rest) = digits.split_at_checked(2)?;
            let year: i32 = year.parse().ok()?;
            // RFC 5280 §4.1.2.5.1: two digits from 50 belong to the twentieth century.
            let century = if year >= 50 { 1900 } else { 2000 };
            (year.checked_add(century)?, rest)
        }
        _ => {
            let (year, rest) = digits.split_at_checked(4)?;
            (year.parse().ok()?, rest)
        }
    };
    let field = |start: usize| rest.get(start..start.checked_add(2)?)?.parse::<u8>().ok();
    if rest.len() != 10 {
        return None;
    }
    let date = Date::from_calendar_date(year, Month::try_from(field(0)?).ok()?, field(2)?).ok()?;
    let time = Time::from_hms(field(4)?, field(6)?, field(8)?).ok()?;
    Some(PrimitiveDateTime::new(date, time).assume_utc())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::rfc3339;

    #[test]
    fn both_forms_of_time_are_read() {
        let read = |tag, text| parse_time(tag, text).map(rfc3339);
        assert_eq!(
            read(der::UTC_TIME, "991231235959Z").unwrap(),
            "1999-12-31T23:59:59Z"
        );
        assert_eq!(
            read(der::UTC_TIME, "250605080048Z").unwrap(),
            "2025-06-05T08:00:48Z"
        );
        assert_eq!(
            read(der::GENERALIZED_TIME, "20300101000000.5Z").unwrap(),
            "2030-01-01T00:00:00Z"
        );
        for bad in [
            "20300101000000",
            "2030010100000Z",
            "20301301000000Z",
            "203001010000ééZ",
        ] {
            assert_eq!(read(der::GENERALIZED_TIME, bad), None, "{bad}");
        }
    }
}
