//! What verifying one signed file said: rules about signatures judge this.
//!
//! [`crate::verify`] fills it in, because that needs trust anchors and a time; a rule never verifies.

use formats::document::appx::Identity;
use signer::anchor::{Anchor, TrustClass};
use signer::chain::End;
use signer::verify::SignatureReport;
use time::OffsetDateTime;

use super::contents::Content;
use crate::diagnostic::Place;

/// One signature of a file, or the finding that there is none.
#[derive(Debug, Clone)]
pub struct Signature {
    /// The file that was verified.
    pub subject: Subject,
    /// What kind of file it is.
    pub carrier: Carrier,
    /// Where a package definition names the file, where it was verified as payload of a package that is not built.
    pub named_at: Option<Place>,
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

/// What carries a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carrier {
    /// A cabinet.
    Package,
    /// A file in one, or payload that gets into one.
    File(Content),
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
        let path = self.subject.member.as_deref();
        crate::files::name_of(path.unwrap_or(&self.subject.file))
    }

    /// The name as messages give it: `` `a.sys` in `A.cab` ``.
    pub fn title(&self) -> String {
        match &self.subject.member {
            Some(_) => {
                let cab = crate::files::name_of(&self.subject.file);
                format!("`{}` in `{cab}`", self.name())
            }
            None => format!("`{}`", self.name()),
        }
    }

    /// The file that decides to which product the signature belongs: the cabinet, or the definition that names the
    /// payload.
    pub fn document(&self) -> &str {
        let named = self.named_at.as_ref();
        named.map_or(self.subject.file.as_str(), Place::file)
    }

    /// Whether it is that of a cabinet.
    pub fn is_package(&self) -> bool {
        self.carrier == Carrier::Package
    }

    /// Whether it is that of a PE image.
    pub fn is_image(&self) -> bool {
        matches!(self.carrier, Carrier::File(Content::Image { .. }))
    }

    /// Whether it is that of a kernel driver.
    pub fn is_driver(&self) -> bool {
        self.is_image() && self.name().to_ascii_lowercase().ends_with(".sys")
    }

    /// Whether it is that of an image in a package of HAL extensions, which the kit tells by the package's name.
    pub fn is_hal_extension(&self) -> bool {
        let cab = crate::files::name_of(&self.subject.file).to_ascii_lowercase();
        self.is_image() && cab.contains(".halext")
    }

    /// Whether it is that of a catalog.
    pub fn is_catalog(&self) -> bool {
        self.carrier == Carrier::File(Content::Catalog)
    }

    /// Who an app package is.
    pub fn app(&self) -> Option<&Identity> {
        match &self.carrier {
            Carrier::File(Content::App(identity)) => Some(identity),
            _ => None,
        }
    }

    /// Whether it is nested in another signature.
    pub fn is_nested(&self) -> bool {
        self.report()
            .is_some_and(|report| report.route.contains(".nested["))
    }

    /// The name of a root that is in no list and says of itself that it is for tests, without the words "(TEST ONLY)"
    /// that the kit looks for.
    pub fn unmarked_test_root(&self) -> Option<&str> {
        let chain = self.report()?.chain.as_ref()?;
        let End::UnknownRoot(_) = &chain.end else {
            return None;
        };
        let root = &chain.certificates.last()?.subject.common_name;
        let lower = root.to_lowercase();
        let mut words = lower.split(|c: char| !c.is_alphanumeric());
        let is_test = words
            .any(|word| matches!(word, "test" | "testing" | "debug" | "development"))
            || lower.starts_with("wdktestcert")
            || lower.starts_with("do_not_trust");
        (is_test && !lower.contains("(test only)")).then_some(root)
    }

    /// The chain's class, where it ends at an anchor.
    pub fn class(&self) -> Option<TrustClass> {
        self.anchored().map(|(_, anchor)| anchor.class)
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
            carrier: Carrier::File(Content::Image { machine: 0x1c4 }),
            named_at: None,
            state: State::Unsigned,
            verified_at: OffsetDateTime::UNIX_EPOCH,
        };
        let place = signature.place("signer").to_string();
        assert_eq!(place, "a.cab (driver.sys: signature.signer)");
    }
}
