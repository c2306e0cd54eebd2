use std::collections::BTreeSet;

use crate::facts::Facts;
use crate::facts::manufacturing::{SERVICE_KEY, misplacement};
use crate::facts::registry::RegistryFile;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A key of a manufacturing profile is not where the system looks for it
    ///
    /// ## What it checks
    /// Profiles are keys directly below `HKLM\SYSTEM\CurrentControlSet\Control\ManufacturingMode`, and the start type of a
    /// service is set in `<profile>\Services\<service>`, in package definitions and `.reg` files alike. Other keys below
    /// a profile, such as settings of USB, are not judged unless they hold a `Start`.
    ///
    /// ## Why
    /// The system looks for the profile and its services at these levels only. A line one level off is not read, and the
    /// service starts as it does outside of manufacturing mode.
    ///
    /// ## Passes
    /// ```xml
    /// <RegKey KeyName="$(hklm.control)\ManufacturingMode\FinalAssembly\Services\LineTest">
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <RegKey KeyName="$(hklm.control)\ManufacturingMode\Services\LineTest">
    /// <RegKey KeyName="$(hklm.system)\ManufacturingMode\FinalAssembly\Services\LineTest">
    /// ```
    ///
    /// ## Fix
    /// Write the key with all its levels.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Manufacturing Mode": Manufacturing profiles
    struct MfgProfileKey;
    id: "mfg-profile-key",
    authority: "Microsoft, Windows 10 Mobile manufacturing mode",
    clause: "Manufacturing profiles",
    images: All,
    input: Registry,
    level: Error,
    since: "0.1.0",
}

impl Rule for MfgProfileKey {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for file in facts.registry() {
            check(file, report);
        }
    }
}

fn check(file: RegistryFile<'_>, report: &mut Report) {
    let starts = file
        .values()
        .filter(|value| value.name.value.eq_ignore_ascii_case("Start"));
    let starts: BTreeSet<usize> = starts.map(|value| value.key.span.start).collect();
    for key in file.keys().filter(|key| !key.deleted) {
        let Some(resolved) = key.resolved() else {
            continue;
        };
        let has_start = starts.contains(&key.key.span.start);
        if let Some(what) = misplacement(&resolved, has_start) {
            let message = format!("`{}`: {what}, expected `{SERVICE_KEY}`", key.key.value);
            let help = format!("write the key as `{SERVICE_KEY}`");
            report.at(key.place(), message).help(help);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::facts::manufacturing::PROFILES;
    use crate::testing::{lint_one, pkg_registry, reg_file};

    fn lint(key: &str) -> Vec<String> {
        let lines = format!("[{key}]\n\"Start\"=dword:00000002");
        lint_one("mfg-profile-key", &[("a.reg", reg_file(&lines))])
    }

    #[test]
    fn services_of_profiles_and_other_settings_pass() {
        for below in [
            r"P\Services\Svc",
            r"P\services\*",
            r"Services\Services\Svc",
            r"$(P)\Services\Svc",
        ] {
            assert!(lint(&format!(r"{PROFILES}\{below}")).is_empty(), "{below}");
        }
        let lines =
            format!("[{PROFILES}]\n[{PROFILES}\\P\\USBFN\\Default]\n\"InterfaceList\"=hex(7):00");
        assert!(lint_one("mfg-profile-key", &[("a.reg", reg_file(&lines))]).is_empty());
        assert!(lint(r"HKLM\Software\Vendor\ManufacturingMode\Log").is_empty());
    }

    #[test]
    fn levels_that_are_missing_or_too_many_are_found() {
        let cases = [
            (r"Services\Svc", "the profile is missing"),
            (
                r"P\Group\Services\Svc",
                "`Services` is not directly below the profile",
            ),
            (r"P\Svc", "`Start` is not below `Services`"),
            (r"P", "`Start` is not below `Services`"),
            (r"P\Services", "the service is missing"),
            (
                r"P\Services\Group\Svc",
                "the service is not directly below `Services`",
            ),
        ];
        for (below, what) in cases {
            let found = lint(&format!(r"{PROFILES}\{below}")).concat();
            assert!(
                found.starts_with("error a.reg:3:2 ") && found.contains(what),
                "{found}"
            );
        }
    }

    #[test]
    fn profiles_under_another_key_are_found() {
        for key in [
            r"HKLM\SYSTEM\CurrentControlSet\ManufacturingMode\P\Services\Svc",
            r"HKLM\SYSTEM\ManufacturingMode\P",
            r"HKLM\SOFTWARE\Microsoft\ManufacturingMode\P\Services\*",
        ] {
            assert!(
                lint(key)
                    .concat()
                    .contains("`ManufacturingMode` is not below"),
                "{key}"
            );
        }
        let start = r#"<RegValue Name="Start" Type="REG_DWORD" Value="2"/>"#;
        let text = pkg_registry(
            &[],
            r"$(hklm.services)\ManufacturingMode\P\Services\S",
            start,
        );
        assert_eq!(lint_one("mfg-profile-key", &[("a.pkg.xml", text)]).len(), 1);
    }
}
