use formats::document::registry::RegistryValue;
use std::collections::BTreeMap;

use crate::facts::Facts;
use crate::facts::registry::{RegistryAt, RegistryFile};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// Two packages set one registry value to different data
    ///
    /// ## What it checks
    /// No two packages of a product set the same value of the same key to different data. Data that is hidden by
    /// variables is not compared.
    ///
    /// ## Why
    /// Which of the two is on the device is decided by the order of the packages, which nobody sees.
    ///
    /// ## Passes
    /// ```text
    /// Kiosk.Agent.wm.xml: IdleSeconds = 0000001E
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// Kiosk.Agent.wm.xml: IdleSeconds = 0000001E
    /// Kiosk.Setup.wm.xml: IdleSeconds = 0000003C
    /// ```
    ///
    /// ## Fix
    /// Set the value in one package.
    ///
    /// ## References
    /// - iot-adk-addonkit, class for package definitions: values are added once
    struct RegkeyDuplicate;
    id: "regkey-duplicate",
    authority: "Microsoft, iot-adk-addonkit",
    clause: "Package definitions: AddRegKey",
    images: All,
    input: Registry,
    level: Warning,
    since: "0.1.0",
}

impl Rule for RegkeyDuplicate {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for scope in facts.registry_scopes() {
            let mut first: BTreeMap<String, RegistryAt<'_, RegistryValue>> = BTreeMap::new();
            for value in scope.files.iter().copied().flat_map(RegistryFile::values) {
                let Some(key) = value
                    .resolved()
                    .filter(|_| !value.written.value.contains("$("))
                else {
                    continue;
                };
                let name = &value.name.value;
                let id = format!("{}\\{name}", key.as_str()).to_lowercase();
                let Some(other) = first.get(&id).copied() else {
                    first.insert(id, value);
                    continue;
                };
                let is_elsewhere = other.source.name() != value.source.name();
                let differs = match (value.data(), other.data()) {
                    (Ok(data), Ok(other)) => data != other,
                    _ => false,
                };
                if is_elsewhere && differs && facts.is_judged(value.source.name()) {
                    let message = format!(
                        "`{name}` is `{}` here and `{}` in another package",
                        value.written.value, other.written.value
                    );
                    report
                        .at(value.data_place(), message)
                        .also(other.data_place(), "the other package")
                        .help("set the value in one package");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, product, wm_registry};

    fn lint(one: &str, other: &str) -> Vec<String> {
        let wm = |name: &str, data: &str| {
            let value = format!("<regValue name=\"V\" type=\"REG_DWORD\"\nvalue=\"{data}\"/>");
            let text = wm_registry(r"$(hklm.software)\A", &value);
            text.replace(".Test.A\"", &format!(".Test.{name}\""))
        };
        let packages = [("A", wm("A", one)), ("B", wm("B", other))];
        lint_one(
            "regkey-duplicate",
            &product("<ReleaseType>Test</ReleaseType>", &packages),
        )
    }

    #[test]
    fn different_data_is_found_and_the_same_passes_however_it_is_written() {
        assert_eq!(
            lint("1", "2"),
            ["warning B/B.wm.xml:2:8 `V` is `2` here and `1` in another package"]
        );
        assert!(lint("1", "0x00000001").is_empty());
        assert!(lint("1", "$(N)").is_empty());
    }
}
