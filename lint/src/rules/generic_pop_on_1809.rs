use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

/// The feature.
const GENERIC_POP: &str = "IOT_GENERIC_POP";

declare_rule! {
    /// `IOT_GENERIC_POP` is chosen for a release that does not need it
    ///
    /// ## What it checks
    /// No image chooses `IOT_GENERIC_POP`, unless the user defines an `OSVERSION` before 10.0.17763.
    ///
    /// ## Why
    /// From release 1809 on, updates of the operating system only are the default, and the feature list has the feature up
    /// to release 1803.
    ///
    /// ## Passes
    /// ```xml
    /// <!-- Feature>IOT_GENERIC_POP</Feature -->
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Feature>IOT_GENERIC_POP</Feature>
    /// ```
    ///
    /// ## Fix
    /// Switch the feature off. The fix comments it out.
    ///
    /// ## References
    /// - IoT Core feature list: `IOT_GENERIC_POP`
    struct GenericPopOn1809;
    id: "generic-pop-on-1809",
    authority: "Microsoft, IoT Core feature list",
    clause: "IOT_GENERIC_POP",
    images: All,
    input: OemInput,
    level: Warning,
    since: "0.1.0",
}

impl Rule for GenericPopOn1809 {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let os = facts.workspace.os_build();
        if os.is_some_and(|os| os.build < 17763) {
            return;
        }
        for product in &facts.products {
            if let Some(feature) = product.feature(GENERIC_POP) {
                report
                    .at(
                        product.oem_input.item(feature),
                        format!("`{}` does nothing from release 1809 on", feature.text.value),
                    )
                    .help("switch the feature off")
                    .fix(product.switch_off(feature));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::resolve::ResolveOptions;
    use crate::testing::{oem_input, run, workspace_with};

    fn lint(feature: &str, defines: &[(&str, &str)]) -> Vec<String> {
        let text =
            format!("<Features><Microsoft>\n<Feature>{feature}</Feature></Microsoft></Features>");
        let defines = defines
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let options = ResolveOptions {
            defines: defines.collect(),
            ..ResolveOptions::default()
        };
        run(
            "generic-pop-on-1809",
            &workspace_with(&[("OEMInput.xml", oem_input(&text))], &options),
        )
    }

    #[test]
    fn the_feature_is_warned_of_from_1809_on_and_where_the_release_is_not_known() {
        let wanted =
            "warning OEMInput.xml:2:10 `IOT_GENERIC_POP` does nothing from release 1809 on";
        assert_eq!(lint("IOT_GENERIC_POP", &[]), [wanted]);
        assert_eq!(
            lint("IOT_GENERIC_POP", &[("OSVERSION", "10.0.17763.1")]),
            [wanted]
        );
    }

    #[test]
    fn earlier_releases_and_other_features_pass() {
        assert!(lint("IOT_GENERIC_POP", &[("OSVERSION", "10.0.17134.1")]).is_empty());
        assert!(lint("IOT_SSH", &[]).is_empty());
    }
}
