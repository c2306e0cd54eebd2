//! What verifying one signed file said: rules about signatures judge this.
//!
//! [`crate::verify`] fills it in, because that needs trust anchors and a time; a rule never verifies.

use signer::anchor::Anchor;
use signer::verify::SignatureReport;
use time::OffsetDateTime;

use crate::diagnostic::Place;

/// One signature of a file, or the finding that there is none.
#[derive(Debug, Clone)]
pub struct Signature {
    /// The file that was verified.
    pub subject: Subject,
    /// Whether there is one that can be read at all.
    pub state: State,
    /// The moment at which certificates had to be valid where no time stamp says otherwise.
    pub verified_at: OffsetDateTime,
}

/// A file on disk, or a member of a package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// The file on disk, e.g. a cabinet.
    pub file: String,
    /// The member of the cabinet, where the subject is one.
    pub member: Option<String>,
}

/// Whether there is a signature.
#[derive(Debug, Clone)]
pub enum State {
    /// There is none.
    Unsigned,
    /// The file cannot be read; the text says why.
    Unreadable(String),
    /// There is one, and this is its record.
    Signed(Box<SignatureReport>),
}

impl Signature {
    /// A part of this signature, e.g. `signer`; the whole one for an empty part.
    pub fn place(&self, part: &str) -> Place {
        let member = match &self.subject.member {
            Some(member) => format!("{member}: "),
            None => String::new(),
        };
        let signature = match &self.state {
            State::Signed(report) => report.route.as_str(),
            State::Unsigned | State::Unreadable(_) => "signature",
        };
        let dot = if part.is_empty() { "" } else { "." };
        Place::binary(
            self.subject.file.as_str(),
            format!("{member}{signature}{dot}{part}"),
        )
    }

    /// The name of the file, or of the member, without a folder.
    pub fn name(&self) -> &str {
        let file = crate::files::name_of(&self.subject.file);
        self.subject.member.as_deref().unwrap_or(file)
    }

    /// The record of a signature whose chain ends at an anchor, with that anchor.
    pub fn anchored(&self) -> Option<(&SignatureReport, &Anchor)> {
        let report = self.report()?;
        Some((report, report.anchor()?))
    }

    /// Whether the chain ends at a root that released code is signed under, or at one that the user trusts.
    pub fn is_of_production(&self) -> bool {
        self.anchored()
            .is_some_and(|(_, anchor)| !anchor.class.is_test())
    }

    /// The record, where there is a signature.
    pub fn report(&self) -> Option<&SignatureReport> {
        match &self.state {
            State::Signed(report) => Some(report),
            State::Unsigned | State::Unreadable(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_names_file_member_and_part() {
        let signature = Signature {
            subject: Subject {
                file: "a.cab".into(),
                member: Some("driver.sys".into()),
            },
            state: State::Unsigned,
            verified_at: OffsetDateTime::UNIX_EPOCH,
        };
        let place = signature.place("signer").to_string();
        assert_eq!(place, "a.cab (driver.sys: signature.signer)");
    }
}
