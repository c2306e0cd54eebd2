use crate::diagnostic::Level;
use crate::facts::Facts;
use crate::facts::full_flash::grouped;
use crate::facts::full_flash::registry::{PROFILES, shown};
use crate::facts::manufacturing::WILDCARD;
use crate::rule::{Report, Rule, declare_rule};
use formats::registry_hive::ValueType;

declare_rule! {
    /// A manufacturing profile in the registry of a finished image is not as profiles are
    ///
    /// ## What it checks
    /// Below `HKLM\SYSTEM\CurrentControlSet\Control\ManufacturingMode`: names of profiles have 1 to 63 characters and
    /// are not `Current`, which the system keeps for itself; start types stand in `<profile>\Services\<service>`, as
    /// REG_DWORD `Start` from 0 to 4; and a profile says by `Services\*` what becomes of the services it does not name.
    ///
    /// ## Why
    /// Windows passes over what it does not understand: the profile starts services that the factory did not mean, or
    /// none.
    ///
    /// ## Passes
    /// ManufacturingMode\Factory\Services\* with Start 4
    ///
    /// ## Fails
    /// ManufacturingMode\Factory\Services\WLANSVC with Start "2" (REG_SZ)
    ///
    /// ## Fix
    /// Write the key and the value as Microsoft's page on the manufacturing mode has them, in the package, and build
    /// the image again.
    ///
    /// ## References
    /// - Microsoft, "Enable a manufacturing mode"
    struct ImageMfgProfile;
    id: "image-mfg-profile",
    authority: "Microsoft, Enable a manufacturing mode",
    clause: "Profiles",
    images: All,
    input: Image,
    level: Error,
    since: "0.1.0",
}

impl Rule for ImageMfgProfile {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(image) = facts.finished() else {
            return;
        };
        let keys = image.keys_below(PROFILES);
        let keys = keys.filter_map(|key| {
            let names = key.below(PROFILES)?;
            let profile = names.first()?.to_lowercase();
            Some((profile, (key, names)))
        });
        for (_, keys) in grouped(keys) {
            let Some((first, names)) = keys.first() else {
                continue;
            };
            let profile = names.first().copied().unwrap_or_default();
            let place = image.key_place(first, "");
            let length = profile.encode_utf16().count();
            if length >= LONGEST {
                report.at(place.clone(), format!("the profile `{profile}` has {length} characters, fewer than {LONGEST} are read"));
            }
            if profile.eq_ignore_ascii_case("Current") {
                let message = "`Current` is the system's own name, no profile may have it";
                report.at(place.clone(), message);
                continue;
            }
            let all = keys.iter();
            let services: Vec<&str> = all.filter_map(|(_, names)| service(names)).collect();
            if !services.is_empty() && !services.contains(&WILDCARD) {
                let rest = "does not say by `Services\\*` what becomes of other services";
                let message = format!("the profile `{profile}` {rest}");
                report.at(place, message).at_most(Level::Warning);
            }
            let starts = keys.iter();
            let starts = starts.filter_map(|(key, names)| Some((key, names, key.value("Start")?)));
            for (key, names, value) in starts {
                let is_dword = value.data.kind == ValueType::Dword;
                let is_start = is_dword && value.data.number().is_some_and(|start| start <= 4);
                let found = shown(&value.data);
                let message = match service(names) {
                    None => {
                        format!(
                            "`Start` of the profile `{profile}` is not in `Services\\<service>`"
                        )
                    }
                    Some(_) if is_start => continue,
                    Some(_) => format!("`Start` is {found}, expected a REG_DWORD from 0 to 4"),
                };
                report.at(image.key_place(key, "Start"), message);
            }
        }
    }
}

/// The service that a key below the profiles is about.
fn service<'a>(names: &[&'a str]) -> Option<&'a str> {
    match names {
        [_, services, service] if services.eq_ignore_ascii_case("Services") => Some(service),
        _ => None,
    }
}

/// Names of profiles are shorter than this, in UTF-16 units.
const LONGEST: usize = 64;

#[cfg(test)]
mod tests {
    use crate::facts::full_flash::registry::{HiveKey, PROFILES};
    use crate::image::ImageType;
    use crate::testing::image::{dword, image, key, lint_image, text};

    fn found(keys: Vec<HiveKey>) -> Vec<String> {
        let mut image = image();
        image.keys = keys;
        lint_image("image-mfg-profile", image, ImageType::Test)
    }

    fn service(profile: &str, service: &str, start: u32) -> HiveKey {
        let path = format!("{PROFILES}\\{profile}\\Services\\{service}");
        key("SYSTEM", &path, &[("Start", dword(start))])
    }

    #[test]
    fn names_of_profiles_are_short_and_not_the_systems_own() {
        assert!(found(vec![service(&"P".repeat(64), "*", 4)])[0].contains("has 64 characters"));
        assert!(found(vec![service("current", "*", 4)])[0].contains("the system's own name"));
        assert!(found(vec![service("Factory", "*", 4)]).is_empty());
    }

    #[test]
    fn start_types_are_numbers_of_services() {
        let wrong = found(vec![service("F", "*", 4), service("F", "a", 7)]);
        assert!(
            wrong[0].ends_with("`Start` is 7 (REG_DWORD), expected a REG_DWORD from 0 to 4"),
            "{wrong:?}"
        );
        let path = format!("{PROFILES}\\F\\Services\\b");
        let word = found(vec![
            service("F", "*", 4),
            key("SYSTEM", &path, &[("Start", text("2"))]),
        ]);
        assert!(word[0].contains("`Start` is `2` (REG_SZ)"), "{word:?}");
        let path = format!("{PROFILES}\\F");
        let outside = found(vec![key("SYSTEM", &path, &[("Start", dword(2))])]);
        assert!(outside[0].contains("is not in `Services"), "{outside:?}");
        assert!(found(vec![service("F", "a", 2)])[0].starts_with("warning "));
    }
}
