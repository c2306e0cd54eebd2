use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A provisioning package of a retail image says that it is Microsoft's
    ///
    /// ## What it checks
    /// `OwnerType` of the provisioning packages of a retail image is not `Microsoft`.
    ///
    /// ## Why
    /// The owner decides which of two settings wins. What a manufacturer sets as Microsoft is overridden by what the same
    /// manufacturer sets as itself.
    ///
    /// ## Passes
    /// `<OwnerType>OEM</OwnerType>`
    ///
    /// ## Fails
    /// `<OwnerType>Microsoft</OwnerType>`
    ///
    /// ## Fix
    /// Write `OEM`, which the fix does.
    ///
    /// ## References
    /// - Windows, provisioning packages: owner and rank
    struct ProvOwnerType;
    id: "prov-owner-type",
    authority: "Microsoft, Windows provisioning packages",
    clause: "Owner and rank",
    images: [Retail],
    input: Provisioning,
    level: Warning,
    since: "0.1.0",
}

impl Rule for ProvOwnerType {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for file in facts.provisioning() {
            let owner = file.package_config.owner_type.as_ref();
            let Some(owner) = owner.filter(|owner| owner.value.eq_ignore_ascii_case("Microsoft"))
            else {
                continue;
            };
            let place = file.value(owner, "PackageConfig/OwnerType");
            report
                .at(place.clone(), "`OwnerType` is `Microsoft`, wanted `OEM`")
                .help("write `OEM`")
                .fix(Fix::replace("write `OEM`", &place, "OEM"));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_retail, package_config};

    #[test]
    fn the_owner_is_the_manufacturer() {
        let lint = |owner: &str| {
            let text = package_config(&format!("\n<OwnerType>{owner}</OwnerType>"));
            lint_retail("prov-owner-type", &[("customizations.xml", text)])
        };
        let wanted = "warning customizations.xml:2:12 `OwnerType` is `Microsoft`, wanted `OEM`";
        assert_eq!(lint("Microsoft"), [wanted]);
        assert!(lint("OEM").is_empty());
    }
}
