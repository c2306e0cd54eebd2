use crate::facts::{Definition, Facts};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A folder of a legacy package goes up or stays in place
    ///
    /// ## What it checks
    /// The `DestinationDir` of a file of a `*.pkg.xml` has no part `.` or `..`.
    ///
    /// ## Why
    /// The package generator refuses such paths, because they lead out of the folder that the macro names.
    ///
    /// ## Passes
    /// ```xml
    /// DestinationDir="$(runtime.data)\Factory"
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// DestinationDir="$(runtime.data)\..\Factory"
    /// ```
    ///
    /// ## Fix
    /// Write the folder that is meant.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Specifying files and registry entries in a package project file": DestinationDir
    struct DestdirDots;
    id: "destdir-dots",
    authority: "Microsoft, Specifying files and registry entries in a package project file",
    clause: "Files: DestinationDir",
    images: All,
    input: PackageDefinition,
    level: Error,
    since: "0.1.0",
}

impl Rule for DestdirDots {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for package in &facts.packages {
            let Definition::Pkg(file) = &package.definition else {
                continue;
            };
            for found in &file.files {
                let Some(folder) = &found.destination_dir else {
                    continue;
                };
                let mut parts = folder.value.split(['\\', '/']);
                if let Some(part) = parts.find(|part| matches!(*part, "." | "..")) {
                    report
                        .at(
                            file.value(folder, found.route.clone()),
                            format!("`{}` has the part `{part}`", folder.value),
                        )
                        .help("write the folder that is meant");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, pkg_xml};

    #[test]
    fn dots_are_found_as_parts_and_not_in_names() {
        let lint = |folder: &str| {
            let file = format!("<File Source=\"a\"\nDestinationDir=\"{folder}\"/>");
            let body = format!(
                "<Components><OSComponent><Files>{file}</Files></OSComponent></Components>"
            );
            lint_one("destdir-dots", &[("A.pkg.xml", pkg_xml("", &body))])
        };
        assert_eq!(lint(r"$(runtime.data)\..\x").len(), 1);
        assert!(lint(r".\x").concat().starts_with("error A.pkg.xml:2:17 "));
        assert!(lint(r"$(runtime.data)\.x\a.b").is_empty());
    }
}
