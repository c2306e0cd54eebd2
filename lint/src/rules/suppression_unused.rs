use crate::facts::Facts;
use crate::policy::PolicyProblemKind;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A suppression suppresses nothing
    ///
    /// ## What it checks
    /// Every rule that a suppression names finds something in the element or line that follows it, or in the file.
    ///
    /// ## Why
    /// What was cured needs no suppression. One that stays behind hides the defect when it comes back.
    ///
    /// ## Passes
    /// ```xml
    /// <!-- proofmark: allow dev-feature-in-retail, reason: "the kiosk plays through it", until: 2027-03-31 -->
    /// <Feature>IOT_FTSER2K_MAKERDRIVER</Feature>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <!-- proofmark: allow dev-feature-in-retail, reason: "the kiosk plays through it" -->
    /// <Feature>IOT_EFIESP</Feature>
    /// ```
    ///
    /// ## Fix
    /// Remove the suppression, or the rule from its list. A suppression stands before the element that it is about.
    ///
    /// ## References
    /// - `docs/policies.md`, "Suppressions"
    struct SuppressionUnused;
    id: "suppression-unused",
    authority: "proofmark",
    clause: "Suppressions",
    images: All,
    input: Policy,
    level: Warning,
    since: "0.1.0",
}

impl Rule for SuppressionUnused {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        report.problems(facts, PolicyProblemKind::UnusedSuppression);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, oem_input};

    const ID: &str = "suppression-unused";

    fn files(comment: &str) -> [(&'static str, String); 1] {
        let features = "<Feature>IOT_BERTHA</Feature>\n<Feature>IOT_EFIESP</Feature>";
        let text = format!(
            "<ReleaseType>Production</ReleaseType><Features><Microsoft>\n<!-- proofmark: {comment} -->\n{features}\
             </Microsoft></Features>"
        );
        [("OEMInput.xml", oem_input(&text))]
    }

    #[test]
    fn one_that_suppresses_nothing_is_found() {
        let unused = files("allow dev-feature-in-retail, remote-shell-in-retail, reason: \"r\"");
        let message = "`remote-shell-in-retail` finds nothing in what follows";
        assert_eq!(
            lint_one(ID, &unused),
            [format!("warning OEMInput.xml:2:46 {message}")]
        );
    }

    #[test]
    fn one_that_is_right_passes() {
        let right = "allow dev-feature-in-retail, reason: \"shown at fairs\", until: 2026-06-01";
        assert!(lint_one(ID, &files(right)).is_empty());
    }
}
