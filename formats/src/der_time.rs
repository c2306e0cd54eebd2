//! Points in time in DER (X.690 §11.7 and §11.8): UTCTime and GeneralizedTime, in seconds, in UTC.

use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

use crate::der::{self, Tlv};
use crate::error::ParseError;

/// Reads a UTCTime `YYMMDDHHMMSSZ`, whose years run from 1950 to 2049, or a GeneralizedTime `YYYYMMDDHHMMSSZ`.
///
/// # Errors
/// For any other form; `structure` and `field` name the place.
pub fn read(
    tlv: Tlv<'_>,
    structure: &'static str,
    field: &'static str,
) -> Result<OffsetDateTime, ParseError> {
    parse(tlv.tag, tlv.value).ok_or_else(|| {
        let found = format!("'{}'", String::from_utf8_lossy(tlv.value).escape_debug());
        ParseError::invalid(
            structure,
            field,
            tlv.offset,
            found,
            "a time in seconds that ends in Z",
        )
    })
}

fn parse(tag: u8, value: &[u8]) -> Option<OffsetDateTime> {
    let digits = value.strip_suffix(b"Z")?;
    if !digits.iter().all(u8::is_ascii_digit) || !digits.len().is_multiple_of(2) {
        return None;
    }
    let pairs: Vec<u8> = digits
        .chunks_exact(2)
        .filter_map(|pair| std::str::from_utf8(pair).ok()?.parse().ok())
        .collect();
    let (year, rest) = match (tag, pairs.as_slice()) {
        (der::UTC_TIME, [year, rest @ ..]) => {
            let century: u16 = if *year < 50 { 2000 } else { 1900 };
            (century.saturating_add(u16::from(*year)), rest)
        }
        (der::GENERALIZED_TIME, [century, year, rest @ ..]) => {
            let century = u16::from(*century).saturating_mul(100);
            (century.saturating_add(u16::from(*year)), rest)
        }
        _ => return None,
    };
    let [month, day, hour, minute, second] = *rest else {
        return None;
    };
    let date = Date::from_calendar_date(year.into(), Month::try_from(month).ok()?, day).ok()?;
    let time = Time::from_hms(hour, minute, second).ok()?;
    Some(PrimitiveDateTime::new(date, time).assume_utc())
}

/// Encodes a `Time` (RFC 5280 §4.1.2.5): UTCTime from 1950 to 2049, GeneralizedTime outside. Fractions of a second
/// are cut off.
pub fn write(time: OffsetDateTime) -> Vec<u8> {
    let time = time.to_offset(UtcOffset::UTC);
    let tail = format!(
        "{:02}{:02}{:02}{:02}{:02}Z",
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    );
    match time.year() {
        year @ 1950..=2049 => {
            let text = format!("{:02}{tail}", year.rem_euclid(100));
            der::tlv(der::UTC_TIME, text.as_bytes())
        }
        year => der::tlv(der::GENERALIZED_TIME, format!("{year:04}{tail}").as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::der::Reader;

    fn read_back(bytes: &[u8]) -> Result<OffsetDateTime, ParseError> {
        let tlv = Reader::new("test", bytes, 0).next("time").unwrap();
        read(tlv, "test", "time")
    }

    #[test]
    fn times_round_trip_across_both_forms() {
        for (seconds, form) in [
            (-631_152_000, der::UTC_TIME),
            (0, der::UTC_TIME),
            (1_749_110_448, der::UTC_TIME),
            (2_524_607_999, der::UTC_TIME),
            (2_524_608_000, der::GENERALIZED_TIME),
        ] {
            let time = OffsetDateTime::from_unix_timestamp(seconds).unwrap();
            let bytes = write(time);
            assert_eq!(bytes[0], form, "{time}");
            assert_eq!(read_back(&bytes).unwrap(), time);
        }
    }

    #[test]
    fn other_forms_are_refused() {
        for bad in [
            "2506050800Z",
            "250605080048",
            "250605080048+0100",
            "251305080048Z",
            "25060508004xZ",
            "",
        ] {
            let error = read_back(&der::tlv(der::UTC_TIME, bad.as_bytes())).unwrap_err();
            assert!(error.to_string().contains("ends in Z"), "{bad}: {error}");
        }
    }
}
