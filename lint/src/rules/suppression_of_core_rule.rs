use crate::rule::declare_rule;

declare_rule! {
    /// A suppression names a rule whose findings must never ship
    ///
    /// ## What it checks
    /// No suppression names one of the core rules: test signatures, published keys, test packages, broken digests and the like
    /// in a retail image.
    ///
    /// ## Why
    /// These findings make an image that anybody can sign for or log in to. The suppression has no effect; the finding tells
    /// that somebody tried.
    ///
    /// ## Passes
    /// ```xml
    /// <!-- proofmark: allow dev-feature-in-retail, reason: "the kiosk plays through it", until: 2027-03-31 -->
    /// <Feature>IOT_FTSER2K_MAKERDRIVER</Feature>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <!-- proofmark: allow testsigning-in-retail, reason: "only this once" -->
    /// <Feature>IOT_ENABLE_TESTSIGNING</Feature>
    /// ```
    ///
    /// ## Fix
    /// Remove the suppression and cure what the rule found.
    ///
    /// ## References
    /// - `docs/policies.md`, "Suppressions"
    struct SuppressionOfCoreRule;
    id: "suppression-of-core-rule",
    authority: "proofmark",
    clause: "Suppressions",
    images: All,
    input: Policy,
    level: Error,
    since: "0.1.0",
    reports: SuppressedCoreRule,
}

#[cfg(test)]
mod tests {
    use crate::testing::lint_one;
    use crate::testing::suppression::{RIGHT, files};

    const ID: &str = "suppression-of-core-rule";

    #[test]
    fn a_core_rule_stays_and_the_suppression_is_found() {
        for rule in crate::policy::CORE
            .iter()
            .filter(|id| crate::rules::find(id).is_some())
        {
            let found = lint_one(ID, &files(&format!("allow-file {rule}, reason: \"r\"")));
            let message = format!("`{rule}` cannot be suppressed");
            assert_eq!(found, [format!("error OEMInput.xml:2:28 {message}")]);
        }
    }

    #[test]
    fn one_that_is_right_passes() {
        assert!(lint_one(ID, &files(RIGHT)).is_empty());
    }
}
