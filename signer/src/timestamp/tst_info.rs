//! `TSTInfo`, what a token states, and the forms of time in stamps.

use formats::der::{self, Reader, Tlv};
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time};

use super::{TimestampError, invalid};
use crate::digest::DigestAlgorithm;

/// ```text
/// TSTInfo ::= SEQUENCE { version INTEGER, policy OID,
///   messageImprint SEQUENCE { AlgorithmIdentifier, OCTET STRING },
///   serialNumber INTEGER, genTime GeneralizedTime, accuracy SEQUENCE OPTIONAL, ordering BOOLEAN DEFAULT FALSE,
///   nonce INTEGER OPTIONAL, tsa [0] OPTIONAL, extensions [1] OPTIONAL }                    -- RFC 3161 §2.4.2
/// ```
pub(super) struct TstInfo<'a> {
    pub(super) digest: DigestAlgorithm,
    pub(super) imprint: &'a [u8],
    pub(super) time: OffsetDateTime,
    /// Content octets of the nonce.
    pub(super) nonce: Option<&'a [u8]>,
}

impl<'a> TstInfo<'a> {
    /// Reads the content of the OCTET STRING in a token.
    pub(super) fn read(content: Tlv<'a>) -> Result<Self, TimestampError> {
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
        imprint.finish()?;
        reader.expect("serialNumber", der::INTEGER)?;
        let time = read_time(reader.expect("genTime", der::GENERALIZED_TIME)?)?;
        reader.optional("accuracy", der::SEQUENCE)?;
        reader.optional("ordering", der::BOOLEAN)?;
        let nonce = reader.optional("nonce", der::INTEGER)?;
        reader.optional("tsa", der::context(0))?;
        reader.optional("extensions", der::context(1))?;
        reader.finish()?;
        Ok(Self {
            digest,
            imprint: hash.value,
            time,
            nonce: nonce.map(|nonce| nonce.value),
        })
    }
}

/// Reads a UTCTime or GeneralizedTime in UTC; fractions of a second are cut off.
pub(super) fn read_time(tlv: Tlv<'_>) -> Result<OffsetDateTime, TimestampError> {
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
