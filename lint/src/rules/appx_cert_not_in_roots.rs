use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The certificate of a self-signed app is not installed
    ///
    /// ## What it checks
    /// Where the chain of an app ends at no known root, a certificate of the chain is among the root certificates that a
    /// `customizations.xml` of the product installs.
    ///
    /// ## Why
    /// Windows installs an app whose chain ends at a trusted root only. The kit's `Add-IoTAppxPackage` puts the certificate
    /// of a self-signed app into the provisioning of its package; where it is lost the app is not there, and nothing says
    /// why.
    ///
    /// ## Passes
    /// ```xml
    /// <RootCertificate CertificateName="Kiosk" Name="Kiosk">
    /// <CertificatePath>Kiosk.cer</CertificatePath>
    /// </RootCertificate>
    /// ```
    ///
    /// ## Fails
    /// The same package without `RootCertificates`.
    ///
    /// ## Fix
    /// Add the certificate to the provisioning, or sign the app under a root that the image trusts.
    ///
    /// ## References
    /// - iot-adk-addonkit, Add-IoTAppxPackage
    struct AppxCertNotInRoots;
    id: "appx-cert-not-in-roots",
    authority: "iot-adk-addonkit, Add-IoTAppxPackage",
    clause: "RootCertificates",
    images: [Retail, Test],
    input: Signature,
    level: Error,
    since: "0.1.0",
}

impl Rule for AppxCertNotInRoots {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let installed: Vec<&[u8]> = {
            let documents = &facts.documents.customizations;
            let roots = facts.workspace.installed_roots.iter();
            let of_these =
                roots.filter(|(path, _)| documents.iter().any(|file| file.path() == path));
            of_these.map(|(_, bytes)| bytes.as_slice()).collect()
        };
        for found in facts.shared(|signature| {
            let record = signature.report().filter(|_| signature.app().is_some())?;
            let chain = record
                .chain
                .as_ref()
                .filter(|chain| chain.anchor().is_none())?;
            let is_installed = |der: &[u8]| installed.contains(&der);
            let is_trusted = chain
                .certificates
                .iter()
                .any(|certificate| is_installed(&certificate.der));
            let name = &record.leaf.as_ref()?.subject.common_name;
            (!is_trusted).then(|| {
                (
                    "signer",
                    format!(
                        " is an app signed by {name}, whose certificate no provisioning installs"
                    ),
                )
            })
        }) {
            report
                .at_signature(facts, found.first, found.part, found.message())
                .help("add the certificate to `RootCertificates` of the provisioning");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::image::ImageType;
    use crate::resolve::ResolveOptions;
    use crate::testing::{customizations, run, verified};

    const CAB: &[u8] =
        include_bytes!("../../tests/fixtures/appx-cert-not-in-roots/Fjordlight.Kiosk.Agent.cab");

    #[test]
    fn an_installed_certificate_passes() {
        let lint = |certificate: &[u8]| {
            let path = "<CertificatePath>a.cer</CertificatePath>";
            let root = format!("<RootCertificate Name=\"a\">{path}</RootCertificate>");
            let roots =
                format!("<Certificates><RootCertificates>{root}</RootCertificates></Certificates>");
            let text = customizations(&roots);
            let files = [
                ("a.cab", CAB),
                ("customizations.xml", text.as_bytes()),
                ("a.cer", certificate),
            ];
            let options = ResolveOptions {
                image: Some(ImageType::Test),
                ..ResolveOptions::default()
            };
            run("appx-cert-not-in-roots", &verified(&files, &options))
        };
        assert!(lint(include_bytes!("../../../testcerts/self-signed.cer")).is_empty());
        let found = lint(include_bytes!("../../../testcerts/oem.cer")).concat();
        assert!(
            found.contains("whose certificate no provisioning installs"),
            "{found}"
        );
    }
}
