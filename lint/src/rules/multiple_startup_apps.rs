use formats::document::customizations::Customizations;
use formats::document::parts::Item;

use crate::diagnostic::{Fix, Level};
use crate::facts::{Facts, File};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// More than one foreground app is set to start with the device
    ///
    /// ## What it checks
    /// All provisioning packages of a product together have at most one `StartupApp/Default`. Those of the packages that
    /// the image selects count, and those in the product's folder, unless the image selects no package that carries
    /// them. A `customizations.xml` that belongs to no product is looked at alone. The same app twice is a warning.
    ///
    /// ## Why
    /// A device of IoT Core shows one foreground app. With two of them set, the order in which the provisioning packages
    /// are applied decides which one a customer gets. Any number of background apps may start.
    ///
    /// ## Passes
    /// ```xml
    /// <StartupApp><Default>Fjordlight.Kiosk_q1w2e3r4t5y6u!App</Default></StartupApp>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <StartupApp><Default>Fjordlight.Kiosk_q1w2e3r4t5y6u!App</Default></StartupApp>
    /// <StartupApp><Default>Fjordlight.Setup_q1w2e3r4t5y6u!App</Default></StartupApp>
    /// ```
    ///
    /// ## Fix
    /// Keep `StartupApp` in one provisioning package and leave it out of the others.
    ///
    /// ## References
    /// - IoT Core manufacturing guide, "Foreground and Background Apps"
    struct MultipleStartupApps;
    id: "multiple-startup-apps",
    authority: "Microsoft, IoT Core manufacturing guide",
    clause: "Foreground and Background Apps",
    images: All,
    input: Provisioning,
    level: Error,
    since: "0.1.0",
}

impl Rule for MultipleStartupApps {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for files in facts.provisioning_scopes() {
            let apps = files.iter().flat_map(|file| {
                let apps = file.startup_apps.iter();
                apps.map(|app| (&***file, app))
            });
            let apps: Vec<(&File<Customizations>, &Item)> = apps.collect();
            let Some((first_file, first)) = apps.first() else {
                continue;
            };
            let later = apps.iter().skip(1);
            for (file, app) in later.filter(|(file, _)| facts.is_judged(file.path())) {
                let (id, first_id) = (&app.text.value, &first.text.value);
                let finding = report.at(
                    file.item(app),
                    format!("`{id}` starts with the device, and so does `{first_id}`"),
                );
                finding
                    .also(first_file.item(first), "the other one")
                    .help("keep one `StartupApp`; apps without a window start as background tasks")
                    .fix(file.comment_out(app.element, "Default").map(Fix::as_guess));
                if id.eq_ignore_ascii_case(first_id) {
                    finding.at_most(Level::Warning);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{customizations, lint_one, product, wm_xml};

    const RULE: &str = "multiple-startup-apps";
    const INPUT: &str = "<ReleaseType>Test</ReleaseType>";

    fn starts(app: &str) -> String {
        let default = format!("\n<Default>{app}</Default>");
        customizations(&format!("<StartupApp>{default}</StartupApp>"))
    }

    /// A product with the packages `A` and `B`, which start these apps, and a provisioning of its own.
    fn files(a: &str, b: &str, own: &str) -> Vec<(String, String)> {
        let packages = [("A", wm_xml("A", "")), ("B", wm_xml("B", ""))];
        let mut files = product(INPUT, &packages);
        for (folder, app) in [("A", a), ("B", b), ("product/prov", own)] {
            let path = format!("{folder}/customizations.xml");
            files.push((
                path,
                if app.is_empty() {
                    customizations("")
                } else {
                    starts(app)
                },
            ));
        }
        files
    }

    #[test]
    fn one_app_in_the_whole_product_passes() {
        assert!(lint_one(RULE, &files("One!App", "", "")).is_empty());
        assert!(lint_one(RULE, &files("", "", "Own!App")).is_empty());
    }

    #[test]
    fn apps_of_two_packages_are_found_and_the_same_app_twice_is_a_warning() {
        let found = lint_one(RULE, &files("One!App", "Two!App", ""));
        let wanted = "error B/customizations.xml:2:10 `Two!App` starts with the device, and so does `One!App`";
        assert_eq!(found, [wanted]);
        let found = lint_one(RULE, &files("One!App", "One!App", "")).concat();
        assert!(found.starts_with("warning B/"), "{found}");
    }

    #[test]
    fn provisioning_of_the_product_counts_where_a_package_carries_it() {
        let file = r#"<files><file source="$(BLDDIR)\ppkgs\$(PROD)Prov.ppkg"/></files>"#;
        let mut files = files("One!App", "", "Own!App");
        assert!(lint_one(RULE, &files).is_empty());
        files.retain(|(path, _)| path != "B/B.wm.xml");
        files.push(("B/B.wm.xml".into(), wm_xml("B", file)));
        assert_eq!(lint_one(RULE, &files).len(), 1);
    }

    #[test]
    fn a_file_of_no_product_is_looked_at_alone() {
        let two = customizations(
            "<StartupApp>\n<Default>A!App</Default><Default>B!App</Default></StartupApp>",
        );
        assert_eq!(lint_one(RULE, &[("customizations.xml", two)]).len(), 1);
        let apart = [
            ("a/customizations.xml", starts("A")),
            ("b/customizations.xml", starts("B")),
        ];
        assert!(lint_one(RULE, &apart).is_empty());
    }
}
