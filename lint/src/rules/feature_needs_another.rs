use crate::diagnostic::Level;
use crate::facts::{Facts, FeatureList};
use crate::lists::{self, Class, release_of};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A feature lacks another one that it needs
    ///
    /// ## What it checks
    /// Where an image chooses a feature that needs another one, it chooses that one too: the setting of the on-screen
    /// keyboard needs the keyboard, Cortana needs `IOT_APPLICATIONS`. `OPENSRC_POWERSHELL` without `IOT_POWERSHELL` is a warning, the
    /// reverse is told for information. What a release does not have is not asked for: releases are known where the user
    /// defines `OSVERSION`, and where they are not, a feature that was dropped at some time is a warning.
    ///
    /// ## Why
    /// The imaging tools do not know what belongs together; the feature is in the image and does nothing.
    ///
    /// ## Passes
    /// ```xml
    /// <Feature>IOT_SHELL_ONSCREEN_KEYBOARD</Feature>
    /// <Feature>IOT_SHELL_ONSCREEN_KEYBOARD_FOLLOWFOCUS</Feature>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Feature>IOT_SHELL_ONSCREEN_KEYBOARD_FOLLOWFOCUS</Feature>
    /// ```
    ///
    /// ## Fix
    /// Choose the other feature too, or switch this one off. The fix adds the feature where that is all.
    ///
    /// ## References
    /// - IoT Core feature list: what is said about each feature
    /// - iot-adk-addonkit, class `IoTProduct`: validation of features
    struct FeatureNeedsAnother;
    id: "feature-needs-another",
    authority: "Microsoft, IoT Core feature list",
    clause: "Features",
    images: All,
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for FeatureNeedsAnother {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let release = facts
            .workspace
            .os_build()
            .and_then(|os| release_of(os.build));
        for product in &facts.products {
            for need in lists::needs() {
                let Some(feature) = product
                    .feature(need.feature)
                    .filter(|_| !product.brings(need.needs))
                else {
                    continue;
                };
                let needed = lists::feature(need.needs);
                let until = needed.and_then(|needed| needed.until);
                let is_dropped = |until: u16| release.is_some_and(|release| release > until);
                if until.is_some_and(is_dropped) {
                    continue;
                }
                let finding = report.at(
                    product.oem_input.item(feature),
                    format!(
                        "`{}` without `{}`: {}",
                        feature.text.value, need.needs, need.why
                    ),
                );
                finding
                    .help(format!("choose `{}` too", need.needs))
                    .at_most(need.level);
                if until.is_some() && release.is_none() {
                    finding.at_most(need.level.min(Level::Warning));
                }
                if need.add {
                    let is_oem = needed.is_some_and(|needed| needed.class == Class::Oem);
                    let list = if is_oem {
                        FeatureList::Oem
                    } else {
                        FeatureList::Microsoft
                    };
                    finding.fix(product.choose(list, need.needs));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::resolve::ResolveOptions;
    use crate::testing::{fixed, lint_one, oem_input, run, workspace_with};

    const ID: &str = "feature-needs-another";
    const SETTING: &str = "IOT_SHELL_ONSCREEN_KEYBOARD_FOLLOWFOCUS";

    fn files(features: &[&str]) -> [(&'static str, String); 1] {
        let features: String = features
            .iter()
            .map(|id| format!("\n<Feature>{id}</Feature>"))
            .collect();
        [(
            "OEMInput.xml",
            oem_input(&format!(
                "<Features><Microsoft>{features}</Microsoft></Features>"
            )),
        )]
    }

    #[test]
    fn a_feature_without_the_one_it_needs_is_found_and_mended() {
        let alone = files(&[SETTING]);
        let wanted = format!(
            "error OEMInput.xml:2:10 `{SETTING}` without `IOT_SHELL_ONSCREEN_KEYBOARD`: it is a setting of the keyboard"
        );
        assert_eq!(lint_one(ID, &alone), [wanted]);
        let text = fixed(ID, &alone, "OEMInput.xml");
        assert!(lint_one(ID, &[("OEMInput.xml", text)]).is_empty());
    }

    #[test]
    fn levels_differ_and_releases_count() {
        assert!(lint_one(ID, &files(&["IOT_POWERSHELL"]))[0].starts_with("info "));
        assert!(lint_one(ID, &files(&["OPENSRC_POWERSHELL"]))[0].starts_with("warning "));
        let cortana = |version: &str| {
            let mut options = ResolveOptions::default();
            if !version.is_empty() {
                options.defines.push(("OSVERSION".into(), version.into()));
            }
            run(ID, &workspace_with(&files(&["IOT_CORTANA"]), &options))
        };
        assert!(cortana("")[0].starts_with("warning "));
        assert!(cortana("10.0.17134.1")[0].starts_with("error "));
        assert!(cortana("10.0.17763.1").is_empty());
    }

    #[test]
    fn both_or_neither_pass() {
        assert!(lint_one(ID, &files(&[SETTING, "IOT_SHELL_ONSCREEN_KEYBOARD"])).is_empty());
        assert!(lint_one(ID, &files(&["IOT_SSH"])).is_empty());
    }
}
