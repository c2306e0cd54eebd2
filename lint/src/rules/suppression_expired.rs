use crate::rule::declare_rule;

declare_rule! {
    /// A suppression is past its last day
    ///
    /// ## What it checks
    /// The day after `until:` in a suppression is not over. Afterwards it has no effect, and what it suppressed is found again.
    ///
    /// ## Why
    /// A suppression for a while is one that somebody promised to come back to. This is the reminder.
    ///
    /// ## Passes
    /// ```xml
    /// <!-- proofmark: allow dev-feature-in-retail, reason: "the kiosk plays through it", until: 2099-03-31 -->
    /// <Feature>IOT_FTSER2K_MAKERDRIVER</Feature>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <!-- proofmark: allow dev-feature-in-retail, reason: "the kiosk plays through it", until: 2001-03-31 -->
    /// <Feature>IOT_FTSER2K_MAKERDRIVER</Feature>
    /// ```
    ///
    /// ## Fix
    /// Cure what it suppressed, or give it another day and a reason that still holds.
    ///
    /// ## References
    /// - `docs/policies.md`, "Suppressions"
    struct SuppressionExpired;
    id: "suppression-expired",
    authority: "proofmark",
    clause: "Suppressions",
    images: All,
    input: Policy,
    level: Warning,
    since: "0.1.0",
    reports: ExpiredSuppression,
}

#[cfg(test)]
mod tests {
    use crate::testing::lint_one;
    use crate::testing::suppression::{RIGHT, files};

    const ID: &str = "suppression-expired";

    #[test]
    fn one_that_is_over_is_found_and_has_no_effect() {
        let over = files("allow dev-feature-in-retail, reason: \"r\", until: 2026-05-31");
        let message = "the suppression counted until 2026-05-31";
        assert_eq!(
            lint_one(ID, &over),
            [format!("warning OEMInput.xml:2:6 {message}")]
        );
        assert_eq!(lint_one("dev-feature-in-retail", &over).len(), 1);
        assert!(lint_one("suppression-unused", &over).is_empty());
    }

    #[test]
    fn one_that_is_right_passes() {
        assert!(lint_one(ID, &files(RIGHT)).is_empty());
    }
}
