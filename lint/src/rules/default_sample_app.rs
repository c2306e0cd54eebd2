use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail image installs a sample app
    ///
    /// ## What it checks
    /// No app that the provisioning of a retail image installs has the name of a sample app of Microsoft's.
    ///
    /// ## Why
    /// The samples show settings, open network ports and are no product. The documents ask to remove them.
    ///
    /// ## Passes
    /// `<Application PackageFamilyName="Fjordlight.Kiosk_q1w2e3r4t5y6u">`
    ///
    /// ## Fails
    /// `<Application PackageFamilyName="IoTCoreDefaultApp_1w720vyc4ccym">`
    ///
    /// ## Fix
    /// Switch the feature off that brings the package.
    ///
    /// ## Parameters
    /// `names`: how the names of sample apps begin.
    ///
    /// ## References
    /// - IoT Core, "Build a retail image"
    struct DefaultSampleApp {
        /// How the names of sample apps begin, in any case.
        names: Vec<String> = ["IoTCoreDefaultApp", "SmartDisplay", "IoTOnboardingTask"].map(str::to_owned).to_vec(),
    }
    id: "default-sample-app",
    authority: "Microsoft, IoT Core: build a retail image",
    clause: "Apps",
    images: [Retail],
    input: Provisioning,
    level: Warning,
    since: "0.1.0",
}

impl Rule for DefaultSampleApp {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for file in facts.provisioning() {
            for app in &file.applications {
                let mut names = [&app.package_family_name, &app.name].into_iter().flatten();
                let found = names.find(|name| {
                    let lower = name.value.to_lowercase();
                    self.names
                        .iter()
                        .any(|sample| lower.starts_with(&sample.to_lowercase()))
                });
                if let Some(name) = found {
                    report
                        .at(
                            file.value(name, app.route.clone()),
                            format!("`{}` is a sample app in a retail image", name.value),
                        )
                        .help("switch the feature off that brings the package")
                        // Images for tests may get the app by the same file.
                        .fix(
                            file.comment_out(app.element, "Application")
                                .map(Fix::as_guess),
                        );
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{customizations, lint_one, lint_retail};

    #[test]
    fn samples_are_known_by_name() {
        let files = |family: &str, name: &str| {
            let app = format!("\n<Application PackageFamilyName=\"{family}\" Name=\"{name}\"/>");
            let install = format!(
                "<UniversalAppInstall><UserContextApp>{app}</UserContextApp></UniversalAppInstall>"
            );
            [("customizations.xml", customizations(&install))]
        };
        let id = "default-sample-app";
        let wanted = "warning customizations.xml:2:33 `IoTCoreDefaultApp_x` is a sample app in a retail image";
        assert_eq!(
            lint_retail(id, &files("IoTCoreDefaultApp_x", "A")),
            [wanted]
        );
        assert_eq!(lint_retail(id, &files("Other_x", "SmartDisplay")).len(), 1);
        assert!(lint_retail(id, &files("Fjord.Kiosk_x", "Kiosk")).is_empty());
        assert!(lint_one(id, &files("IoTCoreDefaultApp_x", "A")).is_empty());
    }
}
