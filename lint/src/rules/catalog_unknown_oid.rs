use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A catalog in a package is of no kind that Windows knows
    ///
    /// ## What it checks
    /// A `*.cat` in a package is a certificate trust list (1.3.6.1.4.1.311.10.1) with the usage of catalogs
    /// (1.3.6.1.4.1.311.12.1.1), whose entries are of version 1 or 2 (1.3.6.1.4.1.311.12.1.2, .12.1.3).
    ///
    /// ## Why
    /// Windows looks files up in lists of these kinds only. Anything else is never found, whatever its signature says.
    ///
    /// ## Passes
    /// A catalog of `makecat`, `New-FileCatalog` or `proofmark catalog create`.
    ///
    /// ## Fails
    /// A trust list of certificates renamed to `.cat`.
    ///
    /// ## Fix
    /// Make the catalog again.
    ///
    /// ## References
    /// - Microsoft, "Catalog files and digital signatures"
    struct CatalogUnknownOid;
    id: "catalog-unknown-oid",
    authority: "Microsoft, Catalog files and digital signatures",
    clause: "object identifiers",
    images: All,
    input: Package,
    level: Error,
    since: "0.1.0",
}

impl Rule for CatalogUnknownOid {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for built in &facts.built {
            for catalog in &built.contents.catalogs {
                let Some(problem) = &catalog.unknown_oid else {
                    continue;
                };
                let name = crate::files::name_of(&catalog.path);
                let part = built.place(format!("{}: CertificateTrustList", catalog.path));
                let message = format!(
                    "`{name}` in `{}` is no catalog that Windows knows: {problem}",
                    built.name()
                );
                report
                    .at_built(facts, built, part, message)
                    .help("make the catalog again");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    const WRONG: &[u8] =
        include_bytes!("../../tests/fixtures/catalog-unknown-oid/Fjordlight.Kiosk.Agent.cab");
    const RIGHT: &[u8] =
        include_bytes!("../../tests/fixtures/catalog-os-attr/Fjordlight.Kiosk.Agent.cab");

    use crate::testing::lint_package;

    #[test]
    fn the_defect_is_found_and_a_sound_package_passes() {
        let lint = |bytes, image| {
            lint_package(
                "catalog-unknown-oid",
                "Fjordlight.Kiosk.Agent.cab",
                bytes,
                image,
            )
        };
        let found = lint(WRONG, None);
        assert!(
            found[0].contains("is no catalog that Windows knows"),
            "{found:?}"
        );
        assert!(lint(RIGHT, None).is_empty());
    }
}
