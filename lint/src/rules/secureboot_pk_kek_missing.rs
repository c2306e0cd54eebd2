use formats::container::efi_variable::Variable;

use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// Secure boot is to be set up without a platform key or a key exchange key
    ///
    /// ## What it checks
    /// A package that brings a secure-boot variable, e.g. `SetVariable_db.bin`, also brings `PK` and `KEK`. A workspace that lists
    /// certificates for secure boot lists a `PlatformKey` and a `KeyExchangeKey`.
    ///
    /// ## Why
    /// Without a platform key the firmware stays in setup mode, where anyone may set every variable. Without a key exchange key
    /// nobody can update what may boot.
    ///
    /// ## Passes
    /// ```text
    /// SetVariable_pk.bin, SetVariable_kek.bin, SetVariable_db.bin
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// SetVariable_db.bin alone
    /// ```
    ///
    /// ## Fix
    /// Make both keys, `proofmark certs new` does, and put all three variables into the package.
    ///
    /// ## References
    /// - UEFI specification, Secure Boot and Driver Signing
    /// - iot-adk-addonkit, Add-IoTSecureBoot
    struct SecurebootPkKekMissing;
    id: "secureboot-pk-kek-missing",
    authority: "UEFI specification",
    clause: "Secure Boot and Driver Signing",
    images: All,
    input: Security,
    level: Error,
    since: "0.1.0",
}

impl Rule for SecurebootPkKekMissing {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for package in &facts.packages {
            let variables = facts.variables_of(&package.definition);
            let Some(first) = variables.first() else {
                continue;
            };
            for key in [Variable::Pk, Variable::Kek] {
                if !variables.iter().any(|variable| variable.is(key)) {
                    report
                        .at(
                            first.place.clone(),
                            format!("a variable of secure boot without {key}"),
                        )
                        .help("put PK, KEK and db into the package together");
                }
            }
        }
        for settings in &facts.documents.workspace_settings {
            let security = &settings.security;
            let lists = [
                (&security.platform_key, "PlatformKey"),
                (&security.key_exchange_key, "KeyExchangeKey"),
            ];
            if lists.iter().all(|(list, _)| !list.is_present()) {
                continue;
            }
            for (list, name) in lists.into_iter().filter(|(list, _)| list.items.is_empty()) {
                let place = settings
                    .list(list, name)
                    .unwrap_or_else(|| settings.root_place());
                report
                    .at(place, format!("no certificate for `{name}` of secure boot"))
                    .help("make the key and name its certificate");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::security::{lint, variable, variable_package};

    const RULE: &str = "secureboot-pk-kek-missing";

    #[test]
    fn a_package_brings_all_keys() {
        let db = || ("db", variable(&["intermediate"]));
        let found = lint(RULE, &variable_package("Test", &[db()]));
        assert_eq!(
            found,
            [
                "error Boot/Boot.wm.xml:2:15 a variable of secure boot without KEK",
                "error Boot/Boot.wm.xml:2:15 a variable of secure boot without PK",
            ]
        );
        let all = [
            db(),
            ("pk", variable(&["oem"])),
            ("kek", variable(&["oem"])),
        ];
        assert!(lint(RULE, &variable_package("Test", &all)).is_empty());
    }

    #[test]
    fn a_workspace_names_both_keys_or_has_no_secure_boot() {
        let found = |lists: &str| {
            let text = format!(
                "<IoTWorkspace><Security>\n<SecureBoot>{lists}</SecureBoot></Security></IoTWorkspace>"
            );
            lint(RULE, &[("IoTWorkspace.xml".into(), text.into_bytes())])
        };
        let pk = "<PlatformKey><Cert>a.cer</Cert></PlatformKey>";
        let both = found(&format!("{pk}<KeyExchangeKey/>"));
        assert_eq!(both.len(), 1);
        assert!(
            both[0].ends_with("no certificate for `KeyExchangeKey` of secure boot"),
            "{both:?}"
        );
        assert!(found("").is_empty());
        assert!(
            found(&format!(
                "{pk}<KeyExchangeKey><Cert>b.cer</Cert></KeyExchangeKey>"
            ))
            .is_empty()
        );
    }
}
