//! From a package definition to the model of its package.

use std::collections::HashMap;

use formats::document::build_filter::{BuildFacts, build_filter};
use formats::document::manifest_name;
use formats::document::parts::{Attribute, UnexpectedKind};
use formats::document::runtime_path::runtime_folder;
use formats::document::variables::Variables;
use formats::document::wm_xml::{NAMESPACE, ROOT, WmFile, WmXml};
use formats::source::{Span, Spanned};

use super::{Model, ModelFile, registry::Registry, service};

/// Most files of a package: a manifest with more is longer than our own reader takes.
pub const MAX_FILES: usize = 25_000;
/// Longest name of a package, in characters: a file name, and two of its components' names.
const MAX_NAME: usize = 200;
/// Where files go whose definition does not say.
const DEFAULT_FOLDER: &str = "$(runtime.system32)";

/// For what a definition is built.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// `arm`, `arm64`, `x86` or `amd64`.
    pub architecture: &'a str,
    /// Four numbers up to 65535.
    pub version: &'a str,
    /// What its variables stand for.
    pub variables: &'a Variables,
}

/// Why a definition cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{route}: {reason}")]
pub struct DefinitionError {
    /// The place in the definition's text.
    pub span: Span,
    /// Symbolic place, e.g. `identity/files/file[1]/@source`.
    pub route: String,
    /// What is wrong, with values.
    pub reason: String,
}

impl DefinitionError {
    pub(super) fn new(span: Span, route: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            span,
            route: route.into(),
            reason: reason.into(),
        }
    }
}

/// The model of a definition's package. `read` gives the content of a source, whose variables are replaced and whose
/// parts are separated by `/`, or says why there is none; whether a path may be read is its business.
///
/// # Errors
/// Where the definition has something whose form in a package is not known, or that is wrong: a name, a folder, a
/// variable without a value, a source that cannot be read.
pub fn model(
    definition: &WmXml,
    target: Target<'_>,
    read: &dyn Fn(&str) -> Result<Vec<u8>, String>,
) -> Result<Model, DefinitionError> {
    refuse_unknown(definition)?;
    let texts = Texts { target };
    let start = Span::default();
    let root = |value: &Option<Spanned<String>>, name: &str| match value {
        Some(value) => texts.plain(value, &format!("identity/@{name}")),
        None => Ok(String::new()),
    };
    let owner = root(&definition.owner, "owner")?;
    let component = root(&definition.namespace, "namespace")?;
    let sub_component = root(&definition.name, "name")?;
    let name = match &definition.legacy_name {
        Some(name) => texts.plain(name, "identity/@legacyName")?,
        None => {
            let parts = [&owner, &component, &sub_component];
            let parts = parts.into_iter().filter(|part| !part.is_empty());
            parts.cloned().collect::<Vec<_>>().join(".")
        }
    };
    let span = definition.legacy_name.as_ref().or(definition.name.as_ref());
    let span = span.map_or(start, |name| name.span);
    if owner.is_empty() {
        return Err(DefinitionError::new(
            start,
            "identity/@owner",
            "there is no owner",
        ));
    }
    check_name(&name).map_err(|reason| DefinitionError::new(span, "identity", reason))?;
    let info = definition.onecore_package_info.as_ref();
    let stated = |value: Option<&Spanned<String>>, name: &str, otherwise: &str| match value {
        Some(value) => texts.plain(value, &format!("identity/onecorePackageInfo/@{name}")),
        None => Ok(otherwise.to_owned()),
    };
    let release_type = info.and_then(|info| info.release_type.as_ref());
    let owner_type = info.and_then(|info| info.owner_type.as_ref());
    let partition = info.and_then(|info| info.target_partition.as_ref());
    let mut registry = Registry::default();
    registry.add(&definition.registry, &texts)?;
    for one in &definition.services {
        service::add(one, &texts, &mut registry)?;
    }
    Ok(Model {
        name,
        version: target.version.to_owned(),
        architecture: target.architecture.to_owned(),
        owner,
        owner_type: stated(owner_type, "ownerType", "OEM")?,
        component,
        sub_component,
        release_type: stated(release_type, "releaseType", "Production")?,
        partition: stated(partition, "targetPartition", "MainOS")?,
        files: files(definition, &texts, read)?,
        keys: registry.into_keys(),
    })
}

