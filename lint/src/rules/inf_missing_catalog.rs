use crate::facts::Facts;
use crate::facts::inf;
use crate::facts::product::Arch;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The INF file of a driver names no catalog, or not the processor of the package
    ///
    /// ## What it checks
    /// An INF file of a driver has `CatalogFile` in `[Version]`. Below a folder `Source-<processor>` the
    /// `[Manufacturer]` section has models for that processor, or for all.
    ///
    /// ## Why
    /// Without a catalog nothing signs the driver package as a whole. Without models for the processor the driver is on
    /// the device and no device of it starts.
    ///
    /// ## Passes
    /// ```ini
    /// [Version]
    /// CatalogFile = lineprobe.cat
    /// [Manufacturer]
    /// %Fjordlight% = Fjordlight,NTarm
    /// ```
    ///
    /// ## Fails
    /// ```ini
    /// [Version]
    /// ; no CatalogFile
    /// [Manufacturer]
    /// %Fjordlight% = Fjordlight,NTx86
    /// ```
    ///
    /// ## Fix
    /// Name the catalog that is signed with the package, and add the models for the processor.
    ///
    /// ## References
    /// - Microsoft, "INF Version section": CatalogFile
    /// - Microsoft, "INF Manufacturer section": TargetOSVersion
    struct InfMissingCatalog;
    id: "inf-missing-catalog",
    authority: "Microsoft, INF Version section",
    clause: "CatalogFile",
    images: All,
    input: PackageDefinition,
    level: Warning,
    since: "0.1.0",
}

impl Rule for InfMissingCatalog {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let infs = facts.documents.infs.iter();
        for file in infs.filter(|file| inf::is_of_driver(file)) {
            let mut sections = file.sections.iter();
            let version =
                sections.find(|section| section.name.value.eq_ignore_ascii_case("Version"));
            if let Some(version) = version.filter(|_| !inf::has_catalog(file)) {
                report
                    .at(file.value(&version.name, ""), "no `CatalogFile`")
                    .help("name the catalog that is signed with the driver package");
            }
            let first = file.entries("Manufacturer").next();
            let (Some(first), Some(arch)) = (first, Arch::of_path(file.path())) else {
                continue;
            };
            let wanted = inf::decoration(arch);
            let targets: Vec<String> = file
                .entries("Manufacturer")
                .flat_map(inf::targets)
                .collect();
            if !targets.iter().any(|target| inf::fits(target, arch)) {
                let found = targets.join("`, `");
                let message =
                    format!("models for `{found}`, expected `{wanted}` below `Source-{arch}`");
                report
                    .at(file.place(first.element, "Manufacturer"), message)
                    .help(format!(
                        "add the models for `{wanted}`, or take the INF file for {arch}"
                    ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::lint_one;

    fn lint(path: &str, version: &str, manufacturer: &str) -> Vec<String> {
        let text = format!(
            "[Version]\nSignature=\"$Windows NT$\"\n{version}\n[Manufacturer]\n{manufacturer}\n"
        );
        lint_one("inf-missing-catalog", &[(path, text)])
    }

    #[test]
    fn a_catalog_and_models_for_the_processor_pass() {
        assert!(
            lint(
                "Source-arm/a.inf",
                "CatalogFile.NTarm=a.cat",
                "%M% = F, NTx86, NTarm.10.0"
            )
            .is_empty()
        );
        assert!(lint("a.inf", "CatalogFile=a.cat", "%M% = F, NTx86").is_empty());
        assert!(lint("Source-x86/a.inf", "CatalogFile=a.cat", "%M% = F").is_empty());
    }

    #[test]
    fn a_missing_catalog_and_models_for_another_processor_are_found() {
        assert_eq!(
            lint("a.inf", "", "%M% = F"),
            ["warning a.inf:1:2 no `CatalogFile`"]
        );
        let found = lint("Source-x64/a.inf", "CatalogFile=a.cat", "%M% = F,NTx86").concat();
        assert!(
            found
                .starts_with("warning Source-x64/a.inf:5:1 models for `NTx86`, expected `NTamd64`"),
            "{found}"
        );
        assert!(
            lint("Source-arm/a.inf", "CatalogFile=a.cat", "%M% = F")
                .concat()
                .contains("models for ``, expected `NTarm`")
        );
    }
}
