use formats::document::feature_manifest::Section;

use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// `SOC` and `Device` are of different variants of a board
    ///
    /// ## What it checks
    /// Where the listed manifests have variants of a board, such as `QC8016` and `QC8016_R`, `SOC` and `Device` of an image are of
    /// the same variant: both with the same ending, or both without one. The pair is left alone where the manifests have no
    /// `Device` of the variant that `SOC` is of.
    ///
    /// ## Why
    /// `SOC` chooses the partitions and `Device` says how large the device is and what may be flashed. A layout with a recovery
    /// partition goes with the platform that has room for it. The kit's sample with secure boot has such a pair.
    ///
    /// ## Passes
    /// ```xml
    /// <SOC>QC8016_R</SOC>
    /// <Device>8016sbc_R</Device>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <SOC>QC8016_R</SOC>
    /// <Device>8016sbc</Device>
    /// ```
    ///
    /// ## Fix
    /// Choose both of one variant. There is no mechanical fix, because either may be the wrong one.
    ///
    /// ## References
    /// - iot-adk-addonkit, sample products
    struct SocDevicePair;
    id: "soc-device-pair",
    authority: "iot-adk-addonkit",
    clause: "Sample products: SOC and Device",
    images: All,
    input: OemInput,
    level: Warning,
    since: "0.1.0",
}

impl Rule for SocDevicePair {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            let input = &product.oem_input;
            let (Some(soc), Some(device)) = (&input.soc, &input.device) else {
                continue;
            };
            let socs = product.selectors(Section::DeviceLayout);
            let devices = product.selectors(Section::OemDevicePlatform);
            let (_, of_soc) = variant(soc.value.trim(), &socs);
            let (base, of_device) = variant(device.value.trim(), &devices);
            if of_soc.eq_ignore_ascii_case(of_device) {
                continue;
            }
            let meant = devices.iter().find(|known| {
                let (known_base, known_variant) = variant(known, &devices);
                known_base.eq_ignore_ascii_case(base) && known_variant.eq_ignore_ascii_case(of_soc)
            });
            if let Some(meant) = meant {
                report
                    .at(
                        input.value(device, "OEMInput/Device"),
                        format!(
                            "`Device` `{}` is of another variant than `SOC` `{}`",
                            device.value, soc.value
                        ),
                    )
                    .also(input.value(soc, "OEMInput/SOC"), "this chooses the layout")
                    .help(format!(
                        "write `{meant}`, or choose the layout of `{}`",
                        device.value
                    ))
                    .fix(Fix::guess(&input.value(device, ""), meant));
            }
        }
    }
}

/// A name without its ending, and the ending behind `_` or `-`, where the name without it is known too.
fn variant<'a>(name: &'a str, known: &[&str]) -> (&'a str, &'a str) {
    let parts = name.rsplit_once(['_', '-']);
    let parts =
        parts.filter(|(base, _)| known.iter().any(|known| known.eq_ignore_ascii_case(base)));
    parts.unwrap_or((name, ""))
}

#[cfg(test)]
mod tests {
    use crate::testing::{feature_manifest, lint_one, oem_input};

    fn lint(soc: &str, device: &str) -> Vec<String> {
        let input = format!(
            "<AdditionalFMs><AdditionalFM>BoardFM.xml</AdditionalFM></AdditionalFMs>\n<SOC>{soc}</SOC>\n<Device>{device}</Device>"
        );
        let layout = |soc| format!("<PackageFile SOC=\"{soc}\" Name=\"{soc}.cab\"/>");
        let platform = |device| format!("<PackageFile Device=\"{device}\" Name=\"{device}.cab\"/>");
        let manifest = format!(
            "<DeviceLayoutPackages>{}{}{}</DeviceLayoutPackages><OEMDevicePlatformPackages>{}{}</OEMDevicePlatformPackages>",
            layout("QC"),
            layout("QC_R"),
            layout("QC_Big"),
            platform("sbc"),
            platform("sbc_R"),
        );
        let files = [
            ("OEMInput.xml", oem_input(&input)),
            ("BoardFM.xml", feature_manifest(&manifest)),
        ];
        lint_one("soc-device-pair", &files)
    }

    #[test]
    fn a_crossed_pair_is_warned_of() {
        let wanted =
            "warning OEMInput.xml:3:9 `Device` `sbc` is of another variant than `SOC` `QC_R`";
        assert_eq!(lint("QC_R", "sbc"), [wanted]);
        assert_eq!(lint("qc", "sbc_r").len(), 1);
    }

    #[test]
    fn pairs_of_one_variant_or_without_a_counterpart_pass() {
        assert!(lint("QC", "sbc").is_empty());
        assert!(lint("QC_R", "sbc_r").is_empty());
        assert!(lint("QC_Big", "sbc").is_empty());
        assert!(lint("Other_R", "sbc").is_empty());
    }
}
