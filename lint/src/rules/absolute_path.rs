use crate::facts::Facts;
use crate::facts::paths::paths;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A path is that of one machine
    ///
    /// ## What it checks
    /// No path of an image input, a manifest, a list of manifests or a `*.wm.xml` begins with a drive letter, a share or the
    /// root of a drive.
    ///
    /// ## Why
    /// Such a path exists where it was written and nowhere else: the build fails on another machine, or takes another
    /// file of the same name.
    ///
    /// ## Passes
    /// ```xml
    /// <AdditionalFM>%BLD_DIR%\MergedFMs\OEMFM.xml</AdditionalFM>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <AdditionalFM>C:\IoT\Build\arm\MergedFMs\OEMFM.xml</AdditionalFM>
    /// ```
    ///
    /// ## Fix
    /// Begin the path with a variable of the workspace (`%BLD_DIR%`, `%PKGBLD_DIR%`, `%COMMON_DIR%`), or write it from the folder
    /// of the file.
    ///
    /// ## References
    /// - iot-adk-addonkit, variables of the kit
    struct AbsolutePath;
    id: "absolute-path",
    authority: "iot-adk-addonkit",
    clause: "Variables",
    images: All,
    input: Document,
    level: Warning,
    since: "0.1.0",
}

impl Rule for AbsolutePath {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for path in paths(facts)
            .into_iter()
            .filter(|path| is_absolute(path.text))
        {
            let message = format!("`{}` is a path of one machine", path.text);
            report
                .at(path.place, message)
                .help("begin it with a variable of the workspace, or write it from the folder of the file");
        }
    }
}

fn is_absolute(path: &str) -> bool {
    let path = path.trim();
    let mut letters = path.chars();
    let has_drive = letters
        .next()
        .is_some_and(|letter| letter.is_ascii_alphabetic())
        && letters.next() == Some(':');
    has_drive || path.starts_with(['\\', '/'])
}

#[cfg(test)]
mod tests {
    use crate::testing::{feature_manifest, lint_one, oem_input, wm_xml};

    #[test]
    fn paths_of_one_machine_are_found_in_every_kind_of_document() {
        let input =
            "<AdditionalFMs>\n<AdditionalFM>C:\\b\\OEMFM.xml</AdditionalFM></AdditionalFMs>";
        let manifest = "<BasePackages>\n<PackageFile Path=\"\\\\server\\share\" Name=\"A.cab\"/></BasePackages>";
        let files = "<files>\n<file source=\"/opt/a.dll\" destinationDir=\"C:\\Windows\"/></files>";
        let found = lint_one(
            "absolute-path",
            &[
                ("OEMInput.xml", oem_input(input)),
                ("OEMFM.xml", feature_manifest(manifest)),
                ("A.wm.xml", wm_xml("A", files)),
            ],
        );
        assert_eq!(
            found,
            [
                "warning A.wm.xml:2:15 `/opt/a.dll` is a path of one machine",
                r"warning OEMFM.xml:2:20 `\\server\share` is a path of one machine",
                r"warning OEMInput.xml:2:15 `C:\b\OEMFM.xml` is a path of one machine",
            ],
        );
    }

    #[test]
    fn variables_and_relative_paths_pass() {
        for path in [
            r"%BLD_DIR%\a.xml",
            r"..\a.xml",
            "a.xml",
            "",
            "$(FMDirectory)/a.xml",
        ] {
            assert!(!super::is_absolute(path), "{path}");
        }
    }
}
