use crate::facts::Facts;
use crate::image::ImageType;
use crate::rule::{Report, Rule, declare_rule};
use formats::boot_configuration::setting::{
    FLIGHT_SIGNATURES, LOADER_PRERELEASE_SIGNATURES, PRERELEASE_SIGNATURES,
};

declare_rule! {
    /// The boot store of a retail image has test signing on
    ///
    /// ## What it checks
    /// No object of a boot configuration store in a retail image sets `testsigning` (`Allow Pre-release Signatures`,
    /// 0x16000049, and the older 0x26000027). `Allow Flight Signatures` (0x1600007e) is meant for insiders' builds and
    /// counts as well.
    ///
    /// ## Why
    /// With test signing on a device loads drivers that anyone signed with a public key, whatever the inputs of the
    /// image promised: a package may turn it on behind the configuration's back.
    ///
    /// ## Passes
    /// a store without the element
    ///
    /// ## Fails
    /// {globalsettings} with testsigning Yes, as the package Custom.BCD of the add-on kit makes it
    ///
    /// ## Fix
    /// Take the element out of the package that brings the store, e.g. out of `Custom.BCD.xml`, and build the image
    /// again.
    ///
    /// ## References
    /// - iot-adk-addonkit, Custom.BCD.xml
    /// - Microsoft, IoT Core manufacturing guide, "Retail and test images"
    struct ImageTestsigningOn;
    id: "image-testsigning-on",
    authority: "Microsoft, IoT Core manufacturing guide",
    clause: "Retail and test images",
    images: [Retail],
    input: Image,
    level: Error,
    since: "0.1.0",
}

impl Rule for ImageTestsigningOn {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(image) = facts.finished_as(ImageType::Retail) else {
            return;
        };
        for found in image.switched_on(&[
            PRERELEASE_SIGNATURES,
            LOADER_PRERELEASE_SIGNATURES,
            FLIGHT_SIGNATURES,
        ]) {
            let message = format!(
                "`{}` is on for {} in the boot store of a retail image",
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
    use formats::boot_configuration::setting::PRERELEASE_SIGNATURES;

    use crate::image::ImageType;
    use crate::testing::image::{boot_store, image, lint_image};

    #[test]
    fn a_switch_that_is_on_is_found_in_retail_alone() {
        let found = |on, of| {
            let mut image = image();
            image.boot_stores = vec![boot_store(PRERELEASE_SIGNATURES, on)];
            lint_image("image-testsigning-on", image, of)
        };
        let on = found(true, ImageType::Retail);
        assert!(
            on[0].starts_with(
                "error Flash.ffu/EFIESP:EFI/Microsoft/Boot/BCD ({globalsettings}.testsigning) "
            ),
            "{on:?}"
        );
        assert!(
            found(false, ImageType::Retail).is_empty() && found(true, ImageType::Test).is_empty()
        );
    }
}
