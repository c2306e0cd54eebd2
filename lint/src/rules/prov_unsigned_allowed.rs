use crate::diagnostic::{Fix, Level};
use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail device accepts what nobody signed
    ///
    /// ## What it checks
    /// The provisioning of a retail image does not set `RequireProvisioningPackageSignature` to `No`; that is an error.
    /// `AllowNonMicrosoftSignedUpdate` set to `Yes` and `RequireDeviceEncryption` set to `No` are warnings.
    ///
    /// ## Why
    /// A provisioning package can change nearly everything on a device, and a stick in its port is enough to apply one that
    /// needs no signature.
    ///
    /// ## Passes
    /// `<RequireProvisioningPackageSignature>Yes</RequireProvisioningPackageSignature>`
    ///
    /// ## Fails
    /// `<RequireProvisioningPackageSignature>No</RequireProvisioningPackageSignature>`
    ///
    /// ## Fix
    /// Take the setting out.
    ///
    /// ## References
    /// - IoT Core, "Building secure devices"
    struct ProvUnsignedAllowed;
    id: "prov-unsigned-allowed",
    authority: "Microsoft, IoT Core: building secure devices",
    clause: "Provisioning",
    images: [Retail],
    input: Provisioning,
    level: Error,
    since: "0.1.0",
}

/// Settings, the words that are wrong, how much it weighs, and what it means.
const SETTINGS: &[(&str, [&str; 3], Level, &str)] = &[
    (
        "RequireProvisioningPackageSignature",
        ["no", "0", "false"],
        Level::Error,
        "unsigned provisioning packages are accepted",
    ),
    (
        "AllowNonMicrosoftSignedUpdate",
        ["yes", "1", "true"],
        Level::Warning,
        "updates that Microsoft did not sign are accepted",
    ),
    (
        "RequireDeviceEncryption",
        ["no", "0", "false"],
        Level::Warning,
        "the device need not be encrypted",
    ),
];

impl Rule for ProvUnsignedAllowed {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for file in facts.provisioning() {
            for setting in &file.settings {
                let name = setting.path.rsplit('/').next().unwrap_or_default();
                let value = setting.value.value.to_lowercase();
                let known = SETTINGS.iter().find(|(known, ..)| *known == name);
                if let Some((_, wrong, level, meaning)) = known
                    && wrong.contains(&value.as_str())
                {
                    report
                        .at(
                            file.value(&setting.value, setting.path.clone()),
                            format!("{meaning} in a retail image"),
                        )
                        .help("take the setting out of retail images")
                        .fix(file.comment_out(setting.element, name).map(Fix::as_guess))
                        .at_most(*level);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{customizations, lint_retail};

    #[test]
    fn wrong_words_are_found() {
        let lint = |name: &str, value: &str| {
            let settings =
                format!("<Policies><Security>\n<{name}>{value}</{name}></Security></Policies>");
            lint_retail(
                "prov-unsigned-allowed",
                &[("customizations.xml", customizations(&settings))],
            )
        };
        let found = lint("RequireProvisioningPackageSignature", "No");
        assert_eq!(
            found,
            [
                "error customizations.xml:2:38 unsigned provisioning packages are accepted in a retail image"
            ]
        );
        assert!(lint("RequireDeviceEncryption", "0")[0].starts_with("warning "));
        assert!(lint("RequireDeviceEncryption", "Yes").is_empty());
        assert!(lint("AllowNonMicrosoftSignedUpdate", "No").is_empty());
    }
}
