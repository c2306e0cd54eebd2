use crate::diagnostic::Place;
use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A published test key in the workspace has an expired certificate
    ///
    /// ## What it checks
    /// Where a key file of the workspace holds one of the published test keys, its certificate has not ended.
    ///
    /// ## Why
    /// The kit's test certificates were made again in 2022. Who still has the files from before imports the old ones on
    /// every machine, and signing stops with "no certificates met the criteria".
    ///
    /// ## Passes
    /// The kit's `TestCerts` as they have been since 2022.
    ///
    /// ## Fails
    /// `OEM_Test_Cert_2017.pfx` with a certificate that ended in 2022.
    ///
    /// ## Fix
    /// Take the files of the present kit, or sign with proofmark's test certificate.
    ///
    /// ## References
    /// - iot-adk-addonkit, issue 354 and pull request 355
    struct TestPfxExpiredImport;
    id: "test-pfx-expired-import",
    authority: "iot-adk-addonkit",
    clause: "issue 354",
    images: All,
    input: Security,
    level: Error,
    since: "0.1.0",
}

impl Rule for TestPfxExpiredImport {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for file in &facts.key_files {
            if let Some(end) = file.expired.as_ref().filter(|_| file.published.is_some()) {
                let message = format!("the test certificate in {} ended on {end}", file.title());
                report
                    .at(Place::binary(file.path.as_str(), ""), message)
                    .help("take the test certificates of the present kit");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::resolve::ResolveOptions;
    use crate::testing::{run, verified};

    #[test]
    fn an_expired_test_certificate_is_found() {
        let lint = |bytes: &[u8]| {
            let files = [
                ("IoTWorkspace.xml", &b"<IoTWorkspace/>"[..]),
                ("a.pfx", bytes),
            ];
            run(
                "test-pfx-expired-import",
                &verified(&files, &ResolveOptions::default()),
            )
            .concat()
        };
        let found = lint(include_bytes!("../../../testcerts/expired.pfx"));
        assert!(found.ends_with("ended on 2016-01-01T00:00:00Z"), "{found}");
        assert_eq!(lint(include_bytes!("../../../testcerts/oem.pfx")), "");
    }
}
