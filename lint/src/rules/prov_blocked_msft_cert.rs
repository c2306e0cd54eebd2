use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A certificate that breaks provisioning is installed
    ///
    /// ## What it checks
    /// No root certificate of a `customizations.xml` is called by the thumbprint of the old self-signed certificate of
    /// Microsoft's sample apps.
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
            for certificate in &file.root_certificates {
                let names = [&certificate.certificate_name, &certificate.name];
                let names = names.into_iter().flatten();
                let mut blocked = names.filter(|name| {
                    let written = name.value.replace([' ', ':'], "");
                    self.thumbprints
                        .iter()
                        .any(|known| known.eq_ignore_ascii_case(&written))
                });
                if let Some(name) = blocked.next() {
                    report
                        .at(
                            file.value(name, certificate.route.clone()),
                            "this certificate is known to break provisioning",
                        )
                        .help("take the certificate out, and sign the app with another one");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{customizations, lint_one};

    #[test]
    fn the_thumbprint_is_known() {
        let lint = |name: &str| {
            let root = format!("\n<RootCertificate CertificateName=\"{name}\"/>");
            let text = customizations(&format!(
                "<Certificates><RootCertificates>{root}</RootCertificates></Certificates>"
            ));
            lint_one("prov-blocked-msft-cert", &[("customizations.xml", text)])
        };
        let wanted =
            "error customizations.xml:2:35 this certificate is known to break provisioning";
        assert_eq!(lint("fe8bd26c71e9340ca518c963e340b7380859ee70"), [wanted]);
        assert!(lint("61F42C6B764B24917A91B6C090BF9F98B3410F26").is_empty());
    }
}
