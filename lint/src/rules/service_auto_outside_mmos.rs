use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::facts::system::System;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A legacy package of a phone starts a service with the full system
    ///
    /// ## What it checks
    /// No `Service` of a `*.pkg.xml` has `Start="Auto"` in a package of Windows 10 Mobile that is not for the manufacturing
    /// OS. A product without `Product` element is taken as Mobile; a package of no product is judged only where the
    /// image type is given and nothing in the workspace says IoT Core. Packages on the partition `MMOS` are left out.
    ///
    /// ## Why
    /// On phones a service that starts by itself is a capability of the manufacturing OS only; in the full system it does
    /// not start. The statement is about the legacy format of phones. On IoT Core a `service` of a `*.wm.xml` may
    /// have `start="auto"`, and Microsoft's own samples do, so this rule never looks at those.
    ///
    /// ## Passes
    /// ```xml
    /// <Service Name="LineTest" Start="Demand" Type="Win32OwnProcess">
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Service Name="LineTest" Start="Auto" Type="Win32OwnProcess">
    /// ```
    ///
    /// ## Fix
    /// Move the package to the manufacturing OS, or disable the service and let a manufacturing profile start it.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Microsoft Manufacturing OS": Developing user mode test applications
    /// - Windows 10 Mobile, "Define a service that only runs in Manufacturing Mode"
    struct ServiceAutoOutsideMmos;
    id: "service-auto-outside-mmos",
    authority: "Microsoft, Windows 10 Mobile manufacturing OS",
    clause: "Developing user mode test applications",
    images: [Retail, Test],
    input: PackageDefinition,
    level: Warning,
    since: "0.1.0",
}

impl Rule for ServiceAutoOutsideMmos {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for service in facts.services() {
            let package = service.package;
            let Some(start) = service.attribute("start").filter(|_| package.is_legacy()) else {
                continue;
            };
            if !start.value.eq_ignore_ascii_case("Auto") {
                continue;
            }
            let systems = facts.systems_of(package.path());
            let is_iot = systems.contains(&System::IotCore) && !systems.contains(&System::Mobile);
            let partition = package.partition();
            let is_of_mmos = partition.is_some_and(|name| name.eq_ignore_ascii_case("MMOS"));
            if is_iot || is_of_mmos {
                continue;
            }
            let message = format!(
                "service `{}` has `Start=\"{}\"` outside of the manufacturing OS",
                service.name(),
                start.value
            );
            let fix = Fix::guess(&start.place, "Disabled");
            package
                .report(report, facts, start.place, message)
                .help("write `Disabled` and start it by a manufacturing profile, or move it to the manufacturing OS")
                .fix(fix);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::image::ImageType;
    use crate::resolve::ResolveOptions;
    use crate::testing::{pkg_xml, product, run, wm_xml, workspace_with};

    const RULE: &str = "service-auto-outside-mmos";

    fn pkg(attributes: &str, start: &str) -> String {
        let service = format!("<Service Name=\"Svc\"\nStart=\"{start}\"/>");
        let names = r#"Owner="$(OEMNAME)" Component="Test" SubComponent="A""#;
        let components = format!("<Components>{service}</Components>");
        pkg_xml(&format!("{names} {attributes}"), &components)
    }

    fn lint(input: &str, image: Option<ImageType>, definition: String) -> Vec<String> {
        let mut files = product(input, &[("A", String::new())]);
        files.retain(|(path, _)| {
            path != "A/A.wm.xml" && (!input.is_empty() || path.starts_with('A'))
        });
        files.push(("A/A.pkg.xml".into(), definition));
        let image = ResolveOptions {
            image,
            ..ResolveOptions::default()
        };
        run(RULE, &workspace_with(&files, &image))
    }

    #[test]
    fn a_service_of_the_full_system_of_a_phone_is_found() {
        let phone = "<ReleaseType>Production</ReleaseType>";
        let found = lint(phone, None, pkg("", "Auto"));
        let wanted = "service `Svc` has `Start=\"Auto\"` outside of the manufacturing OS";
        assert_eq!(found, [format!("warning A/A.pkg.xml:2:8 {wanted}")]);
        assert!(lint(phone, None, pkg("", "Demand")).is_empty());
        assert!(lint(phone, None, pkg("Partition=\"MMOS\"", "Auto")).is_empty());
    }

    #[test]
    fn the_manufacturing_os_and_iot_core_may() {
        for product in ["Manufacturing OS", "Windows 10 IoT Core"] {
            let input = format!("<ReleaseType>Test</ReleaseType><Product>{product}</Product>");
            assert!(lint(&input, None, pkg("", "Auto")).is_empty(), "{product}");
        }
        let wm = wm_xml("A", r#"<service name="Svc" start="auto"/>"#);
        let phone = product("<ReleaseType>Test</ReleaseType>", &[("A", wm)]);
        assert!(run(RULE, &workspace_with(&phone, &ResolveOptions::default())).is_empty());
    }

    #[test]
    fn a_definition_of_no_product_is_judged_by_the_image_type_that_is_given() {
        assert!(lint("", None, pkg("", "Auto")).is_empty());
        assert_eq!(lint("", Some(ImageType::Test), pkg("", "Auto")).len(), 1);
        assert!(lint("", Some(ImageType::Mmos), pkg("", "Auto")).is_empty());
    }
}
