use formats::document::{Kind, pkg_xml, wm_xml};

use crate::diagnostic::{Level, Place};
use crate::facts::{Definition, Facts};
use crate::files::name_of;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A package definition has another root, namespace or file name than its kind
    ///
    /// ## What it checks
    /// A file called `*.wm.xml` has the root `identity` in the namespace `urn:Microsoft.CompPlat/ManifestSchema.v1.00`,
    /// a file called `*.pkg.xml` the root `Package` in `urn:Microsoft.WindowsPhone/PackageSchema.v8.00`. A file with
    /// such a root is called so.
    ///
    /// ## Why
    /// The package generator takes the kind from the end of the file name and the meaning from the namespace. It
    /// refuses a file where they do not fit, and the build scripts do not find one with another name.
    ///
    /// ## Passes
    /// ```text
    /// Kiosk.Agent.wm.xml: <identity xmlns="urn:Microsoft.CompPlat/ManifestSchema.v1.00" ...>
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// Kiosk.Agent.wm.xml: <Package xmlns="urn:Microsoft.WindowsPhone/PackageSchema.v8.00" ...>
    /// Kiosk.Agent.xml: <identity xmlns="urn:Microsoft.CompPlat/ManifestSchema.v1.00" ...>
    /// ```
    ///
    /// ## Fix
    /// Rename the file, or write the root that belongs to the name.
    ///
    /// ## References
    /// - IoT Core, "Windows Universal OEM Package Schema"
    /// - iot-adk-addonkit, build commands
    struct PackageWrongRoot;
    id: "package-wrong-root",
    authority: "Microsoft, Windows universal OEM package schema",
    clause: "identity",
    images: All,
    input: PackageDefinition,
    level: Error,
    since: "0.1.0",
}

const WM: (&str, &str, &str) = (".wm.xml", wm_xml::ROOT, wm_xml::NAMESPACE);
const PKG: (&str, &str, &str) = (".pkg.xml", pkg_xml::ROOT, pkg_xml::NAMESPACE);

impl Rule for PackageWrongRoot {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for definition in facts.packages.iter().map(|package| &package.definition) {
            let ((end, name, namespace), root) = match definition {
                Definition::Wm(file) => (WM, &file.root),
                Definition::Pkg(file) => (PKG, &file.root),
            };
            if !root.is(name, namespace) {
                let found = root.namespace.as_deref().unwrap_or("none");
                let message =
                    format!("the namespace of `{name}` is `{found}`, expected `{namespace}`");
                let help = format!("write `xmlns=\"{namespace}\"`");
                report.at(definition.root_place(), message).help(help);
            } else if !definition.is_built() {
                let file = name_of(definition.path());
                let message =
                    format!("a package definition called `{file}`, expected a name with `{end}`");
                let finding = report.at(definition.root_place(), message);
                finding.help("rename the file");
                if is_of_a_tool(definition.path(), &facts.workspace.root) {
                    finding.at_most(Level::Info);
                }
            }
        }
        for file in &facts.documents.misnamed {
            let (end, name, namespace) = match file.claimed {
                Kind::WmXml => WM,
                Kind::PkgXml => PKG,
                _ => continue,
            };
            let root = &file.root.name;
            let place = Place::text(&file.source, root.span, root.value.clone());
            let message = format!(
                "the root of a `*{end}` is `{}`, expected `{name}`",
                root.value
            );
            let help = format!("write `<{name} xmlns=\"{namespace}\">`, or rename the file");
            report.at(place, message).help(help);
        }
    }
}

/// Whether a file is below a folder of tools or templates, which make definitions of it.
fn is_of_a_tool(path: &str, root: &str) -> bool {
    let below = path.strip_prefix(root).unwrap_or(path).to_lowercase();
    below
        .split('/')
        .any(|name| matches!(name, "tools" | "templates"))
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, pkg_xml, wm_xml};

    fn lint(path: &str, text: &str) -> Vec<String> {
        lint_one("package-wrong-root", &[(path, text)])
    }

    #[test]
    fn root_and_name_that_fit_pass_in_any_case() {
        assert!(lint("A.WM.xml", &wm_xml("A", "")).is_empty());
        assert!(lint("A.pkg.xml", &pkg_xml("", "")).is_empty());
        assert!(lint("A.xml", "<identity/>").is_empty());
    }

    #[test]
    fn another_root_another_namespace_and_another_name_are_found() {
        let found = lint("A.wm.xml", "<Identity/>").concat();
        assert_eq!(
            found,
            "error A.wm.xml:1:2 the root of a `*.wm.xml` is `Identity`, expected `identity`"
        );
        let found = lint("A.wm.xml", "<identity xmlns='urn:x'/>").concat();
        assert!(
            found.contains("the namespace of `identity` is `urn:x`"),
            "{found}"
        );
        let found = lint("A.manifest.xml", &wm_xml("A", "")).concat();
        assert!(found.contains("called `A.manifest.xml`, expected a name with `.wm.xml`"));
        assert!(
            lint("Tools/A.xml", &wm_xml("A", ""))
                .concat()
                .starts_with("info ")
        );
    }

    #[test]
    fn a_definition_of_one_kind_under_the_name_of_the_other_is_found() {
        assert_eq!(lint("A.wm.xml", &pkg_xml("", "")).len(), 1);
    }
}
