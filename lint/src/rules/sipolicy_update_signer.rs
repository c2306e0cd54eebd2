use std::collections::BTreeSet;

use formats::certificate::Certificate;
use formats::oid::Oid;
use signer::digest::DigestAlgorithm;
use signer::public_key::{KeyKind, PublicKey, named_digest};

use crate::diagnostic::{Level, Place};
use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// Nobody can update the code-integrity policy of an image, or the wrong one
    ///
    /// ## What it checks
    /// The installed policy has signers for updates. Where the certificate of one lies in the workspace, it is a root or issued
    /// by a root, its key is RSA of 3072 bits at least, and it is signed with SHA-256.
    ///
    /// ## Why
    /// A signed policy can be replaced only by one whose signer it names for updates. Without such a signer a device can never get
    /// another policy. From release 17763.1577 on the boot loader asks for the other properties.
    ///
    /// ## Passes
    /// ```text
    /// update signer: root or just below it, RSA-4096, SHA-256
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// update signer: three levels below the root, RSA-2048
    /// ```
    ///
    /// ## Fix
    /// Sign policies with a certificate just below your root and name it as update signer. `proofmark certs new` makes one.
    ///
    /// ## References
    /// - iot-adk-addonkit, release notes of version 7
    struct SipolicyUpdateSigner;
    id: "sipolicy-update-signer",
    authority: "iot-adk-addonkit",
    clause: "Release notes of version 7",
    images: [Retail, Test],
    input: Security,
    level: Error,
    since: "0.1.0",
}

impl Rule for SipolicyUpdateSigner {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for (_, installed, read) in facts.readable_policies() {
            let policy = &read.policy;
            if policy.update_signers.is_empty() {
                let message = format!("`{}` names nobody who may update it", installed.file.name);
                report
                    .at(installed.file.place.clone(), message)
                    .help("name an update signer, else the device never gets another policy");
            }
            let mut seen = BTreeSet::new();
            for signer in policy.referred(&policy.update_signers) {
                for (path, certificate) in facts.certificates_of(&signer.root) {
                    let Some(problem) = problem(facts, certificate).filter(|_| seen.insert(path))
                    else {
                        continue;
                    };
                    let message = format!(
                        "`{}` is updated by {}, which {problem}",
                        installed.file.name, certificate.subject
                    );
                    report
                        .at(installed.file.place.clone(), message)
                        .also(Place::binary(*path, ""), "the certificate")
                        .also(installed.part("signer", signer.span), "the signer")
                        .help("sign policies with a certificate just below your root, RSA-3072 or longer")
                        .at_most(Level::Warning);
                }
            }
        }
    }
}

/// What the boot loader will not like about an update signer.
fn problem(facts: &Facts<'_>, certificate: &Certificate) -> Option<String> {
    let key = PublicKey::from_spki(&certificate.public_key).ok();
    match key.map(|key| key.kind()) {
        Some(KeyKind::Rsa(bits)) if bits >= 3072 => {}
        Some(kind) => return Some(format!("has a key {kind}, RSA-3072 is the least")),
        None => return Some("has a key of an unknown kind".to_owned()),
    }
    let digest = named_digest(Oid(&certificate.signature_algorithm));
    if digest != Some(DigestAlgorithm::Sha256) {
        return Some("is not signed with SHA-256".to_owned());
    }
    let mut known = facts.workspace.security.certificates.values();
    let issuer = known.find(|known| known.subject.raw == certificate.issuer.raw);
    let is_far = issuer.is_some_and(|issuer| !issuer.is_self_issued());
    (is_far && !certificate.is_self_issued()).then(|| "is not issued by a root".to_owned())
}

#[cfg(test)]
mod tests {
    use crate::testing::security::{RawPolicy, RawSigner, certificate, lint, product};

    #[test]
    fn nobody_and_a_short_key_far_from_the_root_are_found() {
        let rule = "sipolicy-update-signer";
        let nobody = RawPolicy {
            update: Vec::new(),
            ..RawPolicy::default()
        };
        let found = lint(rule, &product("Production", &nobody.signed()));
        assert!(
            found[0].ends_with("names nobody who may update it"),
            "{found:?}"
        );
        let found = |name: &str, known: &[&str]| {
            let policy = RawPolicy {
                signers: vec![RawSigner::of(name)],
                ..RawPolicy::default()
            };
            let mut files = product("Production", &policy.signed());
            for name in known {
                files.push((format!("Certs/{name}.cer"), certificate(name).der));
            }
            lint(rule, &files)
        };
        let short = found("oem", &["oem", "intermediate", "root"]);
        assert!(short[0].contains("RSA-3072 is the least"), "{short:?}");
        let far = found("rsa4096", &["rsa4096", "intermediate", "root"]);
        assert!(
            far[0].starts_with("warning ") && far[0].contains("not issued by a root"),
            "{far:?}"
        );
        assert!(found("rsa4096", &["rsa4096"]).is_empty());
    }
}
