use formats::container::si_policy::PolicyOption;

use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail image installs a code-integrity policy that stops nothing
    ///
    /// ## What it checks
    /// The policy that a retail image installs as `SIPolicy.p7b` has none of the options `Enabled:Audit Mode`,
    /// `Enabled:Unsigned System Integrity Policy` and `Enabled:Advanced Boot Options Menu`. The binary policy is read, not its
    /// name and not the XML beside it.
    ///
    /// ## Why
    /// In audit mode violations are written down and the code runs all the same. An unsigned policy can be replaced by anyone
    /// who can write to the boot partition, and the boot menu lets a person switch enforcement off.
    ///
    /// ## Passes
    /// ```text
    /// options: Enabled:UMCI, Required:Enforce Store Applications
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// options: Enabled:Audit Mode, Enabled:UMCI
    /// ```
    ///
    /// ## Fix
    /// Take the options out of the policy, build and sign it again, and let the package name that one.
    ///
    /// ## References
    /// - iot-adk-addonkit, Add-IoTDeviceGuard: audit and enforced policies
    struct SipolicyAuditInRetail;
    id: "sipolicy-audit-in-retail",
    authority: "iot-adk-addonkit",
    clause: "Add-IoTDeviceGuard",
    images: [Retail],
    input: Security,
    level: Error,
    since: "0.1.0",
}

impl Rule for SipolicyAuditInRetail {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for (product, installed, read) in facts.readable_policies() {
            for option in WEAKENING {
                if let Some(span) = read.policy.option(option) {
                    let message =
                        format!("`{}` has `{option}` in a retail image", installed.file.name);
                    report
                        .at(installed.file.place.clone(), message)
                        .also(installed.part("options", span), "the options of the policy")
                        .because_of_image(product)
                        .help("take the option out, then build and sign the policy again");
                }
            }
        }
    }
}

/// The options that belong into policies for trying out.
const WEAKENING: [PolicyOption; 3] = [
    PolicyOption::AUDIT_MODE,
    PolicyOption::UNSIGNED_POLICY,
    PolicyOption::ADVANCED_BOOT_MENU,
];

#[cfg(test)]
mod tests {
    use crate::testing::security::{RawPolicy, lint, product};

    const RULE: &str = "sipolicy-audit-in-retail";

    #[test]
    fn each_weakening_option_is_found_in_retail_alone() {
        let audit = RawPolicy {
            options: 0x8089_0004,
            ..RawPolicy::default()
        };
        let found = lint(RULE, &product("Production", &audit.signed()));
        assert_eq!(
            found,
            [
                "error Guard/Guard.wm.xml:2:15 `SIPolicyEnforce.p7b` has `Enabled:Advanced Boot Options Menu` in a retail image",
                "error Guard/Guard.wm.xml:2:15 `SIPolicyEnforce.p7b` has `Enabled:Audit Mode` in a retail image",
                "error Guard/Guard.wm.xml:2:15 `SIPolicyEnforce.p7b` has `Enabled:Unsigned System Integrity Policy` in a retail image",
            ]
        );
        assert!(lint(RULE, &product("Test", &audit.signed())).is_empty());
        let enforced = RawPolicy::default().signed();
        assert!(lint(RULE, &product("Production", &enforced)).is_empty());
        assert!(lint(RULE, &product("Production", b"no policy")).is_empty());
    }
}
