use crate::facts::package::Field;
use crate::facts::product::Arch;
use crate::facts::{Definition, Facts};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A built package is not what its definition says
    ///
    /// ## What it checks
    /// Release type, owner, owner's type and partition in the manifest of a built package are those of the `*.wm.xml` or
    /// `*.pkg.xml` that it is built from, and its processor is that of the `Source-<processor>` folder. Values with
    /// variables are not compared.
    ///
    /// ## Why
    /// The image gets what is in the package; whoever reviews the workspace reads the definition.
    ///
    /// ## Passes
    /// A package that was built after the last change.
    ///
    /// ## Fails
    /// `releaseType="Production"` in the definition and `phoneRelease="Test"` in the package.
    ///
    /// ## Fix
    /// Build the package again.
    ///
    /// ## References
    /// - Microsoft, IoT Core package schema: onecorePackageInfo
    struct PackageDiffersFromDefinition;
    id: "package-differs-from-definition",
    authority: "Microsoft, IoT Core package schema",
    clause: "onecorePackageInfo",
    images: All,
    input: Package,
    level: Warning,
    since: "0.1.0",
}

impl Rule for PackageDiffersFromDefinition {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for built in &facts.built {
            let Some(package) = facts.index.definition_of(&built.path) else {
                continue;
            };
            let (definition, identity) = (&package.definition, &built.contents.identity);
            if built.contents.kind.is_none() {
                continue;
            }
            for (what, part, wanted, found) in [
                (
                    "release type",
                    "phoneInformation/@phoneRelease",
                    release_type(definition),
                    &identity.release_type,
                ),
                (
                    "owner",
                    "phoneInformation/@phoneOwner",
                    definition.owner(),
                    &identity.owner,
                ),
                (
                    "owner's type",
                    "phoneInformation/@phoneOwnerType",
                    definition.owner_type(),
                    &identity.owner_type,
                ),
                (
                    "partition",
                    "package/@targetPartition",
                    Some(definition.target()),
                    &identity.partition,
                ),
                (
                    "processor",
                    "assemblyIdentity/@processorArchitecture",
                    processor(definition),
                    &identity.architecture,
                ),
            ] {
                let (Some(wanted), Some(found)) = (wanted, found) else {
                    continue;
                };
                let is_hidden = wanted.value.contains(['$', '%']);
                if is_hidden || is_same(wanted.value.trim(), found.trim()) {
                    continue;
                }
                let message = format!(
                    "the {what} is `{}` here and `{found}` in the built package",
                    wanted.value
                );
                report
                    .at(wanted.place, message)
                    .also(built.manifest_place(part), "the package")
                    .help("build the package again");
            }
        }
    }
}

/// What is written, or what stands for it where nothing is.
fn release_type(definition: &Definition) -> Option<Field<'_>> {
    let default = matches!(definition, Definition::Wm(_)).then(|| definition.at_root("Production"));
    definition.release_type().or(default)
}

fn processor(definition: &Definition) -> Option<Field<'_>> {
    let arch = Arch::of_path(definition.path())?;
    Some(definition.at_root(arch.as_str()))
}

/// The same in any case, and `amd64` is `x64`.
fn is_same(wanted: &str, found: &str) -> bool {
    let arch = |word: &str| Arch::from_word(word.split('.').next().unwrap_or(word));
    wanted.eq_ignore_ascii_case(found) || (arch(wanted).is_some() && arch(wanted) == arch(found))
}

#[cfg(test)]
mod tests {
    use crate::resolve::ResolveOptions;
    use crate::testing::{run, verified, wm_xml};

    const CAB: &[u8] = include_bytes!(
        "../../tests/fixtures/package-differs-from-definition/Build/arm/pkgs/Fjordlight.Kiosk.Agent.cab"
    );

    #[test]
    fn every_value_is_compared_that_has_no_variables() {
        let lint = |info: &str| {
            let wm =
                wm_xml("Agent", info).replace("$(OEMNAME).Test.Agent", "Fjordlight.Kiosk.Agent");
            let files = [
                ("A/A.wm.xml", wm.as_bytes()),
                ("Fjordlight.Kiosk.Agent.cab", CAB),
            ];
            run(
                "package-differs-from-definition",
                &verified(&files, &ResolveOptions::default()),
            )
        };
        let found =
            lint("\n<onecorePackageInfo targetPartition=\"MainOS\" releaseType=\"Production\"/>");
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("warning A/A.wm.xml:2:"), "{found:?}");
        assert!(
            lint("<onecorePackageInfo targetPartition=\"data\" releaseType=\"Test\"/>").is_empty()
        );
    }
}
