use crate::facts::Facts;
use crate::facts::contents::{Content, Member};
use crate::facts::product::Arch;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A built package, or a driver in it, is for another processor
    ///
    /// ## What it checks
    /// A built package is for the processor of the products that take it in, by its manifest, and the drivers in it are
    /// images for that processor. Packages with two processors (`arm64.arm`) and other programs are not judged: these may
    /// run beside.
    ///
    /// ## Why
    /// The imaging tools refuse a package for another processor, after an hour of work; the kernel refuses the driver.
    ///
    /// ## Passes
    /// ```text
    /// processorArchitecture="arm", lineprobe.sys: machine 0x1c4
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// processorArchitecture="arm", lineprobe.sys: machine 0x14c
    /// ```
    ///
    /// ## Fix
    /// Build the package for the processor of the image.
    ///
    /// ## References
    /// - Microsoft, "PE format": machine types
    /// - Microsoft, pkggen: `/cpu`
    struct PackageArchMismatch;
    id: "package-arch-mismatch",
    authority: "Microsoft, PE format",
    clause: "Machine types",
    images: All,
    input: Package,
    level: Error,
    since: "0.1.0",
}

impl Rule for PackageArchMismatch {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for built in &facts.built {
            let written = built.contents.identity.architecture.as_deref();
            let Some(arch) = written.and_then(Arch::from_word) else {
                continue;
            };
            let package = built.name();
            let mut say = |part: crate::diagnostic::Place, message: String| {
                report
                    .at_built(facts, built, part, message)
                    .help("build the package for the processor of the image");
            };
            let mut others = facts.owners(&built.path).filter_map(|product| product.arch);
            if let Some(other) = others.find(|other| *other != arch) {
                let part = built.manifest_place("assemblyIdentity/@processorArchitecture");
                say(
                    part,
                    format!("`{package}` is built for {arch}, the image for {other}"),
                );
            }
            for driver in built.contents.drivers() {
                if let Some(other) = machine(driver).filter(|other| *other != arch) {
                    let name = driver.name();
                    let message = format!(
                        "`{name}` in `{package}` is a driver for {other}, the package is for {arch}"
                    );
                    say(built.member_place(driver), message);
                }
            }
        }
    }
}

fn machine(member: &Member) -> Option<Arch> {
    match member.content {
        Content::Image { machine } => Arch::of_machine(machine),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    const WRONG: &[u8] =
        include_bytes!("../../tests/fixtures/package-arch-mismatch/Fjordlight.Kiosk.Agent.cab");
    const RIGHT: &[u8] =
        include_bytes!("../../tests/fixtures/pe-checksum/Fjordlight.Kiosk.Agent.cab");

    use crate::image::ImageType;
    use crate::testing::lint_package;

    #[test]
    fn the_defect_is_found_and_a_sound_package_passes() {
        let lint = |bytes, image| {
            lint_package(
                "package-arch-mismatch",
                "Fjordlight.Kiosk.Agent.cab",
                bytes,
                image,
            )
        };
        let found = lint(WRONG, Some(ImageType::Test));
        assert!(found[0].contains("`lineprobe.sys` in `Fjordlight.Kiosk.Agent` is a driver for x86, the package is for arm"), "{found:?}");
        assert!(lint(RIGHT, Some(ImageType::Test)).is_empty());
    }
}
