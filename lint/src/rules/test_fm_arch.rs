use crate::diagnostic::Fix;
use crate::facts::{Arch, Facts};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The manifest of test features is that of another processor
    ///
    /// ## What it checks
    /// The folder from which an image lists `IoTUAPNonProductionPartnerShareFM.xml` is that of its processor: `arm`, `x86`, or
    /// `amd64` for x64. The processor is that of the product settings or of the `Source-<arch>` folder.
    ///
    /// ## Why
    /// The manifest names packages of its processor. They cannot be put into an image of another one.
    ///
    /// ## Passes
    /// ```xml
    /// <AdditionalFM>%AKROOT%\FMFiles\arm\IoTUAPNonProductionPartnerShareFM.xml</AdditionalFM>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <AdditionalFM>%AKROOT%\FMFiles\x86\IoTUAPNonProductionPartnerShareFM.xml</AdditionalFM>
    /// ```
    /// in `Source-arm`
    ///
    /// ## Fix
    /// Write the folder of the processor, which the fix does.
    ///
    /// ## References
    /// - iot-adk-addonkit, test inputs of the sample products
    struct TestFmArch;
    id: "test-fm-arch",
    authority: "iot-adk-addonkit",
    clause: "Sample products: AdditionalFMs",
    images: [Test],
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for TestFmArch {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            let Some(arch) = product.arch else {
                continue;
            };
            let input = &product.oem_input;
            for manifest in &product.manifests {
                let path = manifest.reference.text.value.as_str();
                let is_it = manifest
                    .name()
                    .to_lowercase()
                    .starts_with("iotuapnonproduction");
                let folder = path.rsplit(['/', '\\']).nth(1).filter(|_| is_it);
                let Some((folder, other)) =
                    folder.and_then(|name| Some((name, Arch::from_word(name)?)))
                else {
                    continue;
                };
                if other == arch {
                    continue;
                }
                let right = if arch == Arch::X64 {
                    "amd64"
                } else {
                    arch.as_str()
                };
                let start = path
                    .len()
                    .saturating_sub(manifest.name().len() + 1 + folder.len());
                let rest = path.get(start + folder.len()..).unwrap_or_default();
                let mended = format!("{}{right}{rest}", path.get(..start).unwrap_or_default());
                let place = input.item(&manifest.reference);
                let title = format!("write `{right}`");
                report
                    .at(
                        place.clone(),
                        format!("the manifest is that of `{folder}`, the product is for `{arch}`"),
                    )
                    .help(title.clone())
                    .fix(Fix::replace(title, &place, mended));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{fixed, lint_one, oem_input};

    fn files(arch: &str, folder: &str) -> (String, String) {
        let text = oem_input(&format!(
            "<ReleaseType>Test</ReleaseType><AdditionalFMs>\n\
             <AdditionalFM>%AKROOT%\\FMFiles\\{folder}\\IoTUAPNonProductionPartnerShareFM.xml</AdditionalFM></AdditionalFMs>"
        ));
        (format!("Source-{arch}/Products/Kiosk/OEMInput.xml"), text)
    }

    #[test]
    fn the_folder_of_another_processor_is_an_error_and_is_mended() {
        let (path, text) = files("x64", "arm");
        let wanted =
            format!("error {path}:2:15 the manifest is that of `arm`, the product is for `x64`");
        assert_eq!(lint_one("test-fm-arch", &[(&path, &text)]), [wanted]);
        let text = fixed("test-fm-arch", &[(&path, &text)], &path);
        assert!(
            text.contains(r"%AKROOT%\FMFiles\amd64\IoTUAPNonProduction"),
            "{text}"
        );
    }

    #[test]
    fn the_right_folder_one_that_names_no_processor_and_other_manifests_pass() {
        for (arch, folder) in [("x64", "amd64"), ("arm", "ARM"), ("x86", "FMs")] {
            assert!(lint_one("test-fm-arch", &[files(arch, folder)]).is_empty());
        }
        let (path, text) = files("x86", "arm");
        let other = text.replace("IoTUAPNonProductionPartnerShareFM", "OEMFM");
        assert!(lint_one("test-fm-arch", &[(path, other)]).is_empty());
    }
}
