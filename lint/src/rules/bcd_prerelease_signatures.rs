use crate::diagnostic::{Fix, Level};
use crate::facts::Facts;
use crate::facts::boot::{BootAt, NO_INTEGRITY_CHECKS, PRERELEASE_SIGNATURES};
use crate::facts::version::OsBuild;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail image lets the boot loader accept test signatures
    ///
    /// ## What it checks
    /// No boot configuration of a retail image switches `Allow Pre-release Signatures` or `Disable Integrity Checks`
    /// on. A configuration beside a package definition counts when a definition names it. The first is a warning where
    /// the image has `SEC_SECUREBOOT` and an OS from 17763.1577 on is given as `OSVERSION`.
    ///
    /// ## Why
    /// With this setting the device runs what is signed with a test certificate, whose keys are published. The sources
    /// disagree: the add-on kit from version 7 on ships it in `CUSTOM_BCD` and says that the first boot needs it until
    /// secure boot is configured, after which the firmware overrides it.
    ///
    /// ## Passes
    /// ```xml
    /// <WellKnownType>Allow Pre-release Signatures</WellKnownType>
    /// <BooleanValue>false</BooleanValue>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <WellKnownType>Allow Pre-release Signatures</WellKnownType>
    /// <BooleanValue>true</BooleanValue>
    /// ```
    ///
    /// ## Fix
    /// Take the element out of the boot configuration of retail images, or select the package in test images only.
    ///
    /// ## References
    /// - Microsoft, "BCDEdit /set": testsigning
    /// - iot-adk-addonkit, README of the tools: secure boot
    struct BcdPrereleaseSignatures;
    id: "bcd-prerelease-signatures",
    authority: "Microsoft, IoT Core manufacturing guide",
    clause: "Retail and test images: signing",
    images: [Retail],
    input: BootConfiguration,
    level: Error,
    since: "0.1.0",
}

/// The first OS on which the kit relies on secure boot to override the setting.
const WITH_SECURE_BOOT: OsBuild = OsBuild {
    build: 17763,
    revision: 1577,
};

impl Rule for BcdPrereleaseSignatures {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let os = facts.workspace.os_build();
        for setting in facts.boot_settings().filter(BootAt::is_on) {
            let path = setting.file.path();
            let mut owners = facts.owners(path);
            let is_overridden = os.is_some_and(|os| os >= WITH_SECURE_BOOT)
                && owners.clone().next().is_some()
                && owners.all(|product| product.feature("SEC_SECUREBOOT").is_some());
            for kind in [PRERELEASE_SIGNATURES, NO_INTEGRITY_CHECKS] {
                if !setting.is(kind) {
                    continue;
                }
                let message = format!("`{}` is on in a retail image", kind.name);
                let finding = report.at(setting.value_place(), message);
                finding
                    .help("switch it off, or keep the package out of retail images")
                    .fix(setting.comment_out(kind).map(Fix::as_guess));
                if is_overridden && kind == PRERELEASE_SIGNATURES {
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
    use crate::testing::{boot_setting, product, run, wm_xml, workspace_with};

    const RULE: &str = "bcd-prerelease-signatures";
    const ON: &str = "<BooleanValue>true</BooleanValue>";

    fn alone(name: &str, value: &str) -> Vec<String> {
        let image = Some(ImageType::Retail);
        let options = ResolveOptions {
            image,
            ..ResolveOptions::default()
        };
        run(
            RULE,
            &workspace_with(&[("A.BCD.xml", boot_setting(name, value))], &options),
        )
    }

    #[test]
    fn the_switch_is_found_by_name_and_only_when_it_is_on() {
        let found = alone("allow pre-release signatures", ON);
        let message = "`Allow Pre-release Signatures` is on in a retail image";
        assert_eq!(found, [format!("error A.BCD.xml:3:15 {message}")]);
        assert_eq!(alone("Disable Integrity Checks", ON).len(), 1);
        assert!(
            alone(
                "Allow Pre-release Signatures",
                "<BooleanValue>false</BooleanValue>"
            )
            .is_empty()
        );
        assert!(alone("Allow Flight Signatures", ON).is_empty());
    }

    #[test]
    fn secure_boot_on_a_later_os_makes_it_a_warning_and_an_unused_file_does_not_count() {
        let lint = |store: &str, os: &str| {
            let input = "<ReleaseType>Production</ReleaseType><Features><OEM><Feature>SEC_SECUREBOOT</Feature></OEM></Features>";
            let mut files = product(input, &[("A", wm_xml("A", store))]);
            files.push((
                "A/A.BCD.xml".into(),
                boot_setting("Allow Pre-release Signatures", ON),
            ));
            let defines = vec![("OSVERSION".into(), os.into())];
            let options = ResolveOptions {
                defines,
                ..ResolveOptions::default()
            };
            run(RULE, &workspace_with(&files, &options)).concat()
        };
        let store = r#"<bcdStore source=".\a.bcd.xml"/>"#;
        assert!(lint(store, "10.0.17763.1577").starts_with("warning "));
        assert!(lint(store, "10.0.17763.107").starts_with("error "));
        assert_eq!(lint("", "10.0.17763.107"), "");
    }
}
