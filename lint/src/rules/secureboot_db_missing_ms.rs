use formats::certificate::Certificate;
use formats::container::efi_variable::Variable;
use signer::digest::{DigestAlgorithm, hex};

use crate::diagnostic::Place;
use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail device would not boot Windows
    ///
    /// ## What it checks
    /// The `db` that a package of a retail image brings has Microsoft Windows Production PCA 2011 or Windows UEFI CA 2023, by
    /// thumbprint.
    ///
    /// ## Why
    /// The boot manager of Windows is signed below these. With secure boot on, firmware whose `db` has neither refuses it, and the
    /// device shows nothing but an error of its firmware.
    ///
    /// ## Passes
    /// ```text
    /// db: Microsoft Windows Production PCA 2011
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// db: the certificates of the manufacturer alone
    /// ```
    ///
    /// ## Fix
    /// Add the certificates of Microsoft to `db`.
    ///
    /// ## References
    /// - Microsoft, Windows secure boot key creation and management
    /// - iot-adk-addonkit, Add-IoTSecureBoot
    struct SecurebootDbMissingMs;
    id: "secureboot-db-missing-ms",
    authority: "Microsoft, Windows secure boot key creation",
    clause: "Signature databases",
    images: [Retail],
    input: Security,
    level: Error,
    since: "0.1.0",
}

impl Rule for SecurebootDbMissingMs {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for installed in facts
            .variables()
            .filter(|installed| installed.is(Variable::Db))
        {
            let Ok(content) = installed.content else {
                continue;
            };
            let is_of_windows = |certificate: &Certificate| {
                let thumbprint = hex(&DigestAlgorithm::Sha1.of(&certificate.der));
                OF_WINDOWS.contains(&thumbprint.as_str())
            };
            if !content.certificates().iter().any(is_of_windows) {
                report
                    .at(
                        installed.place.clone(),
                        "db lacks the authority of the Windows boot manager",
                    )
                    .also(Place::binary(installed.path, ""), "db")
                    .help("add Microsoft Windows Production PCA 2011 and Windows UEFI CA 2023");
            }
        }
    }
}

/// Thumbprints of the authorities of the boot manager: Microsoft Windows Production PCA 2011, Windows UEFI CA 2023.
const OF_WINDOWS: [&str; 2] = [
    "580a6f4cc4e4b669b9ebdc1b2b3e087b80d0678d",
    "45a0fa32604773c82433c3b7d59e7466b3ac0c67",
];

#[cfg(test)]
mod tests {
    use crate::testing::security::{lint, variable, variable_package};

    #[test]
    fn a_db_without_microsoft_is_found() {
        let rule = "secureboot-db-missing-ms";
        let db = [("db", variable(&["demo-retail-root"]))];
        let found = lint(rule, &variable_package("Production", &db));
        assert_eq!(
            found,
            ["error Boot/Boot.wm.xml:2:15 db lacks the authority of the Windows boot manager"]
        );
        assert!(lint(rule, &variable_package("Test", &db)).is_empty());
    }
}
