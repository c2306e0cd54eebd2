//! The payload of packages: files that are not read, but for how they begin.

use std::collections::{BTreeMap, BTreeSet};

use super::built::{BuiltFrom, BuiltPackage};
use super::tree::TreeFile;
use super::{Definition, Facts, Workspace};
use crate::diagnostic::Place;
use crate::files;
use crate::inside::Claim;

/// How many bytes of a payload file are read.
pub const LENGTH: u64 = 4096;

/// Name ends of the payload files whose beginning is read, lower case.
const ENDS: &[&str] = &[".sys", ".exe", ".dll", "settings.json"];

/// How a payload file begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    /// A PE image.
    Image(Image),
    /// A byte-order mark of UTF-16, or a text whose every other byte is NUL.
    Utf16,
    /// Anything else.
    Other,
}

/// What the headers of a PE image say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Image {
    /// `Machine` of the COFF header, e.g. 0x14c.
    pub machine: u16,
    /// Whether there is a certificate table; a signature of a catalog is elsewhere.
    pub has_certificates: bool,
}

/// Whether the beginning of a file is wanted.
pub fn is_wanted(path: &str) -> bool {
    let name = files::name_of(path).to_ascii_lowercase();
    ENDS.iter().any(|end| name.ends_with(end))
}

impl Beginning {
    /// Reads the first [`LENGTH`] bytes of a file.
    pub fn of(bytes: &[u8]) -> Self {
        match bytes {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Self::Utf16,
            [first, 0, second, 0, ..] if *first != 0 && *second != 0 => Self::Utf16,
            _ => image(bytes).map_or(Self::Other, Self::Image),
        }
    }
}

/// The file that a package definition names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload<'a> {
    /// This one.
    Found(&'a TreeFile),
    /// It is not where the path leads.
    Missing,
    /// Nobody knows: the path holds variables, is absolute, or the folder of the definition was not read.
    Unknown,
}

impl Facts<'_> {
    /// The file that a definition means by the source of a file, driver or boot configuration.
    pub fn payload(&self, definition: &Definition, source: &str) -> Payload<'_> {
        self.workspace.payload(definition, source)
    }
}

/// The files that can carry signatures and get into packages that are not built yet, as far as these were asked for,
/// with the places that name them. `built` are the packages that are.
pub fn payload_to_verify(workspace: &Workspace, built: &[BuiltPackage]) -> Vec<(String, Place)> {
    let asked = workspace.products.iter();
    let asked = asked.filter(|product| workspace.is_target(product.oem_input.path()));
    let reached: BTreeSet<&str> = asked
        .flat_map(|product| product.reach.iter().map(AsRef::as_ref))
        .collect();
    let built_from = BuiltFrom::of(workspace);
    let built: BTreeSet<&str> = built
        .iter()
        .filter_map(|built| built_from.definition_of(&built.path))
        .map(|package| package.definition.path())
        .collect();
    let mut provisioning: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for file in &workspace.documents.customizations {
        provisioning.entry(file.folder()).or_default().push(file);
    }
    let mut found = Vec::new();
    for package in &workspace.packages {
        let definition = &package.definition;
        let path = definition.path();
        let is_wanted = workspace.is_target(path) || reached.contains(path);
        if !is_wanted || built.contains(path) {
            continue;
        }
        for file in definition.files() {
            if let Some(source) = file.source
                && let Payload::Found(tree_file) = workspace.payload(definition, &source.value)
            {
                found.push((tree_file.path.clone(), definition.place(source, file.route)));
            }
        }
        if let Some((_, place)) = definition.driver_infs().into_iter().next() {
            let names = workspace.tree.in_folder(definition.folder());
            let drivers = names.filter(|name| {
                let name = name.to_ascii_lowercase();
                name.ends_with(".sys") || name.ends_with(".cat")
            });
            let paths = drivers.map(|name| files::join(definition.folder(), name));
            found.extend(paths.map(|path| (path, place.clone())));
        }
        let beside = provisioning.get(definition.folder());
        for file in beside.into_iter().flatten() {
            for application in &file.applications {
                let main = application.application_file.iter();
                let shared = application.dependencies.iter().map(|item| &item.text);
                for written in main.chain(shared) {
                    let app = workspace
                        .tree
                        .find_from(file.folder(), written.value.trim());
                    let place = file.value(written, application.route.as_str());
                    found.extend(app.map(|app| (app.path.clone(), place)));
                }
            }
        }
    }
    found.retain(|(path, _)| Claim::of(path).is_some());
    found.sort();
    found.dedup_by(|a, b| a.0 == b.0 && a.1.file() == b.1.file());
    found
}

