use formats::document::variables::references;

use crate::facts::Facts;
use crate::lists::{VariableUse, is_variable};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A feature manifest takes a package from an unusual folder
    ///
    /// ## What it checks
    /// The `Path` of a package begins with one of the variables for folders of packages. Absolute paths and variables that
    /// nothing defines are the matter of `absolute-path` and `unresolved-variable`.
    ///
    /// ## Why
    /// Only these folders are the same for every build. A path that is relative, or built on another variable, is looked
    /// up wherever the tool happens to run.
    ///
    /// ## Passes
    /// `Path="%PKGBLD_DIR%"`, `Path="%BSPPKG_DIR%"`, `Path="%MSPKG_DIR%"`
    ///
    /// ## Fails
    /// `Path="..\packages"`
    ///
    /// ## Fix
    /// Name the folder by its variable.
    ///
    /// ## Parameters
    /// `folders`: the variables for folders of packages.
    ///
    /// ## References
    /// - iot-adk-addonkit, samples of feature manifests
    struct FmUnknownPathVariable {
        /// Variables for folders of packages, in any case.
        folders: Vec<String> = ["PKGBLD_DIR", "BSPPKG_DIR", "MSPKG_DIR", "mspackageroot", "BSPSRC_DIR", "OEMPKG_DIR"]
            .map(str::to_owned)
            .to_vec(),
    }
    id: "fm-unknown-path-variable",
    authority: "iot-adk-addonkit",
    clause: "Samples of feature manifests",
    images: All,
    input: FeatureManifest,
    level: Warning,
    since: "0.1.0",
}

impl Rule for FmUnknownPathVariable {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for manifest in &facts.documents.manifests {
            for entry in &manifest.packages {
                let Some(path) = &entry.path else { continue };
                let written = path.value.trim();
                let first = references(written).next();
                let begins = written.starts_with(['%', '$']).then_some(first).flatten();
                let is_folder = |name: &str| {
                    self.folders
                        .iter()
                        .any(|known| known.eq_ignore_ascii_case(name))
                };
                let is_absolute =
                    written.starts_with(['/', '\\']) || written.get(1..2) == Some(":");
                let is_unresolved =
                    begins.is_some_and(|name| !is_variable(name, VariableUse::Input));
                if is_absolute || begins.is_some_and(is_folder) || is_unresolved {
                    continue;
                }
                report
                    .at(
                        manifest.value(path, format!("{}/@Path", entry.route)),
                        format!("`{written}` does not begin with a folder of packages"),
                    )
                    .help("begin with `%PKGBLD_DIR%`, `%BSPPKG_DIR%` or `%MSPKG_DIR%`");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{feature_manifest, lint_one};

    fn lint(path: &str) -> Vec<String> {
        let entry = format!("\n<PackageFile Path=\"{path}\" Name=\"A.cab\"/>");
        let text = feature_manifest(&format!("<BasePackages>{entry}</BasePackages>"));
        lint_one("fm-unknown-path-variable", &[("OEMFM.xml", text)])
    }

    #[test]
    fn folders_of_packages_pass_and_others_do_not() {
        for path in [
            "%PKGBLD_DIR%",
            r"%bsppkg_dir%\x",
            r"$(mspackageroot)\Retail\$(cputype)\fre",
            r"C:\x",
            "%NEVER_HEARD%",
        ] {
            assert!(lint(path).is_empty(), "{path}");
        }
        let wanted =
            r"warning OEMFM.xml:2:20 `..\packages` does not begin with a folder of packages";
        assert_eq!(lint(r"..\packages"), [wanted]);
        assert_eq!(lint(r"%SRC_DIR%\x").len(), 1);
    }
}
