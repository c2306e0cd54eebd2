use crate::diagnostic::Level;
use crate::facts::Facts;
use crate::facts::full_flash::features::ADMIN;
use crate::facts::full_flash::registry::{ADMINISTRATOR, WINLOGON};
use crate::image::ImageType;
use crate::lists::Class;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail image has an administrator whose password everybody knows
    ///
    /// ## What it checks
    /// In a retail image: no package of the feature IOT_ENABLE_ADMIN, which brings an administrator with the password
    /// of the documentation; no `DefaultPassword` and no `AutoAdminLogon` in `Winlogon`; and the built-in administrator
    /// of the SAM hive is disabled (a warning where it is not).
    ///
    /// ## Why
    /// The password stands in Microsoft's documentation, or in the image: anyone who reaches the device logs in as
    /// administrator.
    ///
    /// ## Passes
    /// the built-in administrator disabled
    ///
    /// ## Fails
    /// the packages of IOT_ENABLE_ADMIN in a retail image
    ///
    /// ## Fix
    /// Build the image without IOT_ENABLE_ADMIN, and without a package that sets a password.
    ///
    /// ## References
    /// - Microsoft, IoT Core feature list: IOT_ENABLE_ADMIN
    /// - Microsoft, "Build a retail image"
    struct ImageDefaultAdmin;
    id: "image-default-admin",
    authority: "Microsoft, IoT Core feature list",
    clause: "Test features, IOT_ENABLE_ADMIN",
    images: [Retail],
    input: Image,
    level: Error,
    since: "0.1.0",
}

impl Rule for ImageDefaultAdmin {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(image) = facts.finished_as(ImageType::Retail) else {
            return;
        };
        for (package, features) in facts.unchosen_packages(image, |class| class == Class::Test) {
            if features.iter().any(|id| id.eq_ignore_ascii_case(ADMIN)) {
                let message = format!(
                    "`{}` brings an administrator with the documented password into a retail image",
                    package.name()
                );
                report
                    .at(image.place(&package.at, "identity"), message)
                    .help("build the image without IOT_ENABLE_ADMIN");
            }
        }
        if let Some(key) = image.key(WINLOGON) {
            for name in ["DefaultPassword", "AutoAdminLogon"] {
                let text = key
                    .value(name)
                    .map(|value| value.data.text().unwrap_or_default());
                if text.is_some_and(|text| !matches!(text.trim(), "" | "0")) {
                    let message = format!(
                        "`{name}` is set in a retail image: somebody is logged in without being asked"
                    );
                    report
                        .at(image.key_place(key, name), message)
                        .help("take the value out of the package that sets it");
                }
            }
        }
        if let Some(key) = image.key(ADMINISTRATOR)
            && let Some(value) = key.value("F")
            && value
                .data
                .bytes
                .get(FLAGS)
                .is_some_and(|flags| flags & DISABLED == 0)
        {
            report
                .at(
                    image.key_place(key, "F"),
                    "the built-in administrator of a retail image is enabled",
                )
                .help("disable the account, or see to it that nobody knows its password")
                .at_most(Level::Warning);
        }
    }
}

/// Where the flags of an account stand in its value `F`.
const FLAGS: usize = 56;
/// The flag of an account that is disabled.
const DISABLED: u8 = 1;

#[cfg(test)]
mod tests {
    use formats::registry_hive::{Data, ValueType};

    use crate::facts::full_flash::registry::{ADMINISTRATOR, WINLOGON};
    use crate::image::ImageType;
    use crate::testing::image::{image, key, lint_image, lint_with_manifest, text};

    const RULE: &str = "image-default-admin";

    #[test]
    fn the_package_of_the_feature_is_found() {
        let entry = "<PackageFile Name=\"Admin.cab\"><FeatureIDs><FeatureID>IOT_ENABLE_ADMIN</FeatureID></FeatureIDs></PackageFile>";
        let found = lint_with_manifest(RULE, "Production", entry, "", "Admin");
        assert!(
            found[0].contains("`Admin` brings an administrator"),
            "{found:?}"
        );
    }

    #[test]
    fn passwords_and_an_enabled_account_are_found() {
        let found = |flags: u8, of| {
            let mut bytes = vec![0; 80];
            bytes[56] = flags;
            let account = Data {
                kind: ValueType::Binary,
                bytes,
            };
            let mut image = image();
            image.keys = vec![
                key("SAM", ADMINISTRATOR, &[("F", account)]),
                key(
                    "SOFTWARE",
                    WINLOGON,
                    &[
                        ("DefaultPassword", text("p")),
                        ("AutoAdminLogon", text("0")),
                    ],
                ),
            ];
            lint_image(RULE, image, of)
        };
        let enabled = found(0x10, ImageType::Retail);
        assert_eq!(enabled.len(), 2, "{enabled:?}");
        assert!(
            enabled[0].starts_with("warning Flash.ffu/MainOS:Windows/System32/config/SAM "),
            "{enabled:?}"
        );
        assert_eq!(found(0x11, ImageType::Retail).len(), 1);
        assert!(found(0x10, ImageType::Test).is_empty());
    }
}
