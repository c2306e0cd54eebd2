use std::collections::BTreeSet;

use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A manifest in a package states other sizes or digests than its files have
    ///
    /// ## What it checks
    /// Every size and digest that `update.mum`, `man.dsm.xml` and the component manifests state is that of the file in the
    /// cabinet, the sizes of the manifest itself and of the catalog excepted: no tool knows these in advance.
    ///
    /// ## Why
    /// The servicing stack compares each file with the digest in its component manifest and stops where they differ.
    /// Replacing or signing a file in a package without refreshing the manifests does that.
    ///
    /// ## Passes
    /// `proofmark resign`, which writes the digests anew.
    ///
    /// ## Fails
    /// A driver that was signed in an unpacked package, which was packed again as it was.
    ///
    /// ## Fix
    /// Build the package again, or sign it with `proofmark resign`.
    ///
    /// ## References
    /// - iot-adk-addonkit, Redo-IoTCabSignature: `pkgsigntool update`
    struct PackageManifestMismatch;
    id: "package-manifest-mismatch",
    authority: "iot-adk-addonkit, Redo-IoTCabSignature",
    clause: "pkgsigntool update",
    images: All,
    input: Package,
    level: Error,
    since: "0.1.0",
}

impl Rule for PackageManifestMismatch {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for built in &facts.built {
            let mut told = BTreeSet::new();
            for link in &built.contents.broken {
                // Both manifests state the digest of a file.
                let this = (crate::files::name_of(&link.member), link.reason.as_str());
                if !told.insert(this) {
                    continue;
                }
                let part = built.place(format!("{}: {}", link.manifest, link.member));
                let (file, package) = (crate::files::name_of(&link.member), built.name());
                let message = format!(
                    "`{file}` in `{package}` is not as its manifest says: {}",
                    link.reason
                );
                report
                    .at_built(facts, built, part, message)
                    .help("build the package again, or sign it with `proofmark resign`");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    const WRONG: &[u8] =
        include_bytes!("../../tests/fixtures/package-manifest-mismatch/Fjordlight.Kiosk.Agent.cab");
    const RIGHT: &[u8] =
        include_bytes!("../../tests/fixtures/pe-checksum/Fjordlight.Kiosk.Agent.cab");

    use crate::testing::lint_package;

    #[test]
    fn the_defect_is_found_and_a_sound_package_passes() {
        let lint = |bytes, image| {
            lint_package(
                "package-manifest-mismatch",
                "Fjordlight.Kiosk.Agent.cab",
                bytes,
                image,
            )
        };
        let found = lint(WRONG, None);
        assert!(
            found[0].contains("is not as its manifest says"),
            "{found:?}"
        );
        assert!(lint(RIGHT, None).is_empty());
    }
}
