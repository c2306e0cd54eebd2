use formats::source::Span;
use std::collections::BTreeSet;

use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::facts::manufacturing::{PROFILES, profile_keys, profiles};
use crate::facts::registry::RegistryFile;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A `.reg` file sets values of a manufacturing profile without creating the profile
    ///
    /// ## What it checks
    /// A `.reg` file that has keys below a profile of `ManufacturingMode` also names the key of the profile itself.
    /// Package definitions are not judged: the published example of a profile package does not name it either.
    ///
    /// ## Why
    /// The document asks for a key for each profile, and its example creates each level. Tools that write keys one by
    /// one fail where a level is missing.
    ///
    /// ## Passes
    /// ```text
    /// [HKEY_LOCAL_MACHINE\System\CurrentControlSet\Control\ManufacturingMode\FinalAssembly]
    ///
    /// [HKEY_LOCAL_MACHINE\System\CurrentControlSet\Control\ManufacturingMode\FinalAssembly\Services\LineTest]
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// [HKEY_LOCAL_MACHINE\System\CurrentControlSet\Control\ManufacturingMode\FinalAssembly\Services\LineTest]
    /// ```
    ///
    /// ## Fix
    /// Name the key before those below it. The fix does that.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Manufacturing Mode": Manufacturing profiles
    struct MfgProfileKeyNotCreated;
    id: "mfg-profile-key-not-created",
    authority: "Microsoft, Windows 10 Mobile manufacturing mode",
    clause: "Manufacturing profiles",
    images: All,
    input: Registry,
    level: Warning,
    since: "0.1.0",
}

impl Rule for MfgProfileKeyNotCreated {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for document in &facts.documents.reg_files {
            let file = RegistryFile::new(&document.source, &document.registry);
            let created: BTreeSet<String> = profile_keys(file)
                .filter(|(_, key)| key.below.is_empty())
                .map(|(_, key)| key.profile.to_lowercase())
                .collect();
            for (key, name) in profiles(file) {
                if created.contains(&name.to_lowercase()) {
                    continue;
                }
                let line = Span::from(key.element.start..key.element.start);
                let before = document.place(line, key.route.clone());
                let text = format!("[{PROFILES}\\{name}]\n\n");
                let fix = Fix::replace(format!("create `{name}`"), &before, text);
                report
                    .at(
                        key.name_place(&name),
                        format!("no key for the profile `{name}` itself"),
                    )
                    .help("name the key of the profile before those below it")
                    .fix(fix);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::facts::manufacturing::PROFILES;
    use crate::testing::{fixed, lint_one, reg_file};

    const RULE: &str = "mfg-profile-key-not-created";

    fn file(below: &[&str]) -> [(&'static str, String); 1] {
        let keys = below.iter().map(|below| format!("[{PROFILES}\\{below}]\n"));
        [("a.reg", reg_file(&keys.collect::<String>()))]
    }

    #[test]
    fn a_profile_whose_key_is_named_anywhere_passes() {
        assert!(lint_one(RULE, &file(&["Line", "line\\Services\\x"])).is_empty());
        assert!(lint_one(RULE, &file(&[""])).is_empty());
    }

    #[test]
    fn a_profile_without_its_key_is_told_once_and_the_fix_creates_it() {
        let files = file(&["Line\\Services\\a", "Line\\Services\\b"]);
        let found = lint_one(RULE, &files);
        assert!(
            found.len() == 1 && found[0].starts_with("warning a.reg:3:"),
            "{found:?}"
        );
        let text = fixed(RULE, &files, "a.reg");
        assert!(text.contains(&format!(
            "\n\n[{PROFILES}\\Line]\n\n[{PROFILES}\\Line\\Services\\a]"
        )));
        assert!(lint_one(RULE, &[("a.reg", text)]).is_empty());
    }
}
