//! Suppressions: comments in documents that say of a finding that it is known and why it stays.
//!
//! A reason is required. What is expired, names no rule, or suppresses nothing is a finding itself, and the rules of
//! [`CORE`] cannot be suppressed.

mod covers;
mod offer;
mod read;

use formats::source::Span;
use time::Date;

use crate::diagnostic::{Diagnostic, Place};
use crate::expiry::Until;
use crate::facts::Workspace;
use crate::nearest::nearest;
use crate::policy::{CORE, PolicyProblem, PolicyProblemKind};
use crate::rule::RuleInfo;

use covers::Covers;
pub use offer::offer;
pub(crate) use read::suppressions;

/// A comment that suppresses findings, or means to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// The comment's text.
    pub place: Place,
    /// What it is about.
    pub scope: Scope,
    /// The rules that it names, each with its place.
    pub rules: Vec<(String, Place)>,
    /// Why the findings stay.
    pub reason: Option<String>,
    /// The last day on which it counts.
    pub until: Option<Until>,
    /// Why it cannot be understood: place, what is wrong, what to do.
    pub problem: Option<(Place, String, Option<String>)>,
}

/// The part of a document that a suppression is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All of it.
    File,
    /// The element or line that follows.
    Span(Span),
    /// Nothing follows.
    Nothing,
}

/// A finding that is not reported, and who says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppressed {
    /// The finding.
    pub diagnostic: Diagnostic,
    /// Who says so.
    pub by: SuppressedBy,
}

/// Who keeps a finding from being reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SuppressedBy {
    /// A comment in the document.
    Comment {
        /// The comment.
        place: Place,
        /// Why it says so.
        reason: String,
    },
    /// The baseline.
    Baseline {
        /// Its entry.
        place: Place,
    },
}

impl Suppressed {
    /// All places that it names.
    pub fn places_mut(&mut self) -> impl Iterator<Item = &mut Place> {
        let by = match &mut self.by {
            SuppressedBy::Comment { place, .. } | SuppressedBy::Baseline { place } => place,
        };
        self.diagnostic.places_mut().chain([by])
    }
}

impl Suppression {
    fn covers(&self, found: Option<Span>) -> bool {
        match (self.scope, found) {
            (Scope::File, _) => true,
            (Scope::Span(scope), Some(span)) => scope.start <= span.start && span.end <= scope.end,
            _ => false,
        }
    }

    /// Whether it is understood and in force.
    fn counts(&self, today: Option<Date>) -> bool {
        self.problem.is_none() && !self.until.is_some_and(|until| until.is_over(today))
    }
}

/// What suppressions made of findings.
pub(crate) struct Applied {
    pub(crate) kept: Vec<Diagnostic>,
    pub(crate) suppressed: Vec<Suppressed>,
    pub(crate) problems: Vec<PolicyProblem>,
}

/// Takes the suppressed findings out. `rules` are those that exist.
pub(crate) fn apply(
    found: Vec<Diagnostic>,
    workspaces: &[Workspace],
    rules: &[&'static RuleInfo],
    today: Option<Date>,
) -> Applied {
    let all = workspaces.iter().flat_map(|workspace| {
        let suppressions = workspace.suppressions.iter();
        suppressions.map(move |suppression| (workspace, suppression))
    });
    let all: Vec<(&Workspace, &Suppression)> = all.collect();
    let counting = all
        .iter()
        .map(|(_, suppression)| suppression.counts(today).then_some(*suppression));
    let covers = Covers::of(counting);
    let unused = all.iter().map(|(_, one)| vec![false; one.rules.len()]);
    let mut used: Vec<Vec<bool>> = unused.collect();
    let mut applied = Applied {
        kept: Vec::new(),
        suppressed: Vec::new(),
        problems: Vec::new(),
    };
    for diagnostic in found {
        let by = match CORE.contains(&diagnostic.rule) {
            true => Vec::new(),
            false => covers.of_finding(&diagnostic),
        };
        for mention in &by {
            let rules = used.get_mut(mention.suppression);
            if let Some(used) = rules.and_then(|rules| rules.get_mut(mention.rule)) {
                *used = true;
            }
        }
        let first = by.iter().map(|mention| mention.suppression).min();
        match first.and_then(|number| all.get(number)) {
            Some((_, suppression)) => {
                let by = SuppressedBy::Comment {
                    place: suppression.place.clone(),
                    reason: suppression.reason.clone().unwrap_or_default(),
                };
                applied.suppressed.push(Suppressed { diagnostic, by });
            }
            None => applied.kept.push(diagnostic),
        }
    }
    for ((workspace, suppression), used) in all.iter().zip(&used) {
        if workspace.is_target(suppression.place.file()) {
            problems(
                suppression,
                used,
                workspace,
                rules,
                today,
                &mut applied.problems,
            );
        }
    }
    applied
}

fn problems(
    suppression: &Suppression,
    used: &[bool],
    workspace: &Workspace,
    rules: &[&'static RuleInfo],
    today: Option<Date>,
    problems: &mut Vec<PolicyProblem>,
) {
    let mut say = |kind, place: &Place, message: String, help: Option<String>| {
        problems.push(PolicyProblem {
            kind,
            place: place.clone(),
            message,
            help,
        });
    };
    if let Some((place, message, help)) = &suppression.problem {
        let kind = PolicyProblemKind::MalformedSuppression;
        say(kind, place, message.clone(), help.clone());
        return;
    }
    let mut is_known = false;
    for (number, (id, place)) in suppression.rules.iter().enumerate() {
        let Some(info) = rules.iter().find(|info| info.id == id) else {
            let near = nearest(id, rules.iter().map(|info| info.id));
            let help = near.map(|near| format!("did you mean `{near}`?"));
            let kind = PolicyProblemKind::MalformedSuppression;
            say(kind, place, format!("there is no rule `{id}`"), help);
            continue;
        };
        if CORE.contains(&info.id) {
            let kind = PolicyProblemKind::SuppressedCoreRule;
            let help = "what this rule finds must never ship; the suppression has no effect";
            let message = format!("`{id}` cannot be suppressed");
            say(kind, place, message, Some(help.to_owned()));
            continue;
        }
        is_known = true;
        // Another image type was declared than the one that the rule is about.
        let declared = workspace.declared;
        let may_find = declared.is_none_or(|image| info.applies_to(Some(image)));
        let is_used = used.get(number).copied().unwrap_or_default();
        if suppression.counts(today) && may_find && !is_used {
            let kind = PolicyProblemKind::UnusedSuppression;
            let what = match suppression.scope {
                Scope::File => "in this file",
                Scope::Span(_) => "in what follows",
                Scope::Nothing => "here, where nothing follows",
            };
            let message = format!("`{id}` finds nothing {what}");
            say(
                kind,
                place,
                message,
                Some("remove the suppression".to_owned()),
            );
        }
    }
    if let Some(until) = suppression
        .until
        .filter(|_| is_known && !suppression.counts(today))
    {
        let kind = PolicyProblemKind::ExpiredSuppression;
        let message = format!("the suppression counted until {until}");
        let help = "cure what it suppressed, or give it another date and a reason that holds";
        say(kind, &suppression.place, message, Some(help.to_owned()));
    }
}

#[cfg(test)]
mod tests;
