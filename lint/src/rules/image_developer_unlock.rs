use crate::diagnostic::Level;
use crate::facts::Facts;
use crate::facts::full_flash::registry::{APP_UNLOCK, shown};
use crate::image::ImageType;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail image is unlocked for developers
    ///
    /// ## What it checks
    /// `HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\AppModelUnlock` does not set
    /// `AllowDevelopmentWithoutDevLicense`. `AllowAllTrustedApps`, which lets apps from outside the Store be installed,
    /// is a warning.
    ///
    /// ## Why
    /// Whoever reaches a device that is unlocked installs and debugs any app on it.
    ///
    /// ## Passes
    /// no such value
    ///
    /// ## Fails
    /// AllowDevelopmentWithoutDevLicense 1
    ///
    /// ## Fix
    /// Take the value out of the package or provisioning that sets it.
    ///
    /// ## References
    /// - Microsoft, "Enable your device for development"
    struct ImageDeveloperUnlock;
    id: "image-developer-unlock",
    authority: "Microsoft, Enable your device for development",
    clause: "Registry keys",
    images: [Retail],
    input: Image,
    level: Error,
    since: "0.1.0",
}

impl Rule for ImageDeveloperUnlock {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(image) = facts.finished_as(ImageType::Retail) else {
            return;
        };
        let Some(key) = image.key(APP_UNLOCK) else {
            return;
        };
        for (name, level) in [
            ("AllowDevelopmentWithoutDevLicense", Level::Error),
            ("AllowAllTrustedApps", Level::Warning),
        ] {
            let value = key.value(name);
            if let Some(value) = value.filter(|value| value.data.number() != Some(0)) {
                let message = format!("`{name}` is {} in a retail image", shown(&value.data));
                report
                    .at(image.key_place(key, name), message)
                    .help("take the value out of the package or provisioning that sets it")
                    .at_most(level);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::facts::full_flash::registry::APP_UNLOCK;
    use crate::image::ImageType;
    use crate::testing::image::{dword, image, key, lint_image};

    #[test]
    fn what_developers_need_is_an_error_and_apps_from_outside_a_warning() {
        let found = |value, of| {
            let mut image = image();
            let values = [
                ("AllowDevelopmentWithoutDevLicense", dword(value)),
                ("AllowAllTrustedApps", dword(value)),
            ];
            image.keys = vec![key("SOFTWARE", APP_UNLOCK, &values)];
            lint_image("image-developer-unlock", image, of)
        };
        let on = found(1, ImageType::Retail);
        assert!(
            on.len() == 2 && on[0].starts_with("warning ") && on[1].starts_with("error "),
            "{on:?}"
        );
        assert!(found(0, ImageType::Retail).is_empty() && found(1, ImageType::Test).is_empty());
    }
}
