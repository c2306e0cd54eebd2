use crate::facts::Facts;
use crate::facts::location::consents;
use crate::facts::system::System;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A package of a phone sets the location consent values of IoT Core
    ///
    /// ## What it checks
    /// Packages of Windows 10 Mobile and of its manufacturing OS do not set `InitSystemGlobalConsentDenied` or
    /// `InitUserGlobalConsentDenied`. A package that IoT Core uses as well is left out.
    ///
    /// ## Why
    /// The two values are for IoT Core only. On a phone its user decides about location, and nothing reads them.
    ///
    /// ## Passes
    /// ```xml
    /// <!-- no such value in a package of a phone -->
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <RegValue Name="InitUserGlobalConsentDenied" Type="REG_DWORD" Value="00000000" />
    /// ```
    ///
    /// ## Fix
    /// Take the values out of the package.
    ///
    /// ## References
    /// - IoT Core manufacturing guide, introduction: "This only applies to IoT Core"
    struct LocationOnMobile;
    id: "location-on-mobile",
    authority: "Microsoft, IoT Core manufacturing guide",
    clause: "Introduction, location services",
    images: All,
    input: Registry,
    level: Warning,
    since: "0.1.0",
}

impl Rule for LocationOnMobile {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for file in facts.registry() {
            let mut found = consents(file).peekable();
            if found.peek().is_none() {
                continue;
            }
            let systems = facts.systems_of(file.path());
            if systems.is_empty() || systems.contains(&System::IotCore) {
                continue;
            }
            for consent in found {
                let message = format!(
                    "`{}` in a package of a phone, it is for IoT Core only",
                    consent.name
                );
                report
                    .at(consent.value.place(), message)
                    .help("take the value out of the package");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::facts::location::DEFINITION_KEY;
    use crate::testing::{lint_one, product, wm_registry};

    fn lint(input: &str) -> Vec<String> {
        let value =
            "\n<regValue name=\"InitUserGlobalConsentDenied\" type=\"REG_DWORD\" value=\"0\"/>";
        let package = wm_registry(DEFINITION_KEY, value);
        lint_one(
            "location-on-mobile",
            &product(
                &format!("<ReleaseType>Test</ReleaseType>{input}"),
                &[("A", package)],
            ),
        )
    }

    #[test]
    fn packages_of_phones_are_found_and_those_of_iot_core_and_of_nobody_pass() {
        let found = lint("").concat();
        let message =
            "`InitUserGlobalConsentDenied` in a package of a phone, it is for IoT Core only";
        assert_eq!(found, format!("warning A/A.wm.xml:2:1 {message}"));
        assert_eq!(lint("<Product>Manufacturing OS</Product>").len(), 1);
        assert!(lint("<Product>Windows 10 IoT Core</Product>").is_empty());
        let value = r#"<regValue name="InitUserGlobalConsentDenied" type="REG_DWORD" value="0"/>"#;
        let alone = [("A.wm.xml", wm_registry(DEFINITION_KEY, value))];
        assert!(lint_one("location-on-mobile", &alone).is_empty());
    }
}
