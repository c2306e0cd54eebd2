use crate::facts::Facts;
use crate::facts::full_flash::security::WEAKENING;
use crate::image::ImageType;
use crate::rule::{Report, Rule, declare_rule};
use formats::container::si_policy::PolicyOption;
use formats::source::Span;

declare_rule! {
    /// The code-integrity policy of a retail image stops less than it should
    ///
    /// ## What it checks
    /// The policy in a retail image can be read, is signed, checks programs too (`Enabled:UMCI`), and has none of the
    /// options `Enabled:Audit Mode`, `Enabled:Unsigned System Integrity Policy` and `Enabled:Advanced Boot Options
    /// Menu`.
    ///
    /// ## Why
    /// In audit mode violations are written down and nothing is stopped. A policy that may be unsigned can be replaced
    /// by whoever gets at the boot partition.
    ///
    /// ## Passes
    /// options UMCI, Inherit Default Policy; signed
    ///
    /// ## Fails
    /// the audit policy of the add-on kit, which was meant for bringing the device up
    ///
    /// ## Fix
    /// Take the options out, sign the policy, and build the image again.
    ///
    /// ## References
    /// - iot-adk-addonkit, Add-IoTDeviceGuard
    /// - Microsoft, "Deploy code integrity policies"
    struct ImageSipolicyNotEnforced;
    id: "image-sipolicy-not-enforced",
    authority: "iot-adk-addonkit",
    clause: "Add-IoTDeviceGuard",
    images: [Retail],
    input: Image,
    level: Error,
    since: "0.1.0",
}

impl Rule for ImageSipolicyNotEnforced {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(image) = facts.finished_as(ImageType::Retail) else {
            return;
        };
        let part = |at: &str, name: &str, span: Span| {
            let key = match span == Span::default() {
                true => name.to_owned(),
                false => format!("{name} at offset {:#x}", span.start),
            };
            image.place(at, key)
        };
        for policy in &image.security.policies {
            let read = match &policy.content.read {
                Ok(read) => read,
                Err(problem) => {
                    let message = format!("the code-integrity policy cannot be read: {problem}");
                    report.at(image.place(&policy.at, ""), message);
                    continue;
                }
            };
            for option in WEAKENING {
                if let Some(span) = read.policy.option(option) {
                    let message = format!("the policy of a retail image has `{option}`");
                    report
                        .at(part(&policy.at, "options", span), message)
                        .help("take the option out, then build and sign the policy again");
                }
            }
            if read.policy.option(PolicyOption::UMCI).is_none() {
                let message = format!(
                    "the policy of a retail image lacks `{}`: it checks drivers alone",
                    PolicyOption::UMCI
                );
                report
                    .at(image.place(&policy.at, "options"), message)
                    .help("set the option, then build and sign the policy again");
            }
            if read.signer.is_none() {
                let message = "the policy of a retail image is not signed: whoever gets at the partition can replace it";
                report
                    .at(image.place(&policy.at, "signature"), message)
                    .help("sign it: `proofmark sign --profile retail`");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use formats::container::si_policy::Policy;

    use crate::image::ImageType;
    use crate::testing::image::{image, lint_image, policy};

    fn found(options: u32, of: ImageType) -> Vec<String> {
        let mut image = image();
        image.security.policies = vec![policy(Policy::default(), options)];
        lint_image("image-sipolicy-not-enforced", image, of)
    }

    #[test]
    fn audit_mode_and_a_missing_check_of_programs_are_found_in_retail() {
        let audit = found(0x1_0004, ImageType::Retail);
        assert!(
            audit[0].ends_with("has `Enabled:Audit Mode`") && audit.len() == 1,
            "{audit:?}"
        );
        assert!(found(0, ImageType::Retail)[0].contains("lacks `Enabled:UMCI`"));
        assert!(found(0x4, ImageType::Retail).is_empty());
        assert!(found(0x1_0004, ImageType::Test).is_empty());
    }

    #[test]
    fn an_unsigned_or_damaged_policy_is_found() {
        let mut image = image();
        let mut damaged = policy(Policy::default(), 4);
        damaged.content.read = Err("it is cut".to_owned());
        let mut unsigned = policy(Policy::default(), 4);
        if let Ok(read) = &mut unsigned.content.read {
            read.signer = None;
        }
        image.security.policies = vec![damaged, unsigned];
        let found = lint_image("image-sipolicy-not-enforced", image, ImageType::Retail);
        assert!(
            found[0].contains("cannot be read: it is cut") && found[1].contains("is not signed"),
            "{found:?}"
        );
    }
}