/// What would be lost or wrong in the package.
fn refuse_unknown(definition: &WmXml) -> Result<(), DefinitionError> {
    let refuse = |span, route: &str, reason: &str| Err(DefinitionError::new(span, route, reason));
    if !definition.root.is(ROOT, NAMESPACE) {
        return refuse(Span::default(), ROOT, "it is no definition of a package");
    }
    if let Some(driver) = definition.drivers.first() {
        let reason = "drivers are not built: what a package has of an INF file is published for no driver of an OEM; \
                      build this package with the kit, and sign it with `proofmark resign`";
        return refuse(driver.element, &driver.route, reason);
    }
    let of = |attributes: &[Attribute]| attributes.first().map(|attribute| attribute.value.span);
    if let Some(span) = of(&definition.bcd_stores) {
        let reason = "boot settings are not built: their form in a package is not published; build this package with \
                      the kit, and sign it with `proofmark resign`";
        return refuse(span, "identity/bcdStore", reason);
    }
    if let Some(span) = of(&definition.binary_partitions) {
        let reason = "binary partitions are not built: their form in a package is not published; build this package \
                      with the kit, and sign it with `proofmark resign`";
        return refuse(span, "identity/BinaryPartition", reason);
    }
    if let Some(wow) = &definition.build_wow
        && !wow.value.trim().eq_ignore_ascii_case("false")
    {
        let reason = "the twin for programs of another processor is not built: its form is not published; remove \
                      buildWow, or build this package with the kit";
        return refuse(wow.span, "identity/@buildWow", reason);
    }
    match definition.unexpected.first() {
        Some(other) => {
            let what = match other.kind {
                UnexpectedKind::Element => "the element",
                UnexpectedKind::Attribute => "the attribute",
                UnexpectedKind::Repeated => "the second",
            };
            let name = &other.name.value;
            let reason = format!("{what} `{name}` is not known, and the package would lack it");
            refuse(other.name.span, &other.parent, &reason)
        }
        None => Ok(()),
    }
}

fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("the package has no name".to_owned());
    }
    if let Some(wrong) = name.chars().find(|c| !manifest_name::is_visible(*c)) {
        return Err(format!(
            "the package's name `{name}` has a {wrong:?}: letters, digits, `.`, `-` and `_` are safe in names of manifests"
        ));
    }
    if name.starts_with('.') || name.ends_with('.') {
        return Err(format!(
            "the package's name `{name}` begins or ends with a full stop"
        ));
    }
    match name.len() > MAX_NAME {
        true => Err(format!(
            "the package's name is longer than {MAX_NAME} characters"
        )),
        false => Ok(()),
    }
}

/// Replaces variables.
pub(super) struct Texts<'a> {
    target: Target<'a>,
}

impl Texts<'_> {
    /// A text in which every variable must have a value.
    pub(super) fn plain(
        &self,
        text: &Spanned<String>,
        route: &str,
    ) -> Result<String, DefinitionError> {
        self.keeping(text, route, &[])
    }

    /// A text in which macros that begin like this stay: the device knows them.
    pub(super) fn keeping(
        &self,
        text: &Spanned<String>,
        route: &str,
        kept: &[&str],
    ) -> Result<String, DefinitionError> {
        let fail = |reason: String| Err(DefinitionError::new(text.span, route, reason));
        let expansion = self.target.variables.expand(&text.value);
        if expansion.stopped {
            return fail(
                "its variables are too many, too deep in one another or too long".to_owned(),
            );
        }
        let is_kept = |name: &str| {
            let name = name.to_lowercase();
            kept.iter().any(|start| name.starts_with(start))
        };
        // `%NAME%` without a value is text: the device may know it.
        let is_macro = |name: &&String| expansion.text.contains(&format!("$({name})"));
        let unknown = expansion.unknown.iter().filter(|name| !is_kept(name));
        if let Some(name) = unknown.clone().find(is_macro) {
            return fail(format!(
                "`$({name})` has no value; give it with --define {name}=VALUE"
            ));
        }
        let is_wrong = |c: &char| {
            *c < ' ' && !matches!(c, '\t' | '\n' | '\r') || matches!(c, '\u{fffe}' | '\u{ffff}')
        };
        match expansion.text.chars().find(is_wrong) {
            Some(wrong) => fail(format!("{wrong:?} cannot stand in XML")),
            None => Ok(expansion.text),
        }
    }
}

