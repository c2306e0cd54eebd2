use crate::rule::declare_rule;

declare_rule! {
    /// A baseline has a finding that must never ship
    ///
    /// ## What it checks
    /// No entry of the baseline names one of the core rules: test signatures, published keys, test packages, broken digests and
    /// the like in a retail image.
    ///
    /// ## Why
    /// These findings make an image that anybody can sign for or log in to. The entry has no effect; the finding tells that
    /// somebody tried.
    ///
    /// ## Passes
    /// ```json
    /// { "fingerprint": "5ad1...", "rule": "dev-feature-in-retail", "file": "Products/A/RetailOEMInput.xml" }
    /// ```
    ///
    /// ## Fails
    /// ```json
    /// { "fingerprint": "73c0...", "rule": "testsigning-in-retail", "file": "Products/A/RetailOEMInput.xml" }
    /// ```
    ///
    /// ## Fix
    /// Remove the entry and cure what the rule found.
    ///
    /// ## References
    /// - `docs/policies.md`, "Baselines"
    struct BaselineOfCoreRule;
    id: "baseline-of-core-rule",
    authority: "proofmark",
    clause: "Baselines",
    images: All,
    input: Policy,
    level: Error,
    since: "0.1.0",
    reports: BaselinedCoreRule,
}

#[cfg(test)]
mod tests {
    use crate::testing::lint_baseline;

    #[test]
    fn an_entry_of_a_core_rule_is_found_and_has_no_effect() {
        assert_eq!(
            lint_baseline("testsigning-in-retail"),
            ["error baseline.json:4:16 findings of `testsigning-in-retail` cannot wait"]
        );
    }

    #[test]
    fn an_entry_whose_finding_is_there_passes() {
        assert!(lint_baseline("dev-feature-in-retail").is_empty());
    }
}
