use crate::facts::{Facts, FeatureList, Product};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// Nothing shows on the screen of a retail device
    ///
    /// ## What it checks
    /// A retail image of IoT Core has a foreground app, by `StartupApp` in its provisioning or by a feature that brings one, or
    /// chooses `IOT_HEADLESS_CONFIGURATION`. It is checked where all manifests of the manufacturer were found.
    ///
    /// ## Why
    /// Without an app of its own the device shows a screen of the system, from which a visitor gets into its settings.
    ///
    /// ## Passes
    /// ```xml
    /// <StartupApp><Default>Fjordlight.Kiosk_q1w2e3r4t5y6u!App</Default></StartupApp>
    /// ```
    ///
    /// ## Fails
    /// The same commented out, and no headless configuration.
    ///
    /// ## Fix
    /// Set the app, or choose `IOT_HEADLESS_CONFIGURATION`.
    ///
    /// ## Parameters
    /// `features`: features that bring a foreground app, or do without one.
    ///
    /// ## References
    /// - IoT Core manufacturing guide, "Foreground and Background Apps"
    struct NoStartupApp {
        /// Features that bring a foreground app, or do without one, in any case.
        features: Vec<String> = ["IOT_HEADLESS_CONFIGURATION", "IOT_BERTHA", "IOT_UAP_DEFAULTAPP", "IOT_ONBOARDING_APP"]
            .map(str::to_owned)
            .to_vec(),
    }
    id: "no-startup-app",
    authority: "Microsoft, IoT Core manufacturing guide",
    clause: "Foreground and Background Apps",
    images: [Retail],
    input: OemInput,
    level: Warning,
    since: "0.1.0",
}

impl Rule for NoStartupApp {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let known = |product: &&&Product| {
            product.is_iot_core()
                && product.in_workspace
                && product.manifests_not_found().next().is_none()
        };
        for product in facts.products.iter().filter(known) {
            let provisioning = product.provisioning();
            let starts = provisioning
                .iter()
                .any(|file| !file.startup_apps.is_empty());
            if !starts && !self.features.iter().any(|id| product.feature(id).is_some()) {
                report
                    .at(product.features_place(FeatureList::Microsoft), "no app starts in the foreground")
                    .because_of_image(product)
                    .help("set `StartupApp` in the provisioning, or choose `IOT_HEADLESS_CONFIGURATION`");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{customizations, lint_one, product, wm_xml};

    fn lint(release_type: &str, feature: &str, app: &str) -> Vec<String> {
        let input = format!(
            "<ReleaseType>{release_type}</ReleaseType><Product>Windows 10 IoT Core</Product>\n\
             <Features><Microsoft><Feature>{feature}</Feature></Microsoft></Features>"
        );
        let mut files = product(&input, &[("A", wm_xml("A", ""))]);
        files.push(("A/customizations.xml".into(), customizations(app)));
        lint_one("no-startup-app", &files)
    }

    #[test]
    fn a_retail_device_shows_an_app_or_is_headless() {
        let wanted = "warning product/OEMInput.xml:2:11 no app starts in the foreground";
        assert_eq!(lint("Production", "IOT_EFIESP", ""), [wanted]);
        assert!(lint("Production", "iot_headless_configuration", "").is_empty());
        assert!(
            lint(
                "Production",
                "IOT_EFIESP",
                "<StartupApp><Default>A!App</Default></StartupApp>"
            )
            .is_empty()
        );
        assert!(lint("Test", "IOT_EFIESP", "").is_empty());
    }
}
