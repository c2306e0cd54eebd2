use crate::facts::Facts;
use crate::policy::PolicyProblemKind;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A policy sets a rule for an image type that the rule says nothing about
    ///
    /// ## What it checks
    /// A rule that stands under `[retail]`, `[test]` or `[mmos]` of a policy is one that looks at such images.
    ///
    /// ## Why
    /// The entry has no effect. Policies are read by people who take every line for something that is in force.
    ///
    /// ## Passes
    /// ```toml
    /// [retail]
    /// testsigning-in-retail = "error"
    /// ```
    ///
    /// ## Fails
    /// ```toml
    /// [test]
    /// testsigning-in-retail = "error"
    /// ```
    ///
    /// ## Fix
    /// Move the entry to the section of an image type that the rule is about, or remove it. `proofmark rules` lists the image
    /// types of every rule.
    ///
    /// ## References
    /// - The commented policy in `policies/template.toml`
    struct PolicyUnusedEntry;
    id: "policy-unused-entry",
    authority: "proofmark",
    clause: "Policies",
    images: All,
    input: Policy,
    level: Warning,
    since: "0.1.0",
}

impl Rule for PolicyUnusedEntry {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for problem in facts.policy {
            if problem.kind == PolicyProblemKind::UnusedEntry {
                let finding = report.at(problem.place.clone(), problem.message.clone());
                if let Some(help) = &problem.help {
                    finding.help(help.clone());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::lint_policy;

    #[test]
    fn a_rule_about_other_images_is_found() {
        let found = lint_policy("[test]\ntestsigning-in-retail = 'error'\n");
        let message = "`testsigning-in-retail` says nothing about test images";
        assert_eq!(found, [format!("warning policy.toml:2:1 {message}")]);
    }

    #[test]
    fn a_rule_about_every_image_passes_in_every_section() {
        for image in crate::image::ImageType::ALL {
            assert!(lint_policy(&format!("[{image}]\nrelease-type-value = 'info'\n")).is_empty());
        }
    }
}
