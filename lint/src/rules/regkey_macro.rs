use formats::document::registry::key_macros;

use crate::diagnostic::{Fix, Level};
use crate::facts::{Definition, Facts};
use crate::nearest::nearest;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A registry key of a package does not begin with a macro of a hive
    ///
    /// ## What it checks
    /// The `keyName` of a key of a `*.wm.xml` begins with a macro of the schema, such as `$(hklm.software)`. A variable
    /// that is not one of those is a warning.
    ///
    /// ## Why
    /// The package generator knows the hives by these macros and refuses other names, those of the registry editor
    /// included.
    ///
    /// ## Passes
    /// ```xml
    /// keyName="$(hklm.software)\Fjordlight\Kiosk"
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// keyName="HKEY_LOCAL_MACHINE\SOFTWARE\Fjordlight\Kiosk"
    /// ```
    ///
    /// ## Fix
    /// Write one of the macros. The fix does that for the full names of hives.
    ///
    /// ## References
    /// - IoT Core, "Windows Universal OEM Package Schema": regKey
    struct RegkeyMacro;
    id: "regkey-macro",
    authority: "Microsoft, Windows universal OEM package schema",
    clause: "regKey: keyName",
    images: All,
    input: Registry,
    level: Error,
    since: "0.1.0",
}

/// The hives that have a macro, as registry editors write them.
const HIVES: [(&str, &str); 5] = [
    (r"HKEY_LOCAL_MACHINE\SOFTWARE", "$(hklm.software)"),
    (r"HKEY_LOCAL_MACHINE\SYSTEM", "$(hklm.system)"),
    (r"HKEY_LOCAL_MACHINE\HARDWARE", "$(hklm.hardware)"),
    (r"HKEY_CURRENT_USER", "$(hkcu.root)"),
    (r"HKEY_USERS\.DEFAULT", "$(hkuser.default)"),
];

impl Rule for RegkeyMacro {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for package in &facts.packages {
            if !matches!(package.definition, Definition::Wm(_)) {
                continue;
            }
            for key in package.registry().keys() {
                let written = &*key.key.value;
                let has_macro = written.starts_with("$(");
                let resolved = key.resolved();
                if has_macro && resolved.is_some() {
                    continue;
                }
                let place = key.place();
                let right = resolved.and_then(|key| {
                    HIVES.iter().find_map(|(hive, name)| {
                        let below = key.below(hive)?;
                        let separator = if below.is_empty() { "" } else { "\\" };
                        Some(format!("{name}{separator}{below}"))
                    })
                });
                let fix =
                    right.and_then(|right| Fix::replace(format!("write `{right}`"), &place, right));
                let finding = report.at(
                    place,
                    format!("`{written}` does not begin with a macro of a hive"),
                );
                let name = written
                    .strip_prefix("$(")
                    .and_then(|rest| rest.split_once(')'));
                let near = name.and_then(|(name, _)| nearest(&name.to_lowercase(), key_macros()));
                let help = match near {
                    Some(near) => format!("did you mean `$({near})`?"),
                    None => "begin with e.g. `$(hklm.software)` or `$(hklm.system)`".to_owned(),
                };
                finding.help(help).fix(fix);
                if has_macro {
                    finding.at_most(Level::Warning);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{fixed, help, lint_one, reg_file, wm_registry};

    fn files(key: &str) -> [(&'static str, String); 1] {
        [("A.wm.xml", wm_registry(key, ""))]
    }

    #[test]
    fn keys_begin_with_a_macro_of_a_hive() {
        let lint = |key: &str| lint_one("regkey-macro", &files(key)).concat();
        assert_eq!(lint(r"$(hklm.software)\A") + &lint("$(HKLM.Services)"), "");
        assert!(lint(r"HKLM\Software\A").starts_with("error A.wm.xml:1:"));
        assert!(lint(r"Software\A").starts_with("error "));
        assert!(lint(r"$(KEY)\A").starts_with("warning "));
        let reg = reg_file(r"[HKLM\Software\A]");
        assert!(lint_one("regkey-macro", &[("a.reg", reg)]).is_empty());
    }

    #[test]
    fn a_slip_is_told_with_what_was_meant() {
        let of = |key: &str| help("regkey-macro", &files(key)).concat();
        assert_eq!(of(r"$(hklm.sofware)\A"), "did you mean `$(hklm.software)`?");
        assert!(of(r"$(KEY)\A").starts_with("begin with "));
    }

    #[test]
    fn the_fix_writes_the_macro() {
        let text = fixed("regkey-macro", &files(r"hklm\software\A"), "A.wm.xml");
        assert!(text.contains(r#""$(hklm.software)\A""#), "{text}");
    }
}
