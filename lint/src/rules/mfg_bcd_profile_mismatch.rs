use std::collections::BTreeSet;

use crate::facts::Facts;
use crate::facts::boot::MANUFACTURING_MODE;
use crate::facts::manufacturing::{is_hidden, profiles};
use crate::facts::registry::RegistryFile;
use crate::nearest::nearest;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A boot setting names a manufacturing profile that no package defines
    ///
    /// ## What it checks
    /// The `Manufacturing Mode` element of a boot configuration names a profile that a package or `.reg` file of the
    /// workspace defines, or `Default`, in any case. Where the workspace defines no profile at all, nothing is said.
    ///
    /// ## Why
    /// The device looks for the profile when it boots. Without it the services start as usual, and the tests on the
    /// line do not run.
    ///
    /// ## Passes
    /// ```xml
    /// <WellKnownType>Manufacturing Mode</WellKnownType>
    /// <StringValue>FinalAssembly</StringValue>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <WellKnownType>Manufacturing Mode</WellKnownType>
    /// <StringValue>FinalAsembly</StringValue>
    /// ```
    ///
    /// ## Fix
    /// Write the name of the profile as it is in the registry.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Enable or Disable Manufacturing Mode": Enable Manufacturing Mode with a BCD setting
    struct MfgBcdProfileMismatch;
    id: "mfg-bcd-profile-mismatch",
    authority: "Microsoft, Windows 10 Mobile manufacturing mode",
    clause: "Enable Manufacturing Mode with a BCD setting",
    images: [Test, Mmos],
    input: BootConfiguration,
    level: Warning,
    since: "0.1.0",
}

impl Rule for MfgBcdProfileMismatch {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let workspace = facts.workspace;
        let packages = workspace.packages.iter().map(|package| package.registry());
        let reg_files = workspace.documents.reg_files.iter();
        let reg_files = reg_files.map(|file| RegistryFile::new(&file.source, &file.registry));
        let profiles = packages.chain(reg_files).flat_map(profiles);
        let profiles: BTreeSet<String> = profiles.map(|(_, name)| name).collect();
        if profiles.is_empty() || profiles.iter().any(|name| is_hidden(name)) {
            return;
        }
        for setting in facts
            .boot_settings()
            .filter(|setting| setting.is(MANUFACTURING_MODE))
        {
            let Some(value) = &setting.element.value else {
                continue;
            };
            let name = value.value.as_str();
            let mut known = profiles.iter().map(String::as_str).chain(["Default"]);
            if known.any(|known| known.to_lowercase() == name.to_lowercase()) {
                continue;
            }
            let near = nearest(name, profiles.iter().map(String::as_str));
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("name one of {}", quoted(&profiles)),
            };
            let message = format!("no package defines the manufacturing profile `{name}`");
            report.at(setting.value_place(), message).help(help);
        }
    }
}

fn quoted(names: &BTreeSet<String>) -> String {
    let names = names.iter().take(5).map(|name| format!("`{name}`"));
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use crate::facts::manufacturing::PROFILES;
    use crate::image::ImageType;
    use crate::resolve::ResolveOptions;
    use crate::testing::{boot_setting, reg_file, run, workspace_with};

    fn lint(profile: &str, key: &str) -> Vec<String> {
        let value = format!("<StringValue>{profile}</StringValue>");
        let files = [
            ("A.BCD.xml", boot_setting("Manufacturing Mode", &value)),
            ("a.reg", reg_file(&format!("[{key}]"))),
        ];
        let image = Some(ImageType::Test);
        let options = ResolveOptions {
            image,
            ..ResolveOptions::default()
        };
        run(
            "mfg-bcd-profile-mismatch",
            &workspace_with(&files, &options),
        )
    }

    #[test]
    fn a_profile_that_is_defined_and_the_inbox_one_pass() {
        let key = format!("{PROFILES}\\Line");
        assert!(lint("line", &key).is_empty() && lint("default", &key).is_empty());
        assert!(
            lint("Other", "HKLM\\A").is_empty(),
            "nothing is known of profiles"
        );
    }

    #[test]
    fn another_name_is_found() {
        let found = lint("Lime", &format!("{PROFILES}\\Line\\Services"));
        let message = "no package defines the manufacturing profile `Lime`";
        assert_eq!(found, [format!("warning A.BCD.xml:3:14 {message}")]);
    }
}
