use crate::facts::Facts;
use crate::facts::location::{Consent, consents};
use crate::facts::version::OsBuild;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// An app wants to know where the device is, and location is off
    ///
    /// ## What it checks
    /// Where an app of an IoT Core image declares the capability `location`, a package of the image sets the two consent
    /// values of the registry. The OS, by `OSVERSION`, is 17763.865 or later, or not known. Apps are seen in built packages
    /// and beside the definitions of others, those inside provisioning packages are not.
    ///
    /// ## Why
    /// From that release on location is off on IoT Core until both values turn it on; the app gets an error and no
    /// position.
    ///
    /// ## Passes
    /// ```xml
    /// <regValue name="InitSystemGlobalConsentDenied" type="REG_DWORD" value="00000000" />
    /// <regValue name="InitUserGlobalConsentDenied" type="REG_DWORD" value="00000000" />
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <DeviceCapability Name="location" />
    /// ```
    /// in the manifest of an app, and neither value.
    ///
    /// ## Fix
    /// Set both values in a package of the image, or take the capability out of the app.
    ///
    /// ## References
    /// - IoT Core manufacturing guide, introduction
    /// - IoT Core, "OS customizations": Location settings
    struct LocationNeedsRegistry;
    id: "location-needs-registry",
    authority: "Microsoft, IoT Core manufacturing guide",
    clause: "Introduction, location services",
    images: [Retail, Test],
    input: Signature,
    level: Warning,
    since: "0.1.0",
}

impl Rule for LocationNeedsRegistry {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        if facts
            .workspace
            .os_build()
            .is_some_and(|build| build < FIRST)
        {
            return;
        }
        for scope in facts.registry_scopes() {
            let is_set = scope
                .files
                .iter()
                .copied()
                .flat_map(consents)
                .any(|c| Consent::is_in_place(&c));
            let Some(product) = scope
                .product
                .filter(|product| product.is_iot_core() && !is_set)
            else {
                continue;
            };
            for found in facts.shared_in(product, |signature| {
                let app = signature.app()?;
                let wants = app.capabilities.iter().any(|name| name.eq_ignore_ascii_case("location"));
                let name = &product.name;
                wants.then(|| ("", format!(" is an app with the capability `location`, which no package of {name} turns on")))
            }) {
                report
                    .at_signature(facts, found.first, found.part, found.message())
                    .help("set `InitSystemGlobalConsentDenied` and `InitUserGlobalConsentDenied` to 0 in a package of the image");
            }
        }
    }
}

/// The first OS on which location is off until it is turned on.
const FIRST: OsBuild = OsBuild {
    build: 17763,
    revision: 865,
};

#[cfg(test)]
mod tests {
    use crate::facts::location::DEFINITION_KEY;
    use crate::resolve::ResolveOptions;
    use crate::testing::{feature_manifest, oem_input, run, verified, wm_registry};

    const CAB: &[u8] = include_bytes!(
        "../../tests/fixtures/location-needs-registry/Build/arm/pkgs/Fjordlight.Kiosk.Agent.cab"
    );

    #[test]
    fn the_capability_needs_the_values() {
        let lint = |key: &str| {
            let input = "<ReleaseType>Test</ReleaseType><Product>Windows 10 IoT Core</Product><AdditionalFMs><AdditionalFM>OEMFM.xml</AdditionalFM></AdditionalFMs>";
            let entries = "<BasePackages>\n<PackageFile Name=\"Fjordlight.Kiosk.Agent.cab\"/><PackageFile Name=\"%OEM_NAME%.Test.A.cab\"/></BasePackages>";
            let value =
                "<regValue name=\"InitUserGlobalConsentDenied\" type=\"REG_DWORD\" value=\"0\"/>";
            let files = [
                ("OEMInput.xml", oem_input(input).into_bytes()),
                ("OEMFM.xml", feature_manifest(entries).into_bytes()),
                ("A/A.wm.xml", wm_registry(key, value).into_bytes()),
                ("Fjordlight.Kiosk.Agent.cab", CAB.to_vec()),
            ];
            run(
                "location-needs-registry",
                &verified(&files, &ResolveOptions::default()),
            )
            .concat()
        };
        let found = lint("$(hklm.software)\\Other");
        assert!(
            found.contains("`Kiosk.appx` in `Fjordlight.Kiosk.Agent.cab` is an app with"),
            "{found}"
        );
        assert_eq!(lint(DEFINITION_KEY), "");
    }
}
