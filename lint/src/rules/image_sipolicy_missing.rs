use crate::diagnostic::Level;
use crate::facts::Facts;
use crate::facts::full_flash::code::ImageCode;
use crate::image::ImageType;
use crate::rule::{Report, Rule, declare_rule};
use signer::anchor::TrustClass;

declare_rule! {
    /// A retail image has no code-integrity policy
    ///
    /// ## What it checks
    /// A retail image of IoT Core with drivers that neither Microsoft nor a public authority signed has a
    /// code-integrity policy where the boot loader looks: `EFI/Microsoft/Boot/SIPolicy.p7b` of the boot partition, or
    /// `Windows/System32/CodeIntegrity/SIPolicy.p7b`. An image without such drivers is told of for information.
    ///
    /// ## Why
    /// Without a policy Windows loads no driver of the manufacturer's own signing, and does load every program that
    /// anyone leaves on the device.
    ///
    /// ## Passes
    /// EFIESP: EFI/Microsoft/Boot/SIPolicy.p7b
    ///
    /// ## Fails
    /// a retail image without SEC_DEVICEGUARD whose lineprobe.sys the manufacturer signed
    ///
    /// ## Fix
    /// Add the features SEC_SECUREBOOT and SEC_DEVICEGUARD with a policy of your own, and build the image again.
    ///
    /// ## References
    /// - iot-adk-addonkit, release notes of version 7
    /// - Microsoft, "Secure boot, BitLocker and Device Guard"
    struct ImageSipolicyMissing;
    id: "image-sipolicy-missing",
    authority: "iot-adk-addonkit",
    clause: "Release notes of version 7",
    images: [Retail],
    input: Image,
    level: Error,
    since: "0.1.0",
}

impl Rule for ImageSipolicyMissing {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(image) = facts.finished_as(ImageType::Retail) else {
            return;
        };
        if !image.security.policies.is_empty() || image.partition("MainOS").is_none() {
            return;
        }
        let drivers = image
            .code
            .iter()
            .filter(|code| code.kind == ImageCode::Driver);
        let mut own = drivers.filter(|code| {
            let mut classes = image
                .signers_of(code)
                .filter_map(|(_, report)| Some(report.anchor()?.class));
            code.is_vouched_for()
                && !classes.any(|class| !class.is_test() && class != TrustClass::Named)
        });
        let place = image.place("EFIESP:EFI/Microsoft/Boot/SIPolicy.p7b", "");
        match own.next() {
            Some(driver) => {
                let message = format!(
                    "no code-integrity policy in a retail image with drivers of its own, such as `{}`",
                    driver.name()
                );
                report
                    .at(place, message)
                    .also(
                        image.place(&driver.at, "signature[0].signer"),
                        "neither Microsoft nor a public authority signed this",
                    )
                    .help("add SEC_SECUREBOOT and SEC_DEVICEGUARD with a policy of your own");
            }
            None => {
                report
                    .at(place, "no code-integrity policy in a retail image")
                    .at_most(Level::Info);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use formats::container::si_policy::Policy;
    use signer::anchor::TrustClass;

    use crate::image::ImageType;
    use crate::testing::image::{lint_image, policy, signed_by};

    #[test]
    fn own_drivers_need_a_policy() {
        let found = |class, policies| {
            let mut image = signed_by("MainOS:a.sys", class);
            image.security.policies = policies;
            lint_image("image-sipolicy-missing", image, ImageType::Retail)
        };
        assert!(found(TrustClass::Named, Vec::new())[0].starts_with("error "));
        assert!(found(TrustClass::MicrosoftProduction, Vec::new())[0].starts_with("info "));
        assert!(found(TrustClass::Named, vec![policy(Policy::default(), 4)]).is_empty());
    }
}
