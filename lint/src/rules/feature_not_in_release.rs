use crate::facts::Facts;
use crate::lists::{self, release_of};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A feature is newer than the release that the image is of
    ///
    /// ## What it checks
    /// No image chooses a feature of Microsoft's that came with a later release of IoT Core. The release is that of
    /// `OSVERSION`, which the user defines; without it nothing is checked.
    ///
    /// ## Why
    /// The imaging tools do not know the feature and stop.
    ///
    /// ## Passes
    /// ```sh
    /// proofmark lint --define OSVERSION=10.0.17763.1577    # with IOT_NARRATOR
    /// ```
    ///
    /// ## Fails
    /// ```sh
    /// proofmark lint --define OSVERSION=10.0.17134.1       # with IOT_NARRATOR
    /// ```
    ///
    /// ## Fix
    /// Switch the feature off, or build the image of the release that has it.
    ///
    /// ## References
    /// - IoT Core feature list, table of releases
    struct FeatureNotInRelease;
    id: "feature-not-in-release",
    authority: "Microsoft, IoT Core feature list",
    clause: "Table of releases",
    images: All,
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for FeatureNotInRelease {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(release) = facts
            .workspace
            .os_build()
            .and_then(|os| release_of(os.build))
        else {
            return;
        };
        for product in &facts.products {
            for feature in product.features() {
                let id = feature.text.value.as_str();
                let since = lists::feature(id).and_then(|known| known.since);
                if let Some(since) = since.filter(|since| release < *since) {
                    report
                        .at(
                            product.oem_input.item(feature),
                            format!("`{id}` came with release {since}, the image is of {release}"),
                        )
                        .help(
                            "switch the feature off, or build the image of the release that has it",
                        );
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
        let options = ResolveOptions {
            defines: vec![("OSVERSION".into(), version.into())],
            ..ResolveOptions::default()
        };
        run(
            "feature-not-in-release",
            &workspace_with(&[("OEMInput.xml", oem_input(&text))], &options),
        )
    }

    #[test]
    fn a_feature_of_a_later_release_is_an_error() {
        let wanted =
            "error OEMInput.xml:2:10 `IOT_NARRATOR` came with release 1809, the image is of 1803";
        assert_eq!(lint("IOT_NARRATOR", "10.0.17134.1"), [wanted]);
    }

    #[test]
    fn a_feature_that_was_there_and_an_unknown_release_pass() {
        assert!(lint("IOT_NARRATOR", "10.0.17763.1").is_empty());
        assert!(lint("IOT_SSH", "10.0.14393.1").is_empty());
        assert!(lint("IOT_NARRATOR", "soon").is_empty());
    }
}
