use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// One provisioning package installs several apps
    ///
    /// ## What it checks
    /// A `customizations.xml` has at most one `Application` in `UniversalAppInstall`.
    ///
    /// ## Why
    /// The add-on kit looks at the first app of a provisioning package only: it takes the name, the certificate and the
    /// dependencies from that one.
    ///
    /// ## Passes
    /// One `customizations.xml` for each app, in a package of its own.
    ///
    /// ## Fails
    /// `<UserContextApp><Application .../><Application .../></UserContextApp>`
    ///
    /// ## Fix
    /// Make a package for each app.
    ///
    /// ## References
    /// - iot-adk-addonkit, class `IoTProvisioningXML`
    struct MultipleUniversalAppInstall;
    id: "multiple-universal-app-install",
    authority: "iot-adk-addonkit",
    clause: "IoTProvisioningXML: apps",
    images: All,
    input: Provisioning,
    level: Error,
    since: "0.1.0",
}

impl Rule for MultipleUniversalAppInstall {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for file in &facts.documents.customizations {
            if let [first, second, ..] = file.applications.as_slice() {
                report
                    .at(
                        file.place(second.element, second.route.clone()),
                        format!(
                            "{} apps in one provisioning package",
                            file.applications.len()
                        ),
                    )
                    .also(file.place(first.element, first.route.clone()), "the first")
                    .help("make a package for each app");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{customizations, lint_one};

    #[test]
    fn one_app_a_package() {
        let lint = |apps: &str| {
            let install = format!(
                "<UniversalAppInstall><UserContextApp>{apps}</UserContextApp></UniversalAppInstall>"
            );
            lint_one(
                "multiple-universal-app-install",
                &[("customizations.xml", customizations(&install))],
            )
        };
        assert!(lint("\n<Application/>").is_empty());
        assert_eq!(
            lint("\n<Application/>\n<Application/>"),
            ["error customizations.xml:3:1 2 apps in one provisioning package"]
        );
    }
}
