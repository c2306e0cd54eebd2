use crate::diagnostic::{Fix, Level};
use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail image is built from checked packages
    ///
    /// ## What it checks
    /// `BuildType` of a retail image is `fre`. A variable that is not defined here is a warning.
    ///
    /// ## Why
    /// `chk` takes packages of a checked build, which are for debugging: they are slow and stop at assertions.
    ///
    /// ## Passes
    /// ```xml
    /// <BuildType>fre</BuildType>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <BuildType>chk</BuildType>
    /// ```
    ///
    /// ## Fix
    /// Write `fre`, which the fix does.
    ///
    /// ## References
    /// - Windows 10 Mobile, "OEMInput file contents": `BuildType`
    struct BuildTypeNotFre;
    id: "build-type-not-fre",
    authority: "Microsoft, OEMInput file contents",
    clause: "BuildType",
    images: [Retail],
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for BuildTypeNotFre {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            let input = &product.oem_input;
            let Some(found) = &input.build_type else {
                continue;
            };
            let written = found.value.trim();
            let value = facts.workspace.defines.expand(written);
            if value.text.eq_ignore_ascii_case("fre") {
                continue;
            }
            let place = input.value(found, "OEMInput/BuildType");
            let message = match written == value.text {
                true => format!("`BuildType` is `{written}`, a retail image needs `fre`"),
                false => format!(
                    "`BuildType` is `{written}`, which is `{}`; a retail image needs `fre`",
                    value.text
                ),
            };
            let finding = report.at(place.clone(), message);
            finding
                .because_of_image(product)
                .help("write `fre`")
                .fix(Fix::replace("write `fre`", &place, "fre"));
            if !value.unknown.is_empty() {
                finding.at_most(Level::Warning);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::resolve::ResolveOptions;
    use crate::testing::{fixed, oem_input, run, workspace_with};

    fn files(release_type: &str, build_type: &str) -> [(&'static str, String); 1] {
        let text = format!(
            "<ReleaseType>{release_type}</ReleaseType>\n<BuildType>{build_type}</BuildType>"
        );
        [("OEMInput.xml", oem_input(&text))]
    }

    fn lint(release_type: &str, build_type: &str, define: &str) -> Vec<String> {
        let mut options = ResolveOptions::default();
        if !define.is_empty() {
            options.defines.push(("BUILDTYPE".into(), define.into()));
        }
        run(
            "build-type-not-fre",
            &workspace_with(&files(release_type, build_type), &options),
        )
    }

    #[test]
    fn a_checked_build_is_an_error_and_is_mended() {
        let wanted = "error OEMInput.xml:2:12 `BuildType` is `chk`, a retail image needs `fre`";
        assert_eq!(lint("Production", "chk", ""), [wanted]);
        assert!(
            lint("Production", "%BUILDTYPE%", "chk")[0].contains("`%BUILDTYPE%`, which is `chk`")
        );
        let text = fixed(
            "build-type-not-fre",
            &files("Production", "chk"),
            "OEMInput.xml",
        );
        assert!(text.contains("<BuildType>fre</BuildType>"), "{text}");
    }

    #[test]
    fn an_unknown_variable_is_a_warning() {
        assert!(lint("Production", "%BUILDTYPE%", "")[0].starts_with("warning "));
    }

    #[test]
    fn free_builds_and_test_images_pass() {
        assert!(lint("Production", "FRE", "").is_empty());
        assert!(lint("Production", "%BuildType%", "fre").is_empty());
        assert!(lint("Test", "chk", "").is_empty());
    }
}
