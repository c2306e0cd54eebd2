use crate::rule::declare_rule;

declare_rule! {
    /// A suppression cannot be understood
    ///
    /// ## What it checks
    /// A comment that begins with `proofmark:` goes on with `allow` or `allow-file`, names rules that exist, gives a reason in
    /// quotation marks, and a date after `until:` where it has one.
    ///
    /// ## Why
    /// A suppression that cannot be understood has no effect, and one without a reason cannot be judged by the next reader.
    ///
    /// ## Passes
    /// ```xml
    /// <!-- proofmark: allow dev-feature-in-retail, reason: "the kiosk plays through it", until: 2027-03-31 -->
    /// <Feature>IOT_FTSER2K_MAKERDRIVER</Feature>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <!-- proofmark: allow dev-feature-in-retail -->
    /// <Feature>IOT_FTSER2K_MAKERDRIVER</Feature>
    /// ```
    ///
    /// ## Fix
    /// Write it as in the example. `proofmark rules` lists the rules.
    ///
    /// ## References
    /// - `docs/policies.md`, "Suppressions"
    struct SuppressionMalformed;
    id: "suppression-malformed",
    authority: "proofmark",
    clause: "Suppressions",
    images: All,
    input: Policy,
    level: Error,
    since: "0.1.0",
    reports: MalformedSuppression,
}

#[cfg(test)]
mod tests {
    use crate::testing::lint_one;
    use crate::testing::suppression::{RIGHT, files};

    const ID: &str = "suppression-malformed";

    #[test]
    fn what_is_missing_or_misspelt_is_told() {
        for (comment, at, message) in [
            ("allow", 6, "a suppression that names no rule"),
            (
                "alow x, reason: \"r\"",
                17,
                "`alow` is nothing that a suppression can do, expected `allow` or `allow-file`",
            ),
            (
                "allow dev-feature-in-retail",
                6,
                "a suppression without a reason",
            ),
            (
                "allow dev-feature-in-retial, reason: \"r\"",
                23,
                "there is no rule `dev-feature-in-retial`",
            ),
            (
                "allow no-timestamp, reason: r",
                37,
                "the reason does not stand in quotation marks",
            ),
            (
                "allow no-timestamp, reason: \" \"",
                37,
                "the reason is empty",
            ),
            (
                "allow no-timestamp, reason: \"r\", until: soon",
                50,
                "`soon` is no date, expected one like 2027-03-31",
            ),
            (
                "allow no-timestamp, reson: \"r\"",
                37,
                "a suppression has no `reson`, only `reason` and `until`",
            ),
        ] {
            let found = lint_one(ID, &files(comment));
            assert_eq!(
                found,
                [format!("error OEMInput.xml:2:{at} {message}")],
                "{comment}"
            );
        }
    }

    #[test]
    fn one_that_is_right_passes() {
        assert!(lint_one(ID, &files(RIGHT)).is_empty());
    }
}
