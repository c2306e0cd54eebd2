use std::collections::BTreeMap;

use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A background app is added twice
    ///
    /// ## What it checks
    /// No app stands twice in `StartupBackgroundTasks/ToAdd` of the provisioning of one image. Any number of different ones is
    /// fine.
    ///
    /// ## Why
    /// The second entry does nothing. It is left over, or another app was meant.
    ///
    /// ## Passes
    /// Two entries for two apps.
    ///
    /// ## Fails
    /// Two entries `<Add PackageName="Fjordlight.Agent_q1w2e3r4t5y6u!App"/>`
    ///
    /// ## Fix
    /// Remove one of them; the fix comments it out.
    ///
    /// ## References
    /// - IoT Core manufacturing guide, "Foreground and Background Apps"
    struct BackgroundAppDuplicate;
    id: "background-app-duplicate",
    authority: "Microsoft, IoT Core manufacturing guide",
    clause: "Foreground and Background Apps",
    images: All,
    input: Provisioning,
    level: Warning,
    since: "0.1.0",
}

impl Rule for BackgroundAppDuplicate {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for files in facts.provisioning_scopes() {
            let mut first = BTreeMap::new();
            for file in files {
                for app in &file.startup_background_tasks {
                    let id = app.text.value.as_str();
                    let place = file.item(app);
                    let Some(other) = first.get(&id.to_lowercase()).cloned() else {
                        first.insert(id.to_lowercase(), place);
                        continue;
                    };
                    if facts.is_judged(file.path()) {
                        report
                            .at(place, format!("`{id}` is added a second time"))
                            .also(other, "the first time")
                            .help("remove one of the two")
                            .fix(Fix::comment_out(
                                "comment the second entry out",
                                &file.element(app),
                                &file.source,
                            ));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{customizations, fixed, lint_one};

    const ID: &str = "background-app-duplicate";

    #[test]
    fn the_same_app_twice_is_found_and_commented_out() {
        let files = |other: &str| {
            let add = |app| format!("\n<Add PackageName=\"{app}\"/>");
            let both = [add("A!App"), add(other)].concat();
            let tasks =
                format!("<StartupBackgroundTasks><ToAdd>{both}</ToAdd></StartupBackgroundTasks>");
            [("customizations.xml", customizations(&tasks))]
        };
        let wanted = "warning customizations.xml:3:19 `a!App` is added a second time";
        assert_eq!(lint_one(ID, &files("a!App")), [wanted]);
        assert!(
            fixed(ID, &files("A!App"), "customizations.xml")
                .contains("\n<!-- Add PackageName=\"A!App\"/ -->")
        );
        assert!(lint_one(ID, &files("B!App")).is_empty());
    }
}
