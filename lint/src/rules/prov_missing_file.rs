use formats::source::Spanned;

use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A provisioning package names a file that is not there
    ///
    /// ## What it checks
    /// Every `CertificatePath`, `ApplicationFile` and `Dependency` of a `customizations.xml` is a file, relative to the folder of
    /// the document. Paths with variables and absolute ones are not checked, nor is a document that is read alone.
    ///
    /// ## Why
    /// The tool that makes the package stops.
    ///
    /// ## Passes
    /// `<ApplicationFile>Kiosk.appx</ApplicationFile>` with `Kiosk.appx` beside it
    ///
    /// ## Fails
    /// The same without the file.
    ///
    /// ## Fix
    /// Add the file, or correct the path.
    ///
    /// ## References
    /// - iot-adk-addonkit, class `IoTProvisioningXML`
    struct ProvMissingFile;
    id: "prov-missing-file",
    authority: "iot-adk-addonkit",
    clause: "IoTProvisioningXML: validation",
    images: All,
    input: Provisioning,
    level: Error,
    since: "0.1.0",
}

impl Rule for ProvMissingFile {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for file in &facts.documents.customizations {
            if facts.workspace.is_alone(file.path()) {
                continue;
            }
            let apps = file.applications.iter();
            let apps = apps.flat_map(|app| {
                let dependencies = app.dependencies.iter().map(|item| &item.text);
                app.application_file.iter().chain(dependencies)
            });
            let certificates = file.root_certificates.iter();
            let named = certificates
                .filter_map(|root| root.certificate_path.as_ref())
                .chain(apps);
            for path in named.filter(|path| is_relative(path)) {
                let text = path.value.trim();
                if facts
                    .workspace
                    .tree
                    .find_from(file.folder(), text)
                    .is_none()
                {
                    report
                        .at(file.value(path, ""), format!("`{text}` is not there"))
                        .help("add the file, or correct the path");
                }
            }
        }
    }
}

fn is_relative(path: &Spanned<String>) -> bool {
    let text = path.value.trim();
    let is_absolute = text.starts_with(['/', '\\']) || text.get(1..2) == Some(":");
    !text.is_empty() && !is_absolute && !text.contains(['%', '$', '{'])
}

#[cfg(test)]
mod tests {
    use crate::testing::{customizations, lint_one};

    #[test]
    fn files_are_looked_for_beside_the_document() {
        let lint = |path: &str| {
            let root = format!(
                "<RootCertificate>\n<CertificatePath>{path}</CertificatePath></RootCertificate>"
            );
            let text = customizations(&format!(
                "<Certificates><RootCertificates>{root}</RootCertificates></Certificates>"
            ));
            lint_one(
                "prov-missing-file",
                &[
                    ("P/customizations.xml", text),
                    ("P/Root.cer", String::new()),
                ],
            )
        };
        assert_eq!(
            lint("Other.cer"),
            ["error P/customizations.xml:2:18 `Other.cer` is not there"]
        );
        for path in [r".\root.cer", r"%X%\Other.cer", r"C:\Other.cer", ""] {
            assert!(lint(path).is_empty(), "{path}");
        }
    }
}
