//! Policies decide which rules run for an image type and how much their findings weigh.
//!
//! Layers, each stronger than the one before: the rule's own default, the built-in policy of the image type, the
//! organisation's policy, the project's (of each the files it extends first). Suppressions in documents come last, see
//! [`crate::suppression`]. No layer above the built-in ones may lower a rule of [`CORE`]. An entry has a reason where it
//! lowers a rule, and may have a last day. Whatever a policy says that has no effect is a finding with a place in that
//! policy.

mod effective;
mod load;
mod problem;
mod read;
mod ready;
pub mod show;

use std::collections::BTreeMap;
use std::sync::Arc;

use formats::source::{Source, Span};
use time::Date;
use toml::de::DeTable;

use crate::baseline::Baseline;
use crate::diagnostic::{DecidedBy, Level, Place};
use crate::expiry::Until;
use crate::image::ImageType;
use crate::own::OwnRule;
use crate::rule::{Rule, RuleInfo};
use crate::rules;

pub use effective::{Effective, Given};
pub use load::PolicyError;
pub use problem::{PolicyProblem, PolicyProblemKind};
use ready::Ready;

/// Rules that no policy of an organisation or a project may lower or give other parameters: what they find must never ship.
pub const CORE: &[&str] = &[
    "bad-digest",
    "default-admin-account",
    "image-default-admin",
    "image-not-intact",
    "image-package-release-type",
    "image-test-signed",
    "image-testsigning-on",
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

/// A commented policy to start one's own from.
pub const TEMPLATE: &str = include_str!("../../../policies/template.toml");

/// Whose a policy is; each is stronger than those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// The program's.
    BuiltIn,
    /// The organisation's, for all its products.
    Organisation,
    /// The project's, beside the files it is about.
    Project,
}

impl Standing {
    /// The word that reports use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BuiltIn => "built-in",
            Self::Organisation => "organisation",
            Self::Project => "project",
        }
    }
}

/// What one policy says of one rule.
#[derive(Debug, Clone)]
struct Setting {
    /// `None` where only parameters are given, `Some(None)` for `off`.
    level: Option<Option<Level>>,
    /// The section it stands in and the parameters it gives there, with the text of each.
    section: &'static str,
    parameters: Vec<(String, Span)>,
    place: Place,
    reason: Option<String>,
    until: Option<Until>,
}

/// A policy that has been read and checked: only rules that exist, only levels that are some.
#[derive(Debug, Clone)]
struct Layer {
    standing: Standing,
    source: Arc<Source>,
    description: Option<String>,
    /// For every image type.
    rules: BTreeMap<&'static str, Setting>,
    /// For one image type; stronger than `rules`.
    images: BTreeMap<ImageType, BTreeMap<&'static str, Setting>>,
}

/// All policies that are in force, and the findings that may wait.
#[derive(Debug, Clone)]
pub struct Policies {
    rules: Vec<&'static RuleInfo>,
    /// Weakest first.
    layers: Vec<Layer>,
    problems: Vec<PolicyProblem>,
    /// What is limited in time counts to its last day; without a day it does not count at all.
    today: Option<Date>,
    baseline: Option<Baseline>,
    /// Rules of the organisation, by id.
    own: BTreeMap<&'static str, OwnRule>,
    /// What was configured of all that so far.
    ready: Ready,
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

