use super::*;
use crate::facts::Facts;
use crate::files::Memory;
use crate::rule::{Report, declare_rule};

declare_rule! {
    /// A sample with parameters
    struct Sample {
        /// Words.
        words: Vec<String> = vec!["default".into()],
        /// A number.
        most: u32 = 3,
    }
    id: "sample",
    authority: "the test",
    clause: "below",
    images: [Retail, Test],
    input: OemInput,
    level: Warning,
    since: "0.1.0",
}

impl Rule for Sample {
    fn check(&self, _: &Facts<'_>, report: &mut Report) {
        let message = format!("{:?} {}", self.words, self.most);
        report.at(Place::binary("a", ""), message);
    }
}

/// The same rule under the name of a core rule.
static CORE_RULE: RuleInfo = RuleInfo {
    id: "bad-digest",
    level: Level::Error,
    ..RULE_COPY
};

const RULE_COPY: RuleInfo = RuleInfo {
    id: "sample",
    authority: "the test",
    clause: "below",
    images: ImageType::ALL,
    input: crate::rule::Input::Signature,
    level: Level::Warning,
    since: "0.1.0",
    parameters: &[crate::rule::Parameter {
        field: "words",
        doc: "Words.",
    }],
    doc: "A sample",
    build: |table| Ok(Box::new(crate::rule::read_parameters::<Sample>(table)?)),
    default: || Box::new(Sample::default()),
};

static RULES: &[&RuleInfo] = &[&CORE_RULE, &RULE];

fn with(files: &[(&str, &str)]) -> Result<Policies, PolicyError> {
    let files: Memory = files.iter().copied().collect();
    let mut policies = Policies::of_rules(RULES);
    policies.layers.clear();
    policies.problems.clear();
    policies.add_file(&files, "org/policy.toml", Standing::Organisation)?;
    Ok(policies)
}

fn problems(policy: &str) -> Vec<(PolicyProblemKind, String)> {
    let policies = with(&[("org/policy.toml", policy)]).unwrap();
    let problems = policies.problems().iter();
    problems
        .map(|problem| (problem.kind, problem.place.to_string()))
        .collect()
}

fn sample(policies: &Policies, image: Option<ImageType>) -> Option<(Level, String, String)> {
    let rules = policies.rules_for(image);
    let configured = rules
        .iter()
        .find(|configured| configured.info.id == "sample")?;
    let mut report = Report::default();
    let workspace = crate::facts::Workspace::default();
    configured
        .rule
        .check(&Facts::of(&workspace, image, &[]), &mut report);
    let message = report.into_findings().remove(0).message;
    Some((configured.level, configured.decided_by.to_string(), message))
}

const RETAIL: Option<ImageType> = Some(ImageType::Retail);
const TEST: Option<ImageType> = Some(ImageType::Test);

#[test]
fn the_built_in_policies_are_read_without_a_problem() {
    let policies = Policies::built_in();
    assert_eq!(policies.layers.len(), BUILT_IN.len());
    assert_eq!(policies.problems(), []);
}

#[test]
fn the_template_is_a_policy_without_a_problem() {
    let files: Memory = [("template.toml", TEMPLATE)].into_iter().collect();
    let policies = Policies::with_file(&files, "template.toml").unwrap();
    assert_eq!(policies.problems(), []);
}

#[test]
fn a_rule_that_nobody_mentions_keeps_its_level_and_parameters() {
    let policies = with(&[("org/policy.toml", "")]).unwrap();
    let (level, decided_by, message) = sample(&policies, RETAIL).unwrap();
    assert_eq!(level, Level::Warning);
    assert_eq!(decided_by, "the rule's default");
    assert_eq!(message, "[\"default\"] 3");
    assert!(sample(&policies, Some(ImageType::Mmos)).is_none());
}

#[test]
fn an_image_section_is_stronger_than_the_general_one_and_parameters_are_kept_by_key() {
    let policy = "[rules]\nsample = { level = 'info', words = ['a'] }\n[retail.sample]\nlevel = 'error'\nmost = 5\n";
    let policies = with(&[("org/policy.toml", policy)]).unwrap();
    let retail = sample(&policies, RETAIL).unwrap();
    assert_eq!(
        retail,
        (Level::Error, "org/policy.toml:4".into(), "[\"a\"] 5".into())
    );
    let test = sample(&policies, TEST).unwrap();
    assert_eq!(
        test,
        (Level::Info, "org/policy.toml:2".into(), "[\"a\"] 3".into())
    );
}

