use crate::facts::Facts;
use crate::facts::payload::Beginning;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The settings of the first-boot app are not UTF-16
    ///
    /// ## What it checks
    /// A file `settings.json` that a package puts into a folder `oobe` is UTF-16, with a byte-order mark or
    /// recognisable without one.
    ///
    /// ## Why
    /// The first-boot app reads its settings as UCS-2 and ignores them in any other encoding, so the device shows the
    /// default screen.
    ///
    /// ## Passes
    /// ```text
    /// settings.json: FF FE 7B 00 ...
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// settings.json: 7B 0A 20 20 ...
    /// ```
    ///
    /// ## Fix
    /// Save the file as "Unicode" (UTF-16 little-endian).
    ///
    /// ## References
    /// - IoT Core, "OS customizations": OOBE App
    struct OobeSettingsEncoding;
    id: "oobe-settings-encoding",
    authority: "Microsoft, IoT Core OS customizations",
    clause: "OOBE App",
    images: All,
    input: PackageDefinition,
    level: Warning,
    since: "0.1.0",
}

impl Rule for OobeSettingsEncoding {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let workspace = facts.workspace;
        for package in &facts.packages {
            for file in package.definition.files() {
                let (Some(source), Some(folder)) = (&file.source, &file.destination) else {
                    continue;
                };
                let is_oobe = folder
                    .value
                    .to_lowercase()
                    .trim_end_matches('\\')
                    .ends_with("\\oobe");
                if !is_oobe || !file.name().eq_ignore_ascii_case("settings.json") {
                    continue;
                }
                let found = workspace
                    .tree
                    .find_from(package.definition.folder(), &source.value);
                let Some(found) = found else {
                    continue;
                };
                if workspace.beginnings.get(&found.path) == Some(&Beginning::Other) {
                    let message = format!("`{}` is not UTF-16, expected UTF-16", source.value);
                    report
                        .at(package.definition.place(source, file.route), message)
                        .help("save the file as UTF-16 little-endian (\"Unicode\")");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, wm_xml};

    fn lint(folder: &str, json: &[u8]) -> Vec<String> {
        let file = format!("<file destinationDir=\"{folder}\"\nsource=\".\\Settings.json\"/>");
        let definition = wm_xml("A", &format!("<files>{file}</files>"));
        let files: [(&str, &[u8]); 2] = [
            ("p/A.wm.xml", definition.as_bytes()),
            ("p/settings.json", json),
        ];
        lint_one("oobe-settings-encoding", &files)
    }

    const OOBE: &str = r"$(runtime.bootDrive)\oobe";

    #[test]
    fn single_bytes_are_found_and_wide_text_passes() {
        let found = lint(OOBE, b"{ }");
        assert_eq!(
            found,
            [r"warning p/A.wm.xml:2:9 `.\Settings.json` is not UTF-16, expected UTF-16"]
        );
        assert!(lint(OOBE, b"\xff\xfe{\0}\0").is_empty());
    }

    #[test]
    fn settings_of_other_programs_are_not_judged() {
        assert!(lint(r"$(runtime.bootDrive)\Kiosk", b"{ }").is_empty());
    }
}
