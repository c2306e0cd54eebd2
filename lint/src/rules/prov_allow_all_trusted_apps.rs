use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail device installs apps from anywhere
    ///
    /// ## What it checks
    /// `AllowAllTrustedApps` is not `Yes` in the provisioning of a retail image.
    ///
    /// ## Why
    /// The setting lets the device install every app that is signed by anyone it trusts, not from the Store only. It is
    /// needed where the product's own app does not come from the Store; then the trusted roots are the fence.
    ///
    /// ## Passes
    /// `<AllowAllTrustedApps>No</AllowAllTrustedApps>`
    ///
    /// ## Fails
    /// `<AllowAllTrustedApps>Yes</AllowAllTrustedApps>`
    ///
    /// ## Fix
    /// Take the setting out, or accept the finding in the policy of the product.
    ///
    /// ## References
    /// - IoT Core, "Building secure devices"
    struct ProvAllowAllTrustedApps;
    id: "prov-allow-all-trusted-apps",
    authority: "Microsoft, IoT Core: building secure devices",
    clause: "Apps",
    images: [Retail],
    input: Provisioning,
    level: Warning,
    since: "0.1.0",
}

impl Rule for ProvAllowAllTrustedApps {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for file in facts.provisioning() {
            for setting in &file.settings {
                let is_it = setting
                    .path
                    .ends_with("ApplicationManagement/AllowAllTrustedApps");
                let is_on =
                    ["yes", "1", "true"].contains(&setting.value.value.to_lowercase().as_str());
                if is_it && is_on {
                    report
                        .at(
                            file.value(&setting.value, setting.path.clone()),
                            "apps from anywhere may be installed on a retail device",
                        )
                        .help("take the setting out, unless the product's own app needs it");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{customizations, lint_one, lint_retail};

    #[test]
    fn the_setting_is_found_where_it_is_on() {
        let files = |value: &str| {
            let settings = format!(
                "<Policies><ApplicationManagement>\n<AllowAllTrustedApps>{value}</AllowAllTrustedApps></ApplicationManagement></Policies>"
            );
            [("customizations.xml", customizations(&settings))]
        };
        let id = "prov-allow-all-trusted-apps";
        let wanted = "warning customizations.xml:2:22 apps from anywhere may be installed on a retail device";
        assert_eq!(lint_retail(id, &files("Yes")), [wanted]);
        assert!(lint_retail(id, &files("No")).is_empty() && lint_one(id, &files("Yes")).is_empty());
    }
}
