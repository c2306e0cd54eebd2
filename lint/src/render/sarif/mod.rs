//! Findings as SARIF 2.1.0, in the form in which GitHub takes them in.
//!
//! GitHub shows 5,000 results of a run, takes 25,000, and refuses a file of more than 10 MB compressed. What does not fit is
//! left out, the mildest first, and the run says so in a notification. A finding in a file without lines has the file
//! as its place and a logical location inside it. GitHub shows a suppressed result like any other, so that these are written
//! only where they are asked for.

mod line_hash;
mod log;
mod rule;

use std::collections::BTreeMap;
use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use signer::digest::{DigestAlgorithm, hex};

use super::edits::EditPlaces;
use super::most_severe;
use super::repository::Repository;
use super::snippet::shown;
use crate::diagnostic::{Applicability, Diagnostic, Level, Place, Region};
use crate::engine::Outcome;
use crate::fingerprint::{Fingerprint, fingerprints};
use crate::suppression::{Suppressed, SuppressedBy};
use line_hash::line_hashes;

/// Results that GitHub takes of a run.
const MOST_RESULTS: usize = 25_000;
/// Bytes of a compressed file that GitHub takes.
const MOST_BYTES: u64 = 10_000_000;
/// Places that explain a finding; GitHub takes 1,000.
const MOST_RELATED: usize = 100;
/// The notice of results that were left out.
const CUT: &str = "results-left-out";

/// How a run is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SarifOptions<'a> {
    /// Where the files stand.
    pub repository: &'a Repository,
    /// What tells this run from others of the same commit; a service replaces the results of the same category.
    pub category: &'a str,
    /// Whether the findings that a comment or the baseline keeps from being reported are written too, as suppressed.
    pub suppressed: bool,
}

/// Writes the result of a run as SARIF, with a line end.
pub fn render(outcome: &Outcome, options: &SarifOptions<'_>, to: &mut dyn Write) -> io::Result<()> {
    to.write_all(&bounded(outcome, options, MOST_RESULTS, MOST_BYTES)?)
}

/// The log with as many results as fit.
fn bounded(
    outcome: &Outcome,
    options: &SarifOptions<'_>,
    most_results: usize,
    most_bytes: u64,
) -> io::Result<Vec<u8>> {
    let wanted = if options.suppressed {
        outcome.suppressed.len()
    } else {
        0
    };
    let mut limit = most_results.min(outcome.diagnostics.len().saturating_add(wanted));
    loop {
        let kept = most_severe(&outcome.diagnostics, limit);
        let room = limit.saturating_sub(kept.len()).min(wanted);
        let silent = outcome.suppressed.get(..room).unwrap_or_default();
        let run = Writer::new(outcome, options, &kept, silent).run(&kept, silent);
        let log = log::Log {
            schema: "https://json.schemastore.org/sarif-2.1.0.json",
            version: "2.1.0",
            runs: vec![run],
        };
        let mut bytes = serde_json::to_vec_pretty(&log)?;
        bytes.push(b'\n');
        // What is not long cannot be too long compressed.
        if bytes.len() as u64 <= most_bytes || limit == 0 || compressed(&bytes)? <= most_bytes {
            return Ok(bytes);
        }
        limit /= 2;
    }
}

/// Bytes of the gzip form, at the speed that compresses least.
fn compressed(bytes: &[u8]) -> io::Result<u64> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len() as u64)
}

struct Writer<'a> {
    outcome: &'a Outcome,
    options: &'a SarifOptions<'a>,
    edits: EditPlaces<'a>,
    /// The rules that found something, with their place in the list.
    rules: BTreeMap<&'a str, usize>,
    /// The hashes of the lines of every text that something was found in.
    lines: BTreeMap<&'a str, Vec<String>>,
    /// How many findings of a rule start on a line.
    crowds: BTreeMap<(&'a str, &'a str, usize), usize>,
}

