//! What features have to do with each other, with processors, releases and image types.

use super::rows;
use crate::diagnostic::Level;
use crate::facts::product::Arch;
use crate::image::ImageType;

const CONFLICTS: &str = include_str!("../../../policies/feature-conflicts.tsv");
const NEEDS: &str = include_str!("../../../policies/feature-needs.tsv");
const REQUIRED: &str = include_str!("../../../policies/required-features.tsv");
const ARCHS: &str = include_str!("../../../policies/feature-archs.tsv");
const VARIANTS: &str = include_str!("../../../policies/security-variants.tsv");

/// Two features that must not be chosen together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conflict {
    /// The first.
    pub first: &'static str,
    /// The second.
    pub second: &'static str,
    /// The only image type that is meant; every type where there is none.
    pub image: Option<ImageType>,
    /// How much it weighs.
    pub level: Level,
    /// The one to switch off, where that is clear.
    pub off: Option<&'static str>,
    /// Why, for people.
    pub why: &'static str,
}

/// All pairs that must not be chosen together.
pub fn conflicts() -> impl Iterator<Item = Conflict> {
    rows(CONFLICTS).filter_map(|[first, second, image, level, off, why]| {
        Some(Conflict {
            first,
            second,
            image: ImageType::from_word(image),
            level: Level::from_word(level)?,
            off: (off != "-").then_some(off),
            why,
        })
    })
}

/// A feature that is nothing without another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// The feature.
    pub feature: &'static str,
    /// What it needs.
    pub needs: &'static str,
    /// How much it weighs.
    pub level: Level,
    /// Whether adding what it needs is all that is to be done.
    pub add: bool,
    /// Why, for people.
    pub why: &'static str,
}

/// All features that need another one.
pub fn needs() -> impl Iterator<Item = Need> {
    rows(NEEDS).filter_map(|[feature, needs, level, fix, why]| {
        Some(Need {
            feature,
            needs,
            level: Level::from_word(level)?,
            add: fix == "add",
            why,
        })
    })
}

/// A feature that every image of IoT Core has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Required {
    any_of: &'static str,
    archs: &'static str,
    /// How much it weighs.
    pub level: Level,
    /// Whether adding the first is all that is to be done.
    pub add: bool,
    /// Why, for people.
    pub why: &'static str,
}

impl Required {
    /// The features of which one is enough; the first is the usual one.
    pub fn any_of(&self) -> impl Iterator<Item = &'static str> {
        self.any_of.split('|')
    }

    /// Whether images for a processor need it; where the processor is not known, only what all need.
    pub fn is_for(&self, arch: Option<Arch>) -> bool {
        let mut archs = self.archs.split(',').map(Arch::from_word);
        self.archs == "any" || (arch.is_some() && archs.any(|known| known == arch))
    }
}

/// The features that images of IoT Core need.
pub fn required() -> impl Iterator<Item = Required> {
    rows(REQUIRED).filter_map(|[any_of, archs, level, fix, why]| {
        Some(Required {
            any_of,
            archs,
            level: Level::from_word(level)?,
            add: fix == "add",
            why,
        })
    })
}

/// For which processors a feature exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Existence {
    /// For this one, from this release on where it came later than the feature.
    Since(Option<u16>),
    /// For these others only.
    OnlyFor(Vec<Arch>),
}

/// Whether a feature exists for a processor; `None` where nothing is known.
pub fn existence(feature: &str, arch: Arch) -> Option<Existence> {
    let mut known = rows(ARCHS);
    let [_, archs] = known.find(|[id, _]: &[&str; 2]| id.eq_ignore_ascii_case(feature))?;
    let archs = archs.split(',').filter_map(|arch| {
        let (arch, since) = arch.split_once(':').unwrap_or((arch, ""));
        Some((Arch::from_word(arch)?, since.parse().ok()))
    });
    let archs: Vec<(Arch, Option<u16>)> = archs.collect();
    match archs.iter().find(|(known, _)| *known == arch) {
        Some((_, since)) => Some(Existence::Since(*since)),
        // The list is older than images for arm64.
        None if arch == Arch::Arm64 => None,
        None => Some(Existence::OnlyFor(
            archs.iter().map(|(arch, _)| *arch).collect(),
        )),
    }
}

/// A feature with a variant for test images and one for retail images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variant {
    /// For test images.
    pub test: &'static str,
    /// For retail images.
    pub retail: &'static str,
    /// What the test variant is, for people.
    pub what: &'static str,
}

/// All features with variants.
pub fn variants() -> impl Iterator<Item = Variant> {
    rows(VARIANTS).map(|[test, retail, what]| Variant { test, retail, what })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(list: &str) -> usize {
        list.lines().filter(|line| !line.starts_with('#')).count()
    }

    #[test]
    fn every_line_is_read() {
        assert_eq!(conflicts().count(), lines(CONFLICTS));
        assert_eq!(needs().count(), lines(NEEDS));
        assert_eq!(required().count(), lines(REQUIRED));
        assert_eq!(rows::<2>(ARCHS).count(), lines(ARCHS));
        assert_eq!(variants().count(), lines(VARIANTS));
    }

    #[test]
    fn processors_are_read_with_their_releases() {
        assert_eq!(
            existence("iot_containers", Arch::X64),
            Some(Existence::Since(None))
        );
        assert_eq!(
            existence("IOT_CONTAINERS", Arch::Arm),
            Some(Existence::Since(Some(1809)))
        );
        let only = Existence::OnlyFor(vec![Arch::Arm]);
        assert_eq!(existence("IOT_FFU_FLASHMODE", Arch::X86), Some(only));
        assert_eq!(existence("IOT_FFU_FLASHMODE", Arch::Arm64), None);
        assert_eq!(existence("IOT_SSH", Arch::X86), None);
    }

    #[test]
    fn what_is_required_depends_on_the_processor() {
        let of = |arch| required().filter(|known| known.is_for(arch)).count();
        assert_eq!(
            (of(None), of(Some(Arch::Arm)), of(Some(Arch::X64))),
            (3, 3, 5)
        );
    }
}
