//! Feature manifests as images are made from them: with version, owner and the identifier of each package filled in.
//!
//! The form is that of merged manifests as people published them; none that the feature merger made for an OEM is public.
//! Feature identifier packages, which the merger makes too, are not: nobody published what is inside them.

use std::collections::BTreeMap;
use std::sync::Arc;

use formats::document::feature_manifest::{FeatureManifest, PackageFile};
use formats::document::fm_file_list::Fm;
use formats::document::parts::Attribute;
use formats::document::rewrite::escaped;
use formats::document::variables::Variables;
use formats::source::Span;

use super::{FeatureMap, PackageState};
use crate::facts::product::Arch;
use crate::facts::{File, Workspace};
use crate::files::written_name;

/// What is filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Four numbers.
    pub version: String,
    /// Manifests for this processor alone; `None` for those of every one.
    pub arch: Option<Arch>,
    /// Variables that are replaced besides `OEM_NAME`, such as those of folders.
    pub defines: Vec<(String, String)>,
}

/// A manifest that a list names.
#[derive(Debug)]
pub struct MergedManifest {
    /// The manifest's path, or the list's where there is no manifest.
    pub source: String,
    /// File name of the result.
    pub name: String,
    /// The processor that the list is for.
    pub arch: Option<Arch>,
    /// The result, in UTF-8.
    pub text: Result<String, MergeError>,
}

/// Why a manifest cannot be merged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// The list names a manifest that is not there.
    #[error("the list names `{0}`, which is not in the workspace")]
    NoManifest(String),
    /// The list does not say what the manifest is called.
    #[error("the entry of the list has no `{0}`")]
    Incomplete(&'static str),
    /// It is output of a merger.
    #[error("it is merged already: the root has an `ID`")]
    Merged,
    /// `OEM_NAME` has no value.
    #[error(
        "the owner is `OEM_NAME`, and the workspace has no name of the manufacturer; give --define OEM_NAME=NAME"
    )]
    NoOwner,
    /// A package is neither built nor defined.
    #[error("`{0}` has neither definition nor cabinet, and images cannot be made without it")]
    MissingPackage(String),
}

/// What the schema calls itself in published manifests.
const SCHEMA: &str = "1.2";
/// What a user who looks for them is told.
const NO_IDENTIFIERS: &str =
    "<!-- Merged without feature identifier packages: their contents are not published. -->";

/// Merges every manifest that the lists of the sources name.
pub fn merge(workspaces: &[Workspace], release: &Release) -> Vec<MergedManifest> {
    let map = FeatureMap::of(workspaces);
    let mut merged = Vec::new();
    for workspace in workspaces {
        let lists = workspace.documents.fm_file_lists.iter();
        for list in lists.filter(|list| list.is_source() && workspace.is_target(list.path())) {
            let arch = Arch::of_path(list.path());
            if !Arch::fits(arch, release.arch) {
                continue;
            }
            for fm in &list.fms {
                let path = fm.path.as_ref().map_or("", |path| path.value.as_str());
                let name = written_name(path);
                let manifest = nearest(workspace, name, list.folder(), arch);
                let text = match manifest {
                    None => Err(MergeError::NoManifest(name.to_owned())),
                    Some(manifest) => one(workspace, &map, manifest, fm, release),
                };
                merged.push(MergedManifest {
                    source: manifest
                        .map_or(list.path(), |manifest| manifest.path())
                        .to_owned(),
                    name: manifest.map_or(name, |manifest| manifest.name()).to_owned(),
                    arch,
                    text,
                });
            }
        }
    }
    merged
}

/// The manifest beside the list, otherwise the one of the sources.
fn nearest<'a>(
    workspace: &'a Workspace,
    name: &str,
    folder: &str,
    arch: Option<Arch>,
) -> Option<&'a Arc<File<FeatureManifest>>> {
    let named = workspace.documents.manifests.iter();
    let named = named.filter(|file| file.name().eq_ignore_ascii_case(name));
    let fitting = named.filter(|file| Arch::fits(Arch::built_for(file.path()), arch));
    let sources = fitting.filter(|file| file.is_source());
    sources.min_by_key(|file| {
        (
            file.folder() != folder,
            Arch::of_path(file.path()).is_none(),
        )
    })
}

