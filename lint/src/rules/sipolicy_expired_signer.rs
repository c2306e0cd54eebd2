use std::collections::BTreeSet;

use crate::diagnostic::Place;
use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A signer of a code-integrity policy has expired
    ///
    /// ## What it checks
    /// The certificates by whose hash the installed policy names its signers are valid, as far as their files lie in the
    /// workspace.
    ///
    /// ## Why
    /// The policy itself does not mind: a rule by hash ignores the validity. But nothing new can be signed with an expired
    /// certificate, so the next driver will not be allowed.
    ///
    /// ## Passes
    /// ```text
    /// signer: a certificate until 2039
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// signer: a certificate until 2019
    /// ```
    ///
    /// ## Fix
    /// Renew the certificate in time, and add the new one to the policy before it is needed.
    ///
    /// ## References
    /// - RFC 5280, 4.1.2.5
    /// - iot-adk-addonkit, Workspace/Certs: MicrosoftCrossCert2019
    struct SipolicyExpiredSigner;
    id: "sipolicy-expired-signer",
    authority: "RFC 5280",
    clause: "4.1.2.5",
    images: All,
    input: Security,
    level: Info,
    since: "0.1.0",
}

impl Rule for SipolicyExpiredSigner {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(now) = facts.workspace.verified_at else {
            return;
        };
        for (_, installed, read) in facts.readable_policies() {
            let mut seen = BTreeSet::new();
            for signer in &read.policy.signers {
                for (path, certificate) in facts.certificates_of(&signer.root) {
                    if certificate.not_after >= now || !seen.insert(path) {
                        continue;
                    }
                    let message = format!(
                        "`{}` names {}, which expired on {}",
                        installed.file.name,
                        certificate.subject,
                        certificate.not_after.date()
                    );
                    report
                        .at(installed.file.place.clone(), message)
                        .also(Place::binary(*path, ""), "the certificate")
                        .help("renew the certificate, and add the new one to the policy");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::security::{RawPolicy, RawSigner, certificate, lint, product};

    #[test]
    fn an_expired_certificate_of_the_workspace_is_told_of_once() {
        let rule = "sipolicy-expired-signer";
        let signer = || RawSigner::of("expired");
        let policy = RawPolicy {
            signers: vec![signer(), signer()],
            ..RawPolicy::default()
        };
        let mut files = product("Production", &policy.signed());
        assert!(lint(rule, &files).is_empty());
        files.push(("Certs/expired.cer".into(), certificate("expired").der));
        files.push(("Certs/oem.cer".into(), certificate("oem").der));
        let found = lint(rule, &files);
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with("info ") && found[0].contains("which expired on 20"),
            "{found:?}"
        );
    }
}
