use crate::rule::declare_rule;

declare_rule! {
    /// A line of a policy is past its last day
    ///
    /// ## What it checks
    /// The day in `until` of an entry is not over. The entry has no effect afterwards: the rule is again what the weaker policies say.
    ///
    /// ## Why
    /// An exemption for a while is one that somebody promised to come back to. This is the reminder.
    ///
    /// ## Passes
    /// ```toml
    /// [retail]
    /// no-timestamp = { level = "off", reason = "the server moves", until = 2099-12-31 }
    /// ```
    ///
    /// ## Fails
    /// ```toml
    /// [retail]
    /// no-timestamp = { level = "off", reason = "the server moves", until = 2001-12-31 }
    /// ```
    ///
    /// ## Fix
    /// Remove the entry, or give it another day and a reason that still holds.
    ///
    /// ## References
    /// - The commented policy in `policies/template.toml`
    struct PolicyExpiredEntry;
    id: "policy-expired-entry",
    authority: "proofmark",
    clause: "Policies",
    images: All,
    input: Policy,
    level: Warning,
    since: "0.1.0",
    reports: ExpiredEntry,
}

#[cfg(test)]
mod tests {
    use crate::testing::lint_policy;

    #[test]
    fn an_entry_that_is_over_is_found_and_has_no_effect() {
        let found = lint_policy(
            "[rules]\nno-timestamp = { level = 'off', reason = 'moves', until = 2026-05-31 }\n",
        );
        assert_eq!(
            found,
            ["warning policy.toml:2:26 the entry for `no-timestamp` counted until 2026-05-31"]
        );
    }

    #[test]
    fn the_last_day_counts() {
        let policy =
            "[rules]\nno-timestamp = { level = 'off', reason = 'moves', until = 2026-06-01 }\n";
        assert!(lint_policy(policy).is_empty());
    }
}
