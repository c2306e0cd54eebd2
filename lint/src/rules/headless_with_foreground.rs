use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A device without a screen has an app for one
    ///
    /// ## What it checks
    /// An image with `IOT_HEADLESS_CONFIGURATION` has no `StartupApp` in its provisioning.
    ///
    /// ## Why
    /// The feature switches the shell off that would start the app.
    ///
    /// ## Passes
    /// `IOT_HEADLESS_CONFIGURATION` and background tasks only
    ///
    /// ## Fails
    /// `IOT_HEADLESS_CONFIGURATION` and `<StartupApp><Default>Fjordlight.Kiosk_q1w2e3r4t5y6u!App</Default></StartupApp>`
    ///
    /// ## Fix
    /// Take one of the two out.
    ///
    /// ## References
    /// - IoT Core feature list: `IOT_HEADLESS_CONFIGURATION`
    struct HeadlessWithForeground;
    id: "headless-with-foreground",
    authority: "Microsoft, IoT Core feature list",
    clause: "IOT_HEADLESS_CONFIGURATION",
    images: All,
    input: OemInput,
    level: Warning,
    since: "0.1.0",
}

impl Rule for HeadlessWithForeground {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            let Some(feature) = product.feature("IOT_HEADLESS_CONFIGURATION") else {
                continue;
            };
            let provisioning = product.provisioning();
            let mut apps = provisioning
                .iter()
                .filter_map(|file| Some((file, file.startup_apps.first()?)));
            if let Some((file, app)) = apps.next() {
                report
                    .at(
                        product.oem_input.item(feature),
                        format!(
                            "`{}` with the foreground app `{}`",
                            feature.text.value, app.text.value
                        ),
                    )
                    .also(file.item(app), "the app")
                    .help("take one of the two out");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{customizations, lint_one, product, wm_xml};

    #[test]
    fn a_headless_device_has_no_foreground_app() {
        let lint = |feature: &str, setting: &str| {
            let input = format!(
                "\n<Features><Microsoft><Feature>{feature}</Feature></Microsoft></Features>"
            );
            let mut files = product(&input, &[("A", wm_xml("A", ""))]);
            files.push(("A/customizations.xml".into(), customizations(setting)));
            lint_one("headless-with-foreground", &files)
        };
        let app = "<StartupApp><Default>A!App</Default></StartupApp>";
        let wanted = "warning product/OEMInput.xml:2:31 `IOT_HEADLESS_CONFIGURATION` with the foreground app `A!App`";
        assert_eq!(lint("IOT_HEADLESS_CONFIGURATION", app), [wanted]);
        assert!(
            lint("IOT_HEADLESS_CONFIGURATION", "").is_empty() && lint("IOT_SSH", app).is_empty()
        );
    }
}
