use crate::constraints;
use crate::facts::Facts;
use crate::facts::boot::MANUFACTURING_MODE;
use crate::facts::system::System;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail image starts in manufacturing mode, or has its tools
    ///
    /// ## What it checks
    /// No boot configuration of a retail image of Windows 10 Mobile has a `Manufacturing Mode` element, and the image
    /// selects none of `MFGMODEBCD`, `BCDEDIT` and `MFGDEVTOOLS`. `MFGTSHELL`, `MFGTELNETFTP` and `MOBILECOREBOOTSH`
    /// are information only.
    ///
    /// ## Why
    /// With the element the device starts in manufacturing mode wherever it is. The table of features says that boot
    /// entry and tools have to go before the device leaves the factory; TShell, Telnet and FTP may stay for servicing,
    /// because they run in manufacturing mode only.
    ///
    /// ## Passes
    /// ```xml
    /// <!-- Feature>MFGMODEBCD</Feature -->
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <WellKnownType>Manufacturing Mode</WellKnownType>
    /// <StringValue>FinalAssembly</StringValue>
    /// ```
    ///
    /// ## Fix
    /// Take the element or feature out of the retail image. The fix comments it out.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Optional features for Manufacturing Mode"
    /// - Windows 10 Mobile, "Enable or Disable Manufacturing Mode"
    struct MfgModeBcdInRetail;
    id: "mfg-mode-bcd-in-retail",
    authority: "Microsoft, Optional features for Manufacturing Mode",
    clause: "Table of features",
    images: [Retail],
    input: BootConfiguration,
    level: Error,
    since: "0.1.0",
}

impl Rule for MfgModeBcdInRetail {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let products = facts.products.iter();
        for product in products.filter(|product| product.system() != Some(System::IotCore)) {
            constraints::check(RULE.id, product, "in a retail image", report);
        }
        for setting in facts.boot_settings() {
            if setting.is(MANUFACTURING_MODE) {
                let message = "a retail image starts in manufacturing mode";
                report
                    .at(setting.value_place(), message)
                    .help("take the element out; firmware can choose the mode at boot instead")
                    .fix(setting.comment_out(MANUFACTURING_MODE));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::image::ImageType;
    use crate::resolve::ResolveOptions;
    use crate::testing::{boot_setting, lint_one, oem_input, run, workspace_with};

    const RULE: &str = "mfg-mode-bcd-in-retail";

    #[test]
    fn the_boot_setting_is_found_in_retail_images() {
        let files = [(
            "A.BCD.xml",
            boot_setting("Manufacturing Mode", "<StringValue>P</StringValue>"),
        )];
        let lint = |image| {
            let options = ResolveOptions {
                image: Some(image),
                ..ResolveOptions::default()
            };
            run(RULE, &workspace_with(&files, &options))
        };
        let found = lint(ImageType::Retail);
        assert_eq!(
            found,
            ["error A.BCD.xml:3:14 a retail image starts in manufacturing mode"]
        );
        assert!(lint(ImageType::Test).is_empty());
    }

    #[test]
    fn tools_are_errors_but_for_those_that_may_stay() {
        let features =
            "<Microsoft>\n<Feature>BCDEDIT</Feature><Feature>MFGTSHELL</Feature></Microsoft>";
        let input = format!("<ReleaseType>Production</ReleaseType><Features>{features}</Features>");
        let found = lint_one(RULE, &[("OEMInput.xml", oem_input(&input))]);
        assert!(found[0].starts_with("error OEMInput.xml:2:10 `BCDEDIT` in a retail image"));
        assert!(found[1].starts_with("info "), "{found:?}");
    }
}
