use crate::facts::Facts;
use crate::image::ImageType;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail image may be flashed onto any device
    ///
    /// ## What it checks
    /// None of the platform IDs of a retail image is `*`.
    ///
    /// ## Why
    /// The platform ID is what keeps an image from being flashed onto a device of another board. The samples of the kit
    /// have `*` beside the real one, which switches that check off.
    ///
    /// ## Passes
    /// DevicePlatformId0 = Fjordlight.Kiosk.One
    ///
    /// ## Fails
    /// DevicePlatformId1 = *
    ///
    /// ## Fix
    /// Take `*` out of `OEMDevicePlatform.xml` and build the image again.
    ///
    /// ## References
    /// - Microsoft, "Flashing security requirements": platform ID
    struct ImagePlatformIdWildcard;
    id: "image-platform-id-wildcard",
    authority: "Microsoft, Flashing security requirements",
    clause: "platform ID",
    images: [Retail],
    input: Image,
    level: Warning,
    since: "0.1.0",
}

impl Rule for ImagePlatformIdWildcard {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(image) = facts.finished_as(ImageType::Retail) else {
            return;
        };
        if image.platform_ids.iter().any(|id| id.trim() == "*") {
            let others = image.platform_ids.len().saturating_sub(1);
            let beside = match others {
                0 => String::new(),
                others => format!(" beside {others} of its own"),
            };
            let message = format!(
                "a retail image has the platform ID `*`{beside}: it may be flashed onto any device"
            );
            report
                .at(image.place("", "store.platform IDs"), message)
                .help("name the devices in OEMDevicePlatform.xml, without `*`");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::image::ImageType;
    use crate::testing::image::{image, lint_image};

    #[test]
    fn the_wildcard_is_found_in_retail_alone() {
        let found = |ids: &[&str], of| {
            let mut image = image();
            image.platform_ids = ids.iter().map(|id| (*id).to_owned()).collect();
            lint_image("image-platform-id-wildcard", image, of)
        };
        let both = found(&["Broadcom.RPi.2", "*"], ImageType::Retail);
        assert!(both[0].contains("beside 1 of its own"), "{both:?}");
        assert!(found(&["Broadcom.RPi.2"], ImageType::Retail).is_empty());
        assert!(found(&["*"], ImageType::Test).is_empty());
    }
}
