use formats::document::variables::references;
use std::collections::BTreeSet;

use crate::facts::{Definition, Facts};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// An attribute of a legacy package uses a macro of its own
    ///
    /// ## What it checks
    /// The attributes of the root of a `*.pkg.xml` use none of the macros that the file defines below `Macros`.
    /// Variables of the build, such as `$(OEMNAME)`, are fine.
    ///
    /// ## Why
    /// The attributes are read before the macros of the file, so the reference stays in the name of the package.
    ///
    /// ## Passes
    /// ```xml
    /// <Package Owner="$(OEMNAME)" ...>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Package Owner="$(OwnName)" ...>
    /// <Macro Id="OwnName" Value="Fjordlight" />
    /// ```
    ///
    /// ## Fix
    /// Write the text itself, or pass it as a variable of the build.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Primary elements and attributes of a package project file": Macros
    struct MacroInAttr;
    id: "macro-in-attr",
    authority: "Microsoft, Primary elements and attributes of a package project file",
    clause: "The Macros element and local project macros",
    images: All,
    input: PackageDefinition,
    level: Error,
    since: "0.1.0",
}

impl Rule for MacroInAttr {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for package in &facts.packages {
            let Definition::Pkg(file) = &package.definition else {
                continue;
            };
            let ids = file.macros.iter().filter_map(|defined| defined.id.as_ref());
            let ids: BTreeSet<&str> = ids.map(|id| id.value.as_str()).collect();
            for attribute in &file.attributes {
                let mut used = references(&attribute.value.value);
                if let Some(name) = used.find(|name| ids.contains(name)) {
                    let route = format!("Package/@{}", attribute.name.value);
                    report
                        .at(file.value(&attribute.value, route), format!("`$({name})` is defined in this file, which its attributes cannot use"))
                        .help("write the text itself, or pass it as a variable of the build");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, pkg_xml};

    #[test]
    fn own_macros_are_found_and_variables_of_the_build_pass() {
        let lint = |owner: &str| {
            let text = pkg_xml(
                &format!("\nOwner=\"{owner}\""),
                "<Macros><Macro Id=\"Own\" Value=\"x\"/></Macros>",
            );
            lint_one("macro-in-attr", &[("A.pkg.xml", text)])
        };
        assert!(
            lint("$(Own)")
                .concat()
                .starts_with("error A.pkg.xml:2:8 `$(Own)` is defined in this file")
        );
        assert!(lint("$(OEMNAME)").is_empty());
    }
}
