//! Versions of the operating system that an image is built of.

use std::fmt;

use serde::{Deserialize, Deserializer};

use super::Workspace;

/// The variable by which a user says what OS images are built of.
pub const OS_VERSION: &str = "OSVERSION";

/// The two numbers that tell releases of Windows 10 apart: in `10.0.17763.865` the last two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OsBuild {
    /// E.g. 17763.
    pub build: u16,
    /// E.g. 865.
    pub revision: u16,
}

impl OsBuild {
    /// Reads `10.0.17763.865`, or the last two numbers alone.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (build, revision) = text.strip_prefix("10.0.").unwrap_or(text).split_once('.')?;
        Some(Self {
            build: build.parse().ok()?,
            revision: revision.parse().ok()?,
        })
    }
}

impl fmt::Display for OsBuild {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.build, self.revision)
    }
}

impl<'de> Deserialize<'de> for OsBuild {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let unreadable = || {
            serde::de::Error::custom(format!(
                "`{text}` is no OS version, expected e.g. `10.0.17763.865`"
            ))
        };
        Self::parse(&text).ok_or_else(unreadable)
    }
}

/// The version of a package, e.g. `10.0.3.0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageVersion(pub [u16; 4]);

impl PackageVersion {
    /// Reads four decimal numbers up to 65535 between full stops.
    pub fn parse(text: &str) -> Option<Self> {
        let is_number =
            |part: &str| !part.is_empty() && part.bytes().all(|digit| digit.is_ascii_digit());
        let parts = text.trim().split('.');
        let numbers = parts.map(|part| part.parse().ok().filter(|_| is_number(part)));
        let numbers: Option<Vec<u16>> = numbers.collect();
        Some(Self(numbers?.try_into().ok()?))
    }
}

impl fmt::Display for PackageVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, build, revision] = self.0;
        write!(f, "{major}.{minor}.{build}.{revision}")
    }
}

impl Workspace {
    /// The OS that images are built of, as far as the user defined it as [`OS_VERSION`].
    pub fn os_build(&self) -> Option<OsBuild> {
        OsBuild::parse(self.defines.get(OS_VERSION)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_packages_are_four_numbers() {
        let version = PackageVersion::parse(" 10.0.3.0 ").unwrap();
        assert_eq!(version.to_string(), "10.0.3.0");
        assert!(PackageVersion::parse("10.0.10.0") > Some(version));
        for text in ["", "1.0", "1.0.0.0.0", "1.0.0.65536", "1.0.0.+1", "1..0.0"] {
            assert_eq!(PackageVersion::parse(text), None, "{text}");
        }
    }

    #[test]
    fn releases_are_compared_by_number() {
        let build = |text| OsBuild::parse(text);
        assert!(build("10.0.17763.865") > build("17763.107"));
        assert!(build("10.0.9200.0") < build("10.0.17763.1"));
        for text in [
            "",
            "17763",
            "10.0.17763",
            "6.1.7601.1",
            "17763.865.1",
            "17763.70000",
        ] {
            assert_eq!(build(text), None, "{text}");
        }
    }
}
