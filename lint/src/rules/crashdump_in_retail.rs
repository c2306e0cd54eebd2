use formats::document::registry::RegistryData;

use crate::constraints;
use crate::diagnostic::Level;
use crate::facts::Facts;
use crate::facts::system::System;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail image writes crash dumps
    ///
    /// ## What it checks
    /// No retail image switches crash dumps on: `CrashDumpEnabled` other than 0 or a `DedicatedDumpFile` below
    /// `HKLM\SYSTEM\CurrentControlSet\Control\CrashControl`, or one of the features `DEDICATEDDUMP...` and
    /// `DUMPSIZE...`. On Windows 10 Mobile it is an error, elsewhere a warning.
    ///
    /// ## Why
    /// A dump holds the memory of the device, with whatever its user had in it, and takes space. The documents say that
    /// the dump features must not be used in retail images of phones, and recommend for IoT Core that a crash restarts
    /// the device silently.
    ///
    /// ## Passes
    /// ```xml
    /// <regValue name="AutoReboot" type="REG_DWORD" value="00000001" />
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <regValue name="CrashDumpEnabled" type="REG_DWORD" value="00000001" />
    /// ```
    ///
    /// ## Fix
    /// Leave the setting away, or set `CrashDumpEnabled` to 0.
    ///
    /// ## References
    /// - IoT Core, "OS customizations": Crash settings
    /// - Windows 10 Mobile, "Optional features for building mobile images": Debug related features
    struct CrashdumpInRetail;
    id: "crashdump-in-retail",
    authority: "Microsoft, Optional features for building mobile images",
    clause: "Debug related features",
    images: [Retail],
    input: Registry,
    level: Error,
    since: "0.1.0",
}

/// Where crash dumps are set up.
const KEY: &str = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\CrashControl";

impl Rule for CrashdumpInRetail {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let products = facts.products.iter();
        for product in products.filter(|product| product.system() != Some(System::IotCore)) {
            constraints::check(RULE.id, product, "in a retail image", report);
        }
        for file in facts.registry() {
            let systems = facts.systems_of(file.path());
            for value in file.values() {
                let name = value.name.value.to_lowercase();
                let is_set = match name.as_str() {
                    "crashdumpenabled" => {
                        !matches!(value.data(), Ok(RegistryData::Number(0)) | Err(_))
                    }
                    "dedicateddumpfile" => !value.written.value.trim_matches('"').is_empty(),
                    _ => false,
                };
                if !is_set || !value.resolved().is_some_and(|key| key.is(KEY)) {
                    continue;
                }
                let message = format!(
                    "`{}` is `{}` in a retail image",
                    value.name.value, value.written.value
                );
                let finding = report.at(value.data_place(), message);
                finding.help("leave the value away, or set `CrashDumpEnabled` to 0");
                finding.fix(value.switched_off());
                if !systems.contains(&System::Mobile) {
                    finding.at_most(Level::Warning);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::image::ImageType;
    use crate::resolve::ResolveOptions;
    use crate::testing::{fixed, lint_one, oem_input, product, run, wm_registry, workspace_with};

    const RULE: &str = "crashdump-in-retail";

    fn lint(files: &[(&str, String)]) -> Vec<String> {
        let image = Some(ImageType::Retail);
        let options = ResolveOptions {
            image,
            ..ResolveOptions::default()
        };
        run(RULE, &workspace_with(files, &options))
    }

    #[test]
    fn dumps_are_a_warning_where_the_system_is_not_a_phones() {
        let value = |name: &str, data: &str| {
            let value =
                format!("\n<regValue name=\"{name}\" type=\"REG_DWORD\" value=\"{data}\"/>");
            lint(&[(
                "A.wm.xml",
                wm_registry(r"$(hklm.control)\CrashControl", &value),
            )])
        };
        let found = value("CrashDumpEnabled", "00000003").concat();
        assert!(
            found.starts_with("warning A.wm.xml:2:59 `CrashDumpEnabled` is `00000003`"),
            "{found}"
        );
        assert!(value("CrashDumpEnabled", "0").is_empty() && value("AutoReboot", "1").is_empty());
        let other = wm_registry(
            r"$(hklm.software)\CrashControl",
            r#"<regValue name="CrashDumpEnabled" type="REG_DWORD" value="1"/>"#,
        );
        assert!(lint(&[("A.wm.xml", other)]).is_empty());
    }

    #[test]
    fn numbers_become_zero_and_the_file_of_the_dump_a_comment() {
        let fix = |name: &str, kind: &str, data: &str| {
            let value = format!("<regValue name=\"{name}\" type=\"{kind}\" value=\"{data}\"/>");
            let wm = wm_registry(r"$(hklm.control)\CrashControl", &value);
            let retail = "<ReleaseType>Production</ReleaseType>";
            fixed(RULE, &product(retail, &[("A", wm)]), "A/A.wm.xml")
        };
        assert!(fix("CrashDumpEnabled", "REG_DWORD", "0x00000003").contains("\"0x00000000\""));
        let comment = "<!-- regValue name=\"DedicatedDumpFile\"";
        assert!(fix("DedicatedDumpFile", "REG_SZ", "D:\\dump").contains(comment));
    }

    #[test]
    fn features_are_errors_on_phones() {
        let features =
            "<Features><Microsoft>\n<Feature>DUMPSIZE4G</Feature></Microsoft></Features>";
        let input = oem_input(&format!("<ReleaseType>Production</ReleaseType>{features}"));
        let found = lint_one(RULE, &[("OEMInput.xml", input)]).concat();
        assert_eq!(
            found,
            "error OEMInput.xml:2:10 `DUMPSIZE4G` in a retail image"
        );
    }
}
