use signer::published::find;

use crate::facts::Facts;
use crate::image::ImageType;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// BitLocker has no data recovery agent of its own
    ///
    /// ## What it checks
    /// A workspace with an image that has `SEC_BITLOCKER` lists a `DataRecoveryAgent`. The certificate, where its file is in the
    /// workspace, has the key usage 1.3.6.1.4.1.311.67.1.2, and in retail images its private key is not published.
    ///
    /// ## Why
    /// Without a recovery agent the data of a device whose TPM was replaced are lost. With the kit's sample agent anyone can read
    /// them.
    ///
    /// ## Passes
    /// ```text
    /// DataRecoveryAgent: a certificate of your own for data recovery
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// DataRecoveryAgent: the kit's Contoso-DRA.cer
    /// ```
    ///
    /// ## Fix
    /// Make a certificate for data recovery, `proofmark certs new` does, and name it.
    ///
    /// ## References
    /// - Microsoft, BitLocker: data recovery agents
    /// - iot-adk-addonkit, Add-IoTBitLocker
    struct BitlockerDraMissing;
    id: "bitlocker-dra-missing",
    authority: "iot-adk-addonkit",
    clause: "Add-IoTBitLocker",
    images: All,
    input: Workspace,
    level: Error,
    since: "0.1.0",
}

impl Rule for BitlockerDraMissing {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in facts
            .products
            .iter()
            .filter(|product| product.brings("SEC_BITLOCKER"))
        {
            let Some(settings) = &product.workspace_settings else {
                continue;
            };
            let agents = &settings.security.data_recovery_agent;
            if agents.items.is_empty() {
                let place = settings.list(agents, "DataRecoveryAgent");
                report
                    .at(
                        place.unwrap_or_else(|| settings.root_place()),
                        "no `DataRecoveryAgent` for BitLocker",
                    )
                    .also(product.oem_input.root_place(), "this image has BitLocker")
                    .help("make a certificate for data recovery and name it");
            }
            for item in &agents.items {
                let name = item.text.value.as_str();
                let Some((_, certificate)) = facts.certificate_named(name) else {
                    continue;
                };
                let purposes = certificate.extended_key_usage.as_ref();
                let is_agent = purposes
                    .is_some_and(|purposes| purposes.iter().any(|oid| oid == DATA_RECOVERY));
                if !is_agent {
                    report
                        .at(
                            settings.item(item),
                            format!("`{name}` is no certificate for data recovery"),
                        )
                        .help("its key usage must be 1.3.6.1.4.1.311.67.1.2");
                }
                if facts.image == Some(ImageType::Retail)
                    && let Some(listed) = find(certificate)
                {
                    report
                        .at(
                            settings.item(item),
                            format!("the key of `{name}` is published ({listed})"),
                        )
                        .because_of_image(product)
                        .help("make a certificate of your own");
                }
            }
        }
    }
}

/// szOID_BITLOCKER_DATA_RECOVERY_AGENT.
const DATA_RECOVERY: &str = "1.3.6.1.4.1.311.67.1.2";

#[cfg(test)]
mod tests {
    use crate::testing::oem_input;
    use crate::testing::security::{certificate, lint};

    fn found(agents: &str) -> Vec<String> {
        let input = "<ReleaseType>Production</ReleaseType><Features><OEM><Feature>SEC_BITLOCKER</Feature></OEM></Features>";
        let settings = format!(
            "<IoTWorkspace><Security><BitLocker>\n<DataRecoveryAgent>{agents}</DataRecoveryAgent></BitLocker></Security></IoTWorkspace>"
        );
        let files = [
            ("IoTWorkspace.xml".to_owned(), settings.into_bytes()),
            ("p/OEMInput.xml".to_owned(), oem_input(input).into_bytes()),
            ("Certs/oem.cer".to_owned(), certificate("oem").der),
        ];
        lint("bitlocker-dra-missing", &files)
    }

    #[test]
    fn an_agent_is_named_and_is_one_of_its_own() {
        assert_eq!(
            found(""),
            ["error IoTWorkspace.xml:2:1 no `DataRecoveryAgent` for BitLocker"]
        );
        let sample = found("<Cert>oem.cer</Cert>");
        assert_eq!(sample.len(), 2);
        assert!(
            sample[0].contains("`oem.cer` is no certificate for data recovery"),
            "{sample:?}"
        );
        assert!(sample[1].contains("is published"), "{sample:?}");
        assert!(found("<Cert>elsewhere.cer</Cert>").is_empty());
    }
}
