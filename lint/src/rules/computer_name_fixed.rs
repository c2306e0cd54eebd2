use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// All devices of a retail image have the same name
    ///
    /// ## What it checks
    /// `ComputerName` in the provisioning of a retail image has a random or serial part, `%RAND:7%` or `%SERIAL%`.
    ///
    /// ## Why
    /// Two devices of one name in a network cannot be told apart.
    ///
    /// ## Passes
    /// `<ComputerName>kiosk-%RAND:7%</ComputerName>`
    ///
    /// ## Fails
    /// `<ComputerName>kiosk</ComputerName>`
    ///
    /// ## Fix
    /// Add `%RAND:7%`.
    ///
    /// ## References
    /// - iot-adk-addonkit, samples of provisioning
    struct ComputerNameFixed;
    id: "computer-name-fixed",
    authority: "iot-adk-addonkit",
    clause: "Samples of provisioning",
    images: [Retail],
    input: Provisioning,
    level: Info,
    since: "0.1.0",
}

impl Rule for ComputerNameFixed {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for file in facts.provisioning() {
            for setting in &file.settings {
                let value = setting.value.value.trim();
                let is_name = setting.path == "Common/Accounts/ComputerAccount/ComputerName";
                if is_name && !value.is_empty() && !value.contains('%') {
                    report
                        .at(
                            file.value(&setting.value, setting.path.clone()),
                            format!("every device is called `{value}`"),
                        )
                        .help("add `%RAND:7%` to the name");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{customizations, lint_retail};

    #[test]
    fn a_name_has_a_part_of_its_own() {
        let lint = |name: &str| {
            let account = format!(
                "<Accounts><ComputerAccount>\n<ComputerName>{name}</ComputerName></ComputerAccount></Accounts>"
            );
            lint_retail(
                "computer-name-fixed",
                &[("customizations.xml", customizations(&account))],
            )
        };
        assert_eq!(
            lint("kiosk"),
            ["info customizations.xml:2:15 every device is called `kiosk`"]
        );
        assert!(lint("kiosk-%RAND:7%").is_empty());
    }
}
