use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A lockdown feature is chosen for a board that cannot lock down
    ///
    /// ## What it checks
    /// No image for a Raspberry Pi chooses a feature that begins with `SEC_`. A board is a Raspberry Pi by `SV` (`RASPBERRY PI`) or
    /// by an `SOC` with `RPi` in it.
    ///
    /// ## Why
    /// The board has neither secure boot nor a TPM. Keys cannot be enrolled, BitLocker has nothing to seal to, and the
    /// policy is not protected.
    ///
    /// ## Passes
    /// ```xml
    /// <SV>Qualcomm</SV>
    /// <Feature>SEC_BITLOCKER</Feature>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <SV>RASPBERRY PI</SV>
    /// <Feature>SEC_BITLOCKER</Feature>
    /// ```
    ///
    /// ## Fix
    /// Switch the feature off, or choose a board that has what it needs. The fix comments the feature out.
    ///
    /// ## References
    /// - IoT Core, "Secure boot, BitLocker and Device Guard": supported boards
    struct LockdownOnUnsupportedBoard;
    id: "lockdown-on-unsupported-board",
    authority: "Microsoft, Secure boot, BitLocker and Device Guard",
    clause: "Supported boards",
    images: All,
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for LockdownOnUnsupportedBoard {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let products = facts.products.iter();
        for product in products.filter(|product| product.is_iot_core() && product.is_raspberry_pi())
        {
            let input = &product.oem_input;
            for feature in product.features() {
                let id = feature.text.value.as_str();
                if !id.to_ascii_uppercase().starts_with("SEC_") {
                    continue;
                }
                let finding = report.at(
                    input.item(feature),
                    format!("`{id}` for a Raspberry Pi, which has neither secure boot nor a TPM"),
                );
                let board = [(&input.sv, "OEMInput/SV"), (&input.soc, "OEMInput/SOC")];
                let board = board
                    .into_iter()
                    .find_map(|(value, route)| Some((value.as_ref()?, route)));
                if let Some((value, route)) = board {
                    finding.also(input.value(value, route), "this is the board");
                }
                finding
                    .help("switch the feature off, or choose a board that has both")
                    .fix(product.switch_off(feature));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{fixed, lint_one, oem_input};

    const ID: &str = "lockdown-on-unsupported-board";

    fn files(board: &str, feature: &str) -> [(&'static str, String); 1] {
        let text = format!(
            "<Product>Windows 10 IoT Core</Product>{board}<Features><OEM>\n<Feature>{feature}</Feature></OEM></Features>"
        );
        [("OEMInput.xml", oem_input(&text))]
    }

    #[test]
    fn a_raspberry_pi_cannot_lock_down() {
        let wanted = "error OEMInput.xml:2:10 `SEC_BITLOCKER` for a Raspberry Pi, which has neither secure boot nor a TPM";
        for board in ["<SV>Raspberry Pi</SV>", "<SOC>CustomRPi2-R</SOC>"] {
            assert_eq!(lint_one(ID, &files(board, "SEC_BITLOCKER")), [wanted]);
        }
        let text = fixed(
            ID,
            &files("<SOC>RPi2</SOC>", "SEC_BITLOCKER"),
            "OEMInput.xml",
        );
        assert!(
            text.contains("<!-- Feature>SEC_BITLOCKER</Feature -->"),
            "{text}"
        );
    }

    #[test]
    fn other_boards_and_other_features_pass() {
        assert!(lint_one(ID, &files("<SV>Qualcomm</SV>", "SEC_BITLOCKER")).is_empty());
        assert!(lint_one(ID, &files("<SOC>RPi2</SOC>", "SECOND")).is_empty());
    }
}
