use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail image may be flashed to any device
    ///
    /// ## What it checks
    /// The device platform of a retail image (`OEMDevicePlatform.xml`) names its devices and not `*`.
    ///
    /// ## Why
    /// The flashing tools compare the identifier with the one that the firmware reports, and refuse an image for another
    /// device. With `*` they flash anything onto anything.
    ///
    /// ## Passes
    /// `<ID>Fjordlight.FjordBoard.2</ID>`
    ///
    /// ## Fails
    /// `<ID>*</ID>`
    ///
    /// ## Fix
    /// Write the identifier of the device: manufacturer, family, product and version, as SMBIOS has them.
    ///
    /// ## References
    /// - IoT Core, "Device layout": device platform
    struct PlatformWildcardId;
    id: "platform-wildcard-id",
    authority: "Microsoft, IoT Core: device layout",
    clause: "OEMDevicePlatform",
    images: [Retail],
    input: DeviceLayout,
    level: Warning,
    since: "0.1.0",
}

impl Rule for PlatformWildcardId {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for platform in &facts.documents.device_platforms {
            let one = platform.device_platform_id.iter();
            let one = one.map(|id| (id, platform.value(id, "OEMDevicePlatform/DevicePlatformID")));
            let several = platform.device_platform_ids.items.iter();
            let several = several.map(|id| (&id.text, platform.item(id)));
            for (id, place) in one.chain(several) {
                if id.value.trim() == "*" {
                    report
                        .at(place, "`*` lets a retail image be flashed to any device")
                        .help("write the identifier of the device");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::image::ImageType;
    use crate::resolve::ResolveOptions;
    use crate::testing::{device_platform, run, workspace_with};

    #[test]
    fn a_star_is_found_in_either_form_and_in_retail_only() {
        let lint = |body: &str, image| {
            let options = ResolveOptions {
                image: Some(image),
                ..ResolveOptions::default()
            };
            let files = [("OEMDevicePlatform.xml", device_platform(body))];
            run("platform-wildcard-id", &workspace_with(&files, &options))
        };
        let several = "\n<DevicePlatformIDs><ID>A.B.1</ID><ID>*</ID></DevicePlatformIDs>";
        let wanted =
            "warning OEMDevicePlatform.xml:2:38 `*` lets a retail image be flashed to any device";
        assert_eq!(lint(several, ImageType::Retail), [wanted]);
        assert_eq!(
            lint("<DevicePlatformID>*</DevicePlatformID>", ImageType::Retail).len(),
            1
        );
        assert!(lint(several, ImageType::Test).is_empty());
        assert!(
            lint(
                "<DevicePlatformID>A.B.1</DevicePlatformID>",
                ImageType::Retail
            )
            .is_empty()
        );
    }
}
