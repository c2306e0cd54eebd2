//! The twin of a package: what 32-bit programs on a 64-bit processor need of it (`buildWow`).
//!
//! Documents say that there is one beside every package, how its cabinet is called and that `build.isWow` chooses what is
//! in it. Finished packages have `arm64.arm` as its processor under the same name, and their files of
//! `$(runtime.system32)` are found in `windows\SysArm32`. The rest is a choice; whatever package and twin would both
//! claim is refused, as nobody published which of them the device keeps.

use std::collections::{HashMap, HashSet};
use std::io::Cursor;

use formats::container::pe::Image;
use formats::document::runtime_path::RuntimeFolder;
use formats::document::wm_xml::WmXml;
use formats::source::Spanned;

use super::definition::{Texts, modelled};
use super::{DefinitionError, Model, Target};

/// The processor of a twin, as its manifests have it.
pub(super) const ARCHITECTURE: &str = "arm64.arm";
/// The processor that a twin is for.
const HOST: &str = "arm64";
/// The processor that its programs are for.
pub(super) const GUEST: &str = "arm";
/// Where these find what they know as `System32`.
const SYSTEM: &str = r"windows\SysArm32";
/// Folders that are the same for all programs.
const SHARED: [&str; 9] = [
    "$(runtime.bootDrive)",
    "$(runtime.systemDrive)",
    "$(runtime.systemRoot)",
    "$(runtime.windows)",
    "$(runtime.help)",
    "$(runtime.inf)",
    "$(runtime.fonts)",
    "$(runtime.appPatch)",
    "$(runtime.programData)",
];
/// `Machine` of images for 64-bit processors: `IMAGE_FILE_MACHINE_ARM64`, `IMAGE_FILE_MACHINE_AMD64`.
const WIDE: [(u16, &str); 2] = [(0xAA64, "arm64"), (0x8664, "amd64")];
const ROUTE: &str = "identity/@buildWow";

/// The model of the twin of a package whose model is `package`; `None` where the definition asks for none, or the
/// processor runs no programs of another one. `read` is that of [`model`](super::model).
///
/// # Errors
/// Those of [`model`](super::model), and where something would be in both, or is not fit for a twin.
pub fn twin(
    definition: &WmXml,
    target: Target<'_>,
    package: &Model,
    read: &dyn Fn(&str) -> Result<Vec<u8>, String>,
) -> Result<Option<Model>, DefinitionError> {
    let Some(wow) = &definition.build_wow else {
        return Ok(None);
    };
    if !is_true(wow)? || matches!(target.architecture, "arm" | "x86") {
        return Ok(None);
    }
    let fail = |reason: String| Err(DefinitionError::new(wow.span, ROUTE, reason));
    if target.architecture != HOST {
        return fail(format!(
            "the twin for 32-bit programs on {} is not built: nobody published what its processor is called; build \
             this package with the kit, or without buildWow",
            target.architecture
        ));
    }
    let is_twin = true;
    let model = modelled(definition, &Texts { target, is_twin }, read)?;
    if model.files.is_empty() && model.keys.is_empty() {
        let reason = "there is nothing in the twin: every buildFilter leaves it out; remove buildWow, or mend them";
        return fail(reason.to_owned());
    }
    match clash(package, &model) {
        Some(what) => fail(format!(
            "{what} is in the package and in its twin, and which of them the device keeps is not published; choose one \
             with buildFilter=\"not build.isWow\" or \"build.isWow\""
        )),
        None => Ok(Some(model)),
    }
}

fn is_true(wow: &Spanned<String>) -> Result<bool, DefinitionError> {
    match wow.value.trim().to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => {
            let reason = format!("`{}` is neither `true` nor `false`", wow.value);
            Err(DefinitionError::new(wow.span, ROUTE, reason))
        }
    }
}

/// Something that both claim and that may not be the same for both.
fn clash(package: &Model, twin: &Model) -> Option<String> {
    let paths: HashSet<String> = package
        .files
        .iter()
        .map(|file| file.path.to_lowercase())
        .collect();
    let mut files = twin.files.iter();
    if let Some(file) = files.find(|file| paths.contains(&file.path.to_lowercase())) {
        return Some(format!("the file `{}`", file.path));
    }
    let of = |model: &Model| {
        let keys = model.keys.iter();
        let values = keys.flat_map(|key| {
            key.values
                .iter()
                .map(|value| (key.key.clone(), value.clone()))
        });
        values.collect::<Vec<_>>()
    };
    let known_by = |key: &str, name: &str| (key.to_lowercase(), name.to_lowercase());
    let ours = of(package);
    let ours: HashMap<_, _> = ours
        .iter()
        .map(|(key, value)| (known_by(key, &value.name), value))
        .collect();
    of(twin).into_iter().find_map(|(key, value)| {
        let other = ours.get(&known_by(&key, &value.name))?;
        // A folder of the device is another one for programs of another processor.
        let is_same =
            (other.kind, &other.data) == (value.kind, &value.data) && !value.data.contains("$(");
        (!is_same).then(|| format!("the value `{}` of `{key}`", value.name))
    })
}

/// Where the twin's programs find a folder.
///
/// # Errors
/// A text that says that it is not known.
pub(super) fn folder<'a>(begin: &RuntimeFolder<'a>) -> Result<&'a str, String> {
    match begin.written {
        "$(runtime.system32)" => Ok(SYSTEM),
        written if SHARED.contains(&written) => Ok(begin.folder),
        written => Err(format!(
            "which folder `{written}` is for 32-bit programs is not published; leave the file out of the twin with \
             buildFilter=\"not build.isWow\""
        )),
    }
}

/// Why a file does not belong into a twin: it is a program for a 64-bit processor.
pub(super) fn foreign(source: &str, bytes: &[u8]) -> Option<String> {
    let image = Image::read(&mut Cursor::new(bytes)).ok()?;
    let mut wide = WIDE.iter();
    let (_, name) = wide.find(|(machine, _)| *machine == image.header().machine)?;
    Some(format!(
        "`{source}` is a program for {name}, and the twin is for those for {GUEST}; choose another source for it with \
         buildFilter=\"build.isWow\", and this one with \"not build.isWow\""
    ))
}
