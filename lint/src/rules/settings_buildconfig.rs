use formats::document::product_settings::ProductSettings;

use crate::diagnostic::Fix;
use crate::facts::{Facts, File};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The settings of a product lack a build configuration
    ///
    /// ## What it checks
    /// The settings of a product have a `BuildConfig` called `Test` and one called `Retail`, each once.
    ///
    /// ## Why
    /// The add-on kit loads the configuration of the image that it builds and stops where there is none.
    ///
    /// ## Passes
    /// `<BuildConfig Name="Test">...</BuildConfig><BuildConfig Name="Retail">...</BuildConfig>`
    ///
    /// ## Fails
    /// `<BuildConfig Name="Test">...</BuildConfig>`
    ///
    /// ## Fix
    /// Add the configuration.
    ///
    /// ## References
    /// - iot-adk-addonkit, class `IoTProduct`: build configurations
    struct SettingsBuildconfig;
    id: "settings-buildconfig",
    authority: "iot-adk-addonkit",
    clause: "IoTProduct: build configurations",
    images: All,
    input: ProductSettings,
    level: Error,
    since: "0.1.0",
}

impl Rule for SettingsBuildconfig {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for settings in &facts.documents.product_settings {
            for wanted in ["Test", "Retail"] {
                let named = settings.build_configs.iter().filter(|config| {
                    let name = config.name.as_ref();
                    name.is_some_and(|name| name.value.eq_ignore_ascii_case(wanted))
                });
                match named.collect::<Vec<_>>().as_slice() {
                    [_] => {}
                    [] => {
                        report
                            .at(
                                settings.root_place(),
                                format!("there is no `BuildConfig` called `{wanted}`"),
                            )
                            .help(format!("add `<BuildConfig Name=\"{wanted}\">`"))
                            .fix(added(settings, wanted));
                    }
                    [first, second, ..] => {
                        report
                            .at(
                                settings.place(second.element, "IoTProductSettings/BuildConfig"),
                                format!("a second `BuildConfig` called `{wanted}`"),
                            )
                            .also(
                                settings.place(first.element, "IoTProductSettings/BuildConfig"),
                                "the first",
                            )
                            .help("keep one of them");
                    }
                }
            }
        }
    }
}

/// A configuration whose folder is still to be written: a guess.
fn added(settings: &File<ProductSettings>, name: &str) -> Option<Fix> {
    let element = format!("<BuildConfig Name=\"{name}\"><BSPPkgDir></BSPPkgDir></BuildConfig>");
    let title = format!("add `{element}`");
    let fix = Fix::append(title, &settings.source, settings.root.element, &element)?;
    Some(fix.as_guess())
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, product_settings};

    #[test]
    fn both_configurations_are_there_once() {
        let lint = |names: &[&str]| {
            let configs: String = names
                .iter()
                .map(|name| format!("\n<BuildConfig Name=\"{name}\"/>"))
                .collect();
            lint_one(
                "settings-buildconfig",
                &[("PSettings.xml", product_settings(&configs))],
            )
        };
        assert!(lint(&["Retail", "Test"]).is_empty());
        let wanted = "error PSettings.xml:1:2 there is no `BuildConfig` called `Retail`";
        assert_eq!(lint(&["Test"]), [wanted]);
        let twice = "error PSettings.xml:4:1 a second `BuildConfig` called `Test`";
        assert_eq!(lint(&["Test", "Retail", "test"]), [twice]);
    }
}
