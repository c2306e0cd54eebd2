//! Own rules: an organisation's checks in Rego, over the same facts, with the same places, levels and reports.
//!
//! A rule is a file `*.rego` whose package defines `rule`, an object with the metadata, and `findings`, a set of objects.
//! Files without `rule` are for the others to import. What does not load, fails or takes too long is an error with the
//! rule's name, never a silent pass. `docs/policies.md` tells it to those who write rules.

mod finding;
#[cfg(feature = "rego")]
mod rego;
#[cfg(not(feature = "rego"))]
#[path = "without.rs"]
mod rego;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;

use crate::diagnostic::Level;
use crate::facts::Facts;
use crate::files::{self, Files, Kind};
use crate::image::ImageType;
use crate::rule::{Input, Report, Rule, RuleInfo};
use crate::rules;

/// Longest file of Rego that is read, in bytes.
const LONGEST: u64 = 512 * 1024;
/// How many files of Rego a folder may have.
const MOST_FILES: usize = 500;

/// An own rule that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("own rule {file}: {problem}")]
pub struct OwnRuleError {
    /// The file or folder.
    pub file: String,
    /// What is wrong, with line and column where that is known.
    pub problem: String,
}

impl OwnRuleError {
    fn new(file: &str, problem: impl std::fmt::Display) -> Self {
        Self {
            file: file.to_owned(),
            problem: problem.to_string(),
        }
    }
}

/// An own rule that was loaded.
#[derive(Clone)]
pub struct OwnRule {
    /// What is known about it.
    pub info: &'static RuleInfo,
    module: Arc<rego::Module>,
}

impl std::fmt::Debug for OwnRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("OwnRule").field(&self.info.id).finish()
    }
}

/// `rule` of a package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    /// The id, of lower-case words and hyphens, at least two words.
    id: String,
    /// The defect in one phrase.
    summary: String,
    /// The level where no policy says otherwise.
    level: Level,
    /// The image types that it is about; all where it says nothing.
    #[serde(default)]
    images: Vec<ImageType>,
    /// What it checks and why, in Markdown.
    #[serde(default)]
    manual: String,
    /// Who says so.
    #[serde(default)]
    authority: String,
}

/// Loads the rules of a folder, by file name.
///
/// # Errors
/// The first file that cannot be used, by name.
pub fn load(files: &dyn Files, folder: &str) -> Result<Vec<OwnRule>, OwnRuleError> {
    let entries = files.list(folder);
    let entries = entries.map_err(|error| OwnRuleError::new(folder, error))?;
    let mut texts = Vec::new();
    for entry in entries {
        if entry.kind != Kind::File || !entry.name.ends_with(".rego") {
            continue;
        }
        let path = files::join(folder, &entry.name);
        let failed = |problem: String| OwnRuleError::new(&path, problem);
        let bytes = files.read(&path, LONGEST.saturating_add(1));
        let bytes = bytes.map_err(|error| failed(error.to_string()))?;
        if bytes.len() as u64 > LONGEST {
            return Err(failed(format!("more than {LONGEST} bytes")));
        }
        let text = String::from_utf8(bytes).map_err(|error| failed(error.to_string()))?;
        texts.push((path, text));
    }
    if texts.is_empty() {
        return Err(OwnRuleError::new(folder, "the folder has no file `*.rego`"));
    }
    if texts.len() > MOST_FILES {
        let problem = format!("more than {MOST_FILES} files");
        return Err(OwnRuleError::new(folder, problem));
    }
    let mut loaded: Vec<OwnRule> = Vec::new();
    for (file, module, metadata) in rego::modules(&texts)? {
        let metadata: Metadata = serde_json::from_value(metadata)
            .map_err(|error| OwnRuleError::new(&file, format!("`rule`: {error}")))?;
        check(&metadata).map_err(|problem| OwnRuleError::new(&file, problem))?;
        if loaded.iter().any(|other| other.info.id == metadata.id) {
            let problem = format!("there are two rules `{}`", metadata.id);
            return Err(OwnRuleError::new(&file, problem));
        }
        loaded.push(OwnRule {
            info: info(metadata),
            module: Arc::new(module),
        });
    }
    Ok(loaded)
}

fn check(metadata: &Metadata) -> Result<(), String> {
    let id = metadata.id.as_str();
    let is_word = |word: &str| {
        let mut letters = word.bytes();
        !word.is_empty() && letters.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    if !id.contains('-') || !id.split('-').all(is_word) || id.len() > 80 {
        return Err(format!(
            "`{id}` is no id of a rule, expected lower-case words with hyphens between them"
        ));
    }
    if rules::find(id).is_some() {
        return Err(format!(
            "the rule `{id}` is built in, the own one needs another name"
        ));
    }
    if metadata.summary.trim().is_empty() || metadata.summary.contains('\n') {
        return Err("`summary` is one phrase, the defect".to_owned());
    }
    Ok(())
}

/// What is known about a rule. Rules are known for the life of the program, so that findings can name them; the same
/// metadata are kept once, however often they are loaded.
fn info(metadata: Metadata) -> &'static RuleInfo {
    static KNOWN: Mutex<BTreeMap<Metadata, &'static RuleInfo>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(info) = known.get(&metadata) {
        return info;
    }
    let leak = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
    let mut images = metadata.images.clone();
    images.sort();
    images.dedup();
    let images: &'static [ImageType] = match images.is_empty() {
        true => ImageType::ALL,
        false => Box::leak(images.into_boxed_slice()),
    };
    let authority = match metadata.authority.trim() {
        "" => "own rule",
        authority => leak(authority),
    };
    let info: &'static RuleInfo = Box::leak(Box::new(RuleInfo {
        id: leak(&metadata.id),
        authority,
        clause: "Own rules",
        images,
        input: Input::Document,
        level: metadata.level,
        since: env!("CARGO_PKG_VERSION"),
        parameters: &[],
        doc: leak(&format!(
            "{}\n\n{}",
            metadata.summary.trim(),
            metadata.manual.trim()
        )),
        build: |_| Ok(Box::new(Unbound)),
        default: || Box::new(Unbound),
    }));
    known.insert(metadata, info);
    info
}

/// The metadata alone; policies make the rule itself from its module.
struct Unbound;

impl Rule for Unbound {
    fn check(&self, _: &Facts<'_>, report: &mut Report) {
        report.fail("the rule has no module".to_owned());
    }
}

impl Rule for OwnRule {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let view = facts.json().as_ref().map_err(Clone::clone);
        let found = view.and_then(|view| {
            let found = self.module.findings(view)?;
            finding::read(found, view, facts)
        });
        match found {
            Ok(found) => found.into_iter().for_each(|finding| {
                let reported = report.at(finding.place, finding.message);
                if let Some(help) = finding.help {
                    reported.help(help);
                }
                if let Some(level) = finding.level {
                    reported.at_most(level);
                }
            }),
            Err(problem) => report.fail(problem),
        }
    }
}