fn one(
    workspace: &Workspace,
    map: &FeatureMap,
    manifest: &File<FeatureManifest>,
    fm: &Fm,
    release: &Release,
) -> Result<String, MergeError> {
    let root = &manifest.root;
    let of_root = |name: &str| {
        let mut others = manifest.unexpected.iter();
        others.any(|other| other.parent == root.name.value && other.name.value == name)
    };
    if of_root("ID") {
        return Err(MergeError::Merged);
    }
    let mapped = map
        .manifests
        .iter()
        .find(|mapped| mapped.path == manifest.path());
    let packages = mapped.into_iter().flat_map(|mapped| &mapped.groups);
    let mut packages = packages.flat_map(|group| &group.packages);
    if let Some(missing) = packages.find(|package| package.state == PackageState::Missing) {
        return Err(MergeError::MissingPackage(missing.name.clone()));
    }
    let manufacturer = workspace.variables_at(manifest.path());
    let manufacturer = manufacturer.map(|variables| variables.expand("%OEM_NAME%"));
    let manufacturer = manufacturer.filter(|name| name.unknown.is_empty());
    let manufacturer = manufacturer.map(|name| name.text);
    let value = |value: &Option<formats::source::Spanned<String>>| {
        value.as_ref().map(|value| value.value.trim().to_owned())
    };
    let id = value(&fm.id).filter(|id| !id.is_empty());
    let id = id.ok_or(MergeError::Incomplete("ID"))?;
    let owner = value(&fm.owner_name).filter(|owner| !owner.is_empty());
    let mut owner = owner.ok_or(MergeError::Incomplete("OwnerName"))?;
    if owner.contains("OEM_NAME") {
        let name = manufacturer.as_deref().ok_or(MergeError::NoOwner)?;
        owner = owner.replace("OEM_NAME", name).replace('%', "");
    }
    let release_type = value(&fm.release_type).unwrap_or_else(|| "Production".to_owned());
    let owner_type = value(&fm.owner_type).unwrap_or_else(|| "OEM".to_owned());
    let mut added = Vec::new();
    if manifest.revision.is_none() {
        added.push(("Revision", "1"));
    }
    if manifest.schema_version.is_none() {
        added.push(("SchemaVersion", SCHEMA));
    }
    added.extend([
        ("ReleaseType", release_type.as_str()),
        ("OwnerType", &owner_type),
        ("ID", &id),
        ("OwnerName", &owner),
        ("OSVersion", &release.version),
    ]);
    let start = root.element.start;
    let mut edits = Edits::default();
    edits.add(Span { start, end: start }, format!("{NO_IDENTIFIERS}\n"));
    let end = root.name.span.end;
    let attributes = added
        .iter()
        .map(|(name, value)| format!(" {name}=\"{}\"", escaped(value)));
    edits.add(Span { start: end, end }, attributes.collect());
    let mut variables: Variables = release.defines.iter().cloned().collect();
    if let Some(name) = manufacturer {
        variables.insert("OEM_NAME", name);
    }
    for entry in &manifest.packages {
        edits.package(entry, &variables, manifest.source.text());
    }
    Ok(edits.apply(manifest.source.text()))
}

/// Replacements by their places.
#[derive(Default)]
struct Edits(BTreeMap<(usize, usize), String>);

impl Edits {
    fn add(&mut self, span: Span, text: String) {
        self.0.insert((span.start, span.end), text);
    }

    fn package(&mut self, entry: &PackageFile, variables: &Variables, text: &str) {
        for attribute in &entry.attributes {
            if attribute.name.value == "FeatureIdentifierPackage" {
                self.add(with_blanks(attribute, text), String::new());
                continue;
            }
            let expanded = variables.expand(&attribute.value.value).text;
            if expanded != attribute.value.value {
                self.add(attribute.value.span, escaped(&expanded));
            }
        }
        if let Some(name) = entry.attribute("Name")
            && entry.attribute("ID").is_none()
        {
            let file = variables.expand(name.value.value.trim()).text;
            let stem = file.len().saturating_sub(".cab".len());
            let id = match file.split_at_checked(stem) {
                Some((start, end)) if end.eq_ignore_ascii_case(".cab") => start,
                _ => &file,
            };
            let start = name.name.span.start;
            self.add(
                Span { start, end: start },
                format!("ID=\"{}\" ", escaped(id)),
            );
        }
    }

    /// The text with its declaration replaced by that of UTF-8.
    fn apply(&self, text: &str) -> String {
        let body = match text.strip_prefix("<?xml") {
            Some(rest) => rest
                .find("?>")
                .map_or(0, |end| "<?xml".len() + end + "?>".len()),
            None => 0,
        };
        let mut out = r#"<?xml version="1.0" encoding="utf-8"?>"#.to_owned();
        if body == 0 {
            out.push('\n');
        }
        let mut position = body;
        for ((start, end), new) in &self.0 {
            out.push_str(text.get(position..*start).unwrap_or_default());
            out.push_str(new);
            position = *end;
        }
        out.push_str(text.get(position..).unwrap_or_default());
        out
    }
}

/// An attribute with its quotes and the blanks before it.
fn with_blanks(attribute: &Attribute, text: &str) -> Span {
    let before = text.get(..attribute.name.span.start).unwrap_or_default();
    Span {
        start: before.trim_end().len(),
        end: attribute.value.span.end.saturating_add(1),
    }
}
