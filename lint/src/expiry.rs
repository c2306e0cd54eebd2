//! Until when an exemption counts: of a policy's line, of a suppression in a document.

use std::fmt;

use time::Date;

/// The last day, in UTC, on which an exemption counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Until(Date);

impl Until {
    /// A day that is over.
    pub(crate) const OVER: Self = Self(Date::MIN);

    /// This day is the last.
    pub fn on(day: Date) -> Self {
        Self(day)
    }

    /// Reads a date, `2027-03-31`.
    pub fn parse(text: &str) -> Option<Self> {
        let is_date = text.len() == 10;
        let at = is_date
            .then(|| signer::clock::parse_rfc3339(text))
            .flatten()?;
        Some(Self(at.date()))
    }

    /// Whether the day is over. Where nobody said which day it is, everything that is limited is over: an exemption
    /// must not live on because a date was forgotten.
    pub fn is_over(self, today: Option<Date>) -> bool {
        today.is_none_or(|today| today > self.0)
    }
}

impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.0.to_calendar_date();
        write!(f, "{year:04}-{:02}-{day:02}", u8::from(month))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    #[test]
    fn a_day_counts_to_its_end_and_without_a_date_nothing_does() {
        let until = Until::parse("2027-03-31").unwrap();
        assert!(!until.is_over(Some(date!(2027 - 03 - 31))));
        assert!(until.is_over(Some(date!(2027 - 04 - 01))));
        assert!(until.is_over(None));
        assert_eq!(until.to_string(), "2027-03-31");
        for wrong in ["2027-02-30", "31.03.2027", "2027-03-31T00:00:00Z", ""] {
            assert_eq!(Until::parse(wrong), None, "{wrong}");
        }
    }
}
