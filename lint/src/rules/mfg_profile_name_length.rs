use crate::facts::Facts;
use crate::facts::manufacturing::{is_hidden, profiles};
use crate::rule::{Report, Rule, declare_rule};

/// The first length that is too long, in UTF-16 units as the registry counts.
const TOO_LONG: usize = 64;

declare_rule! {
    /// The name of a manufacturing profile has 64 or more characters
    ///
    /// ## What it checks
    /// The name of every key directly below `HKLM\SYSTEM\CurrentControlSet\Control\ManufacturingMode` has less than 64
    /// characters.
    ///
    /// ## Why
    /// Profile names have to be shorter than that. A profile with a longer one cannot be relied on to become active.
    ///
    /// ## Passes
    /// ```text
    /// [HKEY_LOCAL_MACHINE\System\CurrentControlSet\Control\ManufacturingMode\FinalAssembly]
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// [HKEY_LOCAL_MACHINE\System\CurrentControlSet\Control\ManufacturingMode\FinalAssemblyAndFunctionalTestOfTheSecondProductionLineInTurku2026]
    /// ```
    ///
    /// ## Fix
    /// Choose a shorter name, in the registry and in the boot option that names it.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Manufacturing Mode": Manufacturing profiles
    struct MfgProfileNameLength;
    id: "mfg-profile-name-length",
    authority: "Microsoft, Windows 10 Mobile manufacturing mode",
    clause: "Manufacturing profiles",
    images: All,
    input: Registry,
    level: Error,
    since: "0.1.0",
}

impl Rule for MfgProfileNameLength {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for (key, name) in facts.registry().flat_map(profiles) {
            let length = name.encode_utf16().count();
            if length < TOO_LONG || is_hidden(&name) {
                continue;
            }
            report
                .at(
                    key.name_place(&name),
                    format!(
                        "the profile name has {length} characters, expected less than {TOO_LONG}"
                    ),
                )
                .help("choose a shorter name for the profile");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::facts::manufacturing::PROFILES;
    use crate::testing::{lint_one, reg_file};

    fn lint(name: &str) -> Vec<String> {
        let lines = format!("[{PROFILES}\\{name}]\n[{PROFILES}\\{name}\\Services]");
        lint_one("mfg-profile-name-length", &[("a.reg", reg_file(&lines))])
    }

    #[test]
    fn sixty_four_characters_are_too_many_and_told_once() {
        assert!(lint(&"ü".repeat(63)).is_empty());
        let found = lint(&"ü".repeat(64));
        let column = PROFILES.len() + 3;
        let start = format!("error a.reg:3:{column} the profile name has 64 characters");
        assert!(
            found.len() == 1 && found[0].starts_with(&start),
            "{found:?}"
        );
    }

    #[test]
    fn a_name_that_a_macro_hides_is_not_judged() {
        assert!(lint(&format!("$({})", "x".repeat(64))).is_empty());
    }
}
