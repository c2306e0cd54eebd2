use std::collections::BTreeMap;

use formats::document::customizations::Customizations;

use crate::diagnostic::Fix;
use crate::facts::version::PackageVersion;
use crate::facts::{Facts, File};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A provisioning package was changed and kept its version
    ///
    /// ## What it checks
    /// With `--shipped DIR`, which names the folder of an earlier release: a provisioning package with the `ID` of one there has
    /// the same settings, or a higher `Version`. Without the option nothing is checked.
    ///
    /// ## Why
    /// A device that has applied a package ignores another one with the same identifier and version.
    ///
    /// ## Passes
    /// Another setting, and `<Version>1.0.1.0</Version>` after `1.0.0.0`
    ///
    /// ## Fails
    /// Another setting, and `<Version>1.0.0.0</Version>` as before
    ///
    /// ## Fix
    /// Raise the version.
    ///
    /// ## References
    /// - iot-adk-addonkit, class `IoTProvisioningXML`
    struct ProvVersionNotIncreased;
    id: "prov-version-not-increased",
    authority: "iot-adk-addonkit",
    clause: "IoTProvisioningXML: version",
    images: All,
    input: Provisioning,
    level: Warning,
    since: "0.1.0",
}

impl Rule for ProvVersionNotIncreased {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(shipped) = &facts.workspace.shipped else {
            return;
        };
        let mut earlier: BTreeMap<String, Vec<&File<Customizations>>> = BTreeMap::new();
        for before in &shipped.documents().customizations {
            if let Some(id) = id(before) {
                earlier.entry(id).or_default().push(before);
            }
        }
        for file in &facts.documents.customizations {
            let same = id(file).and_then(|id| earlier.get(&id));
            let same = same.map_or(&[][..], Vec::as_slice);
            let ([before], Some(version)) = (same, &file.package_config.version) else {
                continue;
            };
            let Some(old) = &before.package_config.version else {
                continue;
            };
            let rose = match (
                PackageVersion::parse(&version.value),
                PackageVersion::parse(&old.value),
            ) {
                (Some(new), Some(old)) => new > old,
                _ => version.value.trim() != old.value.trim(),
            };
            if !rose && settings(file) != settings(before) {
                report
                    .at(
                        file.value(version, "PackageConfig/Version"),
                        format!(
                            "the package was changed, its version is {} and {} was shipped",
                            version.value, old.value
                        ),
                    )
                    .also(before.root_place(), "the package that was shipped")
                    .help("raise the version")
                    .fix(raised(&old.value).and_then(|raised| {
                        let title = format!("write `{raised}`");
                        Fix::replace(title, &file.place(version.span, ""), raised)
                    }));
            }
        }
    }
}

/// A version with its last number one higher.
fn raised(version: &str) -> Option<String> {
    let version = version.trim();
    let (start, last) = version.rsplit_once('.').unwrap_or(("", version));
    let last = last.parse::<u16>().ok()?.checked_add(1)?;
    Some(match start {
        "" => last.to_string(),
        start => format!("{start}.{last}"),
    })
}

/// The identifier without braces.
fn id(file: &File<Customizations>) -> Option<String> {
    let id = file.package_config.id.as_ref()?;
    Some(id.value.trim().trim_matches(['{', '}']).to_lowercase())
}

/// The settings and attributes, as they are written below `Settings`.
fn settings(file: &File<Customizations>) -> Vec<&str> {
    let text = file.source.text();
    let start = text.find("<Settings").unwrap_or(0);
    text.get(start..)
        .unwrap_or_default()
        .split_whitespace()
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::testing::{customizations, lint_after, package_config};

    /// A package of this version that sets `name`.
    fn files(version: &str, name: &str) -> [(&'static str, String); 1] {
        let config = format!(
            "<ID>{{6d25ff81-23ed-4d35-968f-3fc2408ceac7}}</ID>\n<Version>{version}</Version>"
        );
        let settings = customizations(&format!("<Name>{name}</Name>"));
        let settings = settings.replace("<WindowsCustomizations>", "");
        let text = package_config(&config).replace("</WindowsCustomizations>", &settings);
        [("customizations.xml", text)]
    }

    #[test]
    fn a_change_raises_the_version() {
        let lint = |version: &str, name: &str| {
            lint_after(
                "prov-version-not-increased",
                &files("1.0.0.0", "a"),
                &files(version, name),
            )
        };
        let wanted = "warning customizations.xml:2:10 the package was changed, its version is 1.0.0.0 and 1.0.0.0 was shipped";
        assert_eq!(lint("1.0.0.0", "b"), [wanted]);
        assert_eq!(lint("0.9.0.0", "b").len(), 1);
        assert!(lint("1.0.0.0", "a").is_empty() && lint("1.0.1.0", "b").is_empty());
    }
}
