use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The version of a provisioning package has not four numbers
    ///
    /// ## What it checks
    /// `Version` of a `customizations.xml` is four numbers between full stops, each at most 65535.
    ///
    /// ## Why
    /// From release 1709 on the tool that makes provisioning packages refuses others.
    ///
    /// ## Passes
    /// `<Version>1.0.0.0</Version>`
    ///
    /// ## Fails
    /// `<Version>1.0</Version>`
    ///
    /// ## Fix
    /// Write four numbers; the fix adds those that are missing.
    ///
    /// ## References
    /// - IoT Core, "Provisioning": from release 1709 on
    struct ProvVersionFormat;
    id: "prov-version-format",
    authority: "Microsoft, IoT Core: provisioning",
    clause: "Version",
    images: All,
    input: Provisioning,
    level: Warning,
    since: "0.1.0",
}

impl Rule for ProvVersionFormat {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for file in &facts.documents.customizations {
            let Some(version) = &file.package_config.version else {
                continue;
            };
            let text = version.value.trim();
            let numbers: Option<Vec<u16>> = text.split('.').map(|part| part.parse().ok()).collect();
            let count = numbers.map_or(0, |numbers| numbers.len());
            if count == 4 {
                continue;
            }
            let place = file.value(version, "PackageConfig/Version");
            let finding = report.at(place.clone(), format!("`{text}` is not four numbers"));
            finding.help("write four numbers between full stops");
            if (1..4).contains(&count) {
                let whole = format!("{text}{}", ".0".repeat(4_usize.saturating_sub(count)));
                finding.fix(Fix::replace(format!("write `{whole}`"), &place, whole));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{fixed, lint_one, package_config};

    const ID: &str = "prov-version-format";

    #[test]
    fn a_version_has_four_numbers() {
        let files = |version: &str| {
            [(
                "customizations.xml",
                package_config(&format!("\n<Version>{version}</Version>")),
            )]
        };
        assert!(lint_one(ID, &files("1.0.0.65535")).is_empty());
        assert_eq!(
            lint_one(ID, &files("1.0")),
            ["warning customizations.xml:2:10 `1.0` is not four numbers"]
        );
        assert_eq!(
            fixed(ID, &files("1.0"), "customizations.xml"),
            files("1.0.0.0")[0].1
        );
        for version in ["1.0.0.x", "1.0.0.65536", "1.0.0.0.0"] {
            assert_eq!(lint_one(ID, &files(version)).len(), 1);
            assert_eq!(
                fixed(ID, &files(version), "customizations.xml"),
                files(version)[0].1
            );
        }
    }
}
