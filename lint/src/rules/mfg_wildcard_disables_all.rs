use crate::facts::Facts;
use crate::facts::manufacturing::{AUTOMATIC, DISABLED, WILDCARD, profiles_of};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A manufacturing profile disables all services and starts none
    ///
    /// ## What it checks
    /// A profile whose service `*` has the start type 4 (disabled) names at least one service with the start type 2
    /// (automatic). All packages of a product are taken together.
    ///
    /// ## Why
    /// With everything disabled and nothing started the device comes up in manufacturing mode and does nothing, the
    /// services that the default profile starts included. That nothing works then is an inference.
    ///
    /// ## Passes
    /// ```text
    /// [HKEY_LOCAL_MACHINE\System\CurrentControlSet\Control\ManufacturingMode\FinalAssembly\Services\*]
    /// "Start"=dword:00000003
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// [HKEY_LOCAL_MACHINE\System\CurrentControlSet\Control\ManufacturingMode\FinalAssembly\Services\*]
    /// "Start"=dword:00000004
    /// ```
    ///
    /// ## Fix
    /// Name the services that the line needs with the start type 2, or set `*` to 3 (on demand).
    ///
    /// ## References
    /// - Windows 10 Mobile, "Manufacturing Mode": Manufacturing profiles
    struct MfgWildcardDisablesAll;
    id: "mfg-wildcard-disables-all",
    authority: "Microsoft, Windows 10 Mobile manufacturing mode",
    clause: "Manufacturing profiles",
    images: All,
    input: Registry,
    level: Warning,
    since: "0.1.0",
}

impl Rule for MfgWildcardDisablesAll {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for scope in facts.registry_scopes() {
            for (_, profile) in profiles_of(scope) {
                let services = profile.services.iter();
                if services
                    .clone()
                    .any(|service| service.start == Some(AUTOMATIC))
                {
                    continue;
                }
                let wildcards = services.filter(|service| service.name == WILDCARD);
                let disabled = wildcards.filter(|service| service.start == Some(DISABLED));
                for service in disabled.filter(|service| facts.is_judged(service.at.source.name()))
                {
                    let message = format!(
                        "`*` of `{}` disables all services and none is started",
                        profile.name
                    );
                    report.at(service.at.data_place(), message).help(
                        "name the services that are needed with 2, or set `*` to 3 (on demand)",
                    );
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::facts::manufacturing::PROFILES;
    use crate::testing::{lint_one, reg_file};

    fn lint(services: &[(&str, u8)]) -> Vec<String> {
        let key = |(name, start): &(&str, u8)| {
            format!("[{PROFILES}\\P\\Services\\{name}]\n\"Start\"=dword:{start}\n")
        };
        let lines: String = services.iter().map(key).collect();
        lint_one("mfg-wildcard-disables-all", &[("a.reg", reg_file(&lines))])
    }

    #[test]
    fn everything_disabled_and_nothing_started_is_found() {
        let found = lint(&[("*", 4), ("a", 3)]);
        assert_eq!(
            found,
            ["warning a.reg:4:9 `*` of `P` disables all services and none is started"]
        );
        assert!(lint(&[("*", 4), ("a", 2)]).is_empty());
        assert!(lint(&[("*", 3)]).is_empty());
        assert!(lint(&[("a", 4)]).is_empty());
    }
}
