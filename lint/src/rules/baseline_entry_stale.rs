use crate::rule::declare_rule;

declare_rule! {
    /// A baseline has an entry whose finding is gone
    ///
    /// ## What it checks
    /// Every entry of the baseline is a finding of this run, as far as its file was linted.
    ///
    /// ## Why
    /// A baseline shrinks as findings are cured. What stays in it after the cure would hide the defect when it comes back.
    ///
    /// ## Passes
    /// ```json
    /// { "fingerprint": "5ad1...", "rule": "dev-feature-in-retail", "file": "Products/A/RetailOEMInput.xml" }
    /// ```
    ///
    /// ## Fails
    /// ```json
    /// { "fingerprint": "0000...", "rule": "dev-feature-in-retail", "file": "Products/A/RetailOEMInput.xml" }
    /// ```
    ///
    /// ## Fix
    /// Remove the entry, or write the baseline anew with `--write-baseline`.
    ///
    /// ## References
    /// - `docs/policies.md`, "Baselines"
    struct BaselineEntryStale;
    id: "baseline-entry-stale",
    authority: "proofmark",
    clause: "Baselines",
    images: All,
    input: Policy,
    level: Info,
    since: "0.1.0",
    reports: StaleBaseline,
}

#[cfg(test)]
mod tests {
    use crate::testing::lint_baseline;

    #[test]
    fn an_entry_without_a_finding_is_told() {
        assert_eq!(
            lint_baseline("remote-shell-in-retail"),
            [
                "info baseline.json:4:16 `remote-shell-in-retail` no longer finds this in OEMInput.xml"
            ]
        );
    }

    #[test]
    fn an_entry_whose_finding_is_there_passes() {
        assert!(lint_baseline("dev-feature-in-retail").is_empty());
    }
}
