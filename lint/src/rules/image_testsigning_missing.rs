use crate::diagnostic::Level;
use crate::facts::Facts;
use crate::facts::full_flash::code::{ImageCode, likewise};
use crate::image::ImageType;
use crate::rule::{Report, Rule, declare_rule};
use formats::boot_configuration::setting::{LOADER_PRERELEASE_SIGNATURES, PRERELEASE_SIGNATURES};

declare_rule! {
    /// A test image has test-signed files and test signing off
    ///
    /// ## What it checks
    /// Where a test image has drivers or boot programs that are signed below a test root, an object of its boot store
    /// sets `testsigning` (0x16000049 or 0x26000027).
    ///
    /// ## Why
    /// Without test signing Windows refuses those drivers: the device stops while it starts, and nothing says why.
    ///
    /// ## Passes
    /// {globalsettings} with testsigning Yes
    ///
    /// ## Fails
    /// test-signed drivers, and a store without the element
    ///
    /// ## Fix
    /// Add the feature IOT_ENABLE_TESTSIGNING, or take it that switches test signing off out.
    ///
    /// ## References
    /// - Microsoft, IoT Core manufacturing guide, "Retail and test images"
    struct ImageTestsigningMissing;
    id: "image-testsigning-missing",
    authority: "Microsoft, IoT Core manufacturing guide",
    clause: "Retail and test images, test signing",
    images: [Test],
    input: Image,
    level: Error,
    since: "0.1.0",
}

impl Rule for ImageTestsigningMissing {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(image) = facts.finished_as(ImageType::Test) else {
            return;
        };
        let mut settings = [PRERELEASE_SIGNATURES, LOADER_PRERELEASE_SIGNATURES]
            .into_iter()
            .flat_map(|setting| image.boot_settings(setting));
        if settings.any(|(_, _, element)| element.is_on()) {
            return;
        }
        let files = image
            .code
            .iter()
            .filter(|code| code.kind != ImageCode::Program);
        let files = files.filter(|code| {
            let mut anchors = image
                .signers_of(code)
                .filter_map(|(_, report)| report.anchor());
            anchors.any(|anchor| anchor.class.is_test())
        });
        let files: Vec<&str> = files.map(|code| code.at.as_str()).collect();
        let Some(first) = files.first() else {
            return;
        };
        let message = likewise(
            &files,
            "is test-signed, and the boot store of the test image has test signing off",
        );
        let finding = report.at(image.place(first, "signature[0].signer"), message);
        finding.help("add the feature IOT_ENABLE_TESTSIGNING, and build the image again");
        match image.boot_stores.first() {
            Some(store) => {
                finding.also(image.place(&store.at, ""), "the boot store");
            }
            // What it would say is not known.
            None => {
                finding.at_most(Level::Warning);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use formats::boot_configuration::setting::PRERELEASE_SIGNATURES;
    use signer::anchor::TrustClass;

    use crate::image::ImageType;
    use crate::testing::image::{boot_store, lint_image, signed_by};

    #[test]
    fn test_signed_drivers_need_test_signing() {
        let found = |at, class, on, of| {
            let mut image = signed_by(at, class);
            image.boot_stores = vec![boot_store(PRERELEASE_SIGNATURES, on)];
            lint_image("image-testsigning-missing", image, of)
        };
        let (driver, test) = ("MainOS:a.sys", TrustClass::OemTest2017);
        let off = found(driver, test, false, ImageType::Test);
        assert!(
            off[0].starts_with("error Flash.ffu/MainOS:a.sys ")
                && off[0].contains("has test signing off"),
            "{off:?}"
        );
        assert!(found(driver, test, true, ImageType::Test).is_empty());
        assert!(
            found(
                driver,
                TrustClass::MicrosoftProduction,
                false,
                ImageType::Test
            )
            .is_empty()
        );
        assert!(found("MainOS:a.exe", test, false, ImageType::Test).is_empty());
        assert!(found(driver, test, false, ImageType::Retail).is_empty());
    }
}
