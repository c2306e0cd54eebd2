use crate::facts::Facts;
use crate::facts::manufacturing::profiles;
use crate::rule::{Report, Rule, declare_rule};

/// The profile that the system makes of the active one.
const RESERVED: &str = "Current";

declare_rule! {
    /// A manufacturing profile is called `Current`
    ///
    /// ## What it checks
    /// No key directly below `HKLM\SYSTEM\CurrentControlSet\Control\ManufacturingMode` is called `Current`, in any case.
    ///
    /// ## Why
    /// The name is reserved: the system keeps the profile that is active under it. What a package writes there may be
    /// overwritten, or mixed into another profile.
    ///
    /// ## Passes
    /// ```text
    /// [HKEY_LOCAL_MACHINE\System\CurrentControlSet\Control\ManufacturingMode\FinalAssembly]
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// [HKEY_LOCAL_MACHINE\System\CurrentControlSet\Control\ManufacturingMode\current]
    /// ```
    ///
    /// ## Fix
    /// Give the profile a name of its own and name it in the boot option.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Manufacturing Mode": Manufacturing profiles
    struct MfgProfileReservedCurrent;
    id: "mfg-profile-reserved-current",
    authority: "Microsoft, Windows 10 Mobile manufacturing mode",
    clause: "Manufacturing profiles",
    images: All,
    input: Registry,
    level: Error,
    since: "0.1.0",
}

impl Rule for MfgProfileReservedCurrent {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for (key, name) in facts.registry().flat_map(profiles) {
            if name.eq_ignore_ascii_case(RESERVED) {
                let message = format!("the profile `{name}` has the reserved name `{RESERVED}`");
                report
                    .at(key.name_place(&name), message)
                    .help("give the profile a name of its own; the system keeps the active one under this");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, pkg_registry, reg_file};

    const RULE: &str = "mfg-profile-reserved-current";
    const START: &str = r#"<RegValue Name="Start" Type="REG_DWORD" Value="2"/>"#;

    #[test]
    fn the_name_is_reserved_in_any_case_and_told_once_a_file() {
        let base = r"HKLM\system\ControlSet001\control\manufacturingmode";
        let lines =
            format!("[{base}\\CURRENT]\n[{base}\\current\\Services\\x]\n[{base}\\Currents]");
        let found = lint_one(RULE, &[("a.reg", reg_file(&lines))]);
        assert_eq!(
            found,
            ["error a.reg:3:54 the profile `CURRENT` has the reserved name `Current`"]
        );
    }

    #[test]
    fn nested_macros_are_seen_through_and_deleted_keys_are_no_profiles() {
        let macros = [
            ("Mode", r"$(hklm.control)\ManufacturingMode"),
            ("Services", r"$(Mode)\Current\Services"),
        ];
        let text = pkg_registry(&macros, r"$(Services)\*", START);
        assert_eq!(lint_one(RULE, &[("a.pkg.xml", text)]).len(), 1);
        let lines = r"[-HKLM\System\CurrentControlSet\Control\ManufacturingMode\Current]";
        assert!(lint_one(RULE, &[("a.reg", reg_file(lines))]).is_empty());
    }
}
