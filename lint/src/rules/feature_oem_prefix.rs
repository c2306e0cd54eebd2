use crate::facts::Facts;
use crate::lists;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A feature of the manufacturer begins with `OEM_`
    ///
    /// ## What it checks
    /// No feature under `Features/OEM` begins with `OEM_`. Old names of the add-on kit are left to `legacy-kit-feature`.
    ///
    /// ## Why
    /// The tools put `OEM_` before every identifier of that section by themselves. One that has it already becomes
    /// `OEM_OEM_...`, and conditions and logs name it in three ways. The kit itself gave up such names.
    ///
    /// ## Passes
    /// ```xml
    /// <Feature>KIOSK_AGENT</Feature>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Feature>OEM_KioskAgent</Feature>
    /// ```
    ///
    /// ## Fix
    /// Give the feature another identifier in the manifest, beside the old one as long as inputs use that.
    ///
    /// ## References
    /// - iot-adk-addonkit, issue 203
    struct FeatureOemPrefix;
    id: "feature-oem-prefix",
    authority: "iot-adk-addonkit",
    clause: "Issue 203",
    images: All,
    input: OemInput,
    level: Warning,
    since: "0.1.0",
}

impl Rule for FeatureOemPrefix {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            for feature in &product.oem_input.features.oem.items {
                let id = feature.text.value.as_str();
                let rest = id
                    .get(..4)
                    .filter(|start| start.eq_ignore_ascii_case("OEM_"));
                if rest.is_some() && lists::rename(id).is_none() {
                    report
                        .at(
                            product.oem_input.item(feature),
                            format!("`{id}` begins with `OEM_`, which the tools add themselves"),
                        )
                        .help("define the feature by another identifier, and choose that one");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, oem_input};

    fn lint(section: &str, feature: &str) -> Vec<String> {
        let text =
            format!("<Features><{section}>\n<Feature>{feature}</Feature></{section}></Features>");
        lint_one("feature-oem-prefix", &[("OEMInput.xml", oem_input(&text))])
    }

    #[test]
    fn the_prefix_is_warned_of_in_any_case() {
        let wanted = "warning OEMInput.xml:2:10 `oem_Agent` begins with `OEM_`, which the tools add themselves";
        assert_eq!(lint("OEM", "oem_Agent"), [wanted]);
    }

    #[test]
    fn other_names_and_those_of_other_rules_pass() {
        for id in ["KIOSK_OEM_AGENT", "OEMAGENT", "OEM", "OEM_CustomCmd", "ÖÄ_"] {
            assert!(lint("OEM", id).is_empty(), "{id}");
        }
        assert!(lint("Microsoft", "OEM_AGENT").is_empty());
    }
}
