use crate::facts::Facts;
use crate::facts::full_flash::registry::{LOCATION, shown};
use crate::facts::location::NAMES;
use crate::rule::{Report, Rule, declare_rule};
use formats::registry_hive::ValueType;

declare_rule! {
    /// The location values of a finished image turn location half on, or are not read
    ///
    /// ## What it checks
    /// `InitSystemGlobalConsentDenied` and `InitUserGlobalConsentDenied` stand together in
    /// `HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\CapabilityAccessManager\Capabilities\location\edition`, each a
    /// REG_DWORD of 0 or 1, both the same. No key is called like that path without its separators, as the manufacturing
    /// guide prints it.
    ///
    /// ## Why
    /// Location is off by default, and both values must be 0 to turn it on. Of another type, alone, or under another
    /// key they change nothing, and apps get no location.
    ///
    /// ## Passes
    /// both REG_DWORD 0
    ///
    /// ## Fails
    /// InitSystemGlobalConsentDenied 0 alone; a key CurrentVersionCapabilityAccessManagerCapabilitieslocationedition
    ///
    /// ## Fix
    /// Set both values in the package, under the key with its separators, and build the image again.
    ///
    /// ## References
    /// - Microsoft, IoT Core, "OS customizations": Location settings
    /// - Microsoft, IoT Core manufacturing guide, introduction
    struct ImageLocationValues;
    id: "image-location-values",
    authority: "Microsoft, IoT Core OS customizations",
    clause: "Location settings",
    images: All,
    input: Image,
    level: Error,
    since: "0.1.0",
}

impl Rule for ImageLocationValues {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(image) = facts.finished() else {
            return;
        };
        let garbled = image.keys.iter().filter(|key| {
            let name = key.path.rsplit('\\').next().unwrap_or_default();
            name.to_lowercase().ends_with("locationedition")
        });
        for key in garbled {
            let message =
                "the key of the location values lacks its separators, so they are not read";
            report.at(image.key_place(key, ""), message).help(HELP);
        }
        let Some(key) = image.key(LOCATION) else {
            return;
        };
        let values = NAMES.map(|name| (name, key.value(name)));
        for (name, value) in values
            .iter()
            .filter_map(|(name, value)| Some((name, (*value)?)))
        {
            let is_read =
                value.data.kind == ValueType::Dword && matches!(value.data.number(), Some(0 | 1));
            if !is_read {
                let message = format!(
                    "`{name}` is {}, expected a REG_DWORD of 0 or 1",
                    shown(&value.data)
                );
                report.at(image.key_place(key, name), message).help(HELP);
            }
        }
        match values {
            [(_, Some(_)), (missing, None)] | [(missing, None), (_, Some(_))] => {
                let message = format!("`{missing}` is missing beside the other location value");
                report.at(image.key_place(key, missing), message).help(HELP);
            }
            [(one, Some(first)), (other, Some(second))] => {
                if let (Some(first), Some(second)) = (first.data.number(), second.data.number())
                    && first != second
                {
                    let message = format!(
                        "`{one}` is {first} and `{other}` is {second}: location is half on"
                    );
                    report.at(image.key_place(key, other), message).help(HELP);
                }
            }
            _ => {}
        }
    }
}

const HELP: &str =
    "set both values, REG_DWORD 0 to turn location on, under the key with its separators";

#[cfg(test)]
mod tests {
    use formats::registry_hive::Data;

    use crate::facts::full_flash::registry::LOCATION;
    use crate::facts::location::NAMES;
    use crate::image::ImageType;
    use crate::testing::image::{dword, image, key, lint_image, text};

    fn found(values: &[(&str, Data)]) -> Vec<String> {
        let mut image = image();
        image.keys = vec![key("SOFTWARE", LOCATION, values)];
        lint_image("image-location-values", image, ImageType::Retail)
    }

    #[test]
    fn both_zero_or_both_one_pass() {
        for value in [0, 1] {
            assert!(found(&NAMES.map(|name| (name, dword(value)))).is_empty());
        }
        assert!(found(&[]).is_empty());
    }

    #[test]
    fn one_alone_different_ones_and_other_types_are_found() {
        let [system, user] = NAMES;
        assert!(
            found(&[(system, dword(0))])[0].contains("`InitUserGlobalConsentDenied` is missing")
        );
        assert!(found(&[(system, dword(0)), (user, dword(1))])[0].ends_with("location is half on"));
        assert!(
            found(&[(system, dword(0)), (user, text("0"))])[0]
                .contains("is `0` (REG_SZ), expected")
        );
        assert!(
            found(&[(system, dword(2)), (user, dword(2))])[0]
                .contains("is 2 (REG_DWORD), expected")
        );
    }

    #[test]
    fn a_key_without_separators_is_found() {
        let mut image = image();
        let path =
            r"Microsoft\Windows\CurrentVersionCapabilityAccessManagerCapabilitieslocationedition";
        image.keys = vec![key("SOFTWARE", path, &[])];
        let found = lint_image("image-location-values", image, ImageType::Test);
        assert!(
            found[0].ends_with("lacks its separators, so they are not read"),
            "{found:?}"
        );
    }
}
