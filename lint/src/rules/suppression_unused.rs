use crate::rule::declare_rule;

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
    reports: UnusedSuppression,
}

#[cfg(test)]
mod tests {
    use crate::testing::lint_one;
    use crate::testing::suppression::{RIGHT, files};

    const ID: &str = "suppression-unused";

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
        assert!(lint_one(ID, &files(RIGHT)).is_empty());
    }
}
