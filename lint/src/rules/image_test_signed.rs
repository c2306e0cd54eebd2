use crate::facts::Facts;
use crate::image::ImageType;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail image has test-signed files in it
    ///
    /// ## What it checks
    /// No program, driver, boot program or catalog in a retail image carries a signature that ends at the key of a test
    /// root: Microsoft's test and development roots, the OEM test chains of 2017 and 2013, this program's own test
    /// root. Nor is any signed with a key that anyone has. The key decides; names prove nothing.
    ///
    /// ## Why
    /// A retail device refuses it: a driver does not load, the device does not start. Where test signing was left on,
    /// it starts, and runs whatever anyone signs with a public key.
    ///
    /// ## Passes
    /// Every chain ends at a production root, or at a root named with `--root`
    ///
    /// ## Fails
    /// Windows/System32/drivers/lineprobe.sys with the OEM test certificate of 2017
    ///
    /// ## Fix
    /// Sign the package again from the inside out (`proofmark resign --profile retail --in-place PACKAGE.cab`) and
    /// build the image again.
    ///
    /// ## References
    /// - Microsoft, IoT Core manufacturing guide, "Retail and test images": test-signed packages are not supported in retail images
    struct ImageTestSigned;
    id: "image-test-signed",
    authority: "Microsoft, IoT Core manufacturing guide",
    clause: "Retail and test images, test-signed packages",
    images: [Retail],
    input: Image,
    level: Error,
    since: "0.1.0",
}

impl Rule for ImageTestSigned {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(image) = facts.finished_as(ImageType::Retail) else {
            return;
        };
        for signed in image.by_signer() {
            let anchor = signed.report.anchor();
            let says = match (anchor, &signed.report.published_key) {
                (Some(anchor), _) if anchor.class.is_test() => {
                    format!(
                        "is test-signed: its chain ends at {} ({})",
                        anchor.name, anchor.class
                    )
                }
                (_, Some(listed)) => format!("is signed with a key that anyone has ({listed})"),
                _ => continue,
            };
            let key = format!("{}.signer", signed.report.route);
            report
                .at(image.place(signed.first(), key), signed.message(&says))
                .help("sign its package again (`proofmark resign --profile retail`), then build the image again");
        }
    }
}

#[cfg(test)]
mod tests {
    use signer::anchor::TrustClass;

    use crate::image::ImageType;
    use crate::testing::image::{code, lint_image, signed_by};

    const RULE: &str = "image-test-signed";
    const DRIVER: &str = "MainOS:Windows/System32/drivers/lineprobe.sys";

    #[test]
    fn test_roots_are_found_in_retail_and_files_of_one_signer_told_of_together() {
        let mut image = signed_by(DRIVER, TrustClass::OemTest2017);
        let mut program = code("MainOS:Windows/System32/kioskd.exe");
        program.signers = vec![0];
        image.code.push(program);
        let found = lint_image(RULE, image.clone(), ImageType::Retail);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("error Flash.ffu/MainOS:Windows/System32/drivers/lineprobe.sys (signature[0].signer)"), "{found:?}");
        assert!(
            found[0].ends_with("(oem-test-2017); likewise `kioskd.exe`"),
            "{found:?}"
        );
        assert!(lint_image(RULE, image, ImageType::Test).is_empty());
        let production = signed_by(DRIVER, TrustClass::MicrosoftProduction);
        assert!(lint_image(RULE, production, ImageType::Retail).is_empty());
    }

    #[test]
    fn a_published_key_is_found_too() {
        let mut image = signed_by(DRIVER, TrustClass::Named);
        image.signers[0].published_key = Some("kit: PCA".to_owned());
        assert!(
            lint_image(RULE, image, ImageType::Retail)[0]
                .contains("a key that anyone has (kit: PCA)")
        );
    }
}
