use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A package has no catalog
    ///
    /// ## What it checks
    /// A package with `update.mum` has `update.cat`, and one with `man.dsm.xml` has `content.cat`.
    ///
    /// ## Why
    /// The servicing stack takes the catalog's word for every file of a package. The cabinet's signature is gone once the
    /// package is installed; the catalog's stays.
    ///
    /// ## Passes
    /// ```text
    /// update.mum
    /// update.cat
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// update.mum
    /// ```
    ///
    /// ## Fix
    /// Build the package again; a package that was unpacked needs `proofmark catalog create` before it is packed.
    ///
    /// ## References
    /// - iot-adk-addonkit, Redo-IoTCabSignature: makecat, sign, repack
    struct CabCatalogMissing;
    id: "cab-catalog-missing",
    authority: "iot-adk-addonkit, Redo-IoTCabSignature",
    clause: "content.cdf",
    images: All,
    input: Package,
    level: Error,
    since: "0.1.0",
}

impl Rule for CabCatalogMissing {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for built in &facts.built {
            let Some(own) = built.contents.own_catalog() else {
                continue;
            };
            if built.contents.unread.is_none() && built.contents.member(own).is_none() {
                let message = format!("`{}` has no catalog `{own}`", built.name());
                report
                    .at_built(facts, built, built.place(own), message)
                    .help("build the package again");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    const WRONG: &[u8] =
        include_bytes!("../../tests/fixtures/cab-catalog-missing/Fjordlight.Kiosk.Agent.cab");
    const RIGHT: &[u8] =
        include_bytes!("../../tests/fixtures/pe-checksum/Fjordlight.Kiosk.Agent.cab");

    use crate::testing::lint_package;

    #[test]
    fn the_defect_is_found_and_a_sound_package_passes() {
        let lint = |bytes, image| {
            lint_package(
                "cab-catalog-missing",
                "Fjordlight.Kiosk.Agent.cab",
                bytes,
                image,
            )
        };
        let found = lint(WRONG, None);
        assert!(
            found[0].contains("has no catalog `update.cat`"),
            "{found:?}"
        );
        assert!(lint(RIGHT, None).is_empty());
    }
}
