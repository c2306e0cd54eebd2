use crate::facts::Facts;
use crate::facts::full_flash::registry::{CODE_INTEGRITY, shown};
use crate::image::ImageType;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The registry of a retail image weakens code integrity
    ///
    /// ## What it checks
    /// In `HKLM\SYSTEM\CurrentControlSet\CI` and `Control\CI` neither `UMCIDisabled` nor `UMCIAuditMode` is other than
    /// 0.
    ///
    /// ## Why
    /// The switches leave the policy in place and take its effect away: programs are not checked, or violations only
    /// written down.
    ///
    /// ## Passes
    /// no such value
    ///
    /// ## Fails
    /// UMCIAuditMode 1, left from bringing the device up
    ///
    /// ## Fix
    /// Take the values out of the package that sets them (IOT_DISABLE_UMCI among the features), and build the image
    /// again.
    ///
    /// ## References
    /// - Microsoft, IoT Core feature list: IOT_DISABLE_UMCI
    struct ImageCiSwitchedOff;
    id: "image-ci-switched-off",
    authority: "Microsoft, IoT Core feature list",
    clause: "Test features",
    images: [Retail],
    input: Image,
    level: Error,
    since: "0.1.0",
}

impl Rule for ImageCiSwitchedOff {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(image) = facts.finished_as(ImageType::Retail) else {
            return;
        };
        for key in CODE_INTEGRITY
            .into_iter()
            .flat_map(|path| image.keys_below(path))
        {
            for name in ["UMCIDisabled", "UMCIAuditMode"] {
                let value = key.value(name);
                if let Some(value) = value.filter(|value| value.data.number() != Some(0)) {
                    let message = format!(
                        "`{}` is {} in a retail image",
                        value.name,
                        shown(&value.data)
                    );
                    report
                        .at(image.key_place(key, &value.name), message)
                        .help("take the value out of the package that sets it");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::image::ImageType;
    use crate::testing::image::{dword, image, key, lint_image};

    #[test]
    fn switches_that_are_not_zero_are_found_in_retail() {
        let found = |value, of| {
            let mut image = image();
            image.keys = vec![key(
                "SYSTEM",
                r"CurrentControlSet\Control\CI",
                &[("umcidisabled", dword(value))],
            )];
            lint_image("image-ci-switched-off", image, of)
        };
        let on = found(1, ImageType::Retail);
        assert!(
            on[0].contains(r"config/SYSTEM (CurrentControlSet\Control\CI:umcidisabled) "),
            "{on:?}"
        );
        assert!(found(0, ImageType::Retail).is_empty() && found(1, ImageType::Test).is_empty());
    }
}
