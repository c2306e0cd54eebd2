use crate::diagnostic::Place;
use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A certificate file of the workspace has expired
    ///
    /// ## What it checks
    /// The certificate files of the workspace (`.cer`, `.crt`, `.der`) are valid at the time of the run.
    ///
    /// ## Why
    /// An expired certificate signs nothing new and is renewed too late. Where it is there only to be trusted, for what was signed in
    /// its time, it does no harm: hence for information.
    ///
    /// ## Passes
    /// ```text
    /// Fjordlight-PCA.cer, valid until 2039
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// MicrosoftCrossCert2019.cer, expired in 2019
    /// ```
    ///
    /// ## Fix
    /// Renew the certificate, or take the file out. `proofmark certs check` says what expires soon.
    ///
    /// ## References
    /// - RFC 5280, 4.1.2.5
    struct ExpiredCertFile;
    id: "expired-cert-file",
    authority: "RFC 5280",
    clause: "4.1.2.5",
    images: All,
    input: Security,
    level: Info,
    since: "0.1.0",
}

impl Rule for ExpiredCertFile {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(now) = facts.workspace.verified_at else {
            return;
        };
        // A certificate file belongs to no product, so the unknown type speaks of it, and of what the user declared.
        if facts.image != facts.workspace.declared {
            return;
        }
        for (path, certificate) in &facts.workspace.security.certificates {
            if certificate.not_after < now && facts.workspace.is_target(path) {
                let message = format!(
                    "{} expired on {}",
                    certificate.subject,
                    certificate.not_after.date()
                );
                report
                    .at(Place::binary(path.as_str(), ""), message)
                    .help("renew it, or take the file out");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::security::{certificate, lint};

    #[test]
    fn an_expired_certificate_is_told_of_once() {
        let file = |name: &str| (format!("Certs/{name}.cer"), certificate(name).der);
        let found = lint(
            "expired-cert-file",
            &[
                file("expired"),
                file("oem"),
                ("x.cer".into(), b"x".to_vec()),
            ],
        );
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with("info Certs/expired.cer ") && found[0].contains(" expired on 20"),
            "{found:?}"
        );
    }
}
