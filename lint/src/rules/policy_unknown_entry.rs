use crate::rule::declare_rule;

declare_rule! {
    /// A policy speaks about a rule, section or parameter that does not exist
    ///
    /// ## What it checks
    /// Every section of a policy is known, every entry names a rule of this version, every key of an entry is `level` or a
    /// parameter of that rule.
    ///
    /// ## Why
    /// An entry that nobody reads looks like protection and is none. Mostly it is a slip of the hand, and the hint names the
    /// word that was meant.
    ///
    /// ## Passes
    /// ```toml
    /// [rules]
    /// release-type-value = "error"
    /// ```
    ///
    /// ## Fails
    /// ```toml
    /// [rules]
    /// release-type-valu = "error"
    /// ```
    ///
    /// ## Fix
    /// Write the name that was meant; `proofmark rules` lists them. Remove the entry where the rule is gone.
    ///
    /// ## References
    /// - The commented policy in `policies/template.toml`
    struct PolicyUnknownEntry;
    id: "policy-unknown-entry",
    authority: "proofmark",
    clause: "Policies",
    images: All,
    input: Policy,
    level: Error,
    since: "0.1.0",
    reports: UnknownEntry,
}

#[cfg(test)]
mod tests {
    use crate::testing::lint_policy;

    #[test]
    fn an_unknown_rule_is_found_with_the_one_that_was_meant() {
        let found = lint_policy("[rules]\nrelease-type-valu = 'error'\n");
        assert_eq!(
            found,
            ["error policy.toml:2:1 there is no rule `release-type-valu`"]
        );
    }

    #[test]
    fn unknown_sections_and_parameters_are_found() {
        let policy = "[ruled]\n[rules]\nrelease-type-value = { level = 'error', list = [] }\n";
        assert_eq!(
            lint_policy(policy),
            [
                "error policy.toml:1:2 a policy has no `ruled`",
                "error policy.toml:3:41 `release-type-value` has no parameter `list`",
            ],
        );
    }

    #[test]
    fn known_entries_pass() {
        assert!(lint_policy("[retail]\nrelease-type-value = 'error'\n").is_empty());
    }
}
