use formats::container::si_policy::PolicyOption;

use crate::facts::Facts;
use crate::facts::policy_verdict::{allows_store, is_of_store};
use crate::files::name_of;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// An image brings Store apps that its code-integrity policy does not allow
    ///
    /// ## What it checks
    /// Where a package of a retail image brings an app package that the Store signed, the installed policy allows, for programs,
    /// the key usage of the Store, 1.3.6.1.4.1.311.76.3.1, or the certificate Microsoft MarketPlace PCA 2011.
    ///
    /// ## Why
    /// With `Required:Enforce Store Applications` an app whose signer the policy does not know is not installed, and neither are
    /// the frameworks that other apps depend on.
    ///
    /// ## Passes
    /// ```text
    /// signer: Microsoft MarketPlace PCA 2011 with the Store's key usage
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// no such signer
    /// ```
    ///
    /// ## Fix
    /// Add the signer to the policy, as the template of the kit has it.
    ///
    /// ## References
    /// - Microsoft, iot-core docs: Store certificate in policies
    /// - iot-adk-addonkit, template of policies
    struct SipolicyStoreSigner;
    id: "sipolicy-store-signer",
    authority: "iot-adk-addonkit",
    clause: "Template of code-integrity policies: Store",
    images: [Retail],
    input: Security,
    level: Warning,
    since: "0.1.0",
}

impl Rule for SipolicyStoreSigner {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for (product, installed, read) in facts.readable_policies() {
            if read.policy.option(PolicyOption::UMCI).is_none() || allows_store(&read.policy) {
                continue;
            }
            let code = facts.code_of(product);
            let mut apps = code.iter().filter(|found| is_of_store(&found.code));
            if let Some(app) = apps.next() {
                let name = name_of(&app.path);
                let message = format!(
                    "`{}` does not allow `{name}`, an app of the Store",
                    installed.file.name
                );
                report
                    .at(installed.file.place.clone(), message)
                    .also(app.selected.place(), "this brings the app into the image")
                    .because_of_image(product)
                    .help(
                        "add the Store's signer to the policy, as the template of the kit has it",
                    );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::facts::policy_verdict::MARKETPLACE;
    use crate::facts::security::{CodeKind, SignedCode, SignerChain};
    use crate::testing::run;
    use crate::testing::security::{RawPolicy, RawSigner, certificate, product};
    use crate::testing::{wm_xml, workspace};

    fn found(policy: &RawPolicy) -> Vec<String> {
        let mut files = product("Production", &policy.signed());
        let body = "<files>\n<file source=\"SIPolicyEnforce.p7b\" name=\"SIPolicy.p7b\"/><file source=\"a.appx\"/></files>";
        files.retain(|(path, _)| path != "Guard/Guard.wm.xml");
        files.push((
            "Guard/Guard.wm.xml".into(),
            wm_xml("Guard", body).into_bytes(),
        ));
        files.push(("Guard/a.appx".into(), Vec::new()));
        let mut workspace = workspace(&files);
        let mut leaf = certificate("oem");
        leaf.extended_key_usage = Some(vec![crate::facts::policy_verdict::STORE.to_owned()]);
        let chains = vec![SignerChain {
            certificates: vec![leaf],
            root: None,
        }];
        let code = SignedCode {
            kind: CodeKind::User,
            chains,
            hashes: Vec::new(),
        };
        workspace.security.code.insert("Guard/a.appx".into(), code);
        run("sipolicy-store-signer", &workspace)
    }

    #[test]
    fn an_app_of_the_store_needs_the_store_among_the_signers() {
        let without = found(&RawPolicy::default());
        assert_eq!(without.len(), 1);
        assert!(
            without[0].contains("does not allow `a.appx`, an app of the Store"),
            "{without:?}"
        );
        let store = RawSigner::Hash(MARKETPLACE.to_vec());
        let policy = RawPolicy {
            signers: vec![RawSigner::of("oem"), store],
            user: vec![1],
            ..RawPolicy::default()
        };
        assert!(found(&policy).is_empty());
        let drivers = RawPolicy {
            options: 0x8200_0000,
            ..RawPolicy::default()
        };
        assert!(found(&drivers).is_empty());
    }
}
