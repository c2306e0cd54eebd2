//! The image types that policies are written for, and what an `OEMInput.xml` says about its own.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What an image is for. A rule names the types it speaks about, a policy belongs to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImageType {
    /// Shipped to customers: `ReleaseType` is `Production`.
    Retail,
    /// Built for development: `ReleaseType` is `Test`.
    Test,
    /// The manufacturing operating system of Windows 10 Mobile: `Product` is `Manufacturing OS`.
    Mmos,
}

/// The `Product` that makes an image a manufacturing OS, whatever its `ReleaseType`.
pub const MANUFACTURING_OS: &str = "Manufacturing OS";

impl ImageType {
    /// Every image type, in the order of reports.
    pub const ALL: &'static [Self] = &[Self::Retail, Self::Test, Self::Mmos];

    /// The word that policies, options and reports use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retail => "retail",
            Self::Test => "test",
            Self::Mmos => "mmos",
        }
    }

    /// The image type a word stands for; `None` for any other word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|image| image.as_str() == word)
    }

    /// The type that `Product` and `ReleaseType` of an `OEMInput.xml` make together. `ReleaseType` is compared without
    /// regard to case, as the imaging scripts do; `None` where it is absent or something else.
    pub fn of(product: Option<&str>, release_type: Option<&str>) -> Option<Self> {
        if product.is_some_and(|product| product.trim().eq_ignore_ascii_case(MANUFACTURING_OS)) {
            return Some(Self::Mmos);
        }
        let release_type = release_type?.trim();
        if release_type.eq_ignore_ascii_case("Production") {
            Some(Self::Retail)
        } else if release_type.eq_ignore_ascii_case("Test") {
            Some(Self::Test)
        } else {
            None
        }
    }
}

impl fmt::Display for ImageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_type_decides_unless_the_product_is_the_manufacturing_os() {
        let iot = Some("Windows 10 IoT Core");
        assert_eq!(
            ImageType::of(iot, Some("Production")),
            Some(ImageType::Retail)
        );
        assert_eq!(ImageType::of(None, Some(" test ")), Some(ImageType::Test));
        assert_eq!(
            ImageType::of(Some("Manufacturing OS"), Some("Test")),
            Some(ImageType::Mmos)
        );
        assert_eq!(ImageType::of(iot, Some("Retail")), None);
        assert_eq!(ImageType::of(iot, None), None);
    }
}
