use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A name of the device is empty, too long or begins with a blank
    ///
    /// ## What it checks
    /// Every SMBIOS text of a product's settings has 1 to 64 characters and no blank at either end. A settings file without
    /// `SMBIOS` is not checked.
    ///
    /// ## Why
    /// Devices report these texts to the update service, which compares them with what the manufacturer registered. One
    /// that differs by a blank gets no updates.
    ///
    /// ## Passes
    /// `<Manufacturer>Fjordlight</Manufacturer>`
    ///
    /// ## Fails
    /// `<Manufacturer>Fjordlight </Manufacturer>`
    ///
    /// ## Fix
    /// Correct the text. The fix takes blanks at the ends away.
    ///
    /// ## References
    /// - IoT Core, "License requirements": SMBIOS
    struct SmbiosLength;
    id: "smbios-length",
    authority: "Microsoft, IoT Core: license requirements",
    clause: "SMBIOS",
    images: All,
    input: ProductSettings,
    level: Error,
    since: "0.1.0",
}

/// Most characters of a text.
const LONGEST: usize = 64;

impl Rule for SmbiosLength {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for settings in &facts.documents.product_settings {
            for (name, text) in settings.smbios.texts() {
                let (value, trimmed) = (text.value.as_str(), text.value.trim());
                let length = value.chars().count();
                let message = if trimmed.is_empty() {
                    format!("`{name}` is empty")
                } else if length > LONGEST {
                    format!("`{name}` has {length} characters, at most {LONGEST} are allowed")
                } else if trimmed.len() < value.len() {
                    format!("`{name}` begins or ends with a blank")
                } else {
                    continue;
                };
                let place = settings.value(text, format!("IoTProductSettings/SMBIOS/{name}"));
                let finding = report.at(place.clone(), message);
                finding.help(format!(
                    "write 1 to {LONGEST} characters, without blanks at the ends"
                ));
                if !trimmed.is_empty() && trimmed.len() < value.len() {
                    finding.fix(Fix::replace("take the blanks away", &place, trimmed));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{fixed, lint_one, product_settings};

    const ID: &str = "smbios-length";

    #[test]
    fn texts_have_a_length_and_no_blanks_around_them() {
        let files = |text: &str| {
            let smbios = format!("<SMBIOS>\n<Manufacturer>{text}</Manufacturer></SMBIOS>");
            [("PSettings.xml", product_settings(&smbios))]
        };
        assert!(lint_one(ID, &files("Fjordlight 2")).is_empty());
        let wanted = "error PSettings.xml:2:15 `Manufacturer` begins or ends with a blank";
        assert_eq!(lint_one(ID, &files("Fjordlight ")), [wanted]);
        assert_eq!(
            fixed(ID, &files(" Fjordlight "), "PSettings.xml"),
            files("Fjordlight")[0].1
        );
        assert!(lint_one(ID, &files(" ")).concat().contains("is empty"));
        assert!(
            lint_one(ID, &files(&"x".repeat(65)))
                .concat()
                .contains("has 65 characters")
        );
    }
}
