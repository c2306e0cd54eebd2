use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A package that is for the manufacturing OS only gets into a retail image
    ///
    /// ## What it checks
    /// No retail image of Windows 10 Mobile selects a package that the policy lists as one of the manufacturing OS.
    /// Names are those of the cabinets without `.cab`; the part before the first full stop, the owner, may be left out,
    /// and `*` at the end stands for anything.
    ///
    /// ## Why
    /// Some programs must run in the factory only: they write unique data of the device or open it for tests. Nothing
    /// in a package says that, so the project has to list them.
    ///
    /// ## Passes
    /// ```toml
    /// mmos-app-runs-everywhere = { packages = ["Factory.LineTest"] }
    /// # and no retail image selects Fjordlight.Factory.LineTest.cab
    /// ```
    ///
    /// ## Fails
    /// ```toml
    /// mmos-app-runs-everywhere = { packages = ["Factory.*"] }
    /// # and a retail image selects Fjordlight.Factory.LineTest.cab
    /// ```
    ///
    /// ## Fix
    /// Take the feature out of the retail image.
    ///
    /// ## Parameters
    /// - `packages`: packages that only the manufacturing OS may have, e.g. `["Factory.*"]`
    ///
    /// ## References
    /// - Windows 10 Mobile, "Microsoft Manufacturing OS": Developing user mode test applications
    struct MmosAppRunsEverywhere {
        /// Packages that only the manufacturing OS may have, e.g. `["Factory.*"]`.
        packages: Vec<String> = Vec::new(),
    }
    id: "mmos-app-runs-everywhere",
    authority: "Microsoft, Windows 10 Mobile manufacturing OS",
    clause: "Developing user mode test applications",
    images: [Retail],
    input: FeatureManifest,
    level: Error,
    since: "0.1.0",
}

impl Rule for MmosAppRunsEverywhere {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            for selected in &product.packages {
                let name = selected.file_name.as_str();
                if !self.packages.iter().any(|listed| is_meant(listed, name)) {
                    continue;
                }
                let message = format!("`{name}` of the manufacturing OS in a retail image");
                let finding = report.at(selected.place(), message);
                finding.also(product.image_place(), "this makes it a retail image");
                if let Some(feature) = selected.selected_by.first() {
                    finding.also(product.oem_input.item(feature), "this selects it");
                }
                finding.help("take the feature out of the retail image");
            }
        }
    }
}

/// Whether an entry of the list means a cabinet.
fn is_meant(listed: &str, cabinet: &str) -> bool {
    let (listed, cabinet) = (listed.to_lowercase(), cabinet.to_lowercase());
    let cabinet = cabinet.strip_suffix(".cab").unwrap_or(&cabinet);
    let without_owner = cabinet.split_once('.').map_or(cabinet, |(_, rest)| rest);
    [cabinet, without_owner]
        .into_iter()
        .any(|name| match listed.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == listed,
        })
}

#[cfg(test)]
mod tests {
    use super::is_meant;

    #[test]
    fn names_are_compared_with_and_without_owner_and_with_an_open_end() {
        let cabinet = "%OEM_NAME%.Factory.LineTest.cab";
        for listed in [
            "factory.linetest",
            "Factory.*",
            "%oem_name%.Factory.LineTest",
            "*",
        ] {
            assert!(is_meant(listed, cabinet), "{listed}");
        }
        for listed in ["Factory", "LineTest", "Factory.Line"] {
            assert!(!is_meant(listed, cabinet), "{listed}");
        }
    }
}