fn files(
    definition: &WmXml,
    texts: &Texts<'_>,
    read: &dyn Fn(&str) -> Result<Vec<u8>, String>,
) -> Result<Vec<ModelFile>, DefinitionError> {
    let count = definition.files.len();
    if count > MAX_FILES {
        let span = definition.files.get(MAX_FILES).map(|file| file.element);
        let reason = format!("{count} files are more than the {MAX_FILES} that a package can have");
        return Err(DefinitionError::new(
            span.unwrap_or_default(),
            "identity/files",
            reason,
        ));
    }
    let mut files = Vec::new();
    let mut places: HashMap<String, &str> = HashMap::new();
    for file in &definition.files {
        if !is_built(file, texts)? {
            continue;
        }
        let (source, place) = source_and_place(file, texts)?;
        if let Some(other) = places.insert(place.1.to_lowercase(), &file.route) {
            let reason = format!("`{}` is brought by {other} already", place.1);
            return Err(DefinitionError::new(file.element, &file.route, reason));
        }
        let span = file
            .source
            .as_ref()
            .map_or(file.element, |source| source.span);
        let bytes = read(&source).map_err(|reason| {
            DefinitionError::new(span, format!("{}/@source", file.route), reason)
        })?;
        if bytes.is_empty() {
            let reason = format!("`{source}` is empty, and a package cannot bring empty files");
            return Err(DefinitionError::new(
                span,
                format!("{}/@source", file.route),
                reason,
            ));
        }
        let (folder, path) = place;
        files.push(ModelFile {
            folder,
            path,
            bytes,
        });
    }
    Ok(files)
}

fn is_built(file: &WmFile, texts: &Texts<'_>) -> Result<bool, DefinitionError> {
    let Some(filter) = &file.build_filter else {
        return Ok(true);
    };
    let route = format!("{}/@buildFilter", file.route);
    let text = texts.plain(filter, &route)?;
    let facts = BuildFacts {
        architecture: texts.target.architecture,
        is_wow: false,
    };
    build_filter(&text, facts)
        .map_err(|error| DefinitionError::new(filter.span, route, error.to_string()))
}

/// Where a file comes from, and its folder and path on the device.
fn source_and_place(
    file: &WmFile,
    texts: &Texts<'_>,
) -> Result<(String, (String, String)), DefinitionError> {
    let route = |name: &str| format!("{}/@{name}", file.route);
    let fail = |span: Span, name: &str, reason: String| {
        Err(DefinitionError::new(span, route(name), reason))
    };
    let Some(source) = &file.source else {
        return fail(file.element, "source", "there is no source".to_owned());
    };
    let from = texts
        .plain(source, &route("source"))?
        .trim()
        .replace('\\', "/");
    let (name, span, attribute) = match &file.name {
        Some(name) => (texts.plain(name, &route("name"))?, name.span, "name"),
        None => {
            let name = from.rsplit('/').next().unwrap_or_default();
            (name.to_owned(), source.span, "source")
        }
    };
    if let Err(reason) = check_part(&name) {
        return fail(span, attribute, reason);
    }
    let (written, span) = match &file.destination_dir {
        Some(folder) => (
            texts.keeping(folder, &route("destinationDir"), &["runtime."])?,
            folder.span,
        ),
        None => (DEFAULT_FOLDER.to_owned(), file.element),
    };
    let Some(begin) = runtime_folder(written.trim()) else {
        let reason = format!(
            "`{written}` does not begin with a folder of the device whose place is known, such as `$(runtime.system32)` or `$(runtime.bootDrive)`"
        );
        return fail(span, "destinationDir", reason);
    };
    let rest = begin.rest.replace('/', "\\");
    if !rest.is_empty() && !rest.starts_with('\\') {
        let reason = format!("`{written}` has no `\\` behind `{}`", begin.written);
        return fail(span, "destinationDir", reason);
    }
    let (mut folder, mut path) = (format!("{}\\", begin.written), String::new());
    let mut parts: Vec<&str> = begin.folder.split('\\').collect();
    for part in rest.split('\\').filter(|part| !part.is_empty()) {
        if let Err(reason) = check_part(part) {
            return fail(span, "destinationDir", reason);
        }
        folder.push_str(part);
        folder.push('\\');
        parts.push(part);
    }
    for part in parts.into_iter().filter(|part| !part.is_empty()) {
        path.push_str(part);
        path.push('\\');
    }
    path.push_str(&name);
    Ok((from, (folder, path)))
}

/// Whether a name can be one part of a path on the device.
fn check_part(part: &str) -> Result<(), String> {
    if part.is_empty() {
        return Err("there is no name".to_owned());
    }
    if part.chars().all(|c| c == '.') {
        return Err(format!("`{part}` leads to another folder"));
    }
    if part.ends_with(['.', ' ']) {
        return Err(format!(
            "`{part}` ends with a full stop or blank, which Windows drops"
        ));
    }
    let is_wrong =
        |c: &char| *c < ' ' || matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*' | '/' | '\\');
    if part.contains("$(") {
        return Err(format!(
            "`{part}` has a macro that only the beginning of a folder can have"
        ));
    }
    match part.chars().find(is_wrong) {
        Some(wrong) => Err(format!(
            "`{part}` has a {wrong:?}, which no name of Windows has"
        )),
        None => Ok(()),
    }
}
