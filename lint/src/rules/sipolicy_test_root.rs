use formats::container::si_policy::{CertRoot, KERNEL};

use crate::diagnostic::Level;
use crate::facts::Facts;
use crate::facts::boot::{BootAt, PRERELEASE_SIGNATURES};
use crate::facts::security::TEST_ROOTS;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The code-integrity policy of a retail image allows a root of unreleased code
    ///
    /// ## What it checks
    /// No signer of the installed policy that is allowed for drivers or programs is one of Microsoft's test roots or the root
    /// for flights. It is an error where the image also lets the boot loader accept test signatures.
    ///
    /// ## Why
    /// What Microsoft signs under these roots is not released. Windows minds them only while test signing is on, so the signer
    /// does nothing in a sound image, and opens it as soon as a boot setting is wrong. The kit's own template has the signer.
    ///
    /// ## Passes
    /// ```text
    /// signer: well-known root 06 (Microsoft Product Root 2010)
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// signer: well-known root 0A (Microsoft Test Root 2010)
    /// ```
    ///
    /// ## Fix
    /// Take the signer out of retail policies.
    ///
    /// ## References
    /// - iot-adk-addonkit, template of policies: remark on the test root
    struct SipolicyTestRoot;
    id: "sipolicy-test-root",
    authority: "iot-adk-addonkit",
    clause: "Template of code-integrity policies: test root",
    images: [Retail],
    input: Security,
    level: Error,
    since: "0.1.0",
}

impl Rule for SipolicyTestRoot {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let mut settings = facts.boot_settings().filter(BootAt::is_on);
        let accepts_tests = settings.any(|setting| setting.is(PRERELEASE_SIGNATURES));
        for (product, installed, read) in facts.readable_policies() {
            let policy = &read.policy;
            for scenario in &policy.scenarios {
                for rule in &scenario.product.allowed {
                    let Some(signer) = policy.signers.get(rule.signer.index) else {
                        continue;
                    };
                    let CertRoot::Wellknown(number) = signer.root else {
                        continue;
                    };
                    if !TEST_ROOTS.contains(&number) {
                        continue;
                    }
                    let what = match scenario.value {
                        KERNEL => "drivers",
                        _ => "programs",
                    };
                    let message =
                        format!("`{}` allows {what} of {}", installed.file.name, signer.root);
                    let finding = report.at(installed.file.place.clone(), message);
                    finding
                        .also(installed.part("signer", signer.span), "the signer")
                        .because_of_image(product)
                        .help("take the signer out of retail policies");
                    if !accepts_tests {
                        finding.at_most(Level::Warning);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::boot_setting;
    use crate::testing::security::{RawPolicy, RawSigner, lint, product};

    #[test]
    fn the_test_root_is_a_warning_and_with_test_signing_an_error() {
        let rule = "sipolicy-test-root";
        let policy = RawPolicy {
            signers: vec![RawSigner::Wellknown(6), RawSigner::Wellknown(10)],
            kernel: vec![0, 1],
            user: vec![0],
            ..RawPolicy::default()
        };
        let mut files = product("Production", &policy.signed());
        assert_eq!(
            lint(rule, &files),
            [
                "warning Guard/Guard.wm.xml:2:15 `SIPolicyEnforce.p7b` allows drivers of Microsoft Test Root 2010"
            ]
        );
        let on = boot_setting(
            "Allow Pre-release Signatures",
            "<BooleanValue>true</BooleanValue>",
        );
        files.push(("product/Boot.BCD.xml".into(), on.into_bytes()));
        assert!(lint(rule, &files)[0].starts_with("error "));
    }
}
