use crate::facts::{Facts, Product};
use crate::rule::{Report, Rule, declare_rule};

/// The setting.
const FALLBACK: &str = "IOT_DISABLEBASICDISPLAYFALLBACK";

declare_rule! {
    /// A display setting of the DragonBoard is in an image for another board
    ///
    /// ## What it checks
    /// `IOT_DISABLEBASICDISPLAYFALLBACK` is chosen for the Qualcomm DragonBoard 410c only: the product settings name the board
    /// support package `QCDB410C`, or `SOC` begins with `QC8016`.
    ///
    /// ## Why
    /// The setting takes away the driver that shows a picture where no other driver does. The feature list has it for this
    /// one board; on another the screen may stay dark.
    ///
    /// ## Passes
    /// ```xml
    /// <SOC>QC8016</SOC>
    /// <Feature>IOT_DISABLEBASICDISPLAYFALLBACK</Feature>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <SOC>RPi2</SOC>
    /// <Feature>IOT_DISABLEBASICDISPLAYFALLBACK</Feature>
    /// ```
    ///
    /// ## Fix
    /// Switch the feature off. The fix comments it out.
    ///
    /// ## References
    /// - IoT Core feature list: `IOT_DISABLEBASICDISPLAYFALLBACK`
    struct BasicdisplayfallbackNotDb;
    id: "basicdisplayfallback-not-db",
    authority: "Microsoft, IoT Core feature list",
    clause: "IOT_DISABLEBASICDISPLAYFALLBACK",
    images: All,
    input: OemInput,
    level: Warning,
    since: "0.1.0",
}

impl Rule for BasicdisplayfallbackNotDb {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in facts
            .products
            .iter()
            .filter(|product| !is_dragonboard(product))
        {
            let input = &product.oem_input;
            let (Some(feature), Some(soc)) = (product.feature(FALLBACK), &input.soc) else {
                continue;
            };
            report
                .at(
                    input.item(feature),
                    format!(
                        "`{}` is for the DragonBoard, `SOC` is `{}`",
                        feature.text.value, soc.value
                    ),
                )
                .also(input.value(soc, "OEMInput/SOC"), "this is the board")
                .help("switch the feature off")
                .fix(product.switch_off(feature));
        }
    }
}

fn is_dragonboard(product: &Product) -> bool {
    let bsp = product
        .settings
        .as_ref()
        .and_then(|settings| settings.bsp.as_ref());
    let soc = product.oem_input.soc.as_ref();
    let soc = soc
        .map(|soc| soc.value.trim().to_lowercase())
        .unwrap_or_default();
    bsp.is_some_and(|bsp| bsp.value.trim().eq_ignore_ascii_case("QCDB410C"))
        || soc.starts_with("qc8016")
}

#[cfg(test)]
mod tests {
    use crate::testing::{fixed, lint_one, oem_input};

    const ID: &str = "basicdisplayfallback-not-db";

    fn files(soc: &str, bsp: &str) -> [(&'static str, String); 2] {
        let feature = "<Features><Microsoft>\n<Feature>IOT_DISABLEBASICDISPLAYFALLBACK</Feature></Microsoft></Features>";
        let settings = format!("<IoTProductSettings><BSP>{bsp}</BSP></IoTProductSettings>");
        [
            (
                "Kiosk/OEMInput.xml",
                oem_input(&format!("<SOC>{soc}</SOC>{feature}")),
            ),
            ("Kiosk/KioskSettings.xml", settings),
        ]
    }

    #[test]
    fn another_board_is_warned_of() {
        let files = files("RPi2", "RPi2");
        let wanted = "warning Kiosk/OEMInput.xml:2:10 `IOT_DISABLEBASICDISPLAYFALLBACK` is for the DragonBoard, `SOC` is `RPi2`";
        assert_eq!(lint_one(ID, &files), [wanted]);
        assert!(fixed(ID, &files, "Kiosk/OEMInput.xml").contains("<!-- Feature>"));
    }

    #[test]
    fn the_board_by_its_settings_or_its_soc_passes() {
        assert!(lint_one(ID, &files("QC8016_R", "")).is_empty());
        assert!(lint_one(ID, &files("Own", "qcdb410c")).is_empty());
    }
}
