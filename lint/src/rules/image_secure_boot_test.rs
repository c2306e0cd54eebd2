use crate::diagnostic::Level;
use crate::facts::Facts;
use crate::facts::full_flash::code::name_of;
use crate::facts::security::objection_for_retail;
use crate::image::ImageType;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// Secure boot of a retail image trusts keys for tests
    ///
    /// ## What it checks
    /// The policies of secure boot on the boot partition (`SecureBootPolicy.p7b`, `EFI/Microsoft/Boot/policies`) are
    /// not signed below a test root, and no variable that the image brings (`SetVariable_db.bin` and others) has a
    /// certificate of a test authority or one whose private key is published.
    ///
    /// ## Why
    /// The firmware takes the variables over when the device first starts. From then on it runs every loader that
    /// anyone signs with the test key.
    ///
    /// ## Passes
    /// A db with the production certificates of Microsoft and your own
    ///
    /// ## Fails
    /// A db with Microsoft Development PCA 2014
    ///
    /// ## Fix
    /// Take the variables of the feature SEC_SECUREBOOT, not those of SEC_SECUREBOOT_TEST.
    ///
    /// ## References
    /// - iot-adk-addonkit, Add-IoTSecureBoot
    struct ImageSecureBootTest;
    id: "image-secure-boot-test",
    authority: "iot-adk-addonkit",
    clause: "Add-IoTSecureBoot",
    images: [Retail],
    input: Image,
    level: Error,
    since: "0.1.0",
}

impl Rule for ImageSecureBootTest {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(image) = facts.finished_as(ImageType::Retail) else {
            return;
        };
        for policy in &image.security.boot_policies {
            let (problem, level) = match &policy.signer {
                Err(problem) => (
                    format!("its signer cannot be told: {problem}"),
                    Level::Warning,
                ),
                Ok((leaf, anchor)) => {
                    let test = anchor.as_ref().filter(|anchor| anchor.class.is_test());
                    let test = test.map(|anchor| format!("below a test root ({})", anchor.class));
                    let Some(why) = test.or_else(|| objection_for_retail(leaf)) else {
                        continue;
                    };
                    (
                        format!("it is signed by {}: {why}", leaf.subject),
                        Level::Error,
                    )
                }
            };
            let name = name_of(&policy.at);
            let message = format!("`{name}` is no policy for a retail image: {problem}");
            report
                .at(image.place(&policy.at, "signature[0].signer"), message)
                .at_most(level);
        }
        for (at, variable) in &image.security.variables {
            for certificate in variable.certificates() {
                if let Some(why) = objection_for_retail(&certificate) {
                    let name = name_of(at);
                    let message = format!(
                        "`{name}` of a retail image trusts {}: {why}",
                        certificate.subject
                    );
                    report.at(image.place(at, "certificate"), message).help(
                        "take the variables of SEC_SECUREBOOT, not those of SEC_SECUREBOOT_TEST",
                    );
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use signer::anchor::TrustClass;

    use crate::facts::full_flash::security::BootPolicy;
    use crate::image::ImageType;
    use crate::testing::image::{image, lint_image, signature};
    use crate::testing::security::certificate;

    #[test]
    fn a_policy_below_a_test_root_and_one_of_nobody_are_found() {
        let of = |signer| {
            let mut image = image();
            let at = "EFIESP:EFI/Microsoft/Boot/SecureBootPolicy.p7b".to_owned();
            image.security.boot_policies = vec![BootPolicy { at, signer }];
            image
        };
        let found = |signer, kind| lint_image("image-secure-boot-test", of(signer), kind);
        let by = |class| {
            Ok((
                Box::new(certificate("demo-retail")),
                signature(class).anchor().cloned(),
            ))
        };
        let test = found(by(TrustClass::MicrosoftTest), ImageType::Retail);
        assert!(
            test[0].contains("below a test root (microsoft-test)"),
            "{test:?}"
        );
        assert!(found(by(TrustClass::MicrosoftTest), ImageType::Test).is_empty());
        let nobody = found(Err("no PKCS#7".to_owned()), ImageType::Retail);
        assert!(
            nobody[0].contains("its signer cannot be told"),
            "{nobody:?}"
        );
    }
}
