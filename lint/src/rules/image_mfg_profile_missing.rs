use crate::facts::Facts;
use crate::facts::full_flash::registry::PROFILES;
use crate::rule::{Report, Rule, declare_rule};
use formats::boot_configuration::ElementValue;
use formats::boot_configuration::setting::MANUFACTURING_MODE;

declare_rule! {
    /// The boot store names a manufacturing profile that the registry does not have
    ///
    /// ## What it checks
    /// The profile that `mfgmode` (0x22000140) names in a boot configuration store is a key below
    /// `HKLM\SYSTEM\CurrentControlSet\Control\ManufacturingMode`.
    ///
    /// ## Why
    /// The device starts with no profile at all: every service starts as on a customer's device, and the factory's
    /// tools wait for what never comes.
    ///
    /// ## Passes
    /// mfgmode Factory, and a key ManufacturingMode\Factory
    ///
    /// ## Fails
    /// mfgmode Factory, and a key ManufacturingMode\Factroy
    ///
    /// ## Fix
    /// Spell the profile alike in both packages.
    ///
    /// ## References
    /// - Microsoft, "Enable a manufacturing mode"
    struct ImageMfgProfileMissing;
    id: "image-mfg-profile-missing",
    authority: "Microsoft, Enable a manufacturing mode",
    clause: "Profiles",
    images: All,
    input: Image,
    level: Error,
    since: "0.1.0",
}

impl Rule for ImageMfgProfileMissing {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(image) = facts.finished() else {
            return;
        };
        let profiles = image.keys_below(PROFILES);
        let mut profiles: Vec<&str> = profiles
            .filter_map(|key| key.below(PROFILES)?.first().copied())
            .collect();
        profiles.dedup();
        for (store, object, element) in image.boot_settings(MANUFACTURING_MODE) {
            let ElementValue::Text(named) = &element.value else {
                let message = "`mfgmode` of the boot store is no text".to_owned();
                report.at(image.element_place(store, object, element), message);
                continue;
            };
            if !profiles
                .iter()
                .any(|profile| profile.eq_ignore_ascii_case(named))
            {
                let there = match profiles.as_slice() {
                    [] => "has no profile".to_owned(),
                    some => format!("has {}", some.join(", ")),
                };
                let message = format!(
                    "`mfgmode` of the boot store names the profile `{named}`, the SYSTEM hive {there}"
                );
                report
                    .at(image.element_place(store, object, element), message)
                    .help("spell the profile alike in the packages of the boot store and of the registry");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use formats::boot_configuration::setting::MANUFACTURING_MODE;

    use crate::facts::full_flash::registry::PROFILES;
    use crate::image::ImageType;
    use crate::testing::image::{boot_text, image, key, lint_image};

    #[test]
    fn a_profile_of_another_spelling_is_found() {
        let found = |profile: &str| {
            let mut image = image();
            image.boot_stores = vec![boot_text(MANUFACTURING_MODE, "Factory")];
            image.keys = vec![key(
                "SYSTEM",
                &format!("{PROFILES}\\{profile}\\Services\\a"),
                &[],
            )];
            lint_image("image-mfg-profile-missing", image, ImageType::Test)
        };
        assert!(found("factory").is_empty());
        assert!(
            found("Factroy")[0]
                .ends_with("names the profile `Factory`, the SYSTEM hive has Factroy")
        );
    }
}