impl Workspace {
    /// The file that a definition means by the source of a file, driver or boot configuration.
    pub fn payload(&self, definition: &Definition, source: &str) -> Payload<'_> {
        let source = source.trim().replace('\\', "/");
        let source = match definition {
            // The kit builds packages with this folder as the current one.
            Definition::Wm(_) => strip_prefix(&source, "$(_RELEASEDIR)/"),
            Definition::Pkg(_) => &source,
        };
        let is_absolute = source.starts_with('/') || source.get(1..2) == Some(":");
        if source.is_empty() || is_absolute || source.contains(['$', '%', '{', '*']) {
            return Payload::Unknown;
        }
        match self.tree.find_from(definition.folder(), source) {
            Some(file) => Payload::Found(file),
            None if self.is_alone(definition.path()) => Payload::Unknown,
            None => Payload::Missing,
        }
    }

    /// Whether this document was read without what is around it.
    pub fn is_alone(&self, path: &str) -> bool {
        self.tree.iter().take(2).count() == 1 && self.targets.names(path)
    }
}

/// The text without a beginning, whose case does not count.
fn strip_prefix<'t>(text: &'t str, prefix: &str) -> &'t str {
    match text.get(..prefix.len()) {
        Some(start) if start.eq_ignore_ascii_case(prefix) => {
            text.get(prefix.len()..).unwrap_or_default()
        }
        _ => text,
    }
}

/// `IMAGE_DOS_HEADER.e_lfanew` at 0x3c leads to `PE\0\0`, the COFF header of 20 bytes and the optional header, whose
/// data directory has the certificate table as its fifth entry.
fn image(bytes: &[u8]) -> Option<Image> {
    let u16_at = |at: usize| {
        let bytes = bytes.get(at..at.checked_add(2)?)?;
        Some(u16::from_le_bytes(bytes.try_into().ok()?))
    };
    let u32_at = |at: usize| {
        let bytes = bytes.get(at..at.checked_add(4)?)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    };
    if !bytes.starts_with(b"MZ") {
        return None;
    }
    let coff = usize::try_from(u32_at(0x3c)?).ok()?.checked_add(4)?;
    if bytes.get(coff.checked_sub(4)?..coff)? != b"PE\0\0" {
        return None;
    }
    let optional = coff.checked_add(20)?;
    let directory = match u16_at(optional)? {
        0x10b => optional.checked_add(96)?,
        0x20b => optional.checked_add(112)?,
        _ => return None,
    };
    let count = u32_at(directory.checked_sub(4)?)?;
    let size = u32_at(directory.checked_add(36)?).unwrap_or(0);
    Some(Image {
        machine: u16_at(coff)?,
        has_certificates: count > 4 && size > 0,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The headers of a PE image with or without a certificate table.
    pub(crate) fn pe(machine: u16, certificates: u32) -> Vec<u8> {
        let mut bytes = vec![0; 0x200];
        let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        put(0, b"MZ");
        put(0x3c, &0x80_u32.to_le_bytes());
        put(0x80, b"PE\0\0");
        put(0x84, &machine.to_le_bytes());
        put(0x98, &0x10b_u16.to_le_bytes());
        put(0x98 + 92, &16_u32.to_le_bytes());
        put(0x98 + 96 + 36, &certificates.to_le_bytes());
        bytes
    }

    #[test]
    fn images_tell_machine_and_certificates_and_nothing_panics() {
        let image = |machine, has_certificates| {
            Beginning::Image(Image {
                machine,
                has_certificates,
            })
        };
        assert_eq!(Beginning::of(&pe(0x1c4, 8)), image(0x1c4, true));
        assert_eq!(Beginning::of(&pe(0x14c, 0)), image(0x14c, false));
        let bytes = pe(0x14c, 8);
        for end in 0..bytes.len() {
            Beginning::of(&bytes[..end]);
        }
        assert_eq!(Beginning::of(&bytes[..0x80]), Beginning::Other);
    }

    #[test]
    fn wide_text_is_told_from_other_text() {
        assert_eq!(Beginning::of(b"\xff\xfe{\0"), Beginning::Utf16);
        assert_eq!(Beginning::of(b"{\0\n\0"), Beginning::Utf16);
        assert_eq!(Beginning::of(b"\xef\xbb\xbf{}"), Beginning::Other);
        assert_eq!(Beginning::of(b""), Beginning::Other);
    }
}
