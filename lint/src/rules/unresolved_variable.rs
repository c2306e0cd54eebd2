use formats::document::variables::references;

use crate::diagnostic::Level;
use crate::facts::paths::{WrittenPath, paths};
use crate::facts::{Facts, Product};
use crate::lists::{VariableUse, is_variable, variables};
use crate::nearest::nearest;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A variable is defined nowhere
    ///
    /// ## What it checks
    /// Every `%NAME%` and `$(name)` in a path or file name of an image input, a manifest, a list of manifests or a `*.wm.xml` is a
    /// variable of the add-on kit, of the tools, of Windows, or one that the user defines. In other values of an image
    /// input it is a warning.
    ///
    /// ## Why
    /// The tools leave a variable that they do not know as it stands, and look for a file of that name; or the name of the
    /// variable becomes part of a setting.
    ///
    /// ## Passes
    /// ```xml
    /// <AdditionalFM>%BLD_DIR%\MergedFMs\OEMFM.xml</AdditionalFM>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <AdditionalFM>%BUILD_DIR%\MergedFMs\OEMFM.xml</AdditionalFM>
    /// ```
    ///
    /// ## Fix
    /// Correct the name. A variable of your own build may be defined: `proofmark lint --define NAME=VALUE`.
    ///
    /// ## References
    /// - iot-adk-addonkit, expansion of paths
    /// - IoT Core package schema, macros
    struct UnresolvedVariable;
    id: "unresolved-variable",
    authority: "iot-adk-addonkit",
    clause: "Expansion of paths",
    images: All,
    input: Document,
    level: Error,
    since: "0.1.0",
}

impl Rule for UnresolvedVariable {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let defines = &facts.workspace.defines;
        let paths = paths(facts).into_iter().map(|path| (path, Level::Error));
        let values = facts.products.iter().flat_map(|product| values(product));
        for (written, most) in paths.chain(values.map(|value| (value, Level::Warning))) {
            let is_known =
                |name: &str| is_variable(name, written.variables) || defines.get(name).is_some();
            let Some(name) = references(written.text).find(|name| !is_known(name)) else {
                continue;
            };
            let message = format!("the variable `{name}` of `{}` is not defined", written.text);
            let finding = report.at(written.place, message);
            finding.at_most(most);
            // Names are compared without regard to case.
            let known: Vec<String> = variables(written.variables)
                .map(str::to_lowercase)
                .collect();
            let known = known.iter().map(String::as_str).chain(defines.names());
            finding.help(match nearest(&name.to_lowercase(), known) {
                Some(near) => {
                    let mut listed = variables(written.variables);
                    let listed = listed.find(|known| known.eq_ignore_ascii_case(near));
                    format!("did you mean `{}`?", listed.unwrap_or(near))
                }
                None => format!("correct the name, or define it: `--define {name}=VALUE`"),
            });
        }
    }
}

/// The values of an image input that are no paths.
fn values(product: &Product) -> Vec<WrittenPath<'_>> {
    let input = &product.oem_input;
    let named = [
        (&input.soc, "OEMInput/SOC"),
        (&input.sv, "OEMInput/SV"),
        (&input.device, "OEMInput/Device"),
        (&input.product, "OEMInput/Product"),
    ];
    let named = named.into_iter().filter_map(|(value, route)| {
        let value = value.as_ref()?;
        Some((value.value.as_str(), input.value(value, route)))
    });
    let features = product.features();
    let features = features.map(|item| (item.text.value.as_str(), input.item(item)));
    let values = named.chain(features).map(|(text, place)| WrittenPath {
        text,
        place,
        variables: VariableUse::Input,
    });
    values.collect()
}

#[cfg(test)]
mod tests {
    use crate::resolve::ResolveOptions;
    use crate::testing::{help, oem_input, run, wm_xml, workspace_with};

    fn lint(body: &str, files: &str) -> Vec<String> {
        let options = ResolveOptions {
            defines: vec![("MINE".into(), "x".into())],
            ..ResolveOptions::default()
        };
        let files = [
            ("OEMInput.xml", oem_input(body)),
            ("A.wm.xml", wm_xml("A", files)),
        ];
        run("unresolved-variable", &workspace_with(&files, &options))
    }

    #[test]
    fn an_unknown_variable_is_an_error_in_a_path_and_a_warning_elsewhere() {
        let body = "<SOC>%BOARD%</SOC>\n<AdditionalFMs><AdditionalFM>%X%\\A.xml</AdditionalFM></AdditionalFMs>";
        let files = "\n<files><file source=\"$(BLD_DIR)\\a.dll\"/></files>";
        assert_eq!(
            lint(body, files),
            [
                r"error A.wm.xml:2:22 the variable `BLD_DIR` of `$(BLD_DIR)\a.dll` is not defined",
                "warning OEMInput.xml:1:82 the variable `BOARD` of `%BOARD%` is not defined",
                r"error OEMInput.xml:2:30 the variable `X` of `%X%\A.xml` is not defined",
            ],
        );
    }

    #[test]
    fn a_slip_is_told_with_what_was_meant() {
        let of = |soc: &str| {
            let files = [("OEMInput.xml", oem_input(&format!("<SOC>{soc}</SOC>")))];
            help("unresolved-variable", &files)
        };
        assert_eq!(of("%bld_dri%"), ["did you mean `BLD_DIR`?"]);
        assert!(of("%BOARD%")[0].ends_with("`--define BOARD=VALUE`"));
    }

    #[test]
    fn variables_of_the_kit_of_packages_and_of_the_user_pass() {
        let body = r"<SOC>%Mine%</SOC><AdditionalFMs><AdditionalFM>%BLD_DIR%\100% of %BSP_ARCH%</AdditionalFM></AdditionalFMs>";
        let files =
            r#"<files><file source="$(BLDDIR)\$(mine)" destinationDir="$(any.thing)"/></files>"#;
        assert!(lint(body, files).is_empty());
    }
}
