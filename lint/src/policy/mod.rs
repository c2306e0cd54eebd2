//! Policies decide which rules run for an image type and how much their findings weigh.
//!
//! Layers, each stronger than the one before: the rule's own default, the built-in policy of the image type, the
//! organisation's policy (the files it extends first). No layer above the built-in ones may lower a rule of [`CORE`].
//! Whatever a policy says that has no effect is a finding with a place in that policy.

mod read;

use std::collections::BTreeMap;
use std::sync::Arc;

use formats::source::{Source, Span};
use toml::de::DeTable;

use crate::diagnostic::{DecidedBy, Level, Place};
use crate::files::{self, Files};
use crate::image::ImageType;
use crate::rule::{Rule, RuleInfo};
use crate::rules;

/// Rules that no policy of an organisation may lower or give other parameters: what they find must never ship.
pub const CORE: &[&str] = &[
    "bad-digest",
    "default-admin-account",
    "package-release-type-test",
    "published-key",
    "retail-release-type",
    "secureboot-published-pk",
    "test-fm-in-retail",
    "test-signed-in-retail",
    "testsigning-in-retail",
    "unsigned-cab",
];

/// The built-in policies: image type, name, text.
const BUILT_IN: &[(ImageType, &str, &str)] = &[
    (
        ImageType::Retail,
        "<built-in>/retail.toml",
        include_str!("../../../policies/retail.toml"),
    ),
    (
        ImageType::Test,
        "<built-in>/test.toml",
        include_str!("../../../policies/test.toml"),
    ),
    (
        ImageType::Mmos,
        "<built-in>/mmos.toml",
        include_str!("../../../policies/mmos.toml"),
    ),
];

/// A commented policy to start an organisation's own from.
pub const TEMPLATE: &str = include_str!("../../../policies/template.toml");

/// Longest policy that is read, in bytes.
const LONGEST: u64 = 128 * 1024;
/// Longest chain of `extends`.
const DEEPEST: usize = 8;

/// A policy that cannot be used at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// The file cannot be read.
    #[error("policy {path} cannot be read: {problem}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        problem: String,
    },
    /// The file is not TOML.
    #[error("{place}: {problem}")]
    NotToml {
        /// Where it stops being TOML.
        place: Box<Place>,
        /// What is wrong there.
        problem: String,
    },
    /// `extends` comes back to a file, or goes on and on.
    #[error("policy {path} extends itself or more than {DEEPEST} files")]
    EndlessExtends {
        /// The file that should not have been read again.
        path: String,
    },
}

/// Something in a policy that has no effect, or must not have one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyProblem {
    /// Which kind of thing.
    pub kind: PolicyProblemKind,
    /// Where it stands.
    pub place: Place,
    /// What was found against what was wanted.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// The kinds of [`PolicyProblem`]; there is a rule for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PolicyProblemKind {
    /// A rule, section or key that does not exist.
    UnknownEntry,
    /// A level that is no level, or a parameter of the wrong type.
    InvalidValue,
    /// A rule is set for an image type that it does not speak about.
    UnusedEntry,
    /// A rule of [`CORE`] would be lowered.
    LoweredCoreRule,
}

/// What one policy says of one rule.
#[derive(Debug, Clone)]
struct Setting {
    /// `None` where only parameters are given, `Some(None)` for `off`.
    level: Option<Option<Level>>,
    /// The section it stands in and the parameters it gives there.
    section: &'static str,
    parameters: Vec<String>,
    place: Place,
}

/// A policy that has been read and checked: only rules that exist, only levels that are some.
#[derive(Debug, Clone)]
struct Layer {
    source: Arc<Source>,
    /// For every image type.
    rules: BTreeMap<&'static str, Setting>,
    /// For one image type; stronger than `rules`.
    images: BTreeMap<ImageType, BTreeMap<&'static str, Setting>>,
}

/// All policies that are in force.
#[derive(Debug, Clone)]
pub struct Policies {
    rules: &'static [&'static RuleInfo],
    /// Weakest first.
    layers: Vec<Layer>,
    problems: Vec<PolicyProblem>,
}

/// A rule that is to run: with its parameters, its level and who decided that.
pub struct Configured {
    /// What is known about the rule.
    pub info: &'static RuleInfo,
    /// The rule with its parameters.
    pub rule: Box<dyn Rule>,
    /// How much its findings weigh.
    pub level: Level,
    /// Who says so.
    pub decided_by: DecidedBy,
}

impl Policies {
    /// The built-in policies alone.
    pub fn built_in() -> Self {
        Self::of_rules(rules::ALL)
    }

