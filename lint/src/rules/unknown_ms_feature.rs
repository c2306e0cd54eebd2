use crate::diagnostic::Fix;
use crate::facts::product::FeatureMatch;
use crate::facts::{Facts, Product};
use crate::lists::{self, Rename};
use crate::nearest::nearest;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A feature under `Microsoft` is none of Microsoft's
    ///
    /// ## What it checks
    /// Every feature under `Features/Microsoft` of an IoT Core image is one of Microsoft's feature list, or one that a manifest
    /// of the workspace defines. Letter case and features of board or manufacturer are left to other rules; so are images
    /// of Windows 10 Mobile, whose features are not listed here.
    ///
    /// ## Why
    /// The add-on kit only warns, and the imaging tools fail much later, or leave the feature out. A feature that was
    /// renamed is unknown to every release since: `IOT_POWER_SETIINGS` was the name of build 10586, and inputs that were
    /// made then still have it.
    ///
    /// ## Passes
    /// ```xml
    /// <Feature>IOT_POWER_SETTINGS</Feature>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Feature>IOT_POWER_SETIINGS</Feature>
    /// <Feature>IOT_EFEISP</Feature>
    /// ```
    ///
    /// ## Fix
    /// Write the right identifier. The fix does so where the feature was renamed, or where one that is listed differs in at
    /// most two letters. A feature of a manifest that is not in the workspace may be named in the policy.
    ///
    /// ## Parameters
    /// - `known`: more identifiers of Microsoft's features.
    ///
    /// ## References
    /// - IoT Core feature list
    /// - iot-adk-addonkit, class `IoTProduct`: validation of features
    struct UnknownMsFeature {
        /// More identifiers of Microsoft's features.
        known: Vec<String> = Vec::new(),
    }
    id: "unknown-ms-feature",
    authority: "Microsoft, IoT Core feature list",
    clause: "Features",
    images: All,
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for UnknownMsFeature {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let products = facts.products.iter();
        for product in products.filter(|product| product.is_iot_core()) {
            for feature in &product.oem_input.features.microsoft.items {
                let id = feature.text.value.as_str();
                if self.is_known(product, id) {
                    continue;
                }
                let place = product.oem_input.item(feature);
                let (message, right) = match lists::rename(id) {
                    Some(Rename { new, by, .. }) => (
                        format!("`{id}` was renamed to `{new}` by {by}"),
                        Some(new.to_owned()),
                    ),
                    None => (format!("Microsoft has no feature `{id}`"), self.nearest(id)),
                };
                let finding = report.at(place.clone(), message);
                finding.help(
                    "take it out, or move it to `Features/OEM` if a manifest of yours has it",
                );
                if let Some(right) = right {
                    let title = format!("write `{right}`");
                    finding.help(title.clone());
                    finding.fix(Fix::replace(title, &place, right));
                }
            }
        }
    }
}

impl UnknownMsFeature {
    fn is_known(&self, product: &Product, id: &str) -> bool {
        lists::feature(id).is_some_and(|_| lists::rename(id).is_none())
            || product.known_feature(id) != FeatureMatch::None
            || self
                .known
                .iter()
                .any(|known| known.eq_ignore_ascii_case(id))
            || lists::is_placeholder(id)
    }

    fn nearest(&self, id: &str) -> Option<String> {
        let listed: Vec<_> = lists::features().map(|feature| feature.id).collect();
        let known = self.known.iter().map(String::as_str);
        nearest(id, listed.into_iter().chain(known)).map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{fixed, lint_one, oem_input, oem_manifest};

    fn input(feature: &str) -> [(&'static str, String); 2] {
        let text = oem_input(&format!(
            "<Product>Windows 10 IoT Core</Product><AdditionalFMs><AdditionalFM>MSFM.xml</AdditionalFM>\
             </AdditionalFMs><Features><Microsoft>\n<Feature>{feature}</Feature></Microsoft></Features>"
        ));
        let manifest = oem_manifest(&[("A", "IOT_OWN")]).replace("OEM>", "Microsoft>");
        [("OEMInput.xml", text), ("MSFM.xml", manifest)]
    }

    fn lint(feature: &str) -> Vec<String> {
        lint_one("unknown-ms-feature", &input(feature))
    }
    fn mended(feature: &str) -> bool {
        let text = fixed("unknown-ms-feature", &input(feature), "OEMInput.xml");
        !text.contains(feature)
            && lint_one("unknown-ms-feature", &[("OEMInput.xml", text)]).is_empty()
    }

    #[test]
    fn a_renamed_feature_is_called_renamed() {
        let found = lint("IOT_POWER_SETIINGS");
        let message = "`IOT_POWER_SETIINGS` was renamed to `IOT_POWER_SETTINGS` by release 1607";
        assert_eq!(found, [format!("error OEMInput.xml:2:10 {message}")]);
        assert!(mended("IOT_POWER_SETIINGS"));
    }

    #[test]
    fn a_slip_is_mended_and_anything_else_is_not() {
        let found = lint("IOT_EFEISP");
        assert!(found[0].ends_with(":2:10 Microsoft has no feature `IOT_EFEISP`"));
        assert!(mended("IOT_EFEISP"));
        assert!(lint("IOT_QUITE_OTHER").len() == 1 && !mended("IOT_QUITE_OTHER"));
    }

    #[test]
    fn what_is_listed_defined_or_another_rules_business_passes() {
        for id in ["IOT_SSH", "iot_ssh", "IOT_OWN", "PROV_AUTO", "{BSP}_X"] {
            assert!(lint(id).is_empty(), "{id}");
        }
        let mobile = oem_input("<Features><Microsoft><Feature>X</Feature></Microsoft></Features>");
        assert!(lint_one("unknown-ms-feature", &[("OEMInput.xml", mobile)]).is_empty());
    }
}