impl<'a> Writer<'a> {
    fn new(
        outcome: &'a Outcome,
        options: &'a SarifOptions<'a>,
        kept: &[&'a Diagnostic],
        silent: &'a [Suppressed],
    ) -> Self {
        let mut writer = Self {
            outcome,
            options,
            edits: EditPlaces::of(outcome),
            rules: BTreeMap::new(),
            lines: BTreeMap::new(),
            crowds: BTreeMap::new(),
        };
        let silent = silent.iter().map(|silent| &silent.diagnostic);
        for found in kept.iter().copied().chain(silent) {
            writer.rules.insert(found.rule, 0);
            let file = found.primary.file();
            if let (Some(region), Some(source)) =
                (found.primary.region(), outcome.sources.get(file))
            {
                let hashes = || line_hashes(source);
                writer.lines.entry(file).or_insert_with(hashes);
                let crowd = (file, found.rule, region.start.line);
                *writer.crowds.entry(crowd).or_default() += 1;
            }
        }
        for (number, index) in writer.rules.values_mut().enumerate() {
            *index = number;
        }
        writer
    }

    fn run(&self, kept: &[&Diagnostic], silent: &[Suppressed]) -> log::Run {
        let count = kept.len();
        let mut kept = kept.iter().peekable();
        let all = self.outcome.diagnostics.iter();
        let named = all.zip(self.outcome.fingerprints());
        let results = named.filter(|(found, _)| {
            let is_next = |next: &&&Diagnostic| std::ptr::eq(**next, *found);
            kept.next_if(is_next).is_some()
        });
        let results = results.map(|(found, fingerprint)| log::Result {
            // The specification has it so where any result of the run is suppressed.
            suppressions: (!silent.is_empty()).then(Vec::new),
            ..self.result(found, fingerprint)
        });
        log::Run {
            tool: log::Tool {
                driver: log::Driver {
                    name: "proofmark",
                    semantic_version: env!("CARGO_PKG_VERSION"),
                    information_uri: env!("CARGO_PKG_REPOSITORY"),
                    rules: self.rules.keys().map(|id| rule::descriptor(id)).collect(),
                    notifications: vec![rule::cut_notice(CUT)],
                },
            },
            automation_details: log::AutomationDetails {
                // What stands behind the last stroke would name the run.
                id: format!("{}/", self.options.category.trim_end_matches('/')),
            },
            invocations: vec![log::Invocation {
                execution_successful: true,
                tool_execution_notifications: self.notifications(count),
            }],
            column_kind: "unicodeCodePoints",
            results: results.chain(self.suppressed(silent)).collect(),
        }
    }

    /// What is not reported, with who says so.
    fn suppressed(&self, silent: &[Suppressed]) -> Vec<log::Result> {
        if silent.is_empty() {
            return Vec::new();
        }
        // Behind those that are reported, so that each has the fingerprint that it has without these.
        let reported = self.outcome.diagnostics.iter();
        let all = reported.chain(silent.iter().map(|silent| &silent.diagnostic));
        let all: Vec<Diagnostic> = all.cloned().collect();
        let names = fingerprints(&all, &self.outcome.sources, &self.outcome.roots);
        let names = names.into_iter().skip(self.outcome.diagnostics.len());
        let results = silent.iter().zip(names).map(|(silent, fingerprint)| {
            let (kind, place, justification) = match &silent.by {
                SuppressedBy::Comment { place, reason } => ("inSource", place, literal(reason)),
                SuppressedBy::Baseline { place } => {
                    ("external", place, "known since the baseline".to_owned())
                }
            };
            log::Result {
                suppressions: Some(vec![log::Suppression {
                    kind,
                    justification,
                    location: self.location(place),
                }]),
                ..self.result(&silent.diagnostic, fingerprint)
            }
        });
        results.collect()
    }

    fn notifications(&self, kept: usize) -> Vec<log::Notification> {
        let all = self.outcome.diagnostics.len();
        let cut = (kept < all).then(|| log::Notification {
            descriptor: log::DescriptorReference { id: CUT },
            level: "warning",
            message: log::Text {
                text: format!(
                    "{} of {all} findings are left out, the mildest first: a service takes {MOST_RESULTS} results and \
                     {} MB. `proofmark lint --format json` has all.",
                    all.saturating_sub(kept),
                    MOST_BYTES / 1_000_000,
                ),
            },
        });
        cut.into_iter().collect()
    }

    fn result(&self, found: &Diagnostic, fingerprint: Fingerprint) -> log::Result {
        let message = match &found.help {
            Some(help) => format!("{}\n{}", literal(&found.message), literal(help)),
            None => literal(&found.message),
        };
        let related = found.related.iter().take(MOST_RELATED).zip(1..);
        let related = related.map(|((place, label), id)| log::Location {
            id: Some(id),
            message: Some(log::Text {
                text: literal(label),
            }),
            ..self.location(place)
        });
        log::Result {
            rule_id: found.rule.to_string(),
            rule_index: self.rules.get(found.rule).copied().unwrap_or_default(),
            level: level(found.level),
            message: log::Text { text: message },
            locations: vec![self.location(&found.primary)],
            related_locations: related.collect(),
            partial_fingerprints: log::PartialFingerprints {
                primary_location_line_hash: self.line_hash(found, &fingerprint),
                own: fingerprint,
            },
            fixes: self.fixes(found),
            suppressions: None,
            properties: log::ResultProperties {
                decided_by: shown(&found.decided_by.to_string()),
            },
        }
    }

    /// The hash of the line, as the service would compute it. Where a rule found several things on one line, a digest
    /// of each is added: whoever dismisses one has not dismissed the others. Where there are no lines it is the fingerprint, as
    /// messages name times that differ from run to run.
    fn line_hash(&self, found: &Diagnostic, fingerprint: &Fingerprint) -> String {
        let text = format!("{}\0{}", found.primary.route(), found.message);
        let digest = DigestAlgorithm::Sha256.of(text.as_bytes());
        let digest = hex(digest.get(..8).unwrap_or_default());
        let file = found.primary.file();
        let line = found.primary.region().map(|region| region.start.line);
        let hash = line.and_then(|line| self.lines.get(file)?.get(line.checked_sub(1)?));
        match (hash, line) {
            (Some(hash), Some(line)) => match self.crowds.get(&(file, found.rule, line)) {
                Some(1) => hash.clone(),
                _ => format!("{hash}:{digest}"),
            },
            _ => {
                let fingerprint = fingerprint.as_str().get(..16).unwrap_or_default();
                format!("{fingerprint}:1")
            }
        }
    }

    fn location(&self, place: &Place) -> log::Location {
        let route = place.route();
        let kind = match place.span() {
            Some(_) => "element",
            None => "resource",
        };
        let logical = (!route.is_empty()).then(|| log::LogicalLocation {
            fully_qualified_name: shown(route),
            kind,
        });
        log::Location {
            id: None,
            physical_location: log::PhysicalLocation {
                artifact_location: self.artifact(place.file()),
                region: place.region().map(region),
            },
            logical_locations: logical.into_iter().collect(),
            message: None,
        }
    }

    fn artifact(&self, file: &str) -> log::ArtifactLocation {
        let uri = self.options.repository.uri(file);
        let is_relative = !uri.starts_with("file:");
        log::ArtifactLocation {
            uri,
            uri_base_id: is_relative.then_some("%SRCROOT%"),
        }
    }

    fn fixes(&self, found: &Diagnostic) -> Vec<log::Fix> {
        let fix = found.fix.as_ref().and_then(|fix| {
            let edits = self.edits.place(fix)?.into_iter();
            let replacements = edits.map(|edit| log::Replacement {
                deleted_region: log::Region {
                    start_line: edit.start.line,
                    start_column: edit.start.column,
                    end_line: edit.end.line,
                    end_column: edit.end.column,
                },
                inserted_content: log::Text {
                    text: edit.text.to_owned(),
                },
            });
            Some(log::Fix {
                description: log::Text {
                    text: match fix.applicability {
                        Applicability::Safe => literal(&fix.title),
                        Applicability::Unsafe => literal(&format!("guess: {}", fix.title)),
                    },
                },
                artifact_changes: vec![log::ArtifactChange {
                    artifact_location: self.artifact(&fix.file),
                    replacements: replacements.collect(),
                }],
            })
        });
        fix.into_iter().collect()
    }
}

fn region(region: Region) -> log::Region {
    log::Region {
        start_line: region.start.line,
        start_column: region.start.column,
        end_line: region.end.line,
        end_column: region.end.column,
    }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Info => "note",
    }
}

/// A text that says only what it says: nothing of a document becomes a link, `[text](target)`, or a placeholder, `{0}`.
fn literal(text: &str) -> String {
    let text = shown(text).replace("](", "] (");
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        out.push(character);
        if character == '{' && characters.peek().is_some_and(char::is_ascii_digit) {
            out.push(' ');
        }
    }
    out
}

#[cfg(test)]
mod tests;
