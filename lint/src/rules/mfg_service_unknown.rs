use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::facts::manufacturing::profile_keys;
use crate::facts::services::{InstalledService, Installer};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A manufacturing profile names a service by its display name
    ///
    /// ## What it checks
    /// No service in a profile has the `DisplayName` of a service of the same product (or of the same file, where it
    /// belongs to no product) while no service has it as its name. Services that no package defines are not judged,
    /// because most are parts of Windows.
    ///
    /// ## Why
    /// A profile finds services by `Name`. Under the display name the line has no effect and the service starts as
    /// usual. The published example of such a package has this very mistake.
    ///
    /// ## Passes
    /// ```xml
    /// <Service Name="LineTest" DisplayName="Line test" Start="Disabled">
    /// <RegKey KeyName="$(hklm.control)\ManufacturingMode\FinalAssembly\Services\LineTest">
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Service Name="LineTest" DisplayName="Line test" Start="Disabled">
    /// <RegKey KeyName="$(hklm.control)\ManufacturingMode\FinalAssembly\Services\Line test">
    /// ```
    ///
    /// ## Fix
    /// Write the `Name` of the service.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Define a service that only runs in Manufacturing Mode"
    struct MfgServiceUnknown;
    id: "mfg-service-unknown",
    authority: "Microsoft, Windows 10 Mobile manufacturing mode",
    clause: "Define a service that only runs in Manufacturing Mode",
    images: All,
    input: Registry,
    level: Warning,
    since: "0.1.0",
}

impl Rule for MfgServiceUnknown {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for scope in facts.registry_scopes() {
            let paths = scope.files.iter().map(|file| file.path());
            let installers = paths.filter_map(|path| facts.installer(path));
            let services: Vec<InstalledService<'_>> =
                installers.flat_map(Installer::services).collect();
            let (mut names, mut shown) = (BTreeSet::new(), BTreeMap::new());
            for service in &services {
                names.insert(service.name().to_lowercase());
                if let Some(name) = service.attribute("displayName") {
                    shown.entry(name.value.to_lowercase()).or_insert(service);
                }
            }
            for (at, key) in scope.files.iter().copied().flat_map(profile_keys) {
                let name = key.service().unwrap_or_default();
                if name.is_empty() || names.contains(&name.to_lowercase()) {
                    continue;
                }
                let shown = shown.get(&name.to_lowercase());
                let Some(service) = shown.filter(|_| facts.is_judged(at.source.name())) else {
                    continue;
                };
                let right = service.name();
                let message = format!(
                    "`{name}` is the display name of the service `{right}`, expected `{right}`"
                );
                let place = at.name_place(name);
                // Where macros hide the name, the place is the whole key.
                let is_name = place
                    .span()
                    .is_some_and(|span| at.source.slice(span) == name);
                let fix = Fix::guess(&place, right).filter(|_| is_name);
                report
                    .at(place, message)
                    .fix(fix)
                    .also(service.place.clone(), "the service")
                    .help(format!("write `{right}`"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, pkg_xml};

    fn lint(key: &str) -> Vec<String> {
        let service = r#"<Service Name="Factory" DisplayName="FactoryTest" Start="Disabled"/>"#;
        let key =
            format!("<RegKey KeyName=\"$(hklm.control)\\ManufacturingMode\\P\\Services\\{key}\"/>");
        let keys = format!("<OSComponent><RegKeys>\n{key}</RegKeys></OSComponent>");
        let body = format!("<Components>{service}{keys}</Components>");
        lint_one("mfg-service-unknown", &[("a.pkg.xml", pkg_xml("", &body))])
    }

    #[test]
    fn a_display_name_is_found_and_the_name_and_services_of_windows_pass() {
        let found = lint("factorytest");
        let message =
            "`factorytest` is the display name of the service `Factory`, expected `Factory`";
        assert_eq!(found, [format!("warning a.pkg.xml:2:63 {message}")]);
        for name in ["FACTORY", "AudioSrv", "*"] {
            assert!(lint(name).is_empty(), "{name}");
        }
    }
}
