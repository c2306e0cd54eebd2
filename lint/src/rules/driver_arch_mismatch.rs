use crate::diagnostic::Place;
use crate::facts::Facts;
use crate::facts::payload::Beginning;
use crate::facts::product::Arch;
use crate::files;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A driver is built for another processor than the package
    ///
    /// ## What it checks
    /// The `*.sys` files beside a package definition with drivers are images for the processor of the
    /// `Source-<processor>` folder, or of the products that use the package.
    ///
    /// ## Why
    /// The kernel does not load a driver for another processor, and the device behind it does not work.
    ///
    /// ## Passes
    /// ```text
    /// Source-arm/Packages/FjordBoard.Probe/lineprobe.sys: machine 0x1c4
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// Source-arm/Packages/FjordBoard.Probe/lineprobe.sys: machine 0x14c
    /// ```
    ///
    /// ## Fix
    /// Take the driver that is built for the processor.
    ///
    /// ## References
    /// - Microsoft, "PE format": machine types
    struct DriverArchMismatch;
    id: "driver-arch-mismatch",
    authority: "Microsoft, PE format",
    clause: "Machine types",
    images: All,
    input: PackageDefinition,
    level: Error,
    since: "0.1.0",
}

impl Rule for DriverArchMismatch {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for definition in facts.packages.iter().map(|package| &package.definition) {
            let infs = definition.driver_infs();
            let (Some((_, inf)), Some(arch)) = (infs.first(), arch_of(facts, definition.path()))
            else {
                continue;
            };
            for name in facts.workspace.tree.in_folder(definition.folder()) {
                let path = files::join(definition.folder(), name);
                let Some(Beginning::Image(image)) = facts.workspace.beginnings.get(&path) else {
                    continue;
                };
                let machine = image.machine;
                if name.to_lowercase().ends_with(".sys")
                    && let Some(other) = Arch::of_machine(machine).filter(|other| *other != arch)
                {
                    report
                        .at(
                            inf.clone(),
                            format!(
                                "`{name}` is built for {other} ({machine:#06x}), expected {arch}"
                            ),
                        )
                        .also(Place::binary(path, "Machine"), "the driver")
                        .help(format!("take the driver that is built for {arch}"));
                }
            }
        }
    }
}

/// The processor of a package: that of its folder, or of its products where they agree.
fn arch_of(facts: &Facts<'_>, path: &str) -> Option<Arch> {
    Arch::of_path(path).or_else(|| {
        let mut archs = facts.owners(path).filter_map(|product| product.arch);
        let first = archs.next()?;
        archs.all(|arch| arch == first).then_some(first)
    })
}

#[cfg(test)]
mod tests {
    use crate::facts::payload::tests::pe;
    use crate::testing::{lint_one, wm_xml};

    fn lint(folder: &str, machine: u16, name: &str) -> Vec<String> {
        let driver = "<drivers><driver><inf\nsource=\"a.inf\"/></driver></drivers>";
        let files = [
            (
                format!("{folder}/A.wm.xml"),
                wm_xml("A", driver).into_bytes(),
            ),
            (format!("{folder}/{name}"), pe(machine, 8)),
        ];
        lint_one("driver-arch-mismatch", &files)
    }

    #[test]
    fn a_driver_for_another_processor_is_found_at_the_inf_that_installs_it() {
        let found = lint("Source-arm/p", 0x14c, "a.sys").concat();
        assert_eq!(
            found,
            "error Source-arm/p/A.wm.xml:2:9 `a.sys` is built for x86 (0x014c), expected arm"
        );
        assert!(lint("Source-arm/p", 0x1c4, "a.sys").is_empty());
    }

    #[test]
    fn programs_and_folders_of_no_processor_are_not_judged() {
        assert!(lint("Source-arm/p", 0x14c, "a.exe").is_empty());
        assert!(lint("Common/p", 0x14c, "a.sys").is_empty());
    }
}
