use signer::digest::{DigestAlgorithm, hex};

use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A certificate that breaks provisioning is installed
    ///
    /// ## What it checks
    /// No root certificate of a `customizations.xml` is the old self-signed certificate of Microsoft's sample apps. Where the
    /// file is there, its thumbprint counts, otherwise the name, which usually is that.
    ///
    /// ## Why
    /// Devices with it do not apply provisioning packages any more. The add-on kit refuses it.
    ///
    /// ## Passes
    /// `<RootCertificate CertificateName="Fjordlight Root" ...>`
    ///
    /// ## Fails
    /// `<RootCertificate CertificateName="FE8BD26C71E9340CA518C963E340B7380859EE70" ...>`
    ///
    /// ## Fix
    /// Take the certificate out, and sign the app with another one.
    ///
    /// ## Parameters
    /// `thumbprints`: SHA-1 thumbprints of such certificates.
    ///
    /// ## References
    /// - iot-adk-addonkit, class `IoTProvisioningXML`
    struct ProvBlockedMsftCert {
        /// SHA-1 thumbprints of such certificates, as hexadecimal digits.
        thumbprints: Vec<String> = vec!["FE8BD26C71E9340CA518C963E340B7380859EE70".to_owned()],
    }
    id: "prov-blocked-msft-cert",
    authority: "iot-adk-addonkit",
    clause: "IoTProvisioningXML: certificates",
    images: All,
    input: Provisioning,
    level: Error,
    since: "0.1.0",
}

impl Rule for ProvBlockedMsftCert {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for file in &facts.documents.customizations {
            for root in &file.root_certificates {
                let path = root.certificate_path.as_ref();
                let there = path.and_then(|path| {
                    let certificate = facts.provisioned_root(file.folder(), &path.value)?;
                    Some((path, hex(&DigestAlgorithm::Sha1.of(&certificate.der))))
                });
                let blocked = match &there {
                    Some((path, thumbprint)) => Some(*path).filter(|_| self.blocks(thumbprint)),
                    // Without the file, the name is all that can be judged.
                    None => [&root.certificate_name, &root.name]
                        .into_iter()
                        .flatten()
                        .find(|name| self.blocks(&name.value)),
                };
                if let Some(value) = blocked {
                    report
                        .at(
                            file.value(value, root.route.clone()),
                            "this certificate is known to break provisioning",
                        )
                        .help("take the certificate out, and sign the app with another one")
                        .fix(file.comment_out(root.element, "RootCertificate"));
                }
            }
        }
    }
}

impl ProvBlockedMsftCert {
    fn blocks(&self, thumbprint: &str) -> bool {
        let digits = |text: &str| text.replace([' ', ':'], "").to_ascii_lowercase();
        let asked = digits(thumbprint);
        self.thumbprints.iter().any(|known| digits(known) == asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::security::certificate;
    use crate::testing::{customizations, lint_one, workspace};

    fn provisioning(name: &str) -> String {
        let root = format!(
            "\n<RootCertificate CertificateName=\"{name}\">\n<CertificatePath>a.cer</CertificatePath></RootCertificate>"
        );
        customizations(&format!(
            "<Certificates><RootCertificates>{root}</RootCertificates></Certificates>"
        ))
    }

    #[test]
    fn without_the_file_the_name_is_judged() {
        let lint = |name: &str| {
            let files = [("customizations.xml", provisioning(name))];
            lint_one("prov-blocked-msft-cert", &files)
        };
        let wanted =
            "error customizations.xml:2:35 this certificate is known to break provisioning";
        assert_eq!(lint("fe8bd26c71e9340ca518c963e340b7380859ee70"), [wanted]);
        assert!(lint("61F42C6B764B24917A91B6C090BF9F98B3410F26").is_empty());
    }

    #[test]
    fn with_the_file_the_certificate_is_judged_whatever_it_is_called() {
        let der = certificate("expired").der;
        let judged = |rule: &ProvBlockedMsftCert, name: &str| {
            let text = provisioning(name);
            let files = [
                ("customizations.xml", text.as_bytes()),
                ("a.cer", der.as_slice()),
            ];
            let workspace = workspace(&files);
            let mut report = Report::default();
            rule.check(&Facts::of(&workspace, None, &[]), &mut report);
            let findings = report.into_findings().into_iter();
            findings
                .map(|found| {
                    found.place.span().unwrap().start - text.find("<CertificatePath>").unwrap()
                })
                .collect::<Vec<_>>()
        };
        let known = ProvBlockedMsftCert::default();
        assert!(judged(&known, &known.thumbprints[0]).is_empty());
        let listed = ProvBlockedMsftCert {
            thumbprints: vec![hex(&DigestAlgorithm::Sha1.of(&der)).to_uppercase()],
        };
        assert_eq!(
            judged(&listed, "Fjordlight Root"),
            ["<CertificatePath>".len()]
        );
    }
}
