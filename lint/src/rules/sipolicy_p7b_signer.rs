use formats::container::si_policy::{CertRoot, PolicyOption};
use signer::public_key::tbs_hash;

use crate::diagnostic::Place;
use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The boot loader will not take the installed code-integrity policy
    ///
    /// ## What it checks
    /// The file that is installed as `SIPolicy.p7b` is a signed policy, and its signer, or a certificate above it, is among the
    /// signers that the policy itself names for updates. A policy that allows unsigned policies may be unsigned.
    ///
    /// ## Why
    /// With secure boot on, the boot loader takes a signed policy only, and refuses an update by a signer whom the running policy
    /// does not name. A policy whose own signer is not among its update signers can be installed once and never again.
    ///
    /// ## Passes
    /// ```text
    /// SIPolicy.p7b: signed by the certificate that it names as update signer
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// SIPolicy.p7b: a bare policy, or signed with a code-signing certificate
    /// ```
    ///
    /// ## Fix
    /// Sign the binary policy with the update signer: `proofmark sign --profile NAME --out SIPolicy.p7b policy.bin`.
    ///
    /// ## References
    /// - iot-adk-addonkit, Add-IoTDeviceGuard
    /// - Microsoft, Use signed policies to protect App Control for Business
    struct SipolicyP7bSigner;
    id: "sipolicy-p7b-signer",
    authority: "iot-adk-addonkit",
    clause: "Add-IoTDeviceGuard: signtool /p7co 1.3.6.1.4.1.311.79.1",
    images: [Retail, Test],
    input: Security,
    level: Error,
    since: "0.1.0",
}

impl Rule for SipolicyP7bSigner {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            for installed in facts.installed_policies(product) {
                let read = match &installed.content.read {
                    Ok(read) => read,
                    Err(problem) => {
                        let message = format!(
                            "`{}` is no code-integrity policy: {problem}",
                            installed.file.name
                        );
                        report
                            .at(installed.file.place.clone(), message)
                            .help("sign the binary policy with `proofmark sign --out SIPolicy.p7b policy.bin`");
                        continue;
                    }
                };
                let policy = &read.policy;
                let problem = match &read.signer {
                    None if policy.option(PolicyOption::UNSIGNED_POLICY).is_some() => continue,
                    None => "is not signed".to_owned(),
                    Some(chain) => {
                        let hashes: Vec<_> = chain.iter().filter_map(tbs_hash).collect();
                        let mut signers = policy.referred(&policy.update_signers);
                        let is_named = signers.any(|signer| match &signer.root {
                            CertRoot::Tbs(hash) => hashes.contains(hash),
                            CertRoot::Wellknown(_) => true,
                        });
                        let Some(leaf) = chain.first().filter(|_| !is_named) else {
                            continue;
                        };
                        format!(
                            "is signed by {}, whom it does not name for updates",
                            leaf.subject
                        )
                    }
                };
                report
                    .at(
                        installed.file.place.clone(),
                        format!("`{}` {problem}", installed.file.name),
                    )
                    .also(Place::binary(installed.path, ""), "the policy")
                    .help("sign the policy with the signer that it names for updates");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::security::{RawPolicy, RawSigner, lint, product};

    fn found(policy: &[u8]) -> Vec<String> {
        lint("sipolicy-p7b-signer", &product("Production", policy))
    }

    #[test]
    fn the_signer_is_one_that_the_policy_names() {
        let policy = RawPolicy::default();
        assert!(found(&policy.signed()).is_empty());
        let other = RawPolicy {
            signers: vec![RawSigner::of("app")],
            ..RawPolicy::default()
        };
        assert!(found(&other.signed())[0].contains("whom it does not name for updates"));
        let above = RawPolicy {
            signers: vec![RawSigner::of("intermediate")],
            ..RawPolicy::default()
        };
        assert!(found(&above.signed()).is_empty());
    }

    #[test]
    fn a_bare_policy_and_something_else_are_found() {
        let bare = RawPolicy::default();
        assert!(found(&bare.bytes())[0].ends_with("`SIPolicyEnforce.p7b` is not signed"));
        let unsigned = RawPolicy {
            options: 0x8208_0004,
            ..RawPolicy::default()
        };
        assert!(found(&unsigned.bytes()).is_empty());
        assert!(found(b"text")[0].contains("is no code-integrity policy: file.magic"));
    }
}
