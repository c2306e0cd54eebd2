use formats::certificate::Certificate;
use formats::container::efi_variable::Variable;
use signer::digest::{DigestAlgorithm, hex};
use time::Duration;

use crate::diagnostic::Place;
use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A certificate of secure boot has expired or soon will
    ///
    /// ## What it checks
    /// The certificates that packages put into `db` and `KEK` are valid for 90 more days from the time of the run, or the one
    /// of Microsoft's that follows is there too.
    ///
    /// ## Why
    /// Firmware usually ignores the dates, so the device goes on booting what it has. But new boot files are signed under newer
    /// certificates: the Microsoft certificates of 2011 ended in 2026, and those of 2023 take their place. A device without them
    /// cannot take the newer files, and its list of revoked files is not updated any more.
    ///
    /// ## Passes
    /// ```text
    /// db: Windows UEFI CA 2023
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// db: Microsoft Windows Production PCA 2011 after July 2026
    /// ```
    ///
    /// ## Fix
    /// Add the certificates that follow, for Microsoft those of 2023, and keep the old ones as long as old files must boot.
    ///
    /// ## References
    /// - Microsoft, Windows secure boot certificate expiration and CA updates
    struct SecurebootDbExpiring;
    id: "secureboot-db-expiring",
    authority: "Microsoft, Windows secure boot certificate expiration",
    clause: "CA updates",
    images: All,
    input: Security,
    level: Warning,
    since: "0.1.0",
}

impl Rule for SecurebootDbExpiring {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(now) = facts.workspace.verified_at else {
            return;
        };
        let soon = now.saturating_add(Duration::days(90));
        for installed in facts.variables() {
            if !installed.is(Variable::Db) && !installed.is(Variable::Kek) {
                continue;
            }
            let Ok(content) = installed.content else {
                continue;
            };
            let certificates = content.certificates();
            let thumbprints: Vec<String> = certificates.iter().map(thumbprint).collect();
            for certificate in &certificates {
                let end = certificate.not_after;
                if end > soon || is_followed(&thumbprint(certificate), &thumbprints) {
                    continue;
                }
                let word = if end < now { "expired" } else { "expires" };
                let message = format!("{} {word} on {}", certificate.subject, end.date());
                report
                    .at(installed.place.clone(), message)
                    .also(
                        Place::binary(installed.path, ""),
                        "the variable with the certificate",
                    )
                    .help("add the certificate that follows it, for Microsoft's those of 2023");
            }
        }
    }
}

/// Microsoft's certificates of 2011, and those of 2023 that follow them.
const FOLLOWERS: [(&str, &str); 3] = [
    (
        "31590bfd89c9d74ed087dfac66334b3931254b30",
        "459ab6fb5e284d272d5e3e6abc8ed663829d632b",
    ),
    (
        "46def63b5ce61cf8ba0de2e6639c1019d0ed14f3",
        "b5eeb4a6706048073f0ed296e7f580a790b59eaa",
    ),
    (
        "580a6f4cc4e4b669b9ebdc1b2b3e087b80d0678d",
        "45a0fa32604773c82433c3b7d59e7466b3ac0c67",
    ),
];

fn thumbprint(certificate: &Certificate) -> String {
    hex(&DigestAlgorithm::Sha1.of(&certificate.der))
}

fn is_followed(old: &str, present: &[String]) -> bool {
    let mut followers = FOLLOWERS.iter();
    followers.any(|(known, follower)| *known == old && present.iter().any(|new| new == follower))
}

#[cfg(test)]
mod tests {
    use crate::testing::security::{lint, variable, variable_package};

    #[test]
    fn an_expired_certificate_is_told_of() {
        let rule = "secureboot-db-expiring";
        let found = lint(
            rule,
            &variable_package("Production", &[("db", variable(&["expired", "root"]))]),
        );
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with("warning Boot/Boot.wm.xml:2:15 ")
                && found[0].contains(" expired on 20"),
            "{found:?}"
        );
        assert!(
            lint(
                rule,
                &variable_package("Production", &[("pk", variable(&["expired"]))])
            )
            .is_empty()
        );
    }

    #[test]
    fn what_follows_an_old_certificate_of_microsoft_makes_up_for_it() {
        let [(old, new), (_, other), _] = super::FOLLOWERS;
        assert!(super::is_followed(old, &[other.to_owned(), new.to_owned()]));
        assert!(!super::is_followed(old, &[other.to_owned()]));
    }
}
