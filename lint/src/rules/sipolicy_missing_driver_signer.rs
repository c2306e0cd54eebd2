use formats::container::si_policy::PolicyOption;

use crate::diagnostic::Level;
use crate::facts::Facts;
use crate::facts::policy_verdict::{Verdict, verdict};
use crate::facts::security::CodeKind;
use crate::files::name_of;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The code-integrity policy does not allow a driver or program of the image
    ///
    /// ## What it checks
    /// Every signed driver, program, library and app package that a retail image gets from built packages, or from those
    /// that the workspace defines and that are not built yet, is
    /// allowed by the installed policy: drivers by the kernel scenario 131, the rest by the user scenario 12 where the
    /// policy has `Enabled:UMCI`. A signer of the policy is held against the whole chain of each signature: by the hash of
    /// a certificate or by the well-known root, and by key usages, publisher and issuer. File rules count by hash and by
    /// name. What is not signed is the matter of other rules. A policy in audit mode gives a warning.
    ///
    /// ## Why
    /// A driver that the policy does not know is not loaded. If it is one that the start needs, the device hangs before
    /// anything can be seen on it, and nothing in the build has said a word.
    ///
    /// ## Passes
    /// ```text
    /// gpio.sys: signed by Fjordlight KMCI; policy: scenario 131 allows Fjordlight KMCI
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// gpio.sys: signed by a board vendor; policy: scenario 131 allows Fjordlight KMCI
    /// ```
    ///
    /// ## Fix
    /// Sign the file with a certificate that the policy allows, or add its signer to the policy, then build and sign the
    /// policy again.
    ///
    /// ## References
    /// - Microsoft, Secure boot, BitLocker and Device Guard: signers of drivers
    /// - iot-adk-addonkit, issues 166, 306, 322, 358 and 363
    struct SipolicyMissingDriverSigner;
    id: "sipolicy-missing-driver-signer",
    authority: "Microsoft, Secure boot, BitLocker and Device Guard",
    clause: "Device Guard",
    images: [Retail],
    input: Security,
    level: Error,
    since: "0.1.0",
}

impl Rule for SipolicyMissingDriverSigner {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for (product, installed, read) in facts.readable_policies() {
            let policy = &read.policy;
            let checks_programs = policy.option(PolicyOption::UMCI).is_some();
            for found in facts.code_of(product) {
                let code = found.code.as_ref();
                if code.kind == CodeKind::User && !checks_programs {
                    continue;
                }
                let name = name_of(&found.path);
                let message = match verdict(policy, &found.path, code) {
                    Verdict::Allowed => continue,
                    Verdict::NotAllowed | Verdict::NoScenario => {
                        format!(
                            "`{name}` is signed by {}, whom the policy does not allow",
                            code.signers()
                        )
                    }
                    Verdict::Denied(what) => format!("`{name}` is denied by the policy: {what}"),
                };
                let finding = report.at(found.place, message);
                finding
                    .also(installed.file.place.clone(), "the policy of the image")
                    .also(found.selected.place(), "this brings the file into the image")
                    .because_of_image(product)
                    .help("sign it with a certificate that the policy allows, or add its signer to the policy");
                if policy.option(PolicyOption::AUDIT_MODE).is_some() {
                    finding.at_most(Level::Warning);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::security::{RawPolicy, RawSigner, lint, product, signed_image};
    use crate::testing::wm_xml;

    fn found(policy: &RawPolicy) -> Vec<String> {
        let mut files = product("Production", &policy.signed());
        let source = |name: &str| format!("<file source=\"{name}\"/>");
        let policy = "<file source=\"SIPolicyEnforce.p7b\" name=\"SIPolicy.p7b\"/>";
        let body = format!(
            "<files>{policy}{}{}</files>",
            source("a.sys"),
            source("b.exe")
        );
        files.retain(|(path, _)| path != "Guard/Guard.wm.xml");
        files.push((
            "Guard/Guard.wm.xml".into(),
            wm_xml("Guard", &body).into_bytes(),
        ));
        for name in ["a.sys", "b.exe", "not-in-the-package.exe"] {
            files.push((format!("Guard/{name}"), signed_image()));
        }
        lint("sipolicy-missing-driver-signer", &files)
    }

    #[test]
    fn each_scenario_allows_its_own_kind_of_code() {
        let signers = || {
            vec![
                RawSigner::of("oem"),
                RawSigner::of("intermediate"),
                RawSigner::Wellknown(6),
            ]
        };
        let with = |kernel: &[u32], user: &[u32], options| {
            let (kernel, user) = (kernel.to_vec(), user.to_vec());
            found(&RawPolicy {
                options,
                signers: signers(),
                kernel,
                user,
                ..RawPolicy::default()
            })
        };
        let neither = with(&[2], &[], 0x8200_0004);
        assert_eq!(neither.len(), 2);
        assert!(
            neither[0].starts_with("error Guard/a.sys (signature[0].signer) `a.sys` is signed by "),
            "{neither:?}"
        );
        assert!(
            neither[0].ends_with("whom the policy does not allow"),
            "{neither:?}"
        );
        assert!(with(&[0], &[1], 0x8200_0004).is_empty());
        assert!(with(&[0], &[2], 0x8200_0004)[0].contains("b.exe"));
        assert!(with(&[1], &[], 0x8200_0000).is_empty());
        assert!(with(&[], &[0], 0x8201_0004)[0].starts_with("warning Guard/a.sys"));
    }
}