    fn of_rules(rules: &'static [&'static RuleInfo]) -> Self {
        let mut policies = Self {
            rules,
            layers: Vec::new(),
            problems: Vec::new(),
        };
        for (image, name, text) in BUILT_IN {
            // A built-in policy that is not TOML would be an empty one; a test holds that against us.
            let source = Arc::new(Source::new(*name, *text, 0));
            if let Ok(document) = read::document(&source, Some(*image), rules) {
                policies.add(document);
            }
        }
        policies
    }

    /// The built-in policies and the organisation's policy in the file `path`, with the files it extends.
    pub fn with_file(files: &dyn Files, path: &str) -> Result<Self, PolicyError> {
        let mut policies = Self::built_in();
        policies.add_file(files, path)?;
        Ok(policies)
    }

    fn add_file(&mut self, files: &dyn Files, path: &str) -> Result<(), PolicyError> {
        let mut chain: Vec<(String, read::Document)> = Vec::new();
        let mut next = Some(path.to_owned());
        while let Some(path) = next {
            let canonical = files.canonical(&path);
            let canonical = canonical.map_err(|error| unreadable(&path, error.to_string()))?;
            let seen = chain.iter().any(|(seen, _)| *seen == canonical);
            if seen || chain.len() >= DEEPEST {
                return Err(PolicyError::EndlessExtends { path });
            }
            let source = Arc::new(read_source(files, &path)?);
            let document = read::document(&source, None, self.rules)?;
            let extended = document.extends.as_deref();
            next = extended.map(|extended| files::join(files::folder_of(&path), extended));
            chain.push((canonical, document));
        }
        for (_, document) in chain.into_iter().rev() {
            self.add(document);
        }
        Ok(())
    }

    fn add(&mut self, document: read::Document) {
        self.layers.push(document.layer);
        self.problems.extend(document.problems);
    }

    /// What is wrong with the policies.
    pub fn problems(&self) -> &[PolicyProblem] {
        &self.problems
    }

    /// The texts of the policies.
    pub fn sources(&self) -> impl Iterator<Item = &Arc<Source>> {
        self.layers.iter().map(|layer| &layer.source)
    }

    /// The rules that run for an image type, `None` standing for the unknown, in the order of their ids.
    pub fn rules_for(&self, image: Option<ImageType>) -> Vec<Configured> {
        let applicable = self.rules.iter().filter(|info| info.applies_to(image));
        applicable
            .filter_map(|info| self.configure(info, image))
            .collect()
    }

    fn configure(&self, info: &'static RuleInfo, image: Option<ImageType>) -> Option<Configured> {
        let mut level = Some(info.level);
        let mut decided_by = DecidedBy::Rule;
        let mut parameters = DeTable::new();
        for layer in &self.layers {
            let of_image = image.and_then(|image| layer.images.get(&image));
            for settings in [Some(&layer.rules), of_image].into_iter().flatten() {
                let Some(setting) = settings.get(info.id) else {
                    continue;
                };
                if let Some(set) = setting.level {
                    level = set;
                    decided_by = DecidedBy::Policy(setting.place.clone());
                }
                if !setting.parameters.is_empty() {
                    setting.add_parameters(layer.source.text(), info.id, &mut parameters);
                }
            }
        }
        Some(Configured {
            info,
            // Every layer's parameters were tried alone when they were read.
            rule: (info.build)(parameters).unwrap_or_else(|_| (info.default)()),
            level: level?,
            decided_by,
        })
    }
}

impl Setting {
    /// Reads the parameters again, which passed when the policy was read.
    fn add_parameters<'a>(&self, policy: &'a str, id: &str, parameters: &mut DeTable<'a>) {
        let Ok(table) = DeTable::parse(policy) else {
            return;
        };
        let section = table.get_ref().get(self.section);
        let rule = section.and_then(|section| section.get_ref().get(id));
        let given = rule.and_then(|rule| rule.get_ref().as_table());
        for (key, value) in given.into_iter().flatten() {
            if self
                .parameters
                .iter()
                .any(|accepted| accepted == key.get_ref())
            {
                parameters.insert(key.clone(), value.clone());
            }
        }
    }
}

fn unreadable(path: &str, problem: String) -> PolicyError {
    PolicyError::Unreadable {
        path: path.to_owned(),
        problem,
    }
}

fn read_source(files: &dyn Files, path: &str) -> Result<Source, PolicyError> {
    let bytes = files.read(path, LONGEST.saturating_add(1));
    let bytes = bytes.map_err(|error| unreadable(path, error.to_string()))?;
    if bytes.len() as u64 > LONGEST {
        return Err(unreadable(path, format!("more than {LONGEST} bytes")));
    }
    let (bytes, bom) = match bytes.strip_prefix(b"\xEF\xBB\xBF") {
        Some(rest) => (rest, 3),
        None => (bytes.as_slice(), 0),
    };
    let text = std::str::from_utf8(bytes);
    let text = text.map_err(|error| unreadable(path, format!("not UTF-8: {error}")))?;
    Ok(Source::new(path, text, bom))
}

/// A place of a policy: the entry's own name is its route. Its line is looked up at once, for errors and explanations.
fn place(source: &Source, span: std::ops::Range<usize>, route: impl Into<String>) -> Place {
    let mut place = Place::text(source, Span::from(span), route);
    place.locate(|position| source.line_column(position));
    place
}

#[cfg(test)]
mod tests;
