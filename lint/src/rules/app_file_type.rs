use crate::facts::Facts;
use crate::files::written_name;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// An app to install is not an app package
    ///
    /// ## What it checks
    /// `ApplicationFile` and every `Dependency` of a `customizations.xml` end in `.appx`, `.appxbundle`, `.msix` or `.msixbundle`.
    ///
    /// ## Why
    /// Nothing else can be installed that way.
    ///
    /// ## Passes
    /// `<ApplicationFile>Kiosk.appx</ApplicationFile>`
    ///
    /// ## Fails
    /// `<ApplicationFile>Kiosk.zip</ApplicationFile>`
    ///
    /// ## Fix
    /// Name the app package.
    ///
    /// ## References
    /// - iot-adk-addonkit, adding apps
    struct AppFileType;
    id: "app-file-type",
    authority: "iot-adk-addonkit",
    clause: "Adding apps",
    images: All,
    input: Provisioning,
    level: Error,
    since: "0.1.0",
}

/// Ends of names of app packages.
const ENDS: &[&str] = &["appx", "appxbundle", "msix", "msixbundle"];

impl Rule for AppFileType {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for file in &facts.documents.customizations {
            for app in &file.applications {
                let dependencies = app.dependencies.iter().map(|item| &item.text);
                for path in app.application_file.iter().chain(dependencies) {
                    let name = written_name(&path.value);
                    let end = name.rsplit('.').next().unwrap_or_default().to_lowercase();
                    if !name.is_empty() && !ENDS.contains(&end.as_str()) {
                        report
                            .at(file.value(path, app.route.clone()), format!("`{name}` is not an app package"))
                            .help("name a file that ends in `.appx`, `.appxbundle`, `.msix` or `.msixbundle`");
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{customizations, lint_one};

    #[test]
    fn the_end_of_the_name_tells() {
        let lint = |name: &str| {
            let app =
                format!("<Application>\n<ApplicationFile>{name}</ApplicationFile></Application>");
            let install = format!(
                "<UniversalAppInstall><UserContextApp>{app}</UserContextApp></UniversalAppInstall>"
            );
            lint_one(
                "app-file-type",
                &[("customizations.xml", customizations(&install))],
            )
        };
        assert!(lint("A.appx").is_empty() && lint(r"apps\A.MsixBundle").is_empty());
        assert_eq!(
            lint("A.zip"),
            ["error customizations.xml:2:18 `A.zip` is not an app package"]
        );
        assert_eq!(lint("appx").len(), 0);
    }
}
