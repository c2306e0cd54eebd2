use crate::facts::Facts;
use crate::facts::manufacturing::{WILDCARD, profiles_of};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A manufacturing profile lists services and says nothing about the others
    ///
    /// ## What it checks
    /// A profile that sets the start type of services also has the service `*`. All packages of a product are taken
    /// together; the inbox profile `Default` is left out.
    ///
    /// ## Why
    /// Without `*` every Win32 service that the profile does not name starts as usual, so the line runs more than what
    /// was listed.
    ///
    /// ## Passes
    /// ```text
    /// [HKEY_LOCAL_MACHINE\System\CurrentControlSet\Control\ManufacturingMode\FinalAssembly\Services\LineTest]
    /// [HKEY_LOCAL_MACHINE\System\CurrentControlSet\Control\ManufacturingMode\FinalAssembly\Services\*]
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// [HKEY_LOCAL_MACHINE\System\CurrentControlSet\Control\ManufacturingMode\FinalAssembly\Services\LineTest]
    /// ```
    ///
    /// ## Fix
    /// Add the service `*` with the start type that all others should have, or keep it where the usual one is meant.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Manufacturing Mode": Manufacturing profiles
    struct MfgNoWildcard;
    id: "mfg-no-wildcard",
    authority: "Microsoft, Windows 10 Mobile manufacturing mode",
    clause: "Manufacturing profiles",
    images: All,
    input: Registry,
    level: Info,
    since: "0.1.0",
}

impl Rule for MfgNoWildcard {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for scope in facts.registry_scopes() {
            for (name, profile) in profiles_of(scope) {
                let has_wildcard = profile
                    .services
                    .iter()
                    .any(|service| service.name == WILDCARD);
                let mut judged = profile.services.iter();
                let first = judged.find(|service| facts.is_judged(service.at.source.name()));
                let Some(first) = first.filter(|_| !has_wildcard && name != "default") else {
                    continue;
                };
                let message = format!("the profile `{}` has no service `*`", profile.name);
                report
                    .at(first.at.key_place(), message)
                    .help("services that the profile does not name start as usual; set `*` to change that");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::facts::manufacturing::PROFILES;
    use crate::testing::{lint_one, reg_file};

    fn lint(services: &[&str]) -> Vec<String> {
        let key = |service: &&str| format!("[{PROFILES}\\{service}]\n\"Start\"=dword:2\n");
        let lines: String = services.iter().map(key).collect();
        lint_one("mfg-no-wildcard", &[("a.reg", reg_file(&lines))])
    }

    #[test]
    fn a_profile_with_services_and_without_wildcard_is_told_of_once() {
        let found = lint(&["Line\\Services\\a", "line\\Services\\b"]);
        assert_eq!(
            found,
            ["info a.reg:3:2 the profile `Line` has no service `*`"]
        );
    }

    #[test]
    fn a_wildcard_the_inbox_profile_and_other_settings_pass() {
        assert!(lint(&["Line\\Services\\a", "LINE\\Services\\*"]).is_empty());
        assert!(lint(&["Default\\Services\\a"]).is_empty());
        assert!(lint(&["Line\\USBFN\\a"]).is_empty());
    }
}
