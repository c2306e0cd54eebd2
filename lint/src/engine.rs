//! Runs the rules: every rule over every image type that it speaks about, in parallel, always with the same result.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;
use signer::verify::VerifyOptions;

use crate::diagnostic::{Diagnostic, Level, Place};
use crate::discover::{DiscoverError, discover};
use crate::earlier::Earlier;
use crate::facts::index::Index;
use crate::facts::shipped::Shipped;
use crate::facts::{Facts, Workspace};
use crate::files::Files;
use crate::fingerprint::{Fingerprint, fingerprints};
use crate::image::ImageType;
use crate::policy::{Configured, Policies, PolicyProblem, PolicyProblemKind};
use crate::read::read;
use crate::resolve::{ResolveOptions, TooMany, resolve};
use crate::rule::{Input, Report, RuleInfo};
use crate::sources::Sources;
use crate::suppression::{self, Suppressed};
use crate::verify::verify_cabinets;

/// The result of a run.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// All findings, by file, position and rule; none twice.
    pub diagnostics: Vec<Diagnostic>,
    /// The findings that a comment or the baseline keeps from being reported, and who says so.
    pub suppressed: Vec<Suppressed>,
    /// How many more are kept from being reported, where who judged says no more than that.
    pub withheld: usize,
    /// Own rules that could not look, each with the reason: the result is not to be trusted then.
    pub failures: BTreeMap<&'static str, String>,
    /// The texts that the findings point into, those of the policies included.
    pub sources: Sources,
    /// How many findings there are of each level.
    pub counts: Counts,
    /// The products that were judged, by path.
    pub products: Vec<ProductSeen>,
    /// How many documents and package definitions were read.
    pub documents: usize,
    /// How many built packages were asked for or get into the products.
    pub packages: usize,
    /// How many certificates, code-integrity policies and secure-boot variables were read.
    pub security_files: usize,
    /// The folders of the workspaces, as the user wrote or found them; findings are the same wherever these lie.
    pub roots: Vec<String>,
}

/// Findings by level.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Findings that are errors.
    pub errors: usize,
    /// Findings that are warnings.
    pub warnings: usize,
    /// Findings that are for information.
    pub infos: usize,
}

/// A product and the policy it was judged by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductSeen {
    /// Its name.
    pub name: String,
    /// Its `OEMInput.xml`.
    pub oem_input: String,
    /// Its image type; `None` where it does not say.
    pub image: Option<ImageType>,
    /// Whether the user declared the type.
    pub declared: bool,
    /// Packages that get into the image, as far as they are known.
    pub packages: usize,
}

impl Outcome {
    /// What each finding is recognised by in another run, in the order of the findings.
    pub fn fingerprints(&self) -> Vec<Fingerprint> {
        fingerprints(&self.diagnostics, &self.sources, &self.roots)
    }

    /// How many findings are kept from being reported.
    pub fn suppressed_count(&self) -> usize {
        self.suppressed.len().saturating_add(self.withheld)
    }

    /// Whether there was nothing that could be judged.
    pub fn is_of_nothing(&self) -> bool {
        let findings = self
            .diagnostics
            .len()
            .saturating_add(self.suppressed_count());
        let read = [self.documents, self.packages, self.security_files];
        findings == 0 && read == [0; 3]
    }

    /// Whether there is a finding at or above a level.
    pub fn reaches(&self, level: Level) -> bool {
        self.diagnostics
            .iter()
            .any(|diagnostic| diagnostic.level >= level)
    }
}

