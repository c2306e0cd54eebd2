use formats::document::feature_manifest::Section;
use formats::source::Spanned;

use crate::diagnostic::Fix;
use crate::facts::{Facts, Product};
use crate::lists;
use crate::nearest::nearest;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// No listed manifest has a device layout for the image's `SOC`
    ///
    /// ## What it checks
    /// The `SOC` of an IoT Core image is an `SOC` of `DeviceLayoutPackages` in one of the manifests of `AdditionalFMs`. It is
    /// checked where all of those manifests were found; letter case is left to `soc-case`. Windows 10 Mobile takes layouts
    /// from Microsoft's manifests too, so its images are not checked.
    ///
    /// ## Why
    /// `SOC` chooses the package with the partitions of the device. Without a match the image has no layout, and the
    /// imaging tools stop.
    ///
    /// ## Passes
    /// ```xml
    /// <PackageFile SOC="FjordBoard" ... />   (in FjordBoardFM.xml)
    /// <SOC>FjordBoard</SOC>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <PackageFile SOC="FjordBoard" ... />   (in FjordBoardFM.xml)
    /// <SOC>FjordBoard2</SOC>
    /// ```
    ///
    /// ## Fix
    /// Write an `SOC` that the manifest of the board has, or list the manifest that has this one.
    ///
    /// ## References
    /// - IoT Core manufacturing guide: `SOC` and `Device` come from the manifest of the board support package
    struct SocNotInFm;
    id: "soc-not-in-fm",
    authority: "Microsoft, IoT Core manufacturing guide",
    clause: "SOC and Device",
    images: All,
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for SocNotInFm {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            if let Some(soc) = &product.oem_input.soc {
                check_selector(product, "SOC", soc, Section::DeviceLayout, report);
            }
        }
    }
}

/// Reports a value of `element` by which no listed manifest has a package in `section`.
pub(super) fn check_selector(
    product: &Product,
    element: &str,
    chosen: &Spanned<String>,
    section: Section,
    report: &mut Report,
) {
    let value = chosen.value.trim();
    if !product.has_board_manifests() || lists::is_placeholder(value) {
        return;
    }
    let known = product.selectors(section);
    if known.iter().any(|known| known.eq_ignore_ascii_case(value)) {
        return;
    }
    let package = match section {
        Section::DeviceLayout => "device layout",
        _ => "device platform",
    };
    let place = product
        .oem_input
        .value(chosen, format!("OEMInput/{element}"));
    let finding = report.at(
        place.clone(),
        format!("no manifest has a {package} for `{element}` `{value}`"),
    );
    let near = nearest(value, known.iter().copied());
    finding.help(match (near, known.is_empty()) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, true) => "list the manifest of the board in `AdditionalFMs`".to_owned(),
        (None, false) => format!("the listed manifests have `{}`", known.join("`, `")),
    });
    finding.fix(near.and_then(|near| Fix::guess(&place, near)));
}

#[cfg(test)]
mod tests {
    use crate::testing::{feature_manifest, help, lint_one, oem_input};

    fn files(soc: &str, other: &str) -> [(&'static str, String); 2] {
        let text = oem_input(&format!(
            "<SOC>{soc}</SOC><AdditionalFMs><AdditionalFM>BoardFM.xml</AdditionalFM>{other}</AdditionalFMs>\
             <Product>Windows 10 IoT Core</Product>"
        ));
        let manifest = "<DeviceLayoutPackages><PackageFile SOC=\"Board;Board-R\" Name=\"L.cab\"/></DeviceLayoutPackages>";
        [
            ("OEMInput.xml", text),
            ("BoardFM.xml", feature_manifest(manifest)),
        ]
    }

    fn lint(soc: &str, other: &str) -> Vec<String> {
        lint_one("soc-not-in-fm", &files(soc, other))
    }

    #[test]
    fn a_slip_is_told_with_what_was_meant() {
        let of = |soc| help("soc-not-in-fm", &files(soc, ""));
        assert_eq!(of("Baord"), ["did you mean `Board`?"]);
        assert_eq!(
            of("Other"),
            ["the listed manifests have `Board`, `Board-R`"]
        );
    }

    #[test]
    fn an_soc_of_no_layout_is_an_error() {
        assert_eq!(
            lint("Other", ""),
            ["error OEMInput.xml:1:82 no manifest has a device layout for `SOC` `Other`"],
        );
    }

    #[test]
    fn an_soc_that_a_manifest_has_or_may_have_passes() {
        assert!(lint("Board", "").is_empty());
        assert!(lint("board-r", "").is_empty());
        assert!(lint("{BSP}_Soc", "").is_empty());
        assert!(lint("Other", "<AdditionalFM>MissingFM.xml</AdditionalFM>").is_empty());
        let microsoft = r"<AdditionalFM>%AKROOT%\FMFiles\arm\IoTUAPNonProductionPartnerShareFM.xml</AdditionalFM>";
        assert_eq!(lint("Other", microsoft).len(), 1);
    }
}
