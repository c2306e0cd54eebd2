use formats::document::registry::RegistryData;

use crate::constraints;
use crate::facts::Facts;
use crate::facts::manufacturing::{profile_keys, profile_values};
use crate::facts::system::System;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A feature of manufacturing mode lacks the feature that it needs
    ///
    /// ## What it checks
    /// An image of Windows 10 Mobile with `MFGTELNETFTP` has `MOBILECOREBOOTSH` as well, and one with
    /// `MOBILECOREBOOTSH` has `MFGSTARTUP`. One with `MFGTSHELL` sets the service `TestSirepServer` (`TestSirepSvc`) to
    /// start automatically in a manufacturing profile; where no package of the workspace has a profile, nothing is said
    /// of that.
    ///
    /// ## Why
    /// Telnet and FTP are started by the bootsh service, and that reads a file which `MFGSTARTUP` brings. Without them
    /// the servers are on the device and do not run.
    ///
    /// ## Passes
    /// ```xml
    /// <Feature>MFGTELNETFTP</Feature>
    /// <Feature>MOBILECOREBOOTSH</Feature>
    /// <Feature>MFGSTARTUP</Feature>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Feature>MFGTELNETFTP</Feature>
    /// ```
    ///
    /// ## Fix
    /// Add the feature that is needed; the fix does that.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Optional features for Manufacturing Mode"
    /// - Windows 10 Mobile, "MMOS image definition": General features
    struct MfgFeatureDeps;
    id: "mfg-feature-deps",
    authority: "Microsoft, Optional features for Manufacturing Mode",
    clause: "Table of features",
    images: [Retail, Test, Mmos],
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

/// The service of TShell: as one page calls it, and as the published default profile does.
const SHELL_SERVICES: [&str; 2] = ["TestSirepServer", "TestSirepSvc"];

impl Rule for MfgFeatureDeps {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for scope in facts.registry_scopes() {
            let Some(product) = scope.product.filter(|product| {
                facts.is_judged(product.oem_input.path())
                    && product.system() != Some(System::IotCore)
            }) else {
                continue;
            };
            constraints::check(RULE.id, product, "", report);
            let files = || scope.files.iter().copied();
            let has_profiles = files().flat_map(profile_keys).next().is_some();
            let starts = files().flat_map(profile_values).any(|(value, key)| {
                let service = key.service().unwrap_or_default();
                let is_shell = SHELL_SERVICES
                    .iter()
                    .any(|known| known.eq_ignore_ascii_case(service));
                is_shell && value.data() == Ok(RegistryData::Number(2))
            });
            if let Some(feature) = product.feature("MFGTSHELL")
                && has_profiles
                && !starts
            {
                let message = "`MFGTSHELL` without `TestSirepServer` set to start in a profile";
                report
                    .at(product.oem_input.item(feature), message)
                    .help("set `Start` of the service to 2 in the manufacturing profile");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::facts::manufacturing::PROFILES;
    use crate::testing::{lint_one, oem_input, reg_file};

    fn lint(input: &str, ids: &[&str]) -> Vec<String> {
        let features: String = ids
            .iter()
            .map(|id| format!("\n<Feature>{id}</Feature>"))
            .collect();
        let features = format!("<Features><Microsoft>{features}</Microsoft></Features>");
        let files = [("OEMInput.xml", oem_input(&format!("{input}{features}")))];
        lint_one("mfg-feature-deps", &files)
    }

    #[test]
    fn what_is_needed_is_told_and_added() {
        let found = lint("<ReleaseType>Test</ReleaseType>", &["MFGTELNETFTP"]);
        assert_eq!(
            found,
            ["error OEMInput.xml:2:10 `MFGTELNETFTP` without `MOBILECOREBOOTSH`"]
        );
        assert_eq!(
            lint(
                "<ReleaseType>Test</ReleaseType>",
                &["MFGTELNETFTP", "MOBILECOREBOOTSH"]
            )
            .len(),
            1
        );
        assert!(
            lint(
                "<ReleaseType>Test</ReleaseType>",
                &["MFGTELNETFTP", "MOBILECOREBOOTSH", "MFGSTARTUP"]
            )
            .is_empty()
        );
    }

    #[test]
    fn the_shell_needs_its_service_in_a_profile() {
        let lint = |service: &str, start: u8| {
            let key = format!("[{PROFILES}\\P\\Services\\{service}]\n\"Start\"=dword:{start}");
            let features =
                "<Features><Microsoft><Feature>MFGTSHELL</Feature></Microsoft></Features>";
            let input = oem_input(&format!("{}{features}", "<ReleaseType>Test</ReleaseType>"));
            let files = [("p/OEMInput.xml", input), ("p/a.reg", reg_file(&key))];
            lint_one("mfg-feature-deps", &files)
        };
        assert!(lint("TestSirepSvc", 2).is_empty());
        assert!(
            lint("TestSirepServer", 3)
                .concat()
                .contains("without `TestSirepServer`")
        );
        assert_eq!(lint("Other", 2).len(), 1);
    }
}
