use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail image can be logged in to from the network
    ///
    /// ## What it checks
    /// No retail image selects a remote shell: `IOT_SSH`, `IOT_POWERSHELL` (which brings WinRM), `OPENSRC_POWERSHELL`, or the
    /// device portal `IOT_WEBB_EXTN`.
    ///
    /// ## Why
    /// A shell that listens on the network is as safe as its passwords, and the first account of every image has a
    /// well-known one. The sources disagree, hence a warning: Microsoft's feature list allows SSH and PowerShell in retail,
    /// and the device portal with a certificate of one's own and changed passwords; the add-on kit counts SSH and the
    /// portal among the developer features; the guide to secure devices says that no retail image may expose them.
    ///
    /// ## Passes
    /// ```xml
    /// <!-- Feature>IOT_SSH</Feature -->
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Feature>IOT_SSH</Feature>
    /// ```
    ///
    /// ## Fix
    /// Switch the feature off. Where the product needs it, change the passwords, use a certificate of your own, close the
    /// port from outside, and take the feature out of the list in the policy. There is no mechanical fix, because a device
    /// may have no other way in.
    ///
    /// ## Parameters
    /// - `features`: the feature identifiers that count as remote shells.
    ///
    /// ## References
    /// - IoT Core, "Building secure devices"
    /// - IoT Core feature list: `IOT_SSH`, `IOT_WEBB_EXTN`
    /// - iot-adk-addonkit, `DevFeatureIDs` of the kit's settings
    struct RemoteShellInRetail {
        /// Feature identifiers that count as remote shells.
        features: Vec<String> = ["IOT_POWERSHELL", "IOT_SSH", "IOT_WEBB_EXTN", "OPENSRC_POWERSHELL"].map(String::from).into(),
    }
    id: "remote-shell-in-retail",
    authority: "Microsoft, Building secure devices",
    clause: "Remote access",
    images: [Retail],
    input: OemInput,
    level: Warning,
    since: "0.1.0",
}

impl Rule for RemoteShellInRetail {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            for feature in product.features() {
                let id = feature.text.value.as_str();
                if self
                    .features
                    .iter()
                    .any(|shell| shell.eq_ignore_ascii_case(id))
                {
                    report
                        .at(
                            product.oem_input.item(feature),
                            format!("`{id}` lets the network log in to a retail image"),
                        )
                        .because_of_image(product)
                        .help("switch the feature off, or secure it and take it out of the list in the policy")
                        .fix(product.switch_off(feature).map(Fix::as_guess));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::facts::Facts;
    use crate::image::ImageType;
    use crate::lists::{self, Class};
    use crate::rule::Report;
    use crate::testing::{lint_one, oem_input, workspace};

    fn input(release_type: &str) -> [(&'static str, String); 1] {
        let features = "<Features><Microsoft>\n<Feature>IOT_SSH</Feature></Microsoft>\
                        <OEM><Feature>OPENSRC_POWERSHELL</Feature></OEM></Features>";
        let release_type = format!("<ReleaseType>{release_type}</ReleaseType>");
        [("OEMInput.xml", oem_input(&(release_type + features)))]
    }

    #[test]
    fn shells_in_either_section_are_warned_of_in_retail_only() {
        let found = lint_one("remote-shell-in-retail", &input("Production"));
        assert_eq!(found.len(), 2);
        assert_eq!(
            found[0],
            "warning OEMInput.xml:2:10 `IOT_SSH` lets the network log in to a retail image"
        );
        assert!(lint_one("remote-shell-in-retail", &input("Test")).is_empty());
    }

    #[test]
    fn the_policy_says_what_counts() {
        let table = toml::de::DeTable::parse(r#"features = ["IOT_WEBB_EXTN"]"#).unwrap();
        let rule = (RULE.build)(table.into_inner()).unwrap();
        let workspace = workspace(&input("Production"));
        let mut report = Report::default();
        rule.check(
            &Facts::of(&workspace, Some(ImageType::Retail), &[]),
            &mut report,
        );
        assert!(report.into_findings().is_empty());
    }

    #[test]
    fn what_only_the_kit_counts_among_the_developer_features_is_listed() {
        let listed = super::RemoteShellInRetail::default().features;
        for known in lists::features().filter(|known| known.class == Class::DeveloperKit) {
            assert!(listed.iter().any(|id| id == known.id), "{}", known.id);
        }
    }
}