/// Paths that cannot be linted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GatherError {
    /// A path cannot be opened, or its folders do not end.
    #[error(transparent)]
    Discover(#[from] DiscoverError),
    /// There is more below it than any workspace has.
    #[error(transparent)]
    TooMany(#[from] TooMany),
}

/// Finds, reads and resolves what the paths mean. Between this and [`judge`] the caller may verify the cabinets of the
/// products and put the results into [`Workspace::signatures`].
pub fn gather(
    files: &dyn Files,
    paths: &[String],
    options: &ResolveOptions,
) -> Result<Vec<Workspace>, GatherError> {
    gather_with(files, paths, options, None)
}

/// The same for a run that follows others, where files that did not change since are not parsed again.
pub fn gather_again(
    files: &dyn Files,
    paths: &[String],
    options: &ResolveOptions,
    earlier: &mut Earlier,
) -> Result<Vec<Workspace>, GatherError> {
    gather_with(files, paths, options, Some(earlier))
}

fn gather_with(
    files: &dyn Files,
    paths: &[String],
    options: &ResolveOptions,
    mut earlier: Option<&mut Earlier>,
) -> Result<Vec<Workspace>, GatherError> {
    let discovered = discover(files, paths)?;
    let workspaces = discovered.iter().map(|discovered| {
        let documented = read(files, discovered, earlier.as_deref_mut())?;
        Ok(resolve(documented, options)?)
    });
    workspaces.collect()
}

/// Reads the folder of an earlier release and looks into its packages, for rules that compare with it: put the result
/// into [`Workspace::shipped`].
pub fn shipped(
    files: &dyn Files,
    folder: &str,
    options: &ResolveOptions,
    verify: VerifyOptions<'_>,
) -> Result<Shipped, GatherError> {
    let mut workspaces = gather(files, &[folder.to_owned()], options)?;
    let mut workspace = workspaces.pop().unwrap_or_default();
    verify_cabinets(files, &mut workspace, verify, None);
    Ok(Shipped::new(workspace))
}

/// Runs the rules over what was gathered, takes out what is suppressed or may wait, and then judges the policies,
/// suppressions and baseline by what became of them.
pub fn judge(workspaces: &[Workspace], policies: &Policies) -> Outcome {
    let images: Vec<Option<ImageType>> = std::iter::once(None)
        .chain(ImageType::ALL.iter().copied().map(Some))
        .collect();
    let mut scopes: Vec<(Facts<'_>, Arc<[Configured]>)> = Vec::new();
    for workspace in workspaces {
        let index = Arc::new(Index::of(workspace));
        for image in &images {
            let rules = policies.rules_for(*image);
            scopes.push((Facts::with_index(workspace, &index, *image, &[]), rules));
        }
    }
    let tasks: Vec<(&Facts<'_>, &Configured)> = scopes
        .iter()
        .flat_map(|(facts, rules)| {
            let rules = rules.iter().filter(|rule| is_about(rule.info, facts));
            rules.map(move |rule| (facts, rule))
        })
        .collect();
    let found: Vec<(Vec<Diagnostic>, Option<String>)> = tasks
        .par_iter()
        .map(|(facts, rule)| check_or_fail(rule, facts))
        .collect();
    let mut failures = BTreeMap::new();
    for ((_, rule), (_, failure)) in tasks.iter().zip(&found) {
        if let Some(failure) = failure {
            failures
                .entry(rule.info.id)
                .or_insert_with(|| failure.clone());
        }
    }
    let found = without_repetition(found.into_iter().flat_map(|(found, _)| found));

    let sources = sources(workspaces, policies);
    let rules = policies.rules();
    let applied = suppression::apply(found, workspaces, rules, policies.today());
    let mut suppressed = applied.suppressed;
    let mut problems = policies.problems_today();
    problems.extend(applied.problems);
    problems.extend(unused_lines(workspaces, policies, &scopes));
    let mut kept = applied.kept;
    if let Some(baseline) = policies.baseline() {
        let (left, waiting, stale) = baseline.apply(kept, &sources, workspaces, rules);
        kept = left;
        suppressed.extend(waiting);
        problems.extend(stale);
    }
    let of_policies = judge_policies(policies, &problems);
    let mut diagnostics = without_repetition(kept.into_iter().chain(of_policies));
    suppressed.sort_by(|a, b| a.diagnostic.cmp(&b.diagnostic));
    let reported = diagnostics.iter_mut().flat_map(Diagnostic::places_mut);
    let silent = suppressed.iter_mut().flat_map(Suppressed::places_mut);
    sources.locate(&mut reported.chain(silent).collect::<Vec<_>>());
    Outcome {
        counts: Counts::of(&diagnostics),
        sources,
        products: products_seen(workspaces),
        roots: workspaces
            .iter()
            .map(|workspace| workspace.root.clone())
            .collect(),
        documents: workspaces
            .iter()
            .map(|workspace| workspace.sources.len())
            .sum(),
        packages: workspaces
            .iter()
            .map(|workspace| workspace.cabs().len())
            .sum(),
        security_files: workspaces
            .iter()
            .map(|workspace| workspace.security.len())
            .sum(),
        suppressed,
        withheld: 0,
        failures,
        diagnostics,
    }
}

/// Whether a rule judges what is in a workspace of this kind.
fn is_about(info: &RuleInfo, facts: &Facts<'_>) -> bool {
    info.input != Input::Policy
        && match facts.workspace.finished {
            Some(_) => info.is_for_images(),
            None => info.is_for_workspaces(),
        }
}

/// The rules about policies, suppressions and baselines, which are about no image.
fn judge_policies(policies: &Policies, problems: &[PolicyProblem]) -> Vec<Diagnostic> {
    let nothing = Workspace::default();
    let facts = Facts::of(&nothing, None, problems);
    let rules = policies.rules_for(None);
    let about_policies = rules.iter().filter(|rule| rule.info.input == Input::Policy);
    about_policies
        .flat_map(|rule| check(rule, &facts))
        .collect()
}

/// The lines of a project's policy that lower a rule which finds nothing any more. Said only where everything was looked
/// at and the image types are those of the products.
fn unused_lines(
    workspaces: &[Workspace],
    policies: &Policies,
    scopes: &[(Facts<'_>, Arc<[Configured]>)],
) -> Vec<PolicyProblem> {
    let is_whole = |workspace: &Workspace| {
        workspace.declared.is_none()
            && workspace.finished.is_none()
            && workspace.targets.names(&workspace.root)
    };
    if !workspaces.iter().all(is_whole) {
        return Vec::new();
    }
    let mut lines: BTreeMap<Place, (&'static str, bool)> = BTreeMap::new();
    for (facts, _) in scopes {
        for (rule, place) in policies.lowered_by_project(facts.image) {
            let line = lines.entry(place).or_insert((rule.info.id, false));
            line.1 = line.1 || !check(&rule, facts).is_empty();
        }
    }
    let unused = lines.into_iter().filter(|(_, (_, is_used))| !is_used);
    let problems = unused.map(|(place, (id, _))| PolicyProblem {
        kind: PolicyProblemKind::UnusedEntry,
        place,
        message: format!("`{id}` finds nothing here, with or without this line"),
        help: Some("remove the line, so that the rule is there when it is needed".to_owned()),
    });
    problems.collect()
}

fn check(configured: &Configured, facts: &Facts<'_>) -> Vec<Diagnostic> {
    check_or_fail(configured, facts).0
}

/// What a rule finds, and why it could not look.
fn check_or_fail(configured: &Configured, facts: &Facts<'_>) -> (Vec<Diagnostic>, Option<String>) {
    let mut report = Report::default();
    configured.rule.check(facts, &mut report);
    let failure = report.failures().first().cloned();
    let findings = report.into_findings().into_iter();
    let diagnostics = findings.map(|finding| Diagnostic {
        primary: finding.place,
        rule: configured.info.id,
        message: finding.message,
        level: configured.level.min(finding.at_most),
        related: finding.related,
        help: finding.help,
        // What is in an image is mended where it is built.
        fix: finding.fix.filter(|_| facts.workspace.finished.is_none()),
        decided_by: configured.decided_by.clone(),
    });
    (diagnostics.collect(), failure)
}

/// Sorted; a document that belongs to images of two types is told of once, by the stricter policy.
fn without_repetition(diagnostics: impl Iterator<Item = Diagnostic>) -> Vec<Diagnostic> {
    let mut kept: BTreeMap<(_, &'static str, String), Diagnostic> = BTreeMap::new();
    for diagnostic in diagnostics {
        let key = (
            diagnostic.primary.clone(),
            diagnostic.rule,
            diagnostic.message.clone(),
        );
        match kept.get(&key) {
            Some(known) if known.level >= diagnostic.level => {}
            _ => {
                kept.insert(key, diagnostic);
            }
        }
    }
    kept.into_values().collect()
}

impl Counts {
    /// Counts findings.
    pub fn of(diagnostics: &[Diagnostic]) -> Self {
        let count = |level| {
            diagnostics
                .iter()
                .filter(|found| found.level == level)
                .count()
        };
        Self {
            errors: count(Level::Error),
            warnings: count(Level::Warning),
            infos: count(Level::Info),
        }
    }
}

fn sources(workspaces: &[Workspace], policies: &Policies) -> Sources {
    // Where an earlier release is inside of what is linted, its texts are there twice.
    let shipped = workspaces
        .iter()
        .filter_map(|workspace| workspace.shipped.as_ref());
    let shipped = shipped.flat_map(|shipped| shipped.sources());
    let documents = workspaces.iter().flat_map(|workspace| &workspace.sources);
    let built_from = workspaces
        .iter()
        .filter_map(|workspace| workspace.built_from.as_ref());
    let documents = documents.chain(built_from.flat_map(|workspace| &workspace.sources));
    shipped
        .chain(documents)
        .chain(policies.sources())
        .map(Arc::clone)
        .collect()
}

fn products_seen(workspaces: &[Workspace]) -> Vec<ProductSeen> {
    let products = workspaces.iter().flat_map(|workspace| {
        let asked = workspace.products.iter();
        asked.filter(|product| workspace.is_target(product.oem_input.path()))
    });
    let mut seen: Vec<ProductSeen> = products
        .map(|product| ProductSeen {
            name: product.name.clone(),
            oem_input: product.oem_input.path().to_owned(),
            image: product.image,
            declared: product.declared.is_some(),
            packages: product.packages.len(),
        })
        .collect();
    seen.sort_by(|a, b| a.oem_input.cmp(&b.oem_input));
    seen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::DecidedBy;
    use crate::files::Memory;
    use crate::testing::oem_input;

    fn run(files: &[(&str, &str)], paths: &[&str]) -> Outcome {
        let files: Memory = files.iter().map(|(path, text)| (path, *text)).collect();
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        let workspaces = gather(&files, &paths, &ResolveOptions::default()).unwrap();
        judge(&workspaces, &Policies::built_in())
    }

    fn rules(outcome: &Outcome) -> Vec<(&str, &str)> {
        outcome
            .diagnostics
            .iter()
            .map(|found| (found.primary.file(), found.rule))
            .collect()
    }

    #[test]
    fn one_broken_document_does_not_keep_the_others_from_being_judged() {
        let good = oem_input("<SOC>A</SOC>");
        let files = [
            ("ws/IoTWorkspace.xml", "<IoTWorkspace/>"),
            (
                "ws/Products/A/RetailOEMInput.xml",
                "<OEMInput><Feature></OEMInput>",
            ),
            ("ws/Products/B/TestOEMInput.xml", good.as_str()),
        ];
        let outcome = run(&files, &["ws"]);
        assert!(rules(&outcome).contains(&(
            "ws/Products/A/RetailOEMInput.xml",
            "oeminput-not-well-formed"
        )));
        assert!(
            rules(&outcome).contains(&("ws/Products/B/TestOEMInput.xml", "release-type-missing"))
        );
        assert_eq!(outcome.products.len(), 1);
        assert!(outcome.reaches(Level::Error));
        let counts = outcome.counts;
        let counted = counts.errors + counts.warnings + counts.infos;
        assert_eq!(counted, outcome.diagnostics.len());
    }

    #[test]
    fn what_was_not_asked_for_is_not_told() {
        let bad = oem_input("<ReleaseType>Debug</ReleaseType>");
        let named = "<IoTWorkspace><Config><OemName>A</OemName></Config></IoTWorkspace>";
        let files = [
            ("ws/IoTWorkspace.xml", named),
            ("ws/Products/A/OEMInput.xml", bad.as_str()),
            ("ws/Products/B/OEMInput.xml", bad.as_str()),
            ("ws/broken/OEMFM.xml", "<FeatureManifest>"),
        ];
        let outcome = run(&files, &["ws/Products/B"]);
        assert!(!outcome.diagnostics.is_empty());
        assert!(
            outcome
                .diagnostics
                .iter()
                .all(|found| found.primary.file().starts_with("ws/Products/B/"))
        );
        assert_eq!(outcome.products.len(), 1);
    }

    #[test]
    fn a_finding_that_two_image_types_share_is_told_once_by_the_stricter_policy() {
        let place = crate::diagnostic::Place::binary("a", "");
        let found = |level| Diagnostic {
            primary: place.clone(),
            rule: "some-rule",
            message: "found".into(),
            level,
            related: Vec::new(),
            help: None,
            fix: None,
            decided_by: DecidedBy::Rule,
        };
        let all = [
            found(Level::Info),
            found(Level::Error),
            found(Level::Warning),
        ];
        assert_eq!(without_repetition(all.into_iter()), [found(Level::Error)]);
    }

    #[test]
    fn the_same_files_give_the_same_result_in_any_order_of_paths() {
        let bad = oem_input("<ReleaseType>Debug</ReleaseType>");
        let names: Vec<String> = (0..40).map(|n| format!("p/{n}/OEMInput.xml")).collect();
        let files: Vec<(&str, &str)> = names
            .iter()
            .map(|name| (name.as_str(), bad.as_str()))
            .collect();
        let paths: Vec<&str> = names.iter().map(String::as_str).collect();
        let reversed: Vec<&str> = paths.iter().rev().copied().collect();
        let one = run(&files, &paths);
        let other = run(&files, &reversed);
        assert!(one.diagnostics.len() >= 40);
        assert_eq!(one.diagnostics, other.diagnostics);
        assert_eq!(one.products, other.products);
    }
}
