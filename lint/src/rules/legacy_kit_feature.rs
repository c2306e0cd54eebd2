use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::lists::{self, Class};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A feature of the add-on kit is chosen by its old name
    ///
    /// ## What it checks
    /// No image chooses `OEM_CustomCmd` or `OEM_ProvAuto`.
    ///
    /// ## Why
    /// The kit calls them `CUSTOM_CMD` and `PROV_AUTO` now. Its manifest still has the old names, so nothing breaks; a
    /// manifest of one's own may not.
    ///
    /// ## Passes
    /// ```xml
    /// <Feature>PROV_AUTO</Feature>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Feature>OEM_ProvAuto</Feature>
    /// ```
    ///
    /// ## Fix
    /// Write the new name, which the fix does.
    ///
    /// ## References
    /// - IoT Core feature list: `CUSTOM_CMD`, `PROV_AUTO`
    struct LegacyKitFeature;
    id: "legacy-kit-feature",
    authority: "Microsoft, IoT Core feature list",
    clause: "CUSTOM_CMD, PROV_AUTO",
    images: All,
    input: OemInput,
    level: Info,
    since: "0.1.0",
}

impl Rule for LegacyKitFeature {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            for feature in product.features() {
                let id = feature.text.value.as_str();
                let rename = lists::rename(id);
                let is_kits =
                    |new| lists::feature(new).is_some_and(|known| known.class == Class::Oem);
                let Some(rename) = rename.filter(|rename| is_kits(rename.new)) else {
                    continue;
                };
                let place = product.oem_input.item(feature);
                let title = format!("write `{}`", rename.new);
                report
                    .at(
                        place.clone(),
                        format!("`{id}` is now called `{}`", rename.new),
                    )
                    .help(title.clone())
                    .fix(Fix::replace(title, &place, rename.new));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{fixed, lint_one, oem_input};

    fn files(feature: &str) -> [(&'static str, String); 1] {
        let text = format!("<Features><OEM>\n<Feature>{feature}</Feature></OEM></Features>");
        [("OEMInput.xml", oem_input(&text))]
    }

    #[test]
    fn an_old_name_is_told_and_replaced() {
        let files = files("OEM_provauto");
        let wanted = "info OEMInput.xml:2:10 `OEM_provauto` is now called `PROV_AUTO`";
        assert_eq!(lint_one("legacy-kit-feature", &files), [wanted]);
        let text = fixed("legacy-kit-feature", &files, "OEMInput.xml");
        assert!(text.contains("<Feature>PROV_AUTO</Feature>"), "{text}");
    }

    #[test]
    fn new_names_and_features_of_microsofts_pass() {
        assert!(lint_one("legacy-kit-feature", &files("PROV_AUTO")).is_empty());
        assert!(lint_one("legacy-kit-feature", &files("IOT_POWER_SETIINGS")).is_empty());
    }
}
