use formats::container::si_policy::PolicyOption;

use crate::diagnostic::Place;
use crate::facts::Facts;
use crate::facts::full_flash::security::WEAKENING;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail image installs a code-integrity policy that stops nothing
    ///
    /// ## What it checks
    /// The policy that a retail image installs as `SIPolicy.p7b`, and every policy in a built package whose definition is not
    /// there, has none of the options `Enabled:Audit Mode`, `Enabled:Unsigned System Integrity Policy` and
    /// `Enabled:Advanced Boot Options Menu`. The binary policy is read, not its name and not the XML beside it.
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

const HELP: &str = "take the option out, then build and sign the policy again";

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
                        .help(HELP);
                }
            }
        }
        for (package, policy) in facts.packed_policies() {
            let place = |part: String| {
                let route = format!("{}: {part}", policy.path);
                Place::binary(package.path.as_str(), route)
            };
            let options = match &policy.options {
                Ok(options) => options,
                Err(problem) => {
                    let message = format!("the code-integrity policy cannot be read: {problem}");
                    report.at(place("policy".to_owned()), message);
                    continue;
                }
            };
            for (bits, offset) in options {
                let option = PolicyOption(*bits);
                if WEAKENING.contains(&option) {
                    let message = format!("`{}` has `{option}` in a retail image", policy.path);
                    report
                        .at(place(format!("options at offset {offset:#x}")), message)
                        .help(HELP);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::image::ImageType;
    use crate::testing::lint_signed;
    use crate::testing::security::{RawPolicy, lint, packed, product};

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

    fn packed_as(name: &str, policy: &[u8], image: ImageType) -> String {
        lint_signed(RULE, &[("a.cab", &packed(name, policy))], Some(image)).join("\n")
    }

    #[test]
    fn a_policy_in_a_package_that_stands_alone_is_read_signed_or_bare_whatever_its_name() {
        let audit = RawPolicy {
            options: 0x8201_0004,
            ..RawPolicy::default()
        };
        for bytes in [audit.signed(), audit.bytes()] {
            let found = packed_as("policy.dat", &bytes, ImageType::Retail);
            assert!(
                found.starts_with("error a.cab (policy.dat: options at offset 0x"),
                "{found}"
            );
            assert!(
                found.ends_with("`policy.dat` has `Enabled:Audit Mode` in a retail image"),
                "{found}"
            );
            assert_eq!(packed_as("policy.dat", &bytes, ImageType::Test), "");
        }
        let enforced = RawPolicy::default().signed();
        assert_eq!(packed_as("SIPolicy.p7b", &enforced, ImageType::Retail), "");
        let cut = &RawPolicy::default().bytes()[..100];
        let found = packed_as("SIPolicy.p7b", cut, ImageType::Retail);
        assert!(found.contains("the code-integrity policy cannot be read"));
    }
}
