use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A catalog in a package lists its files by SHA-1 alone
    ///
    /// ## What it checks
    /// Catalogs in packages are of version 2, which lists every file by SHA-256 and by SHA-1.
    ///
    /// ## Why
    /// SHA-1 proves nothing any more: a second file with the same digest can be made. Windows 10 still reads such catalogs,
    /// so it is a warning.
    ///
    /// ## Passes
    /// `CatalogVersion=2` and `HashAlgorithms=SHA256`
    ///
    /// ## Fails
    /// A definition for `makecat` without these lines.
    ///
    /// ## Fix
    /// Make the catalog again as version 2: `proofmark catalog create` does.
    ///
    /// ## References
    /// - Microsoft, MakeCat: CatalogVersion, HashAlgorithms
    struct CatalogHashSha1;
    id: "catalog-hash-sha1",
    authority: "Microsoft, MakeCat",
    clause: "CatalogVersion",
    images: All,
    input: Package,
    level: Warning,
    since: "0.1.0",
}

impl Rule for CatalogHashSha1 {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for built in &facts.built {
            for catalog in &built.contents.catalogs {
                if catalog.version != 1 {
                    continue;
                }
                let name = crate::files::name_of(&catalog.path);
                let part = built.place(format!("{}: CertificateTrustList", catalog.path));
                let message = format!(
                    "`{name}` in `{}` lists its files by SHA-1 alone",
                    built.name()
                );
                report
                    .at_built(facts, built, part, message)
                    .help("make the catalog again as version 2");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    const WRONG: &[u8] =
        include_bytes!("../../tests/fixtures/catalog-hash-sha1/Fjordlight.Kiosk.Agent.cab");
    const RIGHT: &[u8] =
        include_bytes!("../../tests/fixtures/pe-checksum/Fjordlight.Kiosk.Agent.cab");

    use crate::testing::lint_package;

    #[test]
    fn the_defect_is_found_and_a_sound_package_passes() {
        let lint = |bytes, image| {
            lint_package(
                "catalog-hash-sha1",
                "Fjordlight.Kiosk.Agent.cab",
                bytes,
                image,
            )
        };
        let found = lint(WRONG, None);
        assert!(
            found[0].contains("lists its files by SHA-1 alone"),
            "{found:?}"
        );
        assert!(lint(RIGHT, None).is_empty());
    }
}
