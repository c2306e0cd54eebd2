use crate::rule::declare_rule;

declare_rule! {
    /// A policy lowers a rule without saying why
    ///
    /// ## What it checks
    /// An entry that sets a rule below its own level, or off, has a `reason`.
    ///
    /// ## Why
    /// Somebody will ask in a year whether the entry may go. Without the reason nobody dares to.
    ///
    /// ## Passes
    /// ```toml
    /// [retail]
    /// no-timestamp = { level = "off", reason = "signed where no server can be reached" }
    /// ```
    ///
    /// ## Fails
    /// ```toml
    /// [retail]
    /// no-timestamp = "off"
    /// ```
    ///
    /// ## Fix
    /// Write the entry as a table with a `reason`, and with `until` where it is for a while.
    ///
    /// ## References
    /// - The commented policy in `policies/template.toml`
    struct PolicyReasonMissing;
    id: "policy-reason-missing",
    authority: "proofmark",
    clause: "Policies",
    images: All,
    input: Policy,
    level: Warning,
    since: "0.1.0",
    reports: MissingReason,
}

#[cfg(test)]
mod tests {
    use crate::testing::lint_policy;

    #[test]
    fn a_lower_level_without_a_reason_is_found() {
        let found = lint_policy("[rules]\nno-timestamp = 'off'\n");
        let message = "`no-timestamp` is set to `off` without a reason";
        assert_eq!(found, [format!("warning policy.toml:2:1 {message}")]);
        let found = lint_policy("[rules]\nno-timestamp = { level = 'info', reason = ' ' }\n");
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn a_reason_and_a_higher_level_pass() {
        assert!(
            lint_policy("[rules]\nno-timestamp = { level = 'off', reason = 'moves' }\n").is_empty()
        );
        assert!(lint_policy("[rules]\nno-timestamp = 'error'\n").is_empty());
    }
}
