use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail image takes the board's packages from where the test image does
    ///
    /// ## What it checks
    /// `BSPPkgDir` of the build configuration `Retail` of a retail product is not empty and not that of `Test`.
    ///
    /// ## Why
    /// Board support packages come test-signed. For retail they are signed again into a folder of their own; a retail image
    /// that takes them from the common one takes whatever was built last, and does not boot if that was test-signed.
    ///
    /// ## Passes
    /// `<BuildConfig Name="Retail"><BSPPkgDir>%BSPPKG_DIR%\Retail</BSPPkgDir></BuildConfig>`
    ///
    /// ## Fails
    /// `<BuildConfig Name="Retail"><BSPPkgDir /></BuildConfig>`
    ///
    /// ## Fix
    /// Sign the board's packages for retail into another folder and name it.
    ///
    /// ## References
    /// - iot-adk-addonkit, "Build a retail image": signing board support packages again
    struct RetailBspPkgDir;
    id: "retail-bsp-pkg-dir",
    authority: "iot-adk-addonkit",
    clause: "Build a retail image",
    images: [Retail],
    input: ProductSettings,
    level: Warning,
    since: "0.1.0",
}

impl Rule for RetailBspPkgDir {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for settings in &facts.documents.product_settings {
            let config = |wanted: &str| {
                settings.build_configs.iter().find(|config| {
                    let name = config.name.as_ref();
                    name.is_some_and(|name| name.value.eq_ignore_ascii_case(wanted))
                })
            };
            let folder = |wanted: &str| {
                let folder = config(wanted)?.bsp_pkg_dir.as_ref()?.value.trim();
                let folder = folder
                    .replace('\\', "/")
                    .trim_end_matches('/')
                    .to_lowercase();
                (!folder.is_empty()).then_some(folder)
            };
            let Some(retail) = config("Retail") else {
                continue;
            };
            let message = match (folder("Retail"), folder("Test")) {
                (None, _) => "`BSPPkgDir` of `Retail` is empty",
                (retail, test) if retail == test => "`BSPPkgDir` of `Retail` is that of `Test`",
                _ => continue,
            };
            let span = retail
                .bsp_pkg_dir
                .as_ref()
                .map_or(retail.element, |folder| folder.span);
            let span = if span.start < span.end {
                span
            } else {
                retail.element
            };
            report
                .at(
                    settings.place(span, "IoTProductSettings/BuildConfig/BSPPkgDir"),
                    message,
                )
                .help(
                    "sign the board's packages for retail into a folder of their own and name it",
                );
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, oem_input, product_settings};

    #[test]
    fn retail_has_a_folder_of_its_own() {
        let lint = |test: &str, retail: &str| {
            let config = |name, folder| {
                format!(
                    "\n<BuildConfig Name=\"{name}\"><BSPPkgDir>{folder}</BSPPkgDir></BuildConfig>"
                )
            };
            let configs = [config("Test", test), config("Retail", retail)].concat();
            let files = [
                (
                    "P/OEMInput.xml",
                    oem_input("<ReleaseType>Production</ReleaseType>"),
                ),
                ("P/PSettings.xml", product_settings(&configs)),
            ];
            lint_one("retail-bsp-pkg-dir", &files)
        };
        assert!(lint("", r"%BSPPKG_DIR%\Retail").is_empty());
        assert_eq!(
            lint("x", ""),
            ["warning P/PSettings.xml:3:1 `BSPPkgDir` of `Retail` is empty"]
        );
        assert!(
            lint("%BSPPKG_DIR%", r"%bsppkg_dir%\")
                .concat()
                .contains("is that of `Test`")
        );
    }
}
