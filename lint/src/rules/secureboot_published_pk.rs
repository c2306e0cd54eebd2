use formats::container::efi_variable::Variable;
use signer::published::find;

use crate::diagnostic::Place;
use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The keys of secure boot of a retail image are published
    ///
    /// ## What it checks
    /// No certificate that a package of a retail image puts into `PK` or `KEK`, and none that the workspace lists as
    /// `PlatformKey` or `KeyExchangeKey`, has a published private key: the samples of the add-on kit, and those of this program.
    ///
    /// ## Why
    /// With the platform key anyone can set every variable of secure boot, also on devices in the field. Nothing that is signed
    /// afterwards is worth anything.
    ///
    /// ## Passes
    /// ```text
    /// PlatformKey: a certificate of your own
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// PlatformKey: the kit's Contoso-RootPK.cer
    /// ```
    ///
    /// ## Fix
    /// Make keys of your own, `proofmark certs new`, and build the variables again.
    ///
    /// ## References
    /// - iot-adk-addonkit, Workspace/Certs/private
    struct SecurebootPublishedPk;
    id: "secureboot-published-pk",
    authority: "iot-adk-addonkit",
    clause: "Certificates of the sample workspace",
    images: [Retail],
    input: Security,
    level: Error,
    since: "0.1.0",
}

impl Rule for SecurebootPublishedPk {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for installed in facts.variables() {
            let Ok(content) = installed.content else {
                continue;
            };
            let Some(variable) = content
                .variable
                .filter(|v| matches!(v, Variable::Pk | Variable::Kek))
            else {
                continue;
            };
            for certificate in content.certificates() {
                if let Some(listed) = find(&certificate) {
                    let message = format!("the key of {variable} is published ({listed})");
                    report
                        .at(installed.place.clone(), message)
                        .also(Place::binary(installed.path, ""), "the variable")
                        .help("make keys of your own and build the variables again");
                }
            }
        }
        for settings in &facts.documents.workspace_settings {
            let security = &settings.security;
            let lists = [&security.platform_key, &security.key_exchange_key];
            for item in lists.into_iter().flat_map(|list| &list.items) {
                let name = item.text.value.as_str();
                let certificate = facts.certificate_named(name);
                if let Some(listed) = certificate.and_then(|(_, certificate)| find(certificate)) {
                    report
                        .at(
                            settings.item(item),
                            format!("the key of `{name}` is published ({listed})"),
                        )
                        .help("make keys of your own");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::security::{certificate, lint, variable, variable_package};

    #[test]
    fn published_keys_are_found_in_variables_and_in_the_workspace() {
        let rule = "secureboot-published-pk";
        let keys = [
            ("pk", variable(&["oem"])),
            ("kek", variable(&["demo-retail"])),
            ("db", variable(&["oem"])),
        ];
        let mut files = variable_package("Production", &keys);
        let found = lint(rule, &files);
        assert_eq!(found.len(), 1);
        assert!(
            found[0].contains("the key of PK is published (proofmark: "),
            "{found:?}"
        );
        let settings = "<IoTWorkspace><Security><SecureBoot><PlatformKey>\n<Cert>oem.cer</Cert></PlatformKey></SecureBoot>\
                        </Security></IoTWorkspace>";
        files.push(("IoTWorkspace.xml".into(), settings.into()));
        files.push(("Certs/oem.cer".into(), certificate("oem").der));
        let found = lint(rule, &files);
        assert!(
            found[1].starts_with("error IoTWorkspace.xml:2:7 the key of `oem.cer` is published"),
            "{found:?}"
        );
        assert!(lint(rule, &variable_package("Test", &keys)).is_empty());
    }
}
