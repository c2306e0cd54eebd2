//! From a package definition to the model of its package.

use std::sync::Arc;

use formats::container::cab::path_faults;
use formats::document::build_filter::{BuildFacts, build_filter};
use formats::document::manifest_name;
use formats::document::parts::UnexpectedKind;
use formats::document::variables::Variables;
use formats::document::wm_xml::{NAMESPACE, ROOT, WmXml};
use formats::source::{Span, Spanned};

use super::registry::Registry;
use super::{Model, binary_partition, payload, service, twin};

/// Longest name of a package, in characters: a file name, and two of its components' names.
const MAX_NAME: usize = 200;
/// Longest `buildFilter`, in bytes: each value of a list can have the list's.
const MAX_FILTER: usize = 1_000;

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
    let is_twin = false;
    let texts = Texts { target, is_twin };
    modelled(definition, &texts, read)
}

/// The model of the package, or of its twin.
pub(super) fn modelled(
    definition: &WmXml,
    texts: &Texts<'_>,
    read: &dyn Fn(&str) -> Result<Vec<u8>, String>,
) -> Result<Model, DefinitionError> {
    let target = texts.target;
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
    registry.add(&definition.registry, texts)?;
    // The device has one list of services, in which its own package enters them.
    let services = definition.services.iter().filter(|_| !texts.is_twin);
    for one in services.clone() {
        service::add(one, texts, &mut registry)?;
    }
    let image = binary_partition::file(definition, texts, read)?;
    Ok(Model {
        name,
        version: target.version.to_owned(),
        architecture: match texts.is_twin {
            true => twin::ARCHITECTURE,
            false => target.architecture,
        }
        .to_owned(),
        is_twin: texts.is_twin,
        is_binary_partition: image.is_some(),
        has_services: services.count() > 0,
        owner,
        owner_type: stated(owner_type, "ownerType", "OEM")?,
        component,
        sub_component,
        release_type: stated(release_type, "releaseType", "Production")?,
        partition: stated(partition, "targetPartition", "MainOS")?,
        files: match image {
            Some(image) => vec![image],
            None => payload::files(definition, texts, read)?,
        },
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
    if let Some(store) = definition.bcd_stores.first() {
        let reason = "boot settings are not built: their form in a package is not published; build this package with \
                      the kit, and sign it with `proofmark resign`";
        return refuse(store.value.span, "identity/bcdStore", reason);
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
    if let Some(fault) = path_faults(name).first() {
        return Err(format!(
            "the package's name cannot be that of a file: {fault}"
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
    pub(super) target: Target<'a>,
    /// Whether it is for the twin that the package is built.
    pub(super) is_twin: bool,
}

impl Texts<'_> {
    /// A text in which every variable must have a value.
    pub(super) fn plain<T: AsRef<str>>(
        &self,
        text: &Spanned<T>,
        route: &str,
    ) -> Result<String, DefinitionError> {
        self.keeping(text, route, &[])
    }

    /// A text in which macros that begin like this stay: the device knows them.
    pub(super) fn keeping<T: AsRef<str>>(
        &self,
        text: &Spanned<T>,
        route: &str,
        kept: &[&str],
    ) -> Result<String, DefinitionError> {
        let fail = |reason: String| Err(DefinitionError::new(text.span, route, reason));
        let expansion = self.target.variables.expand(text.value.as_ref());
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

    /// Whether all of these `buildFilter` choose what is built.
    pub(super) fn chosen(
        &self,
        filters: &[Spanned<Arc<str>>],
        route: &str,
    ) -> Result<bool, DefinitionError> {
        let mut is_chosen = true;
        for filter in filters {
            let route = format!("{route}/@buildFilter");
            let fail = |reason: String| DefinitionError::new(filter.span, route.clone(), reason);
            if filter.value.len() > MAX_FILTER {
                return Err(fail(format!("it has more than {MAX_FILTER} bytes")));
            }
            let text = self.plain(filter, &route)?;
            let on = |architecture| {
                let is_wow = self.is_twin;
                let facts = BuildFacts {
                    architecture,
                    is_wow,
                };
                build_filter(&text, facts).map_err(|error| fail(error.to_string()))
            };
            let is_there = on(self.target.architecture)?;
            if self.is_twin && on(twin::GUEST)? != is_there {
                return Err(fail(format!(
                    "whether `build.arch` is {} or {} for the twin is not published; ask for `build.isWow`",
                    self.target.architecture,
                    twin::GUEST
                )));
            }
            is_chosen &= is_there;
        }
        Ok(is_chosen)
    }
}
