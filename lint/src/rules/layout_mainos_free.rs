use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::facts::layout::{partition, sectors};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The system partition has too little free space for updates
    ///
    /// ## What it checks
    /// `MinFreeSectors` of the partition `MainOS` is there, a decimal number, and at least 1048576 (512 MB).
    ///
    /// ## Why
    /// Updates are unpacked there; with less space they fail on every device. The add-on kit compares the text as a decimal
    /// number and stops with an error of its own at a hexadecimal one.
    ///
    /// ## Passes
    /// `<MinFreeSectors>1048576</MinFreeSectors>`
    ///
    /// ## Fails
    /// `<MinFreeSectors>262144</MinFreeSectors>`
    ///
    /// ## Fix
    /// Write `1048576`, which the fix does where there is a smaller number.
    ///
    /// ## References
    /// - iot-adk-addonkit, class `IoTDeviceLayout`
    /// - IoT Core, "Device layout": MainOS
    struct LayoutMainosFree;
    id: "layout-mainos-free",
    authority: "Microsoft, IoT Core: device layout",
    clause: "MainOS",
    images: All,
    input: DeviceLayout,
    level: Error,
    since: "0.1.0",
}

/// Fewest free sectors of the system partition.
const FEWEST: u64 = 1_048_576;

impl Rule for LayoutMainosFree {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for layout in facts.iot_layouts() {
            let Some(main) = partition(layout, "MainOS") else {
                continue;
            };
            let Some(written) = &main.min_free_sectors else {
                report
                    .at(
                        layout.place(main.element, main.route.clone()),
                        "`MainOS` has no `MinFreeSectors`",
                    )
                    .help(format!("add `<MinFreeSectors>{FEWEST}</MinFreeSectors>`"));
                continue;
            };
            let place = layout.value(written, format!("{}/MinFreeSectors", main.route));
            let text = written.value.trim();
            let message = match sectors(&main.min_free_sectors) {
                Some(free) if free < FEWEST => {
                    format!("`{text}` free sectors, wanted at least {FEWEST}")
                }
                Some(free) if text.parse() != Ok(free) => {
                    format!("`{text}` is not a decimal number")
                }
                Some(_) => continue,
                None => format!("`{text}` is no number"),
            };
            let wanted = sectors(&main.min_free_sectors)
                .unwrap_or(FEWEST)
                .max(FEWEST);
            report
                .at(place.clone(), message)
                .help(format!("write `{wanted}`"))
                .fix(Fix::replace(
                    format!("write `{wanted}`"),
                    &place,
                    wanted.to_string(),
                ));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{MAIN_OS, device_layout, fixed, lint_one};

    const ID: &str = "layout-mainos-free";

    fn files(value: &str) -> [(&'static str, String); 1] {
        [(
            "DeviceLayout.xml",
            device_layout(&[&MAIN_OS.replace(">1048576<", value)]),
        )]
    }

    #[test]
    fn the_number_is_decimal_and_large_enough() {
        assert!(lint_one(ID, &files(">2097152<")).is_empty());
        let found = lint_one(ID, &files(">262144<")).concat();
        assert!(
            found.ends_with("`262144` free sectors, wanted at least 1048576"),
            "{found}"
        );
        assert!(
            lint_one(ID, &files(">0x100000<"))
                .concat()
                .contains("not a decimal number")
        );
        assert!(
            lint_one(ID, &files(">much<"))
                .concat()
                .contains("is no number")
        );
        let none = MAIN_OS.replace("<MinFreeSectors>1048576</MinFreeSectors>", "");
        assert_eq!(
            lint_one(ID, &[("DeviceLayout.xml", device_layout(&[&none]))]).len(),
            1
        );
    }

    #[test]
    fn the_fix_keeps_what_was_meant() {
        assert!(fixed(ID, &files(">0x200000<"), "DeviceLayout.xml").contains(">2097152<"));
        assert!(fixed(ID, &files(">1000<"), "DeviceLayout.xml").contains(">1048576<"));
    }
}
