use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// Only one of the two variables for a cross-certificate is set
    ///
    /// ## What it checks
    /// A command script that sets one of `CROSS_CERT_ISSUER` and `CROSS_CERT_SUBJECTNAME` sets the other as well.
    ///
    /// ## Why
    /// `sign.cmd` asks for both and stops where one is missing, after the build has begun.
    ///
    /// ## Passes
    /// ```bat
    /// set CROSS_CERT_ISSUER=...
    /// set CROSS_CERT_SUBJECTNAME=...
    /// ```
    ///
    /// ## Fails
    /// ```bat
    /// set CROSS_CERT_ISSUER=...
    /// ```
    ///
    /// ## Fix
    /// Set both or neither.
    ///
    /// ## References
    /// - iot-adk-addonkit, `sign.cmd`
    struct SignParamCrossCertPair;
    id: "sign-param-cross-cert-pair",
    authority: "iot-adk-addonkit, sign.cmd",
    clause: "CROSS_CERT_ISSUER",
    images: All,
    input: Workspace,
    level: Error,
    since: "0.1.0",
}

impl Rule for SignParamCrossCertPair {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for script in &facts.documents.scripts {
            let set = |name: &str| {
                script
                    .commands
                    .iter()
                    .find(|command| sets(&command.value, name))
            };
            let [(issuer, subject), (other, one)] = [
                ("CROSS_CERT_ISSUER", "CROSS_CERT_SUBJECTNAME"),
                ("CROSS_CERT_SUBJECTNAME", "CROSS_CERT_ISSUER"),
            ];
            for (name, missing) in [(issuer, subject), (other, one)] {
                if let Some(command) = set(name).filter(|_| set(missing).is_none()) {
                    report
                        .at(
                            script.value(command, ""),
                            format!("`{name}` is set without `{missing}`"),
                        )
                        .help("set both or neither");
                }
            }
        }
    }
}

/// Whether a command gives a variable a value.
fn sets(command: &str, name: &str) -> bool {
    let mut words = command.trim().splitn(2, char::is_whitespace);
    let is_set = words
        .next()
        .is_some_and(|word| word.eq_ignore_ascii_case("set"));
    let assigned = words.next().unwrap_or_default().trim().trim_matches('"');
    let pair = assigned.split_once('=');
    is_set
        && pair.is_some_and(|(known, value)| {
            known.trim().eq_ignore_ascii_case(name) && !value.trim().is_empty()
        })
}

#[cfg(test)]
mod tests {
    use crate::testing::lint_one;

    #[test]
    fn one_without_the_other_is_found() {
        let lint = |text: &str| lint_one("sign-param-cross-cert-pair", &[("env.cmd", text)]);
        let found = lint("@echo off\r\nset CROSS_CERT_ISSUER=A\r\n").concat();
        assert!(
            found.starts_with("error env.cmd:2:1 `CROSS_CERT_ISSUER` is set without"),
            "{found}"
        );
        assert!(lint("set CROSS_CERT_ISSUER=A\r\nset \"cross_cert_subjectname=B\"").is_empty());
        assert!(lint("set CROSS_CERT_ISSUER=").is_empty());
    }
}
