use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A service of a retail image runs as LocalSystem from the start
    ///
    /// ## What it checks
    /// Reports services of packages of a retail image that have `objectName="LocalSystem"` and start by themselves.
    ///
    /// ## Why
    /// LocalSystem may do anything on the device. A flaw in such a service, which listens from the start, gives the
    /// device away.
    ///
    /// ## Passes
    /// ```xml
    /// <service name="kioskd" start="auto" objectName="NT AUTHORITY\LocalService" ... />
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <service name="kioskd" start="auto" objectName="LocalSystem" ... />
    /// ```
    ///
    /// ## Fix
    /// Use `NT AUTHORITY\LocalService` or `NT AUTHORITY\NetworkService` where the service needs no more.
    ///
    /// ## References
    /// - IoT Core, "Building secure devices"
    /// - Microsoft, "LocalSystem account"
    struct ServiceLocalsystem;
    id: "service-localsystem",
    authority: "Microsoft, IoT Core: building secure devices",
    clause: "Least privilege",
    images: [Retail],
    input: PackageDefinition,
    level: Info,
    since: "0.1.0",
}

impl Rule for ServiceLocalsystem {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for service in facts.services() {
            let starts = service.attribute("start");
            let starts = starts.is_some_and(|start| start.value.to_lowercase().contains("auto"));
            let account = service.attribute("objectName").filter(|_| starts);
            let Some(account) = account else {
                continue;
            };
            let name = account.value.rsplit('\\').next().unwrap_or_default();
            if name.eq_ignore_ascii_case("LocalSystem") || name.eq_ignore_ascii_case("SYSTEM") {
                let message = format!("service `{}` starts as `{name}`", service.name());
                let package = service.package;
                package
                    .report(report, facts, account.place, message)
                    .help("use `NT AUTHORITY\\LocalService` where the service needs no more");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::image::ImageType;
    use crate::resolve::ResolveOptions;
    use crate::testing::{run, wm_xml, workspace_with};

    const RULE: &str = "service-localsystem";

    fn lint(path: &str, text: String, image: ImageType) -> Vec<String> {
        let options = ResolveOptions {
            image: Some(image),
            ..ResolveOptions::default()
        };
        run(RULE, &workspace_with(&[(path, text)], &options))
    }

    #[test]
    fn services_that_start_as_the_system_are_told_of() {
        let wm = |start: &str, account: &str| {
            let service =
                format!("<service name=\"S\" start=\"{start}\"\nobjectName=\"{account}\"/>");
            lint("A.wm.xml", wm_xml("A", &service), ImageType::Retail)
        };
        assert_eq!(
            wm("delayedAuto", "localSystem"),
            ["info A.wm.xml:2:13 service `S` starts as `localSystem`"]
        );
        assert!(wm("demand", "LocalSystem").is_empty());
        assert!(wm("auto", "NT AUTHORITY\\LocalService").is_empty());
    }
}
