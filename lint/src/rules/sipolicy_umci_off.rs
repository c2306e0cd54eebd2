use formats::container::si_policy::PolicyOption;

use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The code-integrity policy of a retail image does not check programs
    ///
    /// ## What it checks
    /// The policy that a retail image installs has the options `Enabled:UMCI` and `Required:Enforce Store Applications`.
    ///
    /// ## Why
    /// Without UMCI the policy is about drivers alone: any program runs, signed or not. Without the second option app packages
    /// are not held to the policy.
    ///
    /// ## Passes
    /// ```text
    /// options: Enabled:UMCI, Required:Enforce Store Applications
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// options: Enabled:Inherit Default Policy
    /// ```
    ///
    /// ## Fix
    /// Put the options into the policy, build and sign it again.
    ///
    /// ## References
    /// - iot-adk-addonkit, template of policies
    /// - Microsoft, App Control for Business: policy rule options
    struct SipolicyUmciOff;
    id: "sipolicy-umci-off",
    authority: "iot-adk-addonkit",
    clause: "Template of code-integrity policies",
    images: [Retail],
    input: Security,
    level: Warning,
    since: "0.1.0",
}

impl Rule for SipolicyUmciOff {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for (product, installed, read) in facts.readable_policies() {
            for option in [PolicyOption::UMCI, PolicyOption::ENFORCE_STORE] {
                if read.policy.option(option).is_none() {
                    let message = format!("`{}` lacks `{option}`", installed.file.name);
                    report
                        .at(installed.file.place.clone(), message)
                        .because_of_image(product)
                        .help("put the option into the policy, then build and sign it again");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::security::{RawPolicy, lint, product};

    #[test]
    fn a_policy_about_drivers_alone_is_found() {
        let rule = "sipolicy-umci-off";
        let drivers = RawPolicy {
            options: 0x8004_0000,
            ..RawPolicy::default()
        };
        let found = lint(rule, &product("Production", &drivers.signed()));
        assert_eq!(found.len(), 2);
        assert!(
            found[1].ends_with("`SIPolicyEnforce.p7b` lacks `Required:Enforce Store Applications`")
        );
        let all = RawPolicy::default().signed();
        assert!(lint(rule, &product("Production", &all)).is_empty());
    }
}
