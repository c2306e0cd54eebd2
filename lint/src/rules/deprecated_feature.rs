use crate::diagnostic::Level;
use crate::facts::Facts;
use crate::lists::{self, release_of};
use crate::rule::{Report, Rule, declare_rule};

/// A feature that rules of its own speak about.
const GENERIC_POP: &str = "IOT_GENERIC_POP";

declare_rule! {
    /// A feature was dropped by a release
    ///
    /// ## What it checks
    /// No image chooses a feature that its release of IoT Core does not have any more. The release is known where the user
    /// defines `OSVERSION`; where it is not, a feature that was dropped by any release is a warning. `IOT_GENERIC_POP` is left
    /// to `generic-pop-on-1809`.
    ///
    /// ## Why
    /// The imaging tools do not know the feature and stop, or leave it out. The add-on kit knows four of the eight features
    /// that were dropped. For `IOT_NETCMD` the feature list has two answers, 1703 in its table and 1709 in its text; the
    /// table counts here.
    ///
    /// ## Passes
    /// ```xml
    /// <!-- Feature>IOT_NETCMD</Feature -->
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Feature>IOT_NETCMD</Feature>
    /// ```
    ///
    /// ## Fix
    /// Switch the feature off. The fix comments it out.
    ///
    /// ## References
    /// - IoT Core feature list, table of releases
    /// - iot-adk-addonkit, `DeprecatedIDs` of the kit's settings
    struct DeprecatedFeature;
    id: "deprecated-feature",
    authority: "Microsoft, IoT Core feature list",
    clause: "Table of releases",
    images: All,
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for DeprecatedFeature {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let release = facts
            .workspace
            .os_build()
            .and_then(|os| release_of(os.build));
        for product in &facts.products {
            for feature in product.features() {
                let id = feature.text.value.as_str();
                let known = lists::feature(id).filter(|known| known.id != GENERIC_POP);
                let Some(until) = known.and_then(|known| known.until) else {
                    continue;
                };
                if release.is_some_and(|release| release <= until) {
                    continue;
                }
                let message = match release {
                    Some(release) => format!(
                        "`{id}` was dropped after release {until}, the image is of {release}"
                    ),
                    None => format!("`{id}` was dropped after release {until}"),
                };
                let finding = report.at(product.oem_input.item(feature), message);
                finding
                    .help("switch the feature off")
                    .fix(product.switch_off(feature));
                if release.is_none() {
                    finding.at_most(Level::Warning);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::resolve::ResolveOptions;
    use crate::testing::{oem_input, run, workspace_with};

    fn lint(feature: &str, version: &str) -> Vec<String> {
        let text =
            format!("<Features><Microsoft>\n<Feature>{feature}</Feature></Microsoft></Features>");
        let mut options = ResolveOptions::default();
        if !version.is_empty() {
            options.defines.push(("OSVERSION".into(), version.into()));
        }
        run(
            "deprecated-feature",
            &workspace_with(&[("OEMInput.xml", oem_input(&text))], &options),
        )
    }

    #[test]
    fn a_feature_that_the_release_has_no_more_is_an_error() {
        let wanted = "error OEMInput.xml:2:10 `IOT_NETCMD` was dropped after release 1703, the image is of 1809";
        assert_eq!(lint("IOT_NETCMD", "10.0.17763.1"), [wanted]);
    }

    #[test]
    fn where_the_release_is_not_known_it_is_a_warning() {
        let wanted = "warning OEMInput.xml:2:10 `iot_netcmd` was dropped after release 1703";
        assert_eq!(lint("iot_netcmd", ""), [wanted]);
    }

    #[test]
    fn a_feature_that_the_release_has_passes() {
        assert!(lint("IOT_NETCMD", "10.0.15063.1").is_empty());
        assert!(lint("IOT_SSH", "").is_empty());
        assert!(lint("IOT_GENERIC_POP", "10.0.17763.1").is_empty());
    }
}
