use crate::facts::Facts;
use crate::facts::Product;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A manufacturing OS that runs in memory has packages for other partitions
    ///
    /// ## What it checks
    /// The image of a manufacturing OS that is turned into a WIM selects packages for `MainOS` only. An input is taken
    /// as one for a WIM when its file name says `WIM` or `CustomerCare`.
    ///
    /// ## Why
    /// A WIM is loaded into memory and runs there; it has one partition and cannot reach those of the device.
    ///
    /// ## Passes
    /// ```xml
    /// <Package ... Partition="MainOS">
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Package ... Partition="PLAT">
    /// ```
    ///
    /// ## Fix
    /// Leave the package out of this image.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Working with WIM MMOS images": Creating a WIM Image
    struct MmosWimPartition;
    id: "mmos-wim-partition",
    authority: "Microsoft, Working with WIM MMOS images",
    clause: "Creating a WIM Image",
    images: [Mmos],
    input: PackageDefinition,
    level: Error,
    since: "0.1.0",
}

impl Rule for MmosWimPartition {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in facts.products.iter().filter(|product| is_for_wim(product)) {
            let selected = product.packages.iter();
            for package in selected.filter_map(|selected| selected.package.as_ref()) {
                let target = package.definition.target();
                let name = target.value;
                if name.eq_ignore_ascii_case("MainOS") || name.contains("$(") {
                    continue;
                }
                let message = format!("a package for `{name}` in a WIM, expected `MainOS` only");
                report
                    .at(target.place, message)
                    .also(product.image_place(), "the image that is made a WIM")
                    .help("leave the package out of this image");
            }
        }
    }
}

/// Whether the name of the input says that the image is made a WIM.
fn is_for_wim(product: &Product) -> bool {
    let name = product.oem_input.name().to_lowercase();
    name.contains("wim") || name.contains("customercare")
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, product, wm_xml};

    fn lint(input: &str, partition: &str) -> Vec<String> {
        let info = format!("\n<onecorePackageInfo targetPartition=\"{partition}\"/>");
        let mut files = product(
            "<Product>Manufacturing OS</Product>",
            &[("A", wm_xml("A", &info))],
        );
        for (path, _) in &mut files {
            *path = path.replace("OEMInput.xml", input);
        }
        lint_one("mmos-wim-partition", &files)
    }

    #[test]
    fn other_partitions_are_found_in_inputs_for_a_wim_only() {
        let found = lint("WimOEMInput.xml", "PLAT").concat();
        assert!(
            found.starts_with("error A/A.wm.xml:2:38 a package for `PLAT` in a WIM"),
            "{found}"
        );
        assert!(lint("WimOEMInput.xml", "mainos").is_empty());
        assert!(lint("MfgOEMInput.xml", "PLAT").is_empty());
    }
}
