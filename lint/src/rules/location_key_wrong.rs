use formats::document::registry::Notation;

use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::facts::location::{Consent, DEFINITION_KEY, KEY, consents};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A location consent value is under another key than `location\edition`
    ///
    /// ## What it checks
    /// `InitSystemGlobalConsentDenied` and `InitUserGlobalConsentDenied` are set under
    /// `HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\CapabilityAccessManager\Capabilities\location\edition` and nowhere
    /// else, in package definitions and `.reg` files alike.
    ///
    /// ## Why
    /// From OS 17763.865 on location services of IoT Core are off until these two values turn them on. They are read
    /// from this key only; under any other the build succeeds and location stays off.
    ///
    /// The sources disagree on the key. The manufacturing guide prints it with all separators lost, ending in
    /// `Capabilitieslocationedition`; the page on OS customizations prints it with them. `edition` is a key of its own
    /// below `location`, and this rule takes the second page as right.
    ///
    /// ## Passes
    /// ```xml
    /// <regKey keyName="$(hklm.software)\Microsoft\Windows\CurrentVersion\CapabilityAccessManager\Capabilities\location\edition">
    ///   <regValue name="InitSystemGlobalConsentDenied" type="REG_DWORD" value="00000000" />
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <regKey keyName="$(hklm.software)\Microsoft\Windows\CurrentVersion\CapabilityAccessManager\Capabilities\location">
    ///   <regValue name="InitSystemGlobalConsentDenied" type="REG_DWORD" value="00000000" />
    /// ```
    ///
    /// ## Fix
    /// Write the key that ends in `\location\edition`. The fix does that where no other values are under the wrong key.
    ///
    /// ## References
    /// - IoT Core, "OS customizations": Location settings
    /// - IoT Core manufacturing guide, introduction
    struct LocationKeyWrong;
    id: "location-key-wrong",
    authority: "Microsoft, IoT Core OS customizations",
    clause: "Location settings",
    images: All,
    input: Registry,
    level: Error,
    since: "0.1.0",
}

impl Rule for LocationKeyWrong {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for file in facts.registry() {
            let wrong: Vec<Consent<'_>> = consents(file).filter(Consent::is_misplaced).collect();
            for found in wrong.chunk_by(|a, b| a.value.key.span == b.value.key.span) {
                let Some(first) = found.first() else {
                    continue;
                };
                let names: Vec<_> = found
                    .iter()
                    .map(|found| format!("`{}`", found.name))
                    .collect();
                let key = &first.value.key;
                let right = match first.value.notation {
                    Notation::WmXml | Notation::PkgXml => DEFINITION_KEY,
                    Notation::Reg5 | Notation::Reg4 | Notation::Manifest => KEY,
                };
                let fix = Fix::replace(
                    "write the key that is read",
                    &first.value.key_place(),
                    right,
                );
                let same_key = file.values().filter(|value| value.key.span == key.span);
                let others = same_key.count() > found.len();
                let names = names.join(" and ");
                report
                    .at(
                        first.value.key_place(),
                        format!("{names} under `{}`, expected `{KEY}`", key.value),
                    )
                    .help(format!("set the values under `{right}`"))
                    .fix(fix.filter(|_| !others));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::facts::location::{DEFINITION_KEY, KEY, NAMES};
    use crate::testing::{fixed, lint_one, pkg_registry, reg_file, wm_registry};

    const RULE: &str = "location-key-wrong";
    const USER: &str =
        r#"<regValue name="initUserGlobalConsentDenied" type="REG_DWORD" value="0"/>"#;

    fn wm(key: &str) -> [(&'static str, String); 1] {
        [("A.wm.xml", wm_registry(key, USER))]
    }

    fn reg(key: &str) -> [(&'static str, String); 1] {
        let values = NAMES.map(|name| format!("\"{name}\"=dword:00000000\n"));
        let text = reg_file(&format!("[{key}]\n{}", values.concat()));
        [("a.reg", text)]
    }

    #[test]
    fn the_key_passes_in_every_spelling() {
        assert!(lint_one(RULE, &wm(DEFINITION_KEY)).is_empty());
        assert!(lint_one(RULE, &wm("$(location.key)")).is_empty());
        let upper = KEY.to_uppercase().replace("HKEY_LOCAL_MACHINE", "HKLM");
        assert!(lint_one(RULE, &reg(&upper)).is_empty());
    }

    #[test]
    fn the_key_above_and_the_key_without_separators_are_found_once_for_both_values() {
        let above = KEY.trim_end_matches(r"\edition");
        let found = lint_one(RULE, &reg(above));
        let wanted = format!("`{}` and `{}` under `{above}`", NAMES[0], NAMES[1]);
        assert!(found[0].starts_with("error a.reg:3:2") && found[0].contains(&wanted));
        assert_eq!(found.len(), 1);
        for garbled in [KEY, DEFINITION_KEY].map(|key| key.replace('\\', "")) {
            assert_eq!(lint_one(RULE, &reg(&garbled)).len(), 1, "{garbled}");
            assert_eq!(lint_one(RULE, &wm(&garbled)).len(), 1, "{garbled}");
        }
    }

    #[test]
    fn macros_of_a_legacy_definition_are_replaced_before_the_key_is_judged() {
        let value = format!(
            "<RegValue Name=\"{}\" Type=\"REG_DWORD\" Value=\"0\"/>",
            NAMES[0]
        );
        let pkg = |key| [("A.pkg.xml", pkg_registry(&[("K", key)], "$(K)", &value))];
        assert!(lint_one(RULE, &pkg(DEFINITION_KEY)).is_empty());
        assert_eq!(lint_one(RULE, &pkg(r"$(hklm.software)\A")).len(), 1);
    }

    #[test]
    fn the_fix_writes_the_key_in_the_notation_of_the_file_and_moves_nothing_else() {
        let text = fixed(RULE, &reg(r"HKLM\Software\A"), "a.reg");
        assert!(text.contains(&format!("[{KEY}]")), "{text}");
        let text = fixed(RULE, &wm(r"$(hklm.software)\A"), "A.wm.xml");
        assert!(text.contains(&format!("\"{DEFINITION_KEY}\"")), "{text}");
        let own = format!("{USER}<regValue name=\"Own\" type=\"REG_SZ\" value=\"x\"/>");
        let files = [("A.wm.xml", wm_registry(r"$(hklm.software)\A", &own))];
        assert_eq!(fixed(RULE, &files, "A.wm.xml"), files[0].1);
    }
}
