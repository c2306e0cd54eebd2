use crate::facts::Facts;
use crate::image::ImageType;
use crate::rule::{Report, Rule, declare_rule};
use formats::boot_configuration::ElementValue;
use formats::boot_configuration::setting::MANUFACTURING_MODE;

declare_rule! {
    /// A retail image starts in the manufacturing mode
    ///
    /// ## What it checks
    /// No object of a boot configuration store in a retail image has the element `mfgmode` (`Manufacturing Mode`,
    /// 0x22000140).
    ///
    /// ## Why
    /// The device starts with the services of the factory's profile instead of its own. The element must be gone before
    /// a device is shipped.
    ///
    /// ## Passes
    /// a store without the element
    ///
    /// ## Fails
    /// {globalsettings} with mfgmode Factory
    ///
    /// ## Fix
    /// Build the retail image without MFGMODEBCD and without a package that sets the element.
    ///
    /// ## References
    /// - Microsoft, "Optional features for manufacturing mode"
    struct ImageManufacturingMode;
    id: "image-manufacturing-mode",
    authority: "Microsoft, Enable a manufacturing mode",
    clause: "Before shipping",
    images: [Retail],
    input: Image,
    level: Error,
    since: "0.1.0",
}

impl Rule for ImageManufacturingMode {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(image) = facts.finished_as(ImageType::Retail) else {
            return;
        };
        for (store, object, element) in image.boot_settings(MANUFACTURING_MODE) {
            let profile = match &element.value {
                ElementValue::Text(profile) => format!(" with the profile `{profile}`"),
                _ => String::new(),
            };
            let message = format!(
                "a retail image starts in the manufacturing mode{profile}, set for {}",
                object.name()
            );
            report
                .at(image.element_place(store, object, element), message)
                .help("take the element out of the package that brings the store");
        }
    }
}

#[cfg(test)]
mod tests {
    use formats::boot_configuration::setting::MANUFACTURING_MODE;

    use crate::image::ImageType;
    use crate::testing::image::{boot_text, image, lint_image};

    #[test]
    fn the_element_is_found_in_retail_alone() {
        let found = |of| {
            let mut image = image();
            image.boot_stores = vec![boot_text(MANUFACTURING_MODE, "Factory")];
            lint_image("image-manufacturing-mode", image, of)
        };
        let retail = found(ImageType::Retail);
        assert!(
            retail[0].contains("with the profile `Factory`, set for {globalsettings}"),
            "{retail:?}"
        );
        assert!(found(ImageType::Test).is_empty());
    }
}
