use formats::document::customizations::Customizations;
use formats::source::Span;

use crate::diagnostic::Fix;
use crate::facts::{Facts, File};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// Settings of app management are where they were before 1709
    ///
    /// ## What it checks
    /// `ApplicationManagement` in a `customizations.xml` is below `Common/Policies` and not directly below `Common`.
    ///
    /// ## Why
    /// Release 1709 moved it. The tool that makes provisioning packages stops at the old place.
    ///
    /// ## Passes
    /// ```xml
    /// <Common><Policies><ApplicationManagement>...</ApplicationManagement></Policies></Common>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Common><ApplicationManagement>...</ApplicationManagement></Common>
    /// ```
    ///
    /// ## Fix
    /// Move the element below `Policies`.
    ///
    /// ## References
    /// - iot-adk-addonkit, issue 163
    struct AppmgmtMisplaced;
    id: "appmgmt-misplaced",
    authority: "iot-adk-addonkit",
    clause: "Provisioning from release 1709 on",
    images: All,
    input: Provisioning,
    level: Error,
    since: "0.1.0",
}

impl Rule for AppmgmtMisplaced {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let build = facts.workspace.os_build().map(|os| os.build);
        if build.is_some_and(|build| build < 16_299) {
            return;
        }
        for file in &facts.documents.customizations {
            let mut settings = file.settings.iter();
            let misplaced = |path: &str| {
                path == "Common/ApplicationManagement"
                    || path.starts_with("Common/ApplicationManagement/")
            };
            if let Some(setting) = settings.find(|setting| misplaced(&setting.path)) {
                report
                    .at(
                        file.place(setting.element, setting.path.clone()),
                        "`ApplicationManagement` is not below `Policies`",
                    )
                    .help("move it to `Common/Policies/ApplicationManagement`")
                    .fix(moved(file, setting.element.start));
            }
        }
    }
}

/// Puts `Policies` around the element that holds a byte, where there are no `Policies` yet.
fn moved(file: &File<Customizations>, inside: usize) -> Option<Fix> {
    const NAME: &str = "ApplicationManagement";
    let mut settings = file.settings.iter();
    if settings.any(|setting| setting.path.starts_with("Common/Policies")) {
        return None;
    }
    let text = file.source.text();
    let (open, close) = (format!("<{NAME}>"), format!("</{NAME}>"));
    let start = text.get(..inside)?.rfind(&open)?;
    let length = text.get(start..)?.find(&close)?.checked_add(close.len())?;
    let end = start.checked_add(length).filter(|end| inside < *end)?;
    let place = file.place(Span { start, end }, "");
    let element = text.get(start..end)?;
    let title = format!("put `Policies` around `{NAME}`");
    Fix::replace(title, &place, format!("<Policies>{element}</Policies>"))
}

#[cfg(test)]
mod tests {
    use crate::testing::{customizations, fixed, lint_one};

    #[test]
    fn app_management_is_a_policy() {
        let lint = |before: &str, after: &str| {
            let settings = "\n<ApplicationManagement><AllowAllTrustedApps>Yes</AllowAllTrustedApps></ApplicationManagement>";
            let text = customizations(&format!("{before}{settings}{after}"));
            lint_one("appmgmt-misplaced", &[("customizations.xml", text)])
        };
        assert!(lint("<Policies>", "</Policies>").is_empty());
        assert_eq!(
            lint("", ""),
            ["error customizations.xml:2:24 `ApplicationManagement` is not below `Policies`"]
        );
    }

    #[test]
    fn the_element_is_put_below_policies_where_there_are_none() {
        let settings = "\n<ApplicationManagement>\n<AllowAllTrustedApps>Yes</AllowAllTrustedApps>\n</ApplicationManagement>";
        let fix = |before: &str| {
            let files = [(
                "customizations.xml",
                customizations(&format!("{before}{settings}")),
            )];
            let after = fixed("appmgmt-misplaced", &files, "customizations.xml");
            (after, files[0].1.clone())
        };
        let (after, before) = fix("");
        let wanted = settings.replace("\n<App", "\n<Policies><App") + "</Policies>";
        assert_eq!(after, before.replace(settings, &wanted));
        let (after, before) = fix("<Policies><Security><A>1</A></Security></Policies>");
        assert_eq!(after, before);
    }
}
