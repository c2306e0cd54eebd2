use std::collections::BTreeMap;

use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::files::join;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A root certificate is installed twice
    ///
    /// ## What it checks
    /// No certificate file stands twice in a `customizations.xml`, and no name of a certificate.
    ///
    /// ## Why
    /// The second entry does nothing. It is left over, or another certificate was meant.
    ///
    /// ## Passes
    /// Two entries for two files.
    ///
    /// ## Fails
    /// Two entries with `<CertificatePath>Root.cer</CertificatePath>`
    ///
    /// ## Fix
    /// Remove one of them; the fix comments it out where both say the same.
    ///
    /// ## References
    /// - iot-adk-addonkit, class `IoTProvisioningXML`
    struct ProvDuplicateRoot;
    id: "prov-duplicate-root",
    authority: "iot-adk-addonkit",
    clause: "IoTProvisioningXML: certificates",
    images: All,
    input: Provisioning,
    level: Warning,
    since: "0.1.0",
}

impl Rule for ProvDuplicateRoot {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for file in &facts.documents.customizations {
            let mut first = BTreeMap::new();
            for certificate in &file.root_certificates {
                let path = certificate.certificate_path.as_ref();
                let path = path
                    .map(|path| join(file.folder(), &path.value.replace('\\', "/")).to_lowercase());
                let name = certificate.certificate_name.as_ref();
                let name = name.map(|name| format!("name {}", name.value.to_lowercase()));
                let place = file.place(certificate.element, certificate.route.clone());
                let keys = || [&path, &name].into_iter().flatten();
                let Some((other_path, other)) = keys().find_map(|key| first.get(key)).cloned()
                else {
                    first.extend(keys().map(|key| (key.clone(), (path.clone(), place.clone()))));
                    continue;
                };
                let finding =
                    report.at(place.clone(), "the certificate is installed a second time");
                finding
                    .also(other, "the first time")
                    .help("remove one of the two");
                if other_path == path {
                    finding.fix(Fix::comment_out(
                        "comment the second entry out",
                        &place,
                        &file.source,
                    ));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{customizations, lint_one};

    #[test]
    fn files_and_names_are_compared() {
        let lint = |other: &str, name: &str| {
            let root = |path: &str, name: &str| {
                format!(
                    "\n<RootCertificate CertificateName=\"{name}\"><CertificatePath>{path}</CertificatePath></RootCertificate>"
                )
            };
            let both = [root("Root.cer", "A"), root(other, name)].concat();
            let text = customizations(&format!(
                "<Certificates><RootCertificates>{both}</RootCertificates></Certificates>"
            ));
            lint_one("prov-duplicate-root", &[("customizations.xml", text)])
        };
        let wanted = "warning customizations.xml:3:1 the certificate is installed a second time";
        assert_eq!(lint("root.cer", "B"), [wanted]);
        assert_eq!(lint("Other.cer", "a"), [wanted]);
        assert!(lint("Other.cer", "B").is_empty());
    }
}
