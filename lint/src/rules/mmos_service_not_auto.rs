use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::facts::services::Installer;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A service of the manufacturing OS does not start by itself
    ///
    /// ## What it checks
    /// A `Service` of a `*.pkg.xml` in the image of a manufacturing OS has `Start="Auto"`.
    ///
    /// ## Why
    /// A service is the way to start a test program when the manufacturing OS has booted. With another start type
    /// somebody has to start it by hand.
    ///
    /// ## Passes
    /// ```xml
    /// <Service Name="LineTest" Start="Auto" Type="Win32OwnProcess">
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Service Name="LineTest" Start="Demand" Type="Win32OwnProcess">
    /// ```
    ///
    /// ## Fix
    /// Write `Auto`, which the fix does, or keep it where another service starts this one.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Microsoft Manufacturing OS": Developing user mode test applications
    struct MmosServiceNotAuto;
    id: "mmos-service-not-auto",
    authority: "Microsoft, Windows 10 Mobile manufacturing OS",
    clause: "Developing user mode test applications",
    images: [Mmos],
    input: PackageDefinition,
    level: Info,
    since: "0.1.0",
}

impl Rule for MmosServiceNotAuto {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for service in facts.services() {
            let package = service.package;
            let Some(start) = service.attribute("start").filter(|_| package.is_legacy()) else {
                continue;
            };
            // Built packages spell it as the system does.
            let is_auto = match package {
                Installer::Definition(_) => start.value == "Auto",
                Installer::Built(_) => start.value.eq_ignore_ascii_case("auto"),
            };
            if is_auto {
                continue;
            }
            let message = format!(
                "service `{}` is `{}`, expected `Auto`",
                service.name(),
                start.value
            );
            let fix = Fix::replace("write `Auto`", &start.place, "Auto");
            package
                .report(report, facts, start.place, message)
                .help("write `Auto`, or keep it where another service starts this one")
                .fix(fix);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::image::ImageType;
    use crate::resolve::ResolveOptions;
    use crate::testing::{pkg_xml, run, workspace_with};

    const RULE: &str = "mmos-service-not-auto";

    fn lint(path: &str, text: String, image: ImageType) -> Vec<String> {
        let options = ResolveOptions {
            image: Some(image),
            ..ResolveOptions::default()
        };
        run(RULE, &workspace_with(&[(path, text)], &options))
    }

    #[test]
    fn services_that_do_not_start_are_told_of_in_a_manufacturing_os_only() {
        let pkg = |start: &str| {
            pkg_xml(
                "",
                &format!("<Components><Service Name=\"Svc\"\nStart=\"{start}\"/></Components>"),
            )
        };
        let found = lint("A.pkg.xml", pkg("Demand"), ImageType::Mmos);
        assert_eq!(
            found,
            ["info A.pkg.xml:2:8 service `Svc` is `Demand`, expected `Auto`"]
        );
        assert!(lint("A.pkg.xml", pkg("Auto"), ImageType::Mmos).is_empty());
        assert!(lint("A.pkg.xml", pkg("Demand"), ImageType::Test).is_empty());
    }
}
