use formats::document::registry::{RegistryData, RegistryType};

use crate::facts::Facts;
use crate::facts::manufacturing::profile_values;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// `Start` of a service in a manufacturing profile is no `REG_DWORD` of 2, 3 or 4
    ///
    /// ## What it checks
    /// The value `Start` below `<profile>\Services\<service>` of a manufacturing profile is a `REG_DWORD` of 2 (start
    /// automatically), 3 (start on demand) or 4 (disabled).
    ///
    /// ## Why
    /// The service control manager knows these three start types for services. 0 and 1 are for drivers that the boot
    /// loader and the kernel start, and text is not read at all.
    ///
    /// ## Passes
    /// ```xml
    /// <RegKey KeyName="$(hklm.control)\ManufacturingMode\FinalAssembly\Services\LineTest">
    ///   <RegValue Name="Start" Type="REG_DWORD" Value="00000002" />
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <RegValue Name="Start" Type="REG_SZ" Value="Auto" />
    /// <RegValue Name="Start" Type="REG_DWORD" Value="00000001" />
    /// ```
    ///
    /// ## Fix
    /// Write a `REG_DWORD` of `00000002`, `00000003` or `00000004`.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Manufacturing Mode": Manufacturing profiles (2 and 3)
    /// - Windows 10 Mobile, "Create a custom manufacturing profile package" (4)
    struct MfgServiceStartValue;
    id: "mfg-service-start-value",
    authority: "Microsoft, Windows 10 Mobile manufacturing mode",
    clause: "Manufacturing profiles",
    images: All,
    input: Registry,
    level: Error,
    since: "0.1.0",
}

impl Rule for MfgServiceStartValue {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for (value, key) in facts.registry().flat_map(profile_values) {
            let Some(service) = key.service() else {
                continue;
            };
            let written = value.written.value.as_str();
            if !value.name.value.eq_ignore_ascii_case("Start") || written.contains("$(") {
                continue;
            }
            let help = "write a `REG_DWORD` of 2 (automatic), 3 (on demand) or 4 (disabled)";
            if value.kind.value != RegistryType::Dword {
                let kind = value.kind_text();
                let message = format!("`Start` of `{service}` is {kind}, expected `REG_DWORD`");
                report.at(value.type_place(), message).help(help);
            } else if !matches!(value.data(), Ok(RegistryData::Number(2..=4))) {
                let message = format!("`Start` of `{service}` is `{written}`, expected 2, 3 or 4");
                report.at(value.data_place(), message).help(help);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::facts::manufacturing::PROFILES;
    use crate::testing::{lint_one, reg_file, wm_registry};

    const RULE: &str = "mfg-service-start-value";

    fn lint(below: &str, value: &str) -> Vec<String> {
        let lines = format!("[{PROFILES}\\{below}]\n{value}");
        lint_one(RULE, &[("a.reg", reg_file(&lines))])
    }

    #[test]
    fn the_three_start_types_pass() {
        for value in [
            "\"Start\"=dword:00000002",
            "\"start\"=dword:4",
            "\"Start\"=hex(4):03,00,00,00",
        ] {
            assert!(lint(r"P\Services\*", value).is_empty(), "{value}");
        }
    }

    #[test]
    fn driver_start_types_texts_and_what_is_no_number_are_found() {
        let found = lint(r"P\services\Svc", "\"Start\"=dword:00000001").concat();
        assert!(found.starts_with("error a.reg:4:9 "), "{found}");
        assert!(found.ends_with("`Start` of `Svc` is `dword:00000001`, expected 2, 3 or 4"));
        let found = lint(r"P\Services\Svc", "\"Start\"=\"2\"").concat();
        assert!(
            found.ends_with("is `REG_SZ`, expected `REG_DWORD`"),
            "{found}"
        );
        let value = r#"<regValue name="Start" type="REG_DWORD" value="Auto"/>"#;
        let text = wm_registry(r"$(hklm.control)\ManufacturingMode\P\Services\S", value);
        assert_eq!(lint_one(RULE, &[("A.wm.xml", text)]).len(), 1);
    }

    #[test]
    fn other_values_and_keys_that_are_no_services_are_not_judged() {
        assert!(lint(r"P\Services\Svc", "\"Type\"=\"x\"").is_empty());
        assert!(lint(r"P\Settings\Svc", "\"Start\"=\"x\"").is_empty());
    }
}
