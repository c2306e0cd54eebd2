use crate::facts::Facts;
use crate::lists::{self, Class};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A developer tool is in a retail image
    ///
    /// ## What it checks
    /// No retail image selects a feature that Microsoft's feature list has among the developer tools, in either section of
    /// `Features`: sample apps, the remote display, `IOT_SIREP`, `IOT_TOOLKIT`, direct memory access from apps, drivers of
    /// serial converters, containers.
    ///
    /// ## Why
    /// The feature list says of each that it is not for retail devices: it opens ports without a login, takes the
    /// screen, or lets apps reach hardware. The add-on kit only warns, and its own retail samples have between one and
    /// eight such features, so inputs that were made from a sample have them too.
    ///
    /// ## Passes
    /// ```xml
    /// <!-- Feature>IOT_BERTHA</Feature -->
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Feature>IOT_BERTHA</Feature>
    /// ```
    ///
    /// ## Fix
    /// Switch the feature off. The fix comments it out. A feature that the product needs, a driver for instance, may be
    /// allowed by the policy with a comment that says why.
    ///
    /// ## Parameters
    /// - `allow`: feature identifiers that the product may have.
    ///
    /// ## References
    /// - IoT Core feature list, "Developer tools"
    /// - iot-adk-addonkit, `DevFeatureIDs` of the kit's settings. `IOT_SSH` and `IOT_WEBB_EXTN`, which only the kit counts
    ///   among them, are left to `remote-shell-in-retail`
    struct DevFeatureInRetail {
        /// Feature identifiers that the product may have.
        allow: Vec<String> = Vec::new(),
    }
    id: "dev-feature-in-retail",
    authority: "Microsoft, IoT Core feature list",
    clause: "Developer tools",
    images: [Retail],
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for DevFeatureInRetail {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            for feature in product.features() {
                let id = feature.text.value.as_str();
                let is_tool =
                    lists::feature(id).is_some_and(|known| known.class == Class::Developer);
                let is_allowed = self
                    .allow
                    .iter()
                    .any(|allowed| allowed.eq_ignore_ascii_case(id));
                if is_tool && !is_allowed {
                    report
                        .at(
                            product.oem_input.item(feature),
                            format!("`{id}`, a developer tool, in a retail image"),
                        )
                        .because_of_image(product)
                        .help("switch the feature off, or allow it in the policy where the product needs it")
                        .fix(product.switch_off(feature));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DevFeatureInRetail, RULE};
    use crate::facts::Facts;
    use crate::image::ImageType;
    use crate::rule::{Report, Rule};
    use crate::testing::{fixed, lint_one, oem_input, workspace};

    fn input(release_type: &str) -> [(&'static str, String); 1] {
        let features = "<Features><Microsoft>\n<Feature>IOT_CP210X_MakerDriver</Feature>\n\
                        <Feature>IOT_SSH</Feature></Microsoft></Features>";
        let release_type = format!("<ReleaseType>{release_type}</ReleaseType>");
        [("OEMInput.xml", oem_input(&(release_type + features)))]
    }

    #[test]
    fn a_developer_tool_is_found_in_any_case_and_only_in_retail() {
        assert_eq!(
            lint_one("dev-feature-in-retail", &input("Production")),
            [
                "error OEMInput.xml:2:10 `IOT_CP210X_MakerDriver`, a developer tool, in a retail image"
            ],
        );
        assert!(lint_one("dev-feature-in-retail", &input("Test")).is_empty());
    }

    #[test]
    fn the_fix_comments_it_out() {
        let text = fixed(
            "dev-feature-in-retail",
            &input("Production"),
            "OEMInput.xml",
        );
        assert!(
            text.contains("\n<!-- Feature>IOT_CP210X_MakerDriver</Feature -->\n"),
            "{text}"
        );
    }

    #[test]
    fn a_policy_may_allow_one() {
        let table = toml::de::DeTable::parse(r#"allow = ["IOT_CP210x_MAKERDRIVER"]"#).unwrap();
        let rule = (RULE.build)(table.into_inner()).unwrap();
        let workspace = workspace(&input("Production"));
        let facts = Facts::of(&workspace, Some(ImageType::Retail), &[]);
        let mut report = Report::default();
        rule.check(&facts, &mut report);
        assert!(report.into_findings().is_empty());
        let mut report = Report::default();
        DevFeatureInRetail::default().check(&facts, &mut report);
        assert_eq!(report.into_findings().len(), 1);
    }
}
