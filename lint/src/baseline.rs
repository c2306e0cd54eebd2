//! Baselines: findings that were there when somebody began to use the linter, and that may wait.
//!
//! A baseline is JSON, one finding to a line, each recognised by its [`Fingerprint`]; the other fields are for people.
//! Findings of the rules of [`CORE`] cannot wait, and entries whose finding is gone are findings themselves.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use formats::source::{Source, Span};
use serde::{Deserialize, Serialize};

use crate::diagnostic::{Diagnostic, Place};
use crate::engine::Outcome;
use crate::facts::Workspace;
use crate::files::{self, Files};
use crate::fingerprint::{Fingerprint, below, fingerprints};
use crate::policy::{CORE, PolicyProblem, PolicyProblemKind};
use crate::rule::{Input, RuleInfo};
use crate::rules;
use crate::sources::Sources;
use crate::suppression::{Suppressed, SuppressedBy};

/// The number in `schema_version`.
const SCHEMA: u32 = 1;
/// Longest baseline that is read, in bytes.
const LONGEST: u64 = 64 * 1024 * 1024;

/// A baseline that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BaselineError {
    /// The file cannot be read.
    #[error("baseline {path} cannot be read: {problem}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        problem: String,
    },
    /// The file is no baseline.
    #[error("{path}:{line}:{column}: no baseline: {problem}")]
    NotABaseline {
        /// The file.
        path: String,
        /// Line where reading stopped.
        line: usize,
        /// Column where reading stopped.
        column: usize,
        /// What is wrong there.
        problem: String,
    },
    /// The file is of another version of this program.
    #[error("baseline {path} has schema version {found}, expected {SCHEMA}")]
    OtherVersion {
        /// The file.
        path: String,
        /// Its version.
        found: u32,
    },
}

#[derive(Debug, Deserialize)]
struct File {
    schema_version: u32,
    findings: Vec<Entry>,
}

/// One finding that may wait.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entry {
    fingerprint: String,
    rule: String,
    file: String,
    #[serde(default)]
    place: String,
    #[serde(default)]
    message: String,
}

/// A baseline that was read.
#[derive(Debug, Clone)]
pub struct Baseline {
    source: Arc<Source>,
    entries: Vec<(Entry, Place)>,
}

impl Baseline {
    /// Reads a baseline.
    ///
    /// # Errors
    /// See [`BaselineError`].
    pub fn read(files: &dyn Files, path: &str) -> Result<Self, BaselineError> {
        let unreadable = |problem: String| BaselineError::Unreadable {
            path: path.to_owned(),
            problem,
        };
        let bytes = files.read(path, LONGEST.saturating_add(1));
        let bytes = bytes.map_err(|error| unreadable(error.to_string()))?;
        if bytes.len() as u64 > LONGEST {
            return Err(unreadable(format!("more than {LONGEST} bytes")));
        }
        let text = String::from_utf8(bytes);
        let text = text.map_err(|error| unreadable(format!("not UTF-8: {error}")))?;
        let file: File =
            serde_json::from_str(&text).map_err(|error| BaselineError::NotABaseline {
                path: path.to_owned(),
                line: error.line(),
                column: error.column(),
                problem: error.to_string(),
            })?;
        if file.schema_version != SCHEMA {
            return Err(BaselineError::OtherVersion {
                path: path.to_owned(),
                found: file.schema_version,
            });
        }
        let source = Arc::new(Source::new(path, text, 0));
        let mut from = 0;
        let entries = file.findings.into_iter().map(|entry| {
            let written = format!("\"{}\"", entry.fingerprint);
            let rest = source.text().get(from..).unwrap_or_default();
            let start = rest
                .find(&written)
                .map_or(from, |at| from.saturating_add(at));
            from = start.saturating_add(written.len()).min(source.text().len());
            let place = Place::text(&source, Span { start, end: from }, entry.rule.clone());
            (entry, place)
        });
        let entries = entries.collect();
        Ok(Self { source, entries })
    }

