use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The catalog of a driver is not for Windows 10
    ///
    /// ## What it checks
    /// Where a catalog in a package, the package's own excepted, says by `OSAttr` for which systems it is, Windows 10
    /// (`10.0`) is among them. The package tools themselves write older numbers into the catalog of a package.
    ///
    /// ## Why
    /// Windows compares the attribute when a driver is installed and takes a catalog for other systems for none. That IoT
    /// images do so as well is not published: a warning.
    ///
    /// ## Passes
    /// ```text
    /// OSAttr: 2:10.0
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// OSAttr: 2:6.1,2:6.0
    /// ```
    ///
    /// ## Fix
    /// Have the driver certified for Windows 10, or make the catalog with the right attribute.
    ///
    /// ## References
    /// - Microsoft, MakeCat: OSAttr
    /// - Microsoft, Inf2Cat: `/os:10_...`
    struct CatalogOsAttr;
    id: "catalog-os-attr",
    authority: "Microsoft, Inf2Cat",
    clause: "/os",
    images: All,
    input: Package,
    level: Warning,
    since: "0.1.0",
}

impl Rule for CatalogOsAttr {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for built in &facts.built {
            for catalog in &built.contents.catalogs {
                let is_for_10 = catalog
                    .os_attributes
                    .iter()
                    .any(|value| value.contains("10.0"));
                if catalog.is_of_package || catalog.os_attributes.is_empty() || is_for_10 {
                    continue;
                }
                let name = crate::files::name_of(&catalog.path);
                let part = built.place(format!("{}: CertificateTrustList", catalog.path));
                let message = format!(
                    "`{name}` in `{}` is for {}, expected 10.0 among them",
                    built.name(),
                    catalog.os_attributes.join(", ")
                );
                report
                    .at_built(facts, built, part, message)
                    .help("have the driver certified for Windows 10");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    const WRONG: &[u8] =
        include_bytes!("../../tests/fixtures/catalog-os-attr/Fjordlight.Kiosk.Agent.cab");
    const RIGHT: &[u8] =
        include_bytes!("../../tests/fixtures/unsigned-catalog/Fjordlight.Kiosk.Agent.cab");

    use crate::testing::lint_package;

    #[test]
    fn the_defect_is_found_and_a_sound_package_passes() {
        let lint = |bytes, image| {
            lint_package(
                "catalog-os-attr",
                "Fjordlight.Kiosk.Agent.cab",
                bytes,
                image,
            )
        };
        let found = lint(WRONG, None);
        assert!(
            found[0].contains("is for 2:6.1,2:6.0, expected 10.0"),
            "{found:?}"
        );
        assert!(lint(RIGHT, None).is_empty());
    }
}
