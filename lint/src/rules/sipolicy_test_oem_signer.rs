use formats::container::si_policy::CertRoot;
use signer::published::{find, find_by_tbs};

use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The code-integrity policy of a retail image allows a published key
    ///
    /// ## What it checks
    /// No signer of the installed policy is a certificate whose private key is published: the samples of the add-on kit, Contoso
    /// and OEM, the kit's test certificates, and those of this program. They are found by the hash by which the policy names
    /// them. The certificates that the workspace lists for retail policies are checked too.
    ///
    /// ## Why
    /// Anyone can sign with a published key. A policy that allows one allows whatever anyone signs, and one that lets it update
    /// policies can be replaced by anyone.
    ///
    /// ## Passes
    /// ```text
    /// signer: TBS hash of a certificate of your own
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// signer: TBS hash of the kit's Contoso KMCI Codesigning
    /// ```
    ///
    /// ## Fix
    /// Make certificates of your own, `proofmark certs new`, and build the policy with them.
    ///
    /// ## References
    /// - iot-adk-addonkit, Workspace/Certs/private
    struct SipolicyTestOemSigner;
    id: "sipolicy-test-oem-signer",
    authority: "iot-adk-addonkit",
    clause: "Certificates of the sample workspace",
    images: [Retail],
    input: Security,
    level: Error,
    since: "0.1.0",
}

impl Rule for SipolicyTestOemSigner {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for (product, installed, read) in facts.readable_policies() {
            for signer in &read.policy.signers {
                let CertRoot::Tbs(hash) = &signer.root else {
                    continue;
                };
                if let Some(listed) = find_by_tbs(hash) {
                    let message = format!(
                        "`{}` allows a published key ({listed})",
                        installed.file.name
                    );
                    report
                        .at(installed.file.place.clone(), message)
                        .also(installed.part("signer", signer.span), "the signer")
                        .because_of_image(product)
                        .help("make certificates of your own and build the policy with them");
                }
            }
        }
        for settings in &facts.documents.workspace_settings {
            let security = &settings.security;
            let lists = [
                &security.si_policy_root,
                &security.si_policy_update,
                &security.si_policy_user_retail,
                &security.si_policy_kernel_retail,
            ];
            for item in lists.into_iter().flat_map(|list| &list.items) {
                let name = item.text.value.as_str();
                let certificate = facts.certificate_named(name);
                if let Some(listed) = certificate.and_then(|(_, certificate)| find(certificate)) {
                    let message =
                        format!("`{name}` is for policies, and its key is published ({listed})");
                    report
                        .at(settings.item(item), message)
                        .help("make certificates of your own");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::security::{RawPolicy, RawSigner, certificate, lint, product};

    const RULE: &str = "sipolicy-test-oem-signer";

    #[test]
    fn a_published_key_is_found_by_its_hash() {
        let policy = RawPolicy {
            signers: vec![RawSigner::of("demo-retail"), RawSigner::of("oem")],
            ..RawPolicy::default()
        };
        let files = product("Production", &policy.signed());
        let found = lint(RULE, &files);
        assert_eq!(found.len(), 1);
        assert!(
            found[0].contains("allows a published key (proofmark: "),
            "{found:?}"
        );
    }

    #[test]
    fn a_published_certificate_of_the_workspace_is_found() {
        let settings = "<IoTWorkspace><Security><SIPolicy><Update>\n<Cert>oem.cer</Cert><Cert>none.cer</Cert>\
                        </Update></SIPolicy></Security></IoTWorkspace>";
        let mut files = product("Production", &RawPolicy::default().signed());
        files.push(("IoTWorkspace.xml".into(), settings.into()));
        files.push(("Certs/oem.cer".into(), certificate("oem").der));
        let found = lint(RULE, &files);
        assert_eq!(found.len(), 2);
        assert!(
            found[1].starts_with("error IoTWorkspace.xml:2:7 `oem.cer` is for policies"),
            "{found:?}"
        );
    }
}
