use crate::facts::Facts;
use crate::facts::location::{Consent, consents};
use crate::facts::version::OsBuild;
use crate::rule::{Report, Rule, declare_rule};

/// The first release in which location is off by default: RS5, November 2019.
const OFF_SINCE: OsBuild = OsBuild {
    build: 17763,
    revision: 865,
};

declare_rule! {
    /// The location consent values are set for an OS that has location on by default
    ///
    /// ## What it checks
    /// No package sets `InitSystemGlobalConsentDenied` or `InitUserGlobalConsentDenied` to 0 when the image is built
    /// of an OS before 17763.865. The version is what the user defines as `OSVERSION`, else the parameter `os-version`;
    /// without either the rule says nothing.
    ///
    /// ## Why
    /// Before 17763.865 location is on by default and the two values change nothing. They are harmless, but whoever reads
    /// the package believes that it does something.
    ///
    /// ## Passes
    /// ```text
    /// --define OSVERSION=10.0.17763.1577
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// --define OSVERSION=10.0.17763.107
    /// ```
    ///
    /// ## Fix
    /// Leave the values away until the image is built of a later OS.
    ///
    /// ## Parameters
    /// - `os-version`: the OS that images are built of, e.g. `"10.0.17763.107"`
    ///
    /// ## References
    /// - IoT Core manufacturing guide, introduction
    struct LocationOnOldOs {
        /// The OS that images are built of, e.g. `10.0.17763.107`.
        os_version: Option<OsBuild> = None,
    }
    id: "location-on-old-os",
    authority: "Microsoft, IoT Core manufacturing guide",
    clause: "Introduction, location services",
    images: All,
    input: Registry,
    level: Info,
    since: "0.1.0",
}

impl Rule for LocationOnOldOs {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(os) = facts.workspace.os_build().or(self.os_version) else {
            return;
        };
        if os >= OFF_SINCE {
            return;
        }
        for consent in facts
            .registry()
            .flat_map(consents)
            .filter(Consent::is_in_place)
        {
            if consent.is_denied() == Some(false) {
                let message = format!(
                    "`{}` is 0 for OS {os}, where location is on without it; it is off from {OFF_SINCE} on",
                    consent.name
                );
                report
                    .at(consent.value.place(), message)
                    .help("leave the value away, or build the image of a later OS");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::facts::location::KEY;
    use crate::resolve::ResolveOptions;
    use crate::testing::{reg_file, run, workspace_with};

    fn lint(os: Option<&str>, number: u8) -> Vec<String> {
        let lines = format!("[{KEY}]\n\"InitUserGlobalConsentDenied\"=dword:{number}");
        let mut options = ResolveOptions::default();
        let defines = os.map(|os| ("OSVersion".to_owned(), os.to_owned()));
        options.defines.extend(defines);
        run(
            "location-on-old-os",
            &workspace_with(&[("a.reg", reg_file(&lines))], &options),
        )
    }

    #[test]
    fn an_older_os_is_told_of_and_the_first_one_and_an_unknown_one_are_not() {
        let found = lint(Some("10.0.17763.107"), 0).concat();
        assert!(found.starts_with("info a.reg:4:1 "), "{found}");
        assert!(found.contains("for OS 17763.107"), "{found}");
        assert_eq!(lint(Some("17134.1"), 0).len(), 1);
        for os in [
            None,
            Some("10.0.17763.865"),
            Some("10.0.19041.1"),
            Some("RS5"),
        ] {
            assert!(lint(os, 0).is_empty(), "{os:?}");
        }
        assert!(lint(Some("17134.1"), 1).is_empty());
    }
}
