use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The program of a service is not in the package, or on a fixed drive
    ///
    /// ## What it checks
    /// The `imagePath` of a service names no drive, and its file is among those of the package. Programs of Windows
    /// that host services (`svchost.exe`) are left out.
    ///
    /// ## Why
    /// The drive of Windows is a matter of the image; a path by a macro is right on all of them. A program that no
    /// package file brings is missing on the device, and the service does not start.
    ///
    /// ## Passes
    /// ```xml
    /// imagePath="$(runtime.system32)\kioskd.exe"
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// imagePath="c:\Windows\System32\kioskd.exe"
    /// ```
    ///
    /// ## Fix
    /// Write the path with a macro (`$(runtime.system32)`), and add the program to the files.
    ///
    /// ## References
    /// - IoT Core, "Windows Universal OEM Package Schema"
    /// - IoT Core, "Add Win32 services"
    struct ServiceImagePath;
    id: "service-image-path",
    authority: "Microsoft, Windows universal OEM package schema",
    clause: "file: destinationDir",
    images: All,
    input: PackageDefinition,
    level: Warning,
    since: "0.1.0",
}

impl Rule for ServiceImagePath {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for service in facts.services() {
            let Some(path) = service.attribute("imagePath") else {
                continue;
            };
            let program = program(path.value);
            let name = program.rsplit(['\\', '/']).next().unwrap_or(program);
            let is_hidden =
                name.is_empty() || name.contains("$(") || name.eq_ignore_ascii_case("svchost.exe");
            let (message, help) = if names_a_drive(program) {
                let message = format!("`{program}` names a drive, expected a path by a macro");
                (
                    message,
                    "write the folder as a macro, e.g. `$(runtime.system32)`",
                )
            } else if !is_hidden && !service.package.has_file(name) {
                let message = format!("`{name}` is not among the files of the package");
                (message, "add the program to the files, or mend the path")
            } else {
                continue;
            };
            let package = service.package;
            package
                .report(report, facts, path.place, message)
                .help(help);
        }
    }
}

/// The program of a command line: what is in quotes, or goes up to `.exe`.
fn program(path: &str) -> &str {
    let path = path.trim();
    if let Some(rest) = path.strip_prefix('"') {
        return rest.split('"').next().unwrap_or(rest);
    }
    let end = path.to_ascii_lowercase().find(".exe");
    end.and_then(|end| path.get(..end.saturating_add(4)))
        .unwrap_or(path)
}

fn names_a_drive(path: &str) -> bool {
    let mut characters = path.chars();
    characters
        .next()
        .is_some_and(|letter| letter.is_ascii_alphabetic())
        && characters.next() == Some(':')
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, wm_xml};

    fn lint(path: &str, file: &str) -> Vec<String> {
        let files = format!("<files><file source=\"{file}\"/></files>");
        let service = format!("<service name=\"S\"\nimagePath=\"{path}\"/>");
        lint_one(
            "service-image-path",
            &[("A.wm.xml", wm_xml("A", &format!("{files}{service}")))],
        )
    }

    #[test]
    fn a_drive_and_a_program_that_is_not_there_are_found() {
        let found = lint(r"c:\Windows\System32\a.exe", "a.exe").concat();
        assert!(
            found.starts_with(r"warning A.wm.xml:2:12 `c:\Windows\System32\a.exe` names a drive"),
            "{found}"
        );
        let found = lint(r"$(runtime.system32)\b.exe -x", "a.exe").concat();
        assert!(
            found.ends_with("`b.exe` is not among the files of the package"),
            "{found}"
        );
    }

    #[test]
    fn programs_of_the_package_and_hosts_of_windows_pass() {
        for path in [
            r"$(runtime.system32)\A.EXE /run",
            r"&quot;%SystemRoot%\a.exe&quot; -k b.exe",
            r"%SystemRoot%\System32\svchost.exe -k x",
        ] {
            assert!(lint(path, r"bin\a.exe").is_empty(), "{path}");
        }
    }
}
