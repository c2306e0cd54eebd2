use crate::diagnostic::{Fix, Level};
use crate::facts::{Definition, Facts};
use crate::nearest::nearest;
use crate::rule::{Report, Rule, declare_rule};

/// The macros that a folder may begin with.
const MACROS: &[&str] = &[
    "runtime.bootDrive",
    "runtime.systemDrive",
    "runtime.systemRoot",
    "runtime.windows",
    "runtime.system32",
    "runtime.system",
    "runtime.drivers",
    "runtime.help",
    "runtime.inf",
    "runtime.fonts",
    "runtime.wbem",
    "runtime.appPatch",
    "runtime.sysWow64",
    "runtime.mui",
    "runtime.commonFiles",
    "runtime.commonFilesX86",
    "runtime.programFiles",
    "runtime.programFilesX86",
    "runtime.programData",
    "runtime.userProfile",
    "runtime.startMenu",
    "runtime.documentSettings",
    "runtime.sharedData",
    "runtime.apps",
    "runtime.clipAppLicenseInstall",
];

declare_rule! {
    /// A file goes into a folder that does not begin with a macro of the system
    ///
    /// ## What it checks
    /// The `destinationDir` of a file of a `*.wm.xml` begins with a macro of the schema, such as
    /// `$(runtime.bootDrive)`. Another case is information only, a variable that is not the system's a warning.
    ///
    /// ## Why
    /// The package generator knows the folders of a device by these macros and refuses other paths.
    ///
    /// ## Passes
    /// ```xml
    /// destinationDir="$(runtime.bootDrive)\Kiosk"
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// destinationDir="C:\Kiosk"
    /// destinationDir="$(runtime.bootdrive)\Kiosk"
    /// ```
    ///
    /// ## Fix
    /// Write one of the macros. The fix writes the right case.
    ///
    /// ## References
    /// - IoT Core, "Windows Universal OEM Package Schema": file
    struct DestdirMacro;
    id: "destdir-macro",
    authority: "Microsoft, Windows universal OEM package schema",
    clause: "file: destinationDir",
    images: All,
    input: PackageDefinition,
    level: Error,
    since: "0.1.0",
}

impl Rule for DestdirMacro {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for package in &facts.packages {
            let Definition::Wm(file) = &package.definition else {
                continue;
            };
            for found in &file.files {
                let Some(folder) = &found.destination_dir else {
                    continue;
                };
                let written = folder.value.as_str();
                let name = written
                    .strip_prefix("$(")
                    .and_then(|rest| Some(rest.split_once(')')?.0));
                let known = name
                    .and_then(|name| MACROS.iter().find(|known| known.eq_ignore_ascii_case(name)));
                let place = file.value(folder, found.route.clone());
                match (known, name) {
                    (Some(known), Some(name)) if *known == name => {}
                    (Some(known), Some(name)) => {
                        let right = written.replacen(name, known, 1);
                        let fix = Fix::replace(format!("write `$({known})`"), &place, right);
                        let message = format!("the macro is `$({name})`, expected `$({known})`");
                        report
                            .at(place, message)
                            .help(format!("write `$({known})`"))
                            .fix(fix)
                            .at_most(Level::Info);
                    }
                    (_, name) => {
                        let message =
                            format!("`{written}` does not begin with a macro of the system");
                        let finding = report.at(place, message);
                        finding.help(help(name));
                        if name.is_some_and(|name| !name.to_lowercase().starts_with("runtime.")) {
                            finding.at_most(Level::Warning);
                        }
                    }
                }
            }
        }
    }
}

/// What to write where a folder begins with `$(name)`, or with no macro at all.
fn help(name: Option<&str>) -> String {
    match name.and_then(|name| nearest(name, MACROS.iter().copied())) {
        Some(near) => format!("did you mean `$({near})`?"),
        None => "begin with e.g. `$(runtime.bootDrive)` or `$(runtime.system32)`".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{fixed, help, lint_one, wm_xml};

    fn files(folder: &str) -> [(&'static str, String); 1] {
        let file = format!("<files><file source=\"a\"\ndestinationDir=\"{folder}\"/></files>");
        [("A.wm.xml", wm_xml("A", &file))]
    }

    #[test]
    fn folders_begin_with_a_macro_of_the_schema() {
        let lint = |folder: &str| lint_one("destdir-macro", &files(folder)).concat();
        assert_eq!(lint(r"$(runtime.system32)\x"), "");
        let slip = help("destdir-macro", &files(r"$(runtime.bootDrvie)\x"));
        assert_eq!(slip, ["did you mean `$(runtime.bootDrive)`?"]);
        assert!(lint(r"C:\Kiosk").starts_with("error A.wm.xml:2:17 "));
        assert!(lint(r"$(runtime.nowhere)\x").starts_with("error "));
        assert!(lint(r"$(KIOSKDIR)\x").starts_with("warning "));
        assert!(lint(r"$(runtime.bootdrive)\x").starts_with("info "));
    }

    #[test]
    fn the_fix_writes_the_right_case() {
        let files = files(r"$(runtime.bootdrive)\x");
        let text = fixed("destdir-macro", &files, "A.wm.xml");
        assert!(text.contains(r"$(runtime.bootDrive)\x"), "{text}");
    }
}
