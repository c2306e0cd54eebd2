use crate::facts::Facts;
use crate::facts::manufacturing::{WILDCARD, profile_keys};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A manufacturing profile uses `*` as a part of a service name
    ///
    /// ## What it checks
    /// A service in a manufacturing profile is named in full, or the name is `*` and nothing else.
    ///
    /// ## Why
    /// Only a lone `*` is defined: it stands for all Win32 services. `OEM*` is a service of that very name, which does not
    /// exist, so the line has no effect. This reading is an inference; the source defines the lone `*` and no pattern.
    ///
    /// ## Passes
    /// ```text
    /// [HKEY_LOCAL_MACHINE\System\CurrentControlSet\Control\ManufacturingMode\FinalAssembly\Services\*]
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// [HKEY_LOCAL_MACHINE\System\CurrentControlSet\Control\ManufacturingMode\FinalAssembly\Services\OEM*]
    /// ```
    ///
    /// ## Fix
    /// Write one key for each service.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Manufacturing Mode": Manufacturing profiles
    struct MfgWildcardPartial;
    id: "mfg-wildcard-partial",
    authority: "Microsoft, Windows 10 Mobile manufacturing mode",
    clause: "Manufacturing profiles",
    images: All,
    input: Registry,
    level: Error,
    since: "0.1.0",
}

impl Rule for MfgWildcardPartial {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for (key, profile_key) in facts.registry().flat_map(profile_keys) {
            let service = profile_key.service().unwrap_or_default();
            if service.contains(WILDCARD) && service != WILDCARD {
                let message = format!(
                    "the service name `{service}` holds `*`, expected a full name or `*` alone"
                );
                report
                    .at(key.name_place(service), message)
                    .help("write one key for each service that is meant");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::facts::manufacturing::PROFILES;
    use crate::testing::{lint_one, reg_file};

    fn lint(below: &str) -> Vec<String> {
        let lines = format!("[{PROFILES}\\{below}]");
        lint_one("mfg-wildcard-partial", &[("a.reg", reg_file(&lines))])
    }

    #[test]
    fn a_lone_star_and_full_names_pass() {
        for below in [
            r"P\Services\*",
            r"P\Services\FactoryTest",
            r"P\Services",
            r"P\Other\x*",
        ] {
            assert!(lint(below).is_empty(), "{below}");
        }
    }

    #[test]
    fn a_star_in_a_name_is_found_at_the_name() {
        for name in ["OEM*", "*Svc", "**"] {
            let found = lint(&format!(r"P\Services\{name}")).concat();
            let column = PROFILES.len() + 14;
            assert!(
                found.starts_with(&format!("error a.reg:3:{column} ")),
                "{found}"
            );
        }
    }
}
