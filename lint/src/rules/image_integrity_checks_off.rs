use crate::facts::Facts;
use crate::image::ImageType;
use crate::rule::{Report, Rule, declare_rule};
use formats::boot_configuration::setting::{LOADER_NO_INTEGRITY_CHECKS, NO_INTEGRITY_CHECKS};

declare_rule! {
    /// The boot store of a retail image has checks of signatures off
    ///
    /// ## What it checks
    /// No object of a boot configuration store in a retail image sets `nointegritychecks` (`Disable Integrity Checks`,
    /// 0x16000048, and the older 0x26000026).
    ///
    /// ## Why
    /// The loader then takes any driver, signed or not.
    ///
    /// ## Passes
    /// a store without the element
    ///
    /// ## Fails
    /// {bootloadersettings} with nointegritychecks Yes
    ///
    /// ## Fix
    /// Take the element out of the package that brings the store, and build the image again.
    ///
    /// ## References
    /// - Microsoft, "BCD boot options reference"
    struct ImageIntegrityChecksOff;
    id: "image-integrity-checks-off",
    authority: "Microsoft, BCD boot options reference",
    clause: "nointegritychecks",
    images: [Retail],
    input: Image,
    level: Error,
    since: "0.1.0",
}

impl Rule for ImageIntegrityChecksOff {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(image) = facts.finished_as(ImageType::Retail) else {
            return;
        };
        for found in image.switched_on(&[NO_INTEGRITY_CHECKS, LOADER_NO_INTEGRITY_CHECKS]) {
            let message = format!(
                "`{}` is on for {} in the boot store of a retail image: drivers need no signature",
                found.option, found.object
            );
            report
                .at(found.place, message)
                .help("take the element out of the package that brings the store, and build the image again");
        }
    }
}

#[cfg(test)]
mod tests {
    use formats::boot_configuration::setting::NO_INTEGRITY_CHECKS;

    use crate::image::ImageType;
    use crate::testing::image::{boot_store, image, lint_image};

    #[test]
    fn a_switch_that_is_on_is_found_in_retail_alone() {
        let found = |on, of| {
            let mut image = image();
            image.boot_stores = vec![boot_store(NO_INTEGRITY_CHECKS, on)];
            lint_image("image-integrity-checks-off", image, of)
        };
        let on = found(true, ImageType::Retail);
        assert!(on[0].starts_with("error Flash.ffu/EFIESP:EFI/Microsoft/Boot/BCD ({globalsettings}.nointegritychecks) "), "{on:?}");
        assert!(
            found(false, ImageType::Retail).is_empty() && found(true, ImageType::Test).is_empty()
        );
    }
}