    fn of_rules(rules: &[&'static RuleInfo]) -> Self {
        let mut policies = Self {
            rules: rules.to_vec(),
            layers: Vec::new(),
            problems: Vec::new(),
            today: None,
            baseline: None,
            own: BTreeMap::new(),
            ready: Ready::default(),
        };
        for (image, name, text) in BUILT_IN {
            // A built-in policy that is not TOML would be an empty one; a test holds that against us.
            let source = Arc::new(Source::new(*name, *text, 0));
            if let Ok(document) = read::document(&source, Standing::BuiltIn, Some(*image), rules) {
                policies.add_document(document);
            }
        }
        policies
    }

    /// The same on a day, in UTC: what is limited in time counts to the end of its last day.
    #[must_use]
    pub fn on(mut self, today: Date) -> Self {
        self.today = Some(today);
        self.ready = Ready::default();
        self
    }

    /// The same with findings that may wait.
    #[must_use]
    pub fn with_baseline(mut self, baseline: Baseline) -> Self {
        self.baseline = Some(baseline);
        self
    }

    /// What is wrong with the policies, whatever day it is.
    pub fn problems(&self) -> &[PolicyProblem] {
        &self.problems
    }

    /// What is wrong with the policies today.
    pub fn problems_today(&self) -> Vec<PolicyProblem> {
        let over = self.settings().filter_map(|(id, setting)| {
            let until = setting.until.filter(|until| until.is_over(self.today))?;
            Some(PolicyProblem {
                kind: PolicyProblemKind::ExpiredEntry,
                place: setting.place.clone(),
                message: format!("the entry for `{id}` counted until {until}"),
                help: Some("it has no effect any more".to_owned()),
            })
        });
        self.problems.iter().cloned().chain(over).collect()
    }

    fn settings(&self) -> impl Iterator<Item = (&'static str, &Setting)> {
        self.layers.iter().flat_map(|layer| {
            let of_images = layer.images.values();
            let all = std::iter::once(&layer.rules).chain(of_images).flatten();
            all.map(|(id, setting)| (*id, setting))
        })
    }

    /// The texts of the policies, and of the baseline.
    pub fn sources(&self) -> impl Iterator<Item = &Arc<Source>> {
        let baseline = self.baseline.as_ref().map(Baseline::source);
        self.layers
            .iter()
            .map(|layer| &layer.source)
            .chain(baseline)
    }

    /// All rules that there are, in the order of their ids.
    pub fn rules(&self) -> &[&'static RuleInfo] {
        &self.rules
    }

    /// The day, where somebody said which it is.
    pub fn today(&self) -> Option<Date> {
        self.today
    }

    /// The findings that may wait.
    pub fn baseline(&self) -> Option<&Baseline> {
        self.baseline.as_ref()
    }

    /// The rules that run for an image type, `None` standing for the unknown, in the order of their ids. They are configured
    /// once, however often they are asked for.
    pub fn rules_for(&self, image: Option<ImageType>) -> Arc<[Configured]> {
        self.ready.of(image, || {
            let applicable = self.rules.iter().filter(|info| info.applies_to(image));
            applicable
                .filter_map(|info| self.configure(info, image))
                .collect()
        })
    }

    fn configure(&self, info: &'static RuleInfo, image: Option<ImageType>) -> Option<Configured> {
        let effective = self.effective(info, image);
        Some(Configured {
            info,
            rule: self.build(info, image),
            level: effective.level?,
            decided_by: effective.decided_by,
        })
    }

    /// The rule with the parameters that the policies give it.
    fn build(&self, info: &'static RuleInfo, image: Option<ImageType>) -> Box<dyn Rule> {
        if let Some(own) = self.own.get(info.id) {
            return Box::new(own.clone());
        }
        let mut parameters = DeTable::new();
        for (layer, setting) in self.settings_of(info, image) {
            if !setting.parameters.is_empty() {
                setting.add_parameters(layer.source.text(), info.id, &mut parameters);
            }
        }
        // Every layer's parameters were tried alone when they were read.
        (info.build)(parameters).unwrap_or_else(|_| (info.default)())
    }

    /// What the policies say of a rule today, weakest first.
    fn settings_of(
        &self,
        info: &'static RuleInfo,
        image: Option<ImageType>,
    ) -> impl Iterator<Item = (&Layer, &Setting)> {
        self.layers
            .iter()
            .flat_map(move |layer| {
                let of_image = image.and_then(|image| layer.images.get(&image));
                let all = [Some(&layer.rules), of_image].into_iter().flatten();
                let settings = all.filter_map(|settings| settings.get(info.id));
                settings.map(move |setting| (layer, setting))
            })
            .filter(|(_, setting)| !setting.until.is_some_and(|until| until.is_over(self.today)))
    }

    /// The rules that a project's policy sets lower than the others do, as they would run without it, each with the line
    /// that lowers it: to see whether they still find anything.
    pub(crate) fn lowered_by_project(&self, image: Option<ImageType>) -> Vec<(Configured, Place)> {
        let lowered = self.rules.iter().filter_map(|info| {
            if !info.applies_to(image) {
                return None;
            }
            let (mut level, mut lowers) = (Some(info.level), None);
            for (layer, setting) in self.settings_of(info, image) {
                let Some(set) = setting.level else { continue };
                if layer.standing == Standing::Project && set < level {
                    lowers = Some(setting.place.clone());
                } else {
                    level = set;
                    lowers = None;
                }
            }
            let configured = Configured {
                info,
                rule: self.build(info, image),
                level: level?,
                decided_by: DecidedBy::Rule,
            };
            Some((configured, lowers?))
        });
        lowered.collect()
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
                .any(|(accepted, _)| accepted == key.get_ref())
            {
                parameters.insert(key.clone(), value.clone());
            }
        }
    }
}

/// A place of a policy: the entry's own name is its route. Its line is looked up at once, for errors and explanations.
fn place(source: &Source, span: std::ops::Range<usize>, route: impl Into<String>) -> Place {
    let mut place = Place::text(source, Span::from(span), route);
    place.locate(|position| source.line_column(position));
    place
}

#[cfg(test)]
mod tests;
