use crate::rule::declare_rule;

declare_rule! {
    /// A policy lowers a rule whose findings must never ship
    ///
    /// ## What it checks
    /// A policy of an organisation does not set a lower level or other parameters for one of the core rules: test signatures,
    /// published keys, test packages, broken digests and the like in a retail image.
    ///
    /// ## Why
    /// These findings make an image that anybody can sign for or log in to. The entry has no effect; the finding tells that
    /// somebody tried.
    ///
    /// ## Passes
    /// ```toml
    /// [retail]
    /// release-type-value = "warning"
    /// ```
    ///
    /// ## Fails
    /// ```toml
    /// [retail]
    /// testsigning-in-retail = "off"
    /// ```
    ///
    /// ## Fix
    /// Remove the entry and cure what the rule found.
    ///
    /// ## References
    /// - The commented policy in `policies/template.toml`
    struct PolicyLoweredCoreRule;
    id: "policy-lowered-core-rule",
    authority: "proofmark",
    clause: "Policies",
    images: All,
    input: Policy,
    level: Error,
    since: "0.1.0",
    reports: LoweredCoreRule,
}

#[cfg(test)]
mod tests {
    use crate::testing::lint_policy;

    use crate::policy::CORE;
    use crate::rules;

    #[test]
    fn every_core_rule_that_is_switched_off_is_found_and_stays() {
        let known = CORE.iter().copied().filter(|id| rules::find(id).is_some());
        let known: Vec<_> = known.collect();
        assert!(known.contains(&"testsigning-in-retail"));
        for id in known {
            let found = lint_policy(&format!("[rules]\n{id} = 'off'\n"));
            let column = id.len() + 4;
            let message = format!("`{id}` cannot be set to `off`");
            assert_eq!(found, [format!("error policy.toml:2:{column} {message}")]);
        }
    }

    #[test]
    fn other_rules_may_be_switched_off() {
        assert!(
            lint_policy("[rules]\nrelease-type-value = { level = 'off', reason = 'r' }\n")
                .is_empty()
        );
    }
}
