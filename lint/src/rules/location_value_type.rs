use formats::document::registry::{Notation, RegistryType};

use crate::diagnostic::{Fix, Place};
use crate::facts::Facts;
use crate::facts::location::{Consent, consents};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A location consent value is no `REG_DWORD` of 0 or 1
    ///
    /// ## What it checks
    /// `InitSystemGlobalConsentDenied` and `InitUserGlobalConsentDenied` have the type `REG_DWORD` and the data 0 (location
    /// on) or 1 (location off).
    ///
    /// ## Why
    /// Windows reads the two values as DWORDs. A text `0` or any other type is not read, so location stays off.
    ///
    /// ## Passes
    /// ```xml
    /// <regValue name="InitUserGlobalConsentDenied" type="REG_DWORD" value="00000000" />
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <regValue name="InitUserGlobalConsentDenied" type="REG_SZ" value="0" />
    /// ```
    ///
    /// ## Fix
    /// Write `REG_DWORD` and `00000000`. The fix mends the type where the data is 0 or 1 already.
    ///
    /// ## References
    /// - IoT Core manufacturing guide, introduction
    /// - IoT Core, "OS customizations": Location settings
    struct LocationValueType;
    id: "location-value-type",
    authority: "Microsoft, IoT Core manufacturing guide",
    clause: "Introduction, location services",
    images: All,
    input: Registry,
    level: Error,
    since: "0.1.0",
}

impl Rule for LocationValueType {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for consent in facts.registry().flat_map(consents) {
            let name = consent.name;
            let value = consent.value;
            let written = value.written.value.as_str();
            if consent.is_denied().is_some() || written.contains("$(") {
                continue;
            }
            let (place, message) = if value.kind.value == RegistryType::Dword {
                let problem = value.data().err().map(|problem| format!(" ({problem})"));
                let why = problem.unwrap_or_default();
                let message = format!("`{name}` is `{written}`{why}, expected 0 or 1");
                (value.data_place(), message)
            } else {
                let kind = value.kind_text();
                let message = format!("`{name}` is {kind}, expected `REG_DWORD`");
                (value.type_place(), message)
            };
            let fix = fix(&consent, &place);
            let help = "write a `REG_DWORD` of `00000000` to turn location on, of `00000001` to keep it off";
            report.at(place, message).help(help).fix(fix);
        }
    }
}

/// Mends the type, where the data says plainly which of the two values is meant.
fn fix(consent: &Consent<'_>, place: &Place) -> Option<Fix> {
    let value = consent.value;
    let digits = value.written.value.trim_matches('"');
    let number = digits.trim_start_matches('0');
    let is_plain = !digits.is_empty() && matches!(number, "" | "1");
    let is_typed = !matches!(
        value.kind.value,
        RegistryType::Missing | RegistryType::Dword
    );
    if !is_plain || !is_typed {
        return None;
    }
    match value.notation {
        Notation::WmXml | Notation::PkgXml => Fix::replace("write `REG_DWORD`", place, "REG_DWORD"),
        Notation::Manifest => None,
        Notation::Reg5 | Notation::Reg4 => {
            let data = format!("dword:{number:0>8}");
            Fix::replace(format!("write `{data}`"), &value.data_place(), data)
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{fixed, lint_one, reg_file, wm_registry};

    const RULE: &str = "location-value-type";

    fn wm(kind: &str, data: &str) -> [(&'static str, String); 1] {
        let name = "InitUserGlobalConsentDenied";
        let value = format!("<regValue name=\"{name}\"\n {kind}\n value=\"{data}\"/>");
        [("A.wm.xml", wm_registry(r"$(hklm.software)\A", &value))]
    }

    fn reg(data: &str) -> [(&'static str, String); 1] {
        let lines = format!("[HKLM\\A]\n\"InitSystemGlobalConsentDenied\"={data}");
        [("a.reg", reg_file(&lines))]
    }

    const DWORD: &str = "type=\"REG_DWORD\"";

    #[test]
    fn dwords_of_zero_and_one_pass_in_any_notation() {
        for data in ["0", "00000001", "0x0", "$(DENIED)"] {
            assert!(lint_one(RULE, &wm(DWORD, data)).is_empty(), "{data}");
        }
        for data in ["dword:00000000", "hex(4):01,00,00,00", "-"] {
            assert!(lint_one(RULE, &reg(data)).is_empty(), "{data}");
        }
    }

    #[test]
    fn other_types_and_other_numbers_are_found_where_they_stand() {
        let found = |kind, data| lint_one(RULE, &wm(kind, data)).concat();
        let type_found = found("type=\"REG_SZ\"", "0");
        assert!(type_found.starts_with("error A.wm.xml:2:8 "));
        assert!(type_found.ends_with("is `REG_SZ`, expected `REG_DWORD`"));
        assert!(found(DWORD, "2").starts_with("error A.wm.xml:3:9 "));
        assert!(found(DWORD, "2").ends_with("is `2`, expected 0 or 1"));
        assert!(found("", "0").contains("without a type"));
        assert!(found(DWORD, "no").contains("(not a hexadecimal number)"));
        assert_eq!(lint_one(RULE, &reg("\"0\"")).len(), 1);
    }

    #[test]
    fn the_fix_mends_the_type_of_a_plain_number_only() {
        let text = fixed(RULE, &wm("type=\"REG_SZ\"", "1"), "A.wm.xml");
        assert!(text.contains(DWORD), "{text}");
        let text = fixed(RULE, &reg("\"0\""), "a.reg");
        assert!(text.contains("Denied\"=dword:00000000\n"), "{text}");
        let files = wm("type=\"REG_SZ\"", "off");
        assert_eq!(fixed(RULE, &files, "A.wm.xml"), files[0].1);
    }
}
