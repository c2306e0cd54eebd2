use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// What is in a package cannot be read
    ///
    /// ## What it checks
    /// Every file of a cabinet can be expanded, has a name that stays below the folder, and its manifests are well-formed
    /// XML.
    ///
    /// ## Why
    /// A package that cannot be read here is not read on the device either, or is read differently. Nothing that is said of
    /// it, that it is signed for retail for one, holds for the files that were not seen.
    ///
    /// ## Passes
    /// `proofmark package show PACKAGE.cab` lists the files.
    ///
    /// ## Fails
    /// A cabinet with a damaged block, signed afterwards.
    ///
    /// ## Fix
    /// Build the package again.
    ///
    /// ## References
    /// - Microsoft, "Microsoft Cabinet Format"
    struct PackageContentsUnreadable;
    id: "package-contents-unreadable",
    authority: "Microsoft, Microsoft Cabinet Format",
    clause: "CFDATA",
    images: All,
    input: Package,
    level: Error,
    since: "0.1.0",
}

impl Rule for PackageContentsUnreadable {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for built in &facts.built {
            if let Some(problem) = &built.contents.unread {
                let message = format!("`{}` cannot be read to its end: {problem}", built.name());
                report
                    .at_built(facts, built, built.place("contents"), message)
                    .help("build the package again");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    const WRONG: &[u8] = include_bytes!(
        "../../tests/fixtures/package-contents-unreadable/Fjordlight.Kiosk.Agent.cab"
    );
    const RIGHT: &[u8] =
        include_bytes!("../../tests/fixtures/pe-checksum/Fjordlight.Kiosk.Agent.cab");

    use crate::testing::lint_package;

    #[test]
    fn the_defect_is_found_and_a_sound_package_passes() {
        let lint = |bytes, image| {
            lint_package(
                "package-contents-unreadable",
                "Fjordlight.Kiosk.Agent.cab",
                bytes,
                image,
            )
        };
        let found = lint(WRONG, None);
        assert!(found[0].contains("cannot be read to its end"), "{found:?}");
        assert!(lint(RIGHT, None).is_empty());
    }
}