#[test]
fn a_policy_is_stronger_than_the_one_it_extends() {
    let files = [
        (
            "org/policy.toml",
            "extends = '../base.toml'\n[rules]\nsample = { most = 9 }\n",
        ),
        (
            "base.toml",
            "[rules]\nsample = { level = 'error', most = 1, words = [] }\n",
        ),
    ];
    let policies = with(&files).unwrap();
    let found = sample(&policies, RETAIL).unwrap();
    assert_eq!(
        found,
        (Level::Error, "org/../base.toml:2".into(), "[] 9".into())
    );
    assert_eq!(policies.sources().count(), 2);
}

#[test]
fn off_means_that_the_rule_does_not_run() {
    let policies = with(&[("org/policy.toml", "[test]\nsample = 'off'\n")]).unwrap();
    assert!(sample(&policies, TEST).is_none());
    assert!(sample(&policies, RETAIL).is_some());
}

#[test]
fn a_core_rule_is_neither_lowered_nor_given_parameters() {
    for entry in [
        "'off'",
        "'warning'",
        "{ level = 'info' }",
        "{ words = ['x'] }",
    ] {
        let policy = format!("[rules]\nbad-digest = {entry}\n");
        let policies = with(&[("org/policy.toml", &policy)]).unwrap();
        let kinds: Vec<_> = policies
            .problems()
            .iter()
            .map(|problem| problem.kind)
            .collect();
        assert_eq!(kinds, [PolicyProblemKind::LoweredCoreRule], "{entry}");
        let rules = policies.rules_for(RETAIL);
        let rule = rules
            .iter()
            .find(|rule| rule.info.id == "bad-digest")
            .unwrap();
        assert_eq!(rule.level, Level::Error, "{entry}");
    }
    assert_eq!(problems("[rules]\nbad-digest = 'error'\n"), []);
}

#[test]
fn what_has_no_effect_is_a_problem_with_its_place() {
    use PolicyProblemKind::{InvalidValue, UnknownEntry, UnusedEntry};
    let policy = "\
rules = { samples = 'error', sample = { level = 'eror', most = 'x', more = 1 } }
mmos = { sample = 'error' }
description = 3
";
    // TOML tables are read in the order of their keys.
    assert_eq!(
        problems(policy),
        [
            (InvalidValue, "org/policy.toml:3:15".into()),
            (UnusedEntry, "org/policy.toml:2:10".into()),
            (InvalidValue, "org/policy.toml:1:49".into()),
            (UnknownEntry, "org/policy.toml:1:69".into()),
            (InvalidValue, "org/policy.toml:1:64".into()),
            (UnknownEntry, "org/policy.toml:1:11".into()),
        ],
    );
}

#[test]
fn a_policy_that_is_none_is_an_error_with_its_place() {
    let error = with(&[("org/policy.toml", "[rules]\nsample = \n")]).unwrap_err();
    assert!(
        error.to_string().starts_with("org/policy.toml:2:10: "),
        "{error}"
    );
    assert!(matches!(
        with(&[]).unwrap_err(),
        PolicyError::Unreadable { .. }
    ));
    let files: Memory = [("org/policy.toml", b"\xFF\xFE".to_vec())]
        .into_iter()
        .collect();
    let error = Policies::with_file(&files, "org/policy.toml").unwrap_err();
    assert!(error.to_string().contains("not UTF-8"), "{error}");
}

#[test]
fn extending_in_a_circle_is_an_error() {
    let files = [
        ("org/policy.toml", "extends = 'other.toml'\n"),
        ("org/other.toml", "extends = '../org/policy.toml'\n"),
    ];
    assert!(matches!(
        with(&files).unwrap_err(),
        PolicyError::EndlessExtends { .. }
    ));
}

#[test]
fn the_core_is_sorted_and_names_rules_that_are_errors() {
    assert!(CORE.is_sorted());
    for info in rules::ALL.iter().filter(|info| CORE.contains(&info.id)) {
        assert_eq!(info.level, Level::Error, "{}", info.id);
    }
}
