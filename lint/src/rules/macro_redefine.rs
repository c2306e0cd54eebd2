use std::collections::BTreeMap;

use crate::diagnostic::Place;
use crate::facts::{Definition, Facts};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A legacy package defines a macro that is defined already
    ///
    /// ## What it checks
    /// The `Id` of a `Macro` of a `*.pkg.xml` is none of the macros of the system (`runtime.`, `hklm.`, `hkcr.`,
    /// `hkcu.`, `hkuser.`) and no other one of the same file. Letter case counts.
    ///
    /// ## Why
    /// The package generator stops where a macro of the system is defined again, and needs each name once.
    ///
    /// ## Passes
    /// ```xml
    /// <Macro Id="FactoryDir" Value="$(runtime.data)\Factory" />
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Macro Id="runtime.data" Value="\Data" />
    /// <Macro Id="FactoryDir" Value="a" />
    /// <Macro Id="FactoryDir" Value="b" />
    /// ```
    ///
    /// ## Fix
    /// Give the macro a name of its own.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Primary elements and attributes of a package project file": Macros
    struct MacroRedefine;
    id: "macro-redefine",
    authority: "Microsoft, Primary elements and attributes of a package project file",
    clause: "The Macros element and local project macros",
    images: All,
    input: PackageDefinition,
    level: Error,
    since: "0.1.0",
}

/// How the macros of the system begin.
const GLOBAL: [&str; 5] = ["runtime.", "hklm.", "hkcr.", "hkcu.", "hkuser."];

impl Rule for MacroRedefine {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for package in &facts.packages {
            let Definition::Pkg(file) = &package.definition else {
                continue;
            };
            let mut first: BTreeMap<&str, Place> = BTreeMap::new();
            for defined in &file.macros {
                let Some(id) = &defined.id else {
                    continue;
                };
                let (name, place) = (id.value.as_str(), file.value(id, defined.route.clone()));
                let lower = name.to_lowercase();
                if GLOBAL.iter().any(|global| lower.starts_with(global)) {
                    report
                        .at(place, format!("`{name}` is a macro of the system"))
                        .help("give the macro a name of its own");
                } else if let Some(other) = first.get(name) {
                    report
                        .at(place, format!("`{name}` is defined twice"))
                        .also(other.clone(), "the first definition")
                        .help("give the macro a name of its own");
                } else {
                    first.insert(name, place);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, pkg_registry};

    fn lint(macros: &[(&str, &str)]) -> Vec<String> {
        lint_one(
            "macro-redefine",
            &[("A.pkg.xml", pkg_registry(macros, "$(hklm.software)", ""))],
        )
    }

    #[test]
    fn macros_of_the_system_and_repeated_ones_are_found() {
        assert!(
            lint(&[("Runtime.windows", "x")])
                .concat()
                .contains("`Runtime.windows` is a macro of the system")
        );
        assert!(
            lint(&[("A", "x"), ("A", "y")])
                .concat()
                .contains("`A` is defined twice")
        );
        assert!(lint(&[("A", "x"), ("a", "y"), ("run.time", "z")]).is_empty());
    }
}
