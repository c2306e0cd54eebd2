use crate::facts::Facts;
use crate::facts::boot::FLIGHT_SIGNATURES;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail image lets the boot loader accept flight signatures
    ///
    /// ## What it checks
    /// No boot configuration of a retail image switches `Allow Flight Signatures` on.
    ///
    /// ## Why
    /// Flight-signed code is made for preview builds. A shipped device has no use for it, and it widens what the device
    /// runs.
    ///
    /// ## Passes
    /// ```xml
    /// <WellKnownType>Allow Flight Signatures</WellKnownType>
    /// <BooleanValue>false</BooleanValue>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <WellKnownType>Allow Flight Signatures</WellKnownType>
    /// <BooleanValue>true</BooleanValue>
    /// ```
    ///
    /// ## Fix
    /// Take the element out. The fix comments it out.
    ///
    /// ## References
    /// - IoT Core feature list: CUSTOM_BCD
    /// - IoT Core, "OS customizations": Enable flight signing
    struct BcdFlightSignatures;
    id: "bcd-flight-signatures",
    authority: "Microsoft, IoT Core OS customizations",
    clause: "BCD settings",
    images: [Retail],
    input: BootConfiguration,
    level: Warning,
    since: "0.1.0",
}

impl Rule for BcdFlightSignatures {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for setting in facts.boot_settings() {
            if setting.is(FLIGHT_SIGNATURES) && setting.is_on() {
                report
                    .at(
                        setting.value_place(),
                        "`Allow Flight Signatures` is on in a retail image",
                    )
                    .help("take the element out of the boot configuration of retail images")
                    .fix(setting.comment_out(FLIGHT_SIGNATURES));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::image::ImageType;
    use crate::resolve::ResolveOptions;
    use crate::testing::{boot_setting, run, workspace_with};

    fn lint(image: ImageType, value: &str) -> Vec<String> {
        let options = ResolveOptions {
            image: Some(image),
            ..ResolveOptions::default()
        };
        let files = [("A.BCD.xml", boot_setting("Allow Flight Signatures", value))];
        run("bcd-flight-signatures", &workspace_with(&files, &options))
    }

    #[test]
    fn the_switch_is_found_in_retail_images_and_only_when_it_is_on() {
        let on = "<BooleanValue>true</BooleanValue>";
        assert!(
            lint(ImageType::Retail, on)
                .concat()
                .starts_with("warning A.BCD.xml:3:15 ")
        );
        assert!(lint(ImageType::Test, on).is_empty());
        assert!(lint(ImageType::Retail, "<BooleanValue>false</BooleanValue>").is_empty());
        assert!(lint(ImageType::Retail, "").is_empty());
    }
}
