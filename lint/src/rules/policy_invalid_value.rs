use crate::rule::declare_rule;

declare_rule! {
    /// A policy gives a value that is no level, or of the wrong type
    ///
    /// ## What it checks
    /// A level is `error`, `warning`, `info` or `off`; a parameter has the type that its rule asks for; `extends` and
    /// `description` are strings; sections are tables.
    ///
    /// ## Why
    /// An entry that cannot be understood has no effect, and the default stays in force where somebody wanted something else.
    ///
    /// ## Passes
    /// ```toml
    /// [rules]
    /// release-type-value = "warning"
    /// ```
    ///
    /// ## Fails
    /// ```toml
    /// [rules]
    /// release-type-value = "warn"
    /// ```
    ///
    /// ## Fix
    /// Write one of the four levels. `proofmark explain RULE` says which parameters a rule takes.
    ///
    /// ## References
    /// - The commented policy in `policies/template.toml`
    struct PolicyInvalidValue;
    id: "policy-invalid-value",
    authority: "proofmark",
    clause: "Policies",
    images: All,
    input: Policy,
    level: Error,
    since: "0.1.0",
    reports: InvalidValue,
}

#[cfg(test)]
mod tests {
    use crate::testing::lint_policy;

    #[test]
    fn a_word_that_is_no_level_is_found() {
        let found = lint_policy("[rules]\nrelease-type-value = 'warn'\n");
        let message = "`warn` is no level, expected `error`, `warning`, `info` or `off`";
        assert_eq!(found, [format!("error policy.toml:2:22 {message}")]);
    }

    #[test]
    fn values_of_the_wrong_type_are_found() {
        let found = lint_policy("retail = 1\n[rules]\nrelease-type-value = 3\n");
        assert_eq!(
            found,
            [
                "error policy.toml:1:10 `retail` is integer, expected a table",
                "error policy.toml:3:22 `release-type-value` is integer, expected a level or a table",
            ],
        );
    }

    #[test]
    fn the_four_levels_pass() {
        for level in ["error", "warning", "info", "off"] {
            let policy =
                format!("[rules]\nrelease-type-value = {{ level = '{level}', reason = 'r' }}\n");
            assert!(lint_policy(&policy).is_empty());
        }
    }
}
