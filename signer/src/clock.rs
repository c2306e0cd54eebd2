//! Points in time as people write them. Nothing here reads a clock: the time is always an argument.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A time as RFC 3339 writes it, in seconds, e.g. `2026-01-31T12:00:00Z`.
pub fn rfc3339(time: OffsetDateTime) -> String {
    let seconds = time.replace_nanosecond(0).unwrap_or(time);
    seconds
        .format(&Rfc3339)
        .unwrap_or_else(|_| time.to_string())
}

/// Reads an RFC 3339 time, or a date alone for its midnight in UTC.
pub fn parse_rfc3339(text: &str) -> Option<OffsetDateTime> {
    let full = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        _ => text.to_owned(),
    };
    OffsetDateTime::parse(&full, &Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_round_trip() {
        let time = parse_rfc3339("2026-01-31T12:00:00Z").unwrap();
        assert_eq!(rfc3339(time), "2026-01-31T12:00:00Z");
        assert_eq!(
            parse_rfc3339("2026-01-31"),
            parse_rfc3339("2026-01-31T00:00:00Z")
        );
        assert_eq!(parse_rfc3339("yesterday"), None);
    }
}
