use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::facts::registry::RegistryFile;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A key of the system hive is written below `SOFTWARE`
    ///
    /// ## What it checks
    /// No key of a package or `.reg` file is `HKLM\SOFTWARE\CurrentControlSet`, `HKLM\SOFTWARE\ControlSet001` or below.
    ///
    /// ## Why
    /// Control sets are in the hive `SYSTEM`. A key of that name in `SOFTWARE` is created, and nothing reads it.
    ///
    /// ## Passes
    /// ```xml
    /// keyName="$(hklm.system)\CurrentControlSet\Control\CrashControl"
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// keyName="$(hklm.software)\CurrentControlSet\Control\CrashControl"
    /// ```
    ///
    /// ## Fix
    /// Write the hive `SYSTEM`. The fix does that.
    ///
    /// ## References
    /// - Microsoft, "Registry trees": CurrentControlSet
    /// - iot-adk-addonkit, packages of early versions
    struct RegkeyWrongHive;
    id: "regkey-wrong-hive",
    authority: "Microsoft, Registry trees",
    clause: "HKLM\\SYSTEM\\CurrentControlSet",
    images: All,
    input: Registry,
    level: Warning,
    since: "0.1.0",
}

impl Rule for RegkeyWrongHive {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for key in facts
            .registry()
            .flat_map(RegistryFile::keys)
            .filter(|key| !key.deleted)
        {
            let Some(resolved) = key.resolved() else {
                continue;
            };
            let below = resolved
                .below(r"HKEY_LOCAL_MACHINE\SOFTWARE")
                .unwrap_or_default();
            let first = below.split('\\').next().unwrap_or_default();
            if !["CurrentControlSet", "ControlSet001"]
                .iter()
                .any(|set| set.eq_ignore_ascii_case(first))
            {
                continue;
            }
            let written = &*key.key.value;
            let lower = written.to_ascii_lowercase();
            let at = lower.find("software").filter(|_| written.is_ascii());
            let right = at.map(|at| {
                let mut right = written.to_owned();
                let hive = if lower.starts_with("$(") {
                    "system"
                } else {
                    "SYSTEM"
                };
                right.replace_range(at..at.saturating_add("software".len()), hive);
                right
            });
            let place = key.place();
            let fix =
                right.and_then(|right| Fix::replace(format!("write `{right}`"), &place, right));
            report
                .at(
                    place,
                    format!("`{written}` is in the hive `SOFTWARE`, `{first}` is in `SYSTEM`"),
                )
                .help("write the hive `SYSTEM`")
                .fix(fix);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{fixed, lint_one, pkg_registry, reg_file};

    const RULE: &str = "regkey-wrong-hive";

    fn pkg(key: &str) -> [(&'static str, String); 1] {
        [("A.pkg.xml", pkg_registry(&[], key, ""))]
    }

    #[test]
    fn control_sets_are_in_the_system_hive() {
        assert_eq!(
            lint_one(
                RULE,
                &pkg(r"$(hklm.software)\CurrentControlSet\Control\CrashControl")
            )
            .len(),
            1
        );
        let reg = [("a.reg", reg_file(r"[HKLM\Software\controlset001]"))];
        assert!(
            lint_one(RULE, &reg)
                .concat()
                .starts_with("warning a.reg:3:2 ")
        );
        for key in [
            r"$(hklm.system)\CurrentControlSet",
            r"$(hklm.software)\A\CurrentControlSet",
        ] {
            assert!(lint_one(RULE, &pkg(key)).is_empty(), "{key}");
        }
    }

    #[test]
    fn the_fix_writes_the_hive() {
        let text = fixed(
            RULE,
            &pkg(r"$(hklm.software)\CurrentControlSet\Control"),
            "A.pkg.xml",
        );
        assert!(
            text.contains(r"$(hklm.system)\CurrentControlSet\Control"),
            "{text}"
        );
    }
}
