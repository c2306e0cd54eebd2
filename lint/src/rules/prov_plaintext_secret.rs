use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A provisioning package of a retail image holds a password in clear text
    ///
    /// ## What it checks
    /// No setting in the provisioning of a retail image that is called `Secret`, `Password`, `SecurityKey` or the like has a
    /// value.
    ///
    /// ## Why
    /// The same package is on every device and can be unpacked by anyone who has one.
    ///
    /// ## Passes
    /// `<Secret></Secret>`
    ///
    /// ## Fails
    /// `<Secret>p@ssw0rd</Secret>`
    ///
    /// ## Fix
    /// Enrol devices with a certificate, or set the secret for each device at the factory. A secret that was shipped must be
    /// changed.
    ///
    /// ## Parameters
    /// `names`: names of settings that hold a secret.
    ///
    /// ## References
    /// - IoT Core, "Building secure devices"
    struct ProvPlaintextSecret {
        /// Names of settings that hold a secret, in any case.
        names: Vec<String> = ["Secret", "Password", "SecurityKey", "SharedKey", "PreSharedKey", "KeyMaterial", "AuthPassword"]
            .map(str::to_owned)
            .to_vec(),
    }
    id: "prov-plaintext-secret",
    authority: "Microsoft, IoT Core: building secure devices",
    clause: "Accounts and remote access",
    images: [Retail],
    input: Provisioning,
    level: Error,
    since: "0.1.0",
}

impl Rule for ProvPlaintextSecret {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for file in facts.provisioning() {
            for setting in &file.settings {
                let name = setting.path.rsplit('/').next().unwrap_or_default();
                let is_secret = self
                    .names
                    .iter()
                    .any(|known| known.eq_ignore_ascii_case(name));
                if is_secret && !setting.value.value.trim().is_empty() {
                    report
                        .at(
                            file.value(&setting.value, setting.path.clone()),
                            format!("`{name}` is in clear text in a retail image"),
                        )
                        .help("take the secret out, and change it if it was shipped");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{customizations, lint_retail};

    #[test]
    fn secrets_are_found_and_never_printed() {
        let lint = |name: &str, value: &str| {
            let settings = format!(
                "<Workplace><Enrollments><UPN>\n<{name}>{value}</{name}></UPN></Enrollments></Workplace>"
            );
            lint_retail(
                "prov-plaintext-secret",
                &[("customizations.xml", customizations(&settings))],
            )
        };
        let wanted = "error customizations.xml:2:9 `Secret` is in clear text in a retail image";
        assert_eq!(lint("Secret", "hunter2"), [wanted]);
        assert!(lint("Secret", "").is_empty() && lint("AuthPolicy", "OnPremise").is_empty());
        assert_eq!(lint("securitykey", "x").len(), 1);
    }
}
