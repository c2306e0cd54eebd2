//! `UpdateHistory.xml`: what a finished image says of the packages that were put into it.
//!
//! ```text
//! UpdateHistory/UpdateEvents/UpdateEvent/UpdateOSOutput/Packages/Package
//!     Identity: Owner, Component, SubComponent, Version @Major @Minor @QFE @Build
//!     ReleaseType, OwnerType, CpuType, Partition, PackageFile, PackageIdentity, IsRemoval, IsBinaryPartition
//! ```
//!
//! Elements are found by their local names. `PackageIdentity` of packages of today's servicing is
//! `name~token~architecture~language~version`. Source: MobilePackageGen, `UpdateHistory/`.

use std::collections::BTreeMap;

use roxmltree::Node;

use super::error::DocumentError;
use super::xml;
use crate::source::{Source, Span};

/// Name of the root element.
pub const ROOT: &str = "UpdateHistory";

/// The packages that an image has by its own record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UpdateHistory {
    /// Name of the root element as it stands.
    pub root: String,
    /// One for each package and partition, as the last event about it has it; removed ones are left out.
    pub packages: Vec<RecordedPackage>,
}

/// A package of the record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecordedPackage {
    /// Of `PackageIdentity`, or else owner, component and sub-component joined by dots.
    pub name: String,
    /// Of `PackageIdentity`, or else the parts of `Version` joined by dots.
    pub version: Option<String>,
    /// `CpuType`.
    pub architecture: Option<String>,
    /// `Partition`.
    pub partition: Option<String>,
    /// `ReleaseType`: `Production` or `Test`.
    pub release_type: Option<String>,
    /// `OwnerType`, e.g. `OEM`.
    pub owner_type: Option<String>,
    /// Whether it is the image of a whole partition, which has no files.
    pub is_binary_partition: bool,
    /// `Package`, the whole element.
    pub element: Span,
}

impl UpdateHistory {
    /// Reads a record.
    ///
    /// # Errors
    /// Where the text is no well-formed XML or over the limits of [`super::xml`].
    pub fn parse(source: &Source) -> Result<Self, DocumentError> {
        let document = xml::parse(source)?;
        let mut known: BTreeMap<(String, String), Option<RecordedPackage>> = BTreeMap::new();
        let entries = document.descendants().filter(|node| is(node, "Package"));
        for entry in entries {
            let Some(package) = package(entry) else {
                continue;
            };
            let is_removal = text(entry, "IsRemoval").is_some_and(|text| is_true(&text));
            let partition = package.partition.clone().unwrap_or_default();
            let key = (package.name.to_lowercase(), partition.to_lowercase());
            known.insert(key, (!is_removal).then_some(package));
        }
        let mut packages: Vec<RecordedPackage> = known.into_values().flatten().collect();
        packages.sort_by_key(|package| package.element.start);
        Ok(Self {
            root: document.root_element().tag_name().name().to_owned(),
            packages,
        })
    }
}

fn package(entry: Node<'_, '_>) -> Option<RecordedPackage> {
    let mut package = RecordedPackage {
        architecture: text(entry, "CpuType"),
        partition: text(entry, "Partition"),
        release_type: text(entry, "ReleaseType"),
        owner_type: text(entry, "OwnerType"),
        is_binary_partition: text(entry, "IsBinaryPartition").is_some_and(|text| is_true(&text)),
        element: Span::from(entry.range()),
        ..RecordedPackage::default()
    };
    if let Some(identity) = child(entry, "Identity") {
        let parts = ["Owner", "Component", "SubComponent"];
        let parts: Vec<String> = parts
            .iter()
            .filter_map(|part| text(identity, part))
            .collect();
        package.name = parts.join(".");
        package.version = child(identity, "Version").map(|version| {
            let parts = ["Major", "Minor", "QFE", "Build"];
            let parts = parts.map(|part| version.attribute(part).unwrap_or("0"));
            parts.join(".")
        });
    }
    if let Some(identity) = text(entry, "PackageIdentity") {
        let mut parts = identity.split('~');
        if let Some(name) = parts.next().filter(|name| !name.is_empty()) {
            package.name = name.to_owned();
        }
        if let Some(version) = parts.nth(3).filter(|version| !version.is_empty()) {
            package.version = Some(version.to_owned());
        }
    }
    (!package.name.is_empty()).then_some(package)
}

fn is(node: &Node<'_, '_>, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name
}

fn child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.children().find(|child| is(child, name))
}

fn text(node: Node<'_, '_>, name: &str) -> Option<String> {
    let text = child(node, name)?.text()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn is_true(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().as_str(), "true" | "1")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(events: &str) -> UpdateHistory {
        let text = format!(
            "<UpdateHistory xmlns=\"http://schemas.microsoft.com/embedded/2004/10/ImageUpdate\"><UpdateEvents>{events}\
             </UpdateEvents></UpdateHistory>"
        );
        UpdateHistory::parse(&Source::new("UpdateHistory.xml", text, 0)).unwrap()
    }

    fn event(packages: &str) -> String {
        format!(
            "<UpdateEvent><UpdateOSOutput><Packages>{packages}</Packages></UpdateOSOutput></UpdateEvent>"
        )
    }

    const OLD: &str = "<Package><Identity><Owner>Fjord</Owner><Component>Kiosk</Component><SubComponent>Agent</SubComponent>\
        <Version Major=\"1\" Minor=\"2\" QFE=\"3\" Build=\"4\"/></Identity><ReleaseType>Test</ReleaseType>\
        <Partition>MainOS</Partition></Package>";

    #[test]
    fn names_come_from_the_identity_of_either_kind() {
        let new = "<Package><PackageIdentity>Fjord.Kiosk.Gpio~628844477771337a~arm~~1.0.0.7</PackageIdentity>\
            <ReleaseType>Production</ReleaseType><IsBinaryPartition>true</IsBinaryPartition></Package>";
        let history = parse(&event(&format!("{OLD}{new}<Package/>")));
        let named: Vec<_> = history
            .packages
            .iter()
            .map(|p| (p.name.as_str(), p.version.as_deref()))
            .collect();
        assert_eq!(
            named,
            [
                ("Fjord.Kiosk.Agent", Some("1.2.3.4")),
                ("Fjord.Kiosk.Gpio", Some("1.0.0.7"))
            ]
        );
        assert_eq!(history.packages[0].release_type.as_deref(), Some("Test"));
        assert!(
            history.packages[1].is_binary_partition && !history.packages[0].is_binary_partition
        );
        assert_eq!(history.root, ROOT);
    }

    #[test]
    fn the_last_event_counts_and_a_removal_removes() {
        let newer = OLD.replace("Minor=\"2\"", "Minor=\"9\"");
        let history = parse(&format!("{}{}", event(OLD), event(&newer)));
        assert_eq!(history.packages.len(), 1);
        assert_eq!(history.packages[0].version.as_deref(), Some("1.9.3.4"));
        let removal = OLD.replace("<ReleaseType>", "<IsRemoval>true</IsRemoval><ReleaseType>");
        assert!(
            parse(&format!("{}{}", event(OLD), event(&removal)))
                .packages
                .is_empty()
        );
    }
}
