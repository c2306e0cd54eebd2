use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::facts::security::objection_for_retail;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail image trusts a root that is not for devices of customers
    ///
    /// ## What it checks
    /// No root certificate that a retail image installs, by registry or by provisioning, is a test root, has a published private
    /// key, or has expired at the time of the run.
    ///
    /// ## Why
    /// Whatever chains to an installed root counts as signed by somebody trusted. With a test root or a sample of the kit that is
    /// anybody; an expired one helps nobody.
    ///
    /// ## Passes
    /// ```text
    /// Security.RootCerts with the root of your own
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// Security.RootCerts with the kit's Contoso Root
    /// ```
    ///
    /// ## Fix
    /// Take the certificate out of the packages of retail images.
    ///
    /// ## References
    /// - iot-adk-addonkit, Security.RootCerts and Appx.Certs
    struct RootcertsTestInRetail;
    id: "rootcerts-test-in-retail",
    authority: "iot-adk-addonkit",
    clause: "Security.RootCerts",
    images: [Retail],
    input: Registry,
    level: Error,
    since: "0.1.0",
}

impl Rule for RootcertsTestInRetail {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let provisioned = facts.provisioned_roots().into_iter();
        for root in facts.registry_roots().into_iter().chain(provisioned) {
            let certificate = &root.certificate;
            let now = facts.workspace.verified_at;
            let end = certificate.not_after;
            let expired = now.is_some_and(|now| end < now);
            let expired = expired.then(|| format!("it expired on {}", end.date()));
            if let Some(objection) = objection_for_retail(certificate).or(expired) {
                let message = format!(
                    "the root {} is not for retail: {objection}",
                    certificate.subject
                );
                report
                    .at(root.place, message)
                    .help("take the certificate out of the packages of retail images")
                    // Images for tests may get it by the same file.
                    .fix(root.removal.map(Fix::as_guess));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::image::ImageType;
    use crate::testing::security::{certificate, root_blob};
    use crate::testing::{customizations, lint_signed, wm_registry};

    #[test]
    fn roots_of_registry_and_provisioning_are_judged() {
        let key = r"$(hklm.software)\Microsoft\SystemCertificates\ROOT\Certificates\X";
        let value = |name: &str| {
            format!(
                "<regValue name=\"Blob\" type=\"REG_BINARY\" value=\"{}\"/>",
                root_blob(name)
            )
        };
        let registry = wm_registry(key, &(value("root") + &value("demo-retail-root")));
        let root = "<RootCertificate Name=\"a\">\n<CertificatePath>old.cer</CertificatePath></RootCertificate>";
        let provisioning = customizations(&format!(
            "<Certificates><RootCertificates>{root}</RootCertificates></Certificates>"
        ));
        let expired = certificate("expired").der;
        let files = [
            ("A.wm.xml", registry.as_bytes()),
            ("p/customizations.xml", provisioning.as_bytes()),
            ("p/old.cer", expired.as_slice()),
        ];
        let found = lint_signed("rootcerts-test-in-retail", &files, Some(ImageType::Retail));
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            found[0].starts_with("error A.wm.xml:") && found[0].contains("is not for retail: "),
            "{found:?}"
        );
        assert!(
            found[1].starts_with("error p/customizations.xml:2:"),
            "{found:?}"
        );
        assert!(lint_signed("rootcerts-test-in-retail", &files, Some(ImageType::Test)).is_empty());
    }
}
