//! The files of a package: which are chosen, where they come from, where they go.

use std::collections::HashMap;

use formats::container::cab::path_faults;
use formats::document::runtime_path::runtime_folder;
use formats::document::wm_xml::{WmFile, WmXml};
use formats::source::Span;

use super::definition::Texts;
use super::{DefinitionError, ModelFile, twin};

/// Most files of a package: a manifest with more is longer than our own reader takes.
pub const MAX_FILES: usize = 25_000;
/// Most UTF-16 units of one part of a path on the device.
const MAX_PART: usize = 255;
/// Where files go whose definition does not say.
const DEFAULT_FOLDER: &str = "$(runtime.system32)";

/// The files of a definition that are chosen for what is built, read.
pub(super) fn files(
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
    let (mut files, mut routes) = (Vec::new(), Vec::new());
    let mut places: HashMap<String, &str> = HashMap::new();
    for file in &definition.files {
        if !texts.chosen(&file.build_filters, &file.route)? {
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
        let problem = match bytes.is_empty() {
            true => Some(format!(
                "`{source}` is empty, and a package cannot bring empty files"
            )),
            false if texts.is_twin => twin::foreign(&source, &bytes),
            false => None,
        };
        if let Some(reason) = problem {
            let route = format!("{}/@source", file.route);
            return Err(DefinitionError::new(span, route, reason));
        }
        let (folder, path) = place;
        files.push(ModelFile {
            folder,
            path,
            bytes,
        });
        routes.push(file);
    }
    for (built, file) in files.iter().zip(routes) {
        let lower = built.path.to_lowercase();
        let mut above = lower.rmatch_indices('\\');
        let taken = above.find_map(|(end, _)| places.get(lower.get(..end)?));
        if let Some(other) = taken {
            let reason = format!("`{}` is below a name that {other} gives a file", built.path);
            return Err(DefinitionError::new(file.element, &file.route, reason));
        }
    }
    Ok(files)
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
    let place = match texts.is_twin {
        true => twin::folder(&begin),
        false => Ok(begin.folder),
    };
    let place =
        place.map_err(|reason| DefinitionError::new(span, route("destinationDir"), reason))?;
    let rest = begin.rest.replace('/', "\\");
    if !rest.is_empty() && !rest.starts_with('\\') {
        let reason = format!("`{written}` has no `\\` behind `{}`", begin.written);
        return fail(span, "destinationDir", reason);
    }
    let (mut folder, mut path) = (format!("{}\\", begin.written), String::new());
    let mut parts: Vec<&str> = place.split('\\').collect();
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
pub(super) fn check_part(part: &str) -> Result<(), String> {
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
    if let Some(wrong) = part.chars().find(is_wrong) {
        return Err(format!(
            "`{part}` has a {wrong:?}, which no name of Windows has"
        ));
    }
    // Shown, the name would be another one.
    let is_hidden = |c: &char| {
        matches!(c, '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
            || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
    };
    if let Some(hidden) = part.chars().find(is_hidden) {
        return Err(format!("{part:?} has a {hidden:?}, which nobody sees"));
    }
    let length = part.encode_utf16().count();
    if length > MAX_PART {
        return Err(format!(
            "a name has {length} characters, and names of Windows have at most {MAX_PART}"
        ));
    }
    match path_faults(part).first() {
        Some(fault) => Err(format!("`{part}` cannot be a name: {fault}")),
        None => Ok(()),
    }
}
