use formats::container::efi_variable::Variable;

use crate::diagnostic::Place;
use crate::facts::Facts;
use crate::facts::security::objection_for_retail;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail device would boot what is signed for tests
    ///
    /// ## What it checks
    /// No certificate that a package of a retail image puts into `db` is one of a test root, one whose private key is published,
    /// or one of those that the add-on kit adds for test images: the Microsoft Development and Testing roots, Microsoft Windows
    /// PCA 2010.
    ///
    /// ## Why
    /// What chains to a certificate in `db` may boot. A test authority there lets anyone with a test key start anything, in front of
    /// everything that the image protects.
    ///
    /// ## Passes
    /// ```text
    /// db: Microsoft Windows Production PCA 2011
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// db: Microsoft Testing Root Certificate Authority 2010
    /// ```
    ///
    /// ## Fix
    /// Build `db` for retail images without test certificates.
    ///
    /// ## References
    /// - iot-adk-addonkit, Add-IoTSecureBoot: test and retail databases
    struct SecurebootTestCaInRetailDb;
    id: "secureboot-test-ca-in-retail-db",
    authority: "iot-adk-addonkit",
    clause: "Add-IoTSecureBoot: -Test",
    images: [Retail],
    input: Security,
    level: Error,
    since: "0.1.0",
}

impl Rule for SecurebootTestCaInRetailDb {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for installed in facts
            .variables()
            .filter(|installed| installed.is(Variable::Db))
        {
            let Ok(content) = installed.content else {
                continue;
            };
            for certificate in content.certificates() {
                if let Some(objection) = objection_for_retail(&certificate) {
                    let message = format!(
                        "{} may boot a retail device: {objection}",
                        certificate.subject
                    );
                    report
                        .at(installed.place.clone(), message)
                        .also(Place::binary(installed.path, ""), "db with the certificate")
                        .help("build db for retail images without test certificates");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::security::{lint, variable, variable_package};

    #[test]
    fn a_test_root_in_a_retail_db_is_found() {
        let rule = "secureboot-test-ca-in-retail-db";
        let db = variable(&["root", "demo-retail-root"]);
        let found = lint(rule, &variable_package("Production", &[("db", db.clone())]));
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("may boot a retail device: "), "{found:?}");
        assert!(lint(rule, &variable_package("Test", &[("db", db.clone())])).is_empty());
        assert!(lint(rule, &variable_package("Production", &[("dbx", db)])).is_empty());
    }
}
