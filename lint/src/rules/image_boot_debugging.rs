use crate::facts::Facts;
use crate::image::ImageType;
use crate::rule::{Report, Rule, declare_rule};
use formats::boot_configuration::setting::DEBUGGING;

declare_rule! {
    /// The boot store of a retail image has a debugger or a boot menu on
    ///
    /// ## What it checks
    /// No object of a boot configuration store in a retail image turns on a debugger, emergency management or a menu of
    /// boot options: 0x16000010, 0x16000020, 0x260000a0, 0x260000b0, 0x26000020, 0x16000040, 0x16000041.
    ///
    /// ## Why
    /// Whoever reaches the port of the debugger, or the menu, owns the device: a debugger of the kernel reads and
    /// writes its memory.
    ///
    /// ## Passes
    /// a store without these elements
    ///
    /// ## Fails
    /// {bootloadersettings} with debug Yes, left by IOT_KDSERIAL_SETTINGS
    ///
    /// ## Fix
    /// Build the image without the features of debuggers (IOT_KD_ON, IOT_KDSERIAL_SETTINGS, IOT_KDNETUSB_SETTINGS).
    ///
    /// ## References
    /// - Microsoft, IoT Core feature list: test features
    struct ImageBootDebugging;
    id: "image-boot-debugging",
    authority: "Microsoft, IoT Core feature list",
    clause: "Test features",
    images: [Retail],
    input: Image,
    level: Error,
    since: "0.1.0",
}

impl Rule for ImageBootDebugging {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(image) = facts.finished_as(ImageType::Retail) else {
            return;
        };
        for found in image.switched_on(&DEBUGGING) {
            let message = format!(
                "`{}` is on for {} in the boot store of a retail image",
                found.option, found.object
            );
            report
                .at(found.place, message)
                .help("build the image without the features of debuggers");
        }
    }
}

#[cfg(test)]
mod tests {
    use formats::boot_configuration::setting::DEBUGGING;

    use crate::image::ImageType;
    use crate::testing::image::{boot_store, image, lint_image};

    #[test]
    fn a_switch_that_is_on_is_found_in_retail_alone() {
        let found = |on, of| {
            let mut image = image();
            image.boot_stores = vec![boot_store(DEBUGGING[2], on)];
            lint_image("image-boot-debugging", image, of)
        };
        let on = found(true, ImageType::Retail);
        assert!(
            on[0].starts_with(
                "error Flash.ffu/EFIESP:EFI/Microsoft/Boot/BCD ({globalsettings}.debug) "
            ),
            "{on:?}"
        );
        assert!(
            found(false, ImageType::Retail).is_empty() && found(true, ImageType::Test).is_empty()
        );
    }
}
