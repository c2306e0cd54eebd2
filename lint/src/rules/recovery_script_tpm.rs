use crate::facts::{Facts, Product};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A recovery script unlocks BitLocker on a board without a TPM
    ///
    /// ## What it checks
    /// No command script of an image for a Raspberry Pi, in a folder or file with `recovery` in its name, runs a BitLocker
    /// command.
    ///
    /// ## Why
    /// The board has no TPM, so nothing is encrypted and the command fails during recovery.
    ///
    /// ## Passes
    /// A recovery script without `manage-bde` for such a board.
    ///
    /// ## Fails
    /// `manage-bde -unlock c: -cert` in `recovery/pre_recovery_hook.cmd`
    ///
    /// ## Fix
    /// Take the command out, or run it only where there is a TPM.
    ///
    /// ## References
    /// - IoT Core, "Recovery mechanism"
    struct RecoveryScriptTpm;
    id: "recovery-script-tpm",
    authority: "Microsoft, IoT Core: recovery mechanism",
    clause: "BitLocker",
    images: All,
    input: Document,
    level: Info,
    since: "0.1.0",
}

impl Rule for RecoveryScriptTpm {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for script in &facts.documents.scripts {
            let mut owners = facts.owners(script.path());
            let is_recovery = script.path().to_lowercase().contains("recovery");
            if !is_recovery || !owners.any(Product::is_raspberry_pi) {
                continue;
            }
            for command in &script.commands {
                let lower = command.value.to_lowercase();
                if ["manage-bde", "bitlocker"]
                    .iter()
                    .any(|word| lower.contains(word))
                {
                    report
                        .at(
                            script.value(command, ""),
                            "a BitLocker command in a recovery script, and the board has no TPM",
                        )
                        .help("take the command out");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, oem_input};

    #[test]
    fn only_boards_without_a_tpm_are_meant() {
        let lint = |soc: &str, path: &str| {
            let files = [
                ("P/OEMInput.xml", oem_input(&format!("<SOC>{soc}</SOC>"))),
                (path, "echo off\nmanage-bde -unlock c: -cert".to_owned()),
            ];
            lint_one("recovery-script-tpm", &files)
        };
        let path = "P/recovery/pre_recovery_hook.cmd";
        let wanted = format!(
            "info {path}:2:1 a BitLocker command in a recovery script, and the board has no TPM"
        );
        assert_eq!(lint("RPi2", path), [wanted]);
        assert!(lint("QC8016", path).is_empty() && lint("RPi2", "P/other/x.cmd").is_empty());
    }
}
