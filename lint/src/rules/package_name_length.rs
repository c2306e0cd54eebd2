use formats::document::variables::references;

use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The name of a package is too long or has characters that tools refuse
    ///
    /// ## What it checks
    /// The name of the cabinet has letters, digits, full stops, hyphens and underscores only, and at most 70 characters
    /// without `.cab`. Variables that are not known are not counted. The length is an experience, no documented limit.
    ///
    /// ## Why
    /// The name becomes a file name, a key in the registry of installed packages and part of paths; the tools refuse
    /// other characters, and long names exceed the length of a path.
    ///
    /// ## Passes
    /// ```xml
    /// legacyName="$(OEMNAME).Kiosk.Agent"
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// legacyName="$(OEMNAME).Kiosk Agent (new)"
    /// ```
    ///
    /// ## Fix
    /// Shorten the name, or take the character out.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Creating mobile packages"
    struct PackageNameLength;
    id: "package-name-length",
    authority: "Microsoft, Creating mobile packages",
    clause: "Naming",
    images: All,
    input: PackageDefinition,
    level: Warning,
    since: "0.1.0",
}

/// The longest name that tools are known to take.
const LONGEST: usize = 70;

impl Rule for PackageNameLength {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for package in &facts.packages {
            let name = without_variables(&package.name);
            let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
            let length = name.chars().count();
            let message = match name.chars().find(|c| !is_allowed(*c)) {
                Some(other) => format!(
                    "`{}` has the character `{other}`, expected letters, digits, `.`, `-` and `_`",
                    package.name
                ),
                None if length > LONGEST => format!(
                    "`{}` has {length} characters, expected {LONGEST} at most",
                    package.name
                ),
                None => continue,
            };
            report
                .at(package.definition.name_place(), message)
                .help("choose a shorter name of plain characters");
        }
    }
}

/// The name without `$(name)` and `%name%` that are not known.
fn without_variables(name: &str) -> String {
    let mut plain = name.to_owned();
    for variable in references(name) {
        for written in [format!("$({variable})"), format!("%{variable}%")] {
            plain = plain.replace(&written, "");
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, wm_xml};

    fn lint(name: &str) -> Vec<String> {
        lint_one("package-name-length", &[("A.wm.xml", wm_xml(name, ""))])
    }

    #[test]
    fn plain_names_up_to_the_limit_pass_and_variables_do_not_count() {
        assert!(lint("Agent-2_x").is_empty());
        assert!(lint(&"x".repeat(64)).is_empty());
    }

    #[test]
    fn long_names_and_other_characters_are_found() {
        assert!(
            lint(&"x".repeat(80))
                .concat()
                .contains("has 86 characters, expected 70")
        );
        assert!(
            lint("Agent (new)")
                .concat()
                .contains("has the character ` `")
        );
    }
}