    /// The text, for places in it.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// Takes the findings out that may wait, and says what is wrong with the entries.
    pub(crate) fn apply(
        &self,
        found: Vec<Diagnostic>,
        sources: &Sources,
        workspaces: &[Workspace],
        rules: &[&'static RuleInfo],
    ) -> (Vec<Diagnostic>, Vec<Suppressed>, Vec<PolicyProblem>) {
        let roots = roots(workspaces);
        let mut entries: BTreeMap<&str, (&Place, bool)> = BTreeMap::new();
        for (entry, place) in &self.entries {
            entries.insert(&entry.fingerprint, (place, false));
        }
        let (mut kept, mut waiting) = (Vec::new(), Vec::new());
        let all = fingerprints(&found, sources, &roots);
        for (diagnostic, fingerprint) in found.into_iter().zip(all) {
            let entry = entries.get_mut(fingerprint.as_str());
            match entry.filter(|_| !CORE.contains(&diagnostic.rule)) {
                Some((place, used)) => {
                    *used = true;
                    let by = SuppressedBy::Baseline {
                        place: (*place).clone(),
                    };
                    waiting.push(Suppressed { diagnostic, by });
                }
                None => kept.push(diagnostic),
            }
        }
        let used = |entry: &Entry| {
            let known = entries.get(entry.fingerprint.as_str());
            known.is_some_and(|(_, used)| *used)
        };
        let problems = self.entries.iter().filter_map(|(entry, place)| {
            let (kind, message, help) = if CORE.contains(&entry.rule.as_str()) {
                (
                    PolicyProblemKind::BaselinedCoreRule,
                    format!("findings of `{}` cannot wait", entry.rule),
                    "remove the entry; it has no effect",
                )
            } else if !used(entry) && was_looked_for(entry, workspaces, rules) {
                (
                    PolicyProblemKind::StaleBaseline,
                    format!("`{}` no longer finds this in {}", entry.rule, entry.file),
                    "remove the entry, or write the baseline anew",
                )
            } else {
                return None;
            };
            Some(PolicyProblem {
                kind,
                place: place.clone(),
                message,
                help: Some(help.to_owned()),
            })
        });
        (kept, waiting, problems.collect())
    }
}

/// Whether this run would have found the finding, were it still there.
fn was_looked_for(entry: &Entry, workspaces: &[Workspace], rules: &[&'static RuleInfo]) -> bool {
    let info = rules.iter().find(|info| info.id == entry.rule);
    workspaces.iter().any(|workspace| {
        let may_find = match (info, workspace.declared) {
            (Some(info), Some(image)) => info.applies_to(Some(image)),
            _ => true,
        };
        may_find && workspace.is_target(&files::join(&workspace.root, &entry.file))
    })
}

fn roots(workspaces: &[Workspace]) -> Vec<String> {
    workspaces
        .iter()
        .map(|workspace| workspace.root.clone())
        .collect()
}

/// A baseline of all findings of a run but those that cannot wait: the text, how many findings are in it, and how many
/// cannot wait.
pub fn write(outcome: &Outcome) -> (String, usize, usize) {
    let mut lines: Vec<String> = Vec::new();
    let mut left = 0;
    let fingerprints = outcome.fingerprints();
    for (found, fingerprint) in outcome.diagnostics.iter().zip(fingerprints) {
        if !can_wait(found) {
            left += usize::from(CORE.contains(&found.rule));
            continue;
        }
        let entry = entry(found, &fingerprint, &outcome.roots);
        // Text alone is always written.
        lines.extend(serde_json::to_string(&entry));
    }
    let mut text = format!("{{\n\"schema_version\": {SCHEMA},\n\"findings\": [\n");
    for (number, line) in lines.iter().enumerate() {
        let end = if number + 1 < lines.len() { "," } else { "" };
        // Writing into a string does not fail.
        let _ = writeln!(text, "{line}{end}");
    }
    text.push_str("]\n}\n");
    (text, lines.len(), left)
}

/// Core rules cannot wait, and what is wrong with a policy or a baseline is mended there.
fn can_wait(found: &Diagnostic) -> bool {
    let info = rules::find(found.rule);
    let is_about_policies = info.is_some_and(|info| info.input == Input::Policy);
    !CORE.contains(&found.rule) && !is_about_policies
}

fn entry(found: &Diagnostic, fingerprint: &Fingerprint, roots: &[String]) -> Entry {
    Entry {
        fingerprint: fingerprint.to_string(),
        rule: found.rule.to_owned(),
        file: below(found.primary.file(), roots).to_owned(),
        place: found.primary.route().to_owned(),
        message: found.message.clone(),
    }
}
