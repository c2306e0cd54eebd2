use crate::diagnostic::Level;
use crate::facts::Facts;
use crate::facts::full_flash::code::likewise;
use crate::facts::full_flash::grouped;
use crate::facts::policy_verdict::{Verdict, verdict};
use crate::facts::security::CodeKind;
use crate::image::ImageType;
use crate::rule::{Report, Rule, declare_rule};
use formats::container::si_policy::PolicyOption;

declare_rule! {
    /// The code-integrity policy of a retail image does not allow a file in it
    ///
    /// ## What it checks
    /// Every signed driver, and where the policy is about programs every program and library, is allowed by the policy
    /// of the image: by a rule for its signer, its hash or its name. Files that catalogs vouch for count as signed by
    /// the catalog's signer. What cannot be known from outside, such as a version resource, is taken to fit.
    ///
    /// ## Why
    /// The file does not load. With a driver that the device needs to start, it does not start: the most frequent
    /// reason why a retail image that was built without an error does not boot.
    ///
    /// ## Passes
    /// a policy with a signer for the certificate that signed lineprobe.sys
    ///
    /// ## Fails
    /// a policy made before the drivers were signed with a new certificate
    ///
    /// ## Fix
    /// Add the signer to the policy, or sign the file with a certificate that the policy allows.
    ///
    /// ## References
    /// - Microsoft, "Secure boot, BitLocker and Device Guard"
    /// - iot-adk-addonkit, issues 166, 306, 322, 358, 363
    struct ImageSignerNotAllowed;
    id: "image-signer-not-allowed",
    authority: "Microsoft, Secure boot, BitLocker and Device Guard",
    clause: "Device Guard",
    images: [Retail],
    input: Image,
    level: Error,
    since: "0.1.0",
}

impl Rule for ImageSignerNotAllowed {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(image) = facts.finished_as(ImageType::Retail) else {
            return;
        };
        let Some((file, read)) = image.policy() else {
            return;
        };
        let policy = &read.policy;
        let checks_programs = policy.option(PolicyOption::UMCI).is_some();
        let refused = image.code.iter().filter(|code| code.is_vouched_for());
        let refused = refused.filter_map(|code| {
            let signed = image.signed_code(code)?;
            if signed.kind == CodeKind::User && !checks_programs {
                return None;
            }
            let says = match verdict(policy, &code.at, &signed) {
                Verdict::Allowed => return None,
                Verdict::NotAllowed | Verdict::NoScenario => {
                    format!(
                        "is signed by {}, whom the policy of the image does not allow",
                        signed.signers()
                    )
                }
                Verdict::Denied(what) => format!("is denied by the policy of the image: {what}"),
            };
            Some((says, code.at.as_str()))
        });
        for (says, files) in grouped(refused) {
            let first = files.first().copied().unwrap_or_default();
            let finding = report.at(
                image.place(first, "signature[0].signer"),
                likewise(&files, &says),
            );
            finding
                .also(image.place(&file.at, "signers"), "the policy of the image")
                .help("add the signer to the policy, or sign the file with a certificate that it allows");
            if !image.is_enforced() {
                finding.at_most(Level::Warning);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use formats::container::si_policy::{KERNEL, Policy, Scenario};
    use signer::anchor::TrustClass;

    use crate::image::ImageType;
    use crate::testing::image::{lint_image, policy, signed_by};

    const RULE: &str = "image-signer-not-allowed";

    #[test]
    fn a_signer_that_no_rule_is_for_is_found() {
        let kernel = Scenario {
            value: KERNEL,
            ..Scenario::default()
        };
        let rules = Policy {
            scenarios: vec![kernel],
            ..Policy::default()
        };
        let mut image = signed_by("MainOS:a.sys", TrustClass::Named);
        image.security.policies = vec![policy(rules.clone(), 0x4)];
        let found = lint_image(RULE, image.clone(), ImageType::Retail);
        assert!(
            found[0].starts_with("error Flash.ffu/MainOS:a.sys ")
                && found[0].ends_with("does not allow"),
            "{found:?}"
        );
        assert!(lint_image(RULE, image.clone(), ImageType::Test).is_empty());
        image.security.policies = vec![policy(rules, 0x1_0004)];
        assert!(lint_image(RULE, image.clone(), ImageType::Retail)[0].starts_with("warning "));
        image.security.policies.clear();
        assert!(lint_image(RULE, image, ImageType::Retail).is_empty());
    }
}
