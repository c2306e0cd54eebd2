use crate::diagnostic::{Level, Place};
use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A private key that anyone can open lies in the workspace
    ///
    /// ## What it checks
    /// No `pfx`, `p12`, `pvk`, `key` or `pem` file of the workspace holds a private key without a password. Where the key
    /// is on the list of published keys, those of the add-on kit and of this program's tests, it is a warning.
    ///
    /// ## Why
    /// A workspace is copied, backed up and put into version control: whoever has a copy can sign in your name. The kit's
    /// sample keys have empty passwords, and people replace them in the same way.
    ///
    /// ## Passes
    /// A key on a token, in a store, or in a `pfx` with a password that stands elsewhere.
    ///
    /// ## Fails
    /// ```text
    /// Certs/private/retail.pfx: opens with an empty password
    /// ```
    ///
    /// ## Fix
    /// Take the key out of the workspace and its history, and treat it as lost: get a new certificate.
    ///
    /// ## References
    /// - iot-adk-addonkit, `Workspace/Certs/private`
    /// - CWE-798, "Use of hard-coded credentials"
    struct SecretKeyInRepo;
    id: "secret-key-in-repo",
    authority: "CWE-798, Use of hard-coded credentials",
    clause: "private keys",
    images: All,
    input: Security,
    level: Error,
    since: "0.1.0",
}

impl Rule for SecretKeyInRepo {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for file in &facts.key_files {
            let title = file.title();
            let message = match &file.published {
                Some(listed) => format!("{title} holds a private key that everyone has ({listed})"),
                None => format!("{title} holds a private key without a password"),
            };
            let finding = report.at(Place::binary(file.path.as_str(), ""), message);
            finding.help("take it out of the workspace, and get a new key where it was yours");
            if file.published.is_some() {
                finding.at_most(Level::Warning);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::resolve::ResolveOptions;
    use crate::testing::{run, verified};

    #[test]
    fn open_keys_are_errors_and_published_ones_warnings() {
        let lint = |bytes: &[u8]| {
            let files = [
                ("IoTWorkspace.xml", &b"<IoTWorkspace/>"[..]),
                ("a.pfx", bytes),
            ];
            run(
                "secret-key-in-repo",
                &verified(&files, &ResolveOptions::default()),
            )
            .concat()
        };
        let found = lint(include_bytes!("../../../testcerts/demo-retail.pfx"));
        assert!(
            found.starts_with("error a.pfx `a.pfx` (Proofmark Demo Retail (TEST ONLY)) holds"),
            "{found}"
        );
        assert!(lint(include_bytes!("../../../testcerts/oem.pfx")).starts_with("warning "));
        assert_eq!(
            lint(include_bytes!("../../../testcerts/pfx/oem-password.pfx")),
            ""
        );
    }
}
