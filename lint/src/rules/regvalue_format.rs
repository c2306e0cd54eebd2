use formats::document::registry::{DataProblem, Notation, RegistryData, RegistryType};

use crate::diagnostic::Level;
use crate::facts::Facts;
use crate::facts::registry::RegistryFile;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The data of a registry value is not written as its type asks
    ///
    /// ## What it checks
    /// Numbers of package definitions are hexadecimal digits, at most 8 for `REG_DWORD` and 16 for `REG_QWORD`, with
    /// `0x` before them in a `*.wm.xml` only; `REG_BINARY` is pairs of digits. Two cases are warnings: a `REG_DWORD` of
    /// several decimal digits, and an odd number of digits in a `REG_BINARY` of a `*.wm.xml`, which the published
    /// schema shows itself.
    ///
    /// ## Why
    /// The package generator refuses what is no number. What looks like a decimal number is read as a hexadecimal one:
    /// `600` is 1536.
    ///
    /// ## Passes
    /// ```xml
    /// <regValue name="IdleSeconds" type="REG_DWORD" value="00000258" />
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <regValue name="IdleSeconds" type="REG_DWORD" value="600" />
    /// <regValue name="IdleSeconds" type="REG_DWORD" value="ten" />
    /// ```
    ///
    /// ## Fix
    /// Write the number in hexadecimal, a `REG_DWORD` with eight digits.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Specifying files and registry entries in a package project file": Type
    /// - IoT Core, "Windows Universal OEM Package Schema": regValue
    struct RegvalueFormat;
    id: "regvalue-format",
    authority: "Microsoft, Specifying files and registry entries in a package project file",
    clause: "Registry keys and values: Type",
    images: All,
    input: Registry,
    level: Error,
    since: "0.1.0",
}

impl Rule for RegvalueFormat {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for value in facts.registry().flat_map(RegistryFile::values) {
            let is_wm = match value.notation {
                Notation::WmXml => true,
                Notation::PkgXml => false,
                Notation::Reg5 | Notation::Reg4 | Notation::Manifest => continue,
            };
            let (name, written) = (&value.name.value, value.written.value.as_str());
            let kind = value.kind_text();
            if written.contains("$(") {
                continue;
            }
            let digits = written.bytes().all(|digit| digit.is_ascii_digit());
            let is_decimal = digits && (2..8).contains(&written.len()) && !written.starts_with('0');
            match value.data() {
                Err(DataProblem::NoType) => {}
                Err(problem) => {
                    let message =
                        format!("`{name}`: `{}` is no {kind}: {problem}", shortened(written));
                    let finding = report.at(value.data_place(), message);
                    finding.help("write hexadecimal digits, eight of them for a `REG_DWORD`");
                    if is_wm && value.kind.value == RegistryType::Binary {
                        finding.at_most(Level::Warning);
                    }
                }
                Ok(RegistryData::Number(number))
                    if is_decimal && value.kind.value == RegistryType::Dword =>
                {
                    let message =
                        format!("`{name}`: `{written}` is read as hexadecimal, that is {number}");
                    report
                        .at(value.data_place(), message)
                        .help(format!(
                            "write `{number:08X}` for {number}, or {written} in hexadecimal"
                        ))
                        .at_most(Level::Warning);
                }
                Ok(_) => {}
            }
        }
    }
}

/// The beginning of long data.
fn shortened(written: &str) -> String {
    let short: String = written.chars().take(40).collect();
    if short.len() < written.len() {
        format!("{short}...")
    } else {
        short
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, pkg_registry, wm_registry};

    fn wm(kind: &str, data: &str) -> String {
        let value = format!("<regValue name=\"A\" type=\"{kind}\"\nvalue=\"{data}\"/>");
        let files = [("A.wm.xml", wm_registry(r"$(hklm.software)\A", &value))];
        lint_one("regvalue-format", &files).concat()
    }

    #[test]
    fn hexadecimal_numbers_and_bytes_pass() {
        for (kind, data) in [
            ("REG_DWORD", "0x1E"),
            ("REG_DWORD", "1"),
            ("REG_QWORD", "00000000FFFFFFFF"),
            ("REG_BINARY", "0a,0B"),
            ("REG_SZ", "ten"),
            ("REG_DWORD", "$(N)"),
        ] {
            assert_eq!(wm(kind, data), "");
        }
    }

    #[test]
    fn other_data_is_found_and_doubtful_data_is_a_warning() {
        assert!(
            wm("REG_DWORD", "ten")
                .starts_with("error A.wm.xml:2:8 `A`: `ten` is no `REG_DWORD`: not a hexadecimal")
        );
        assert!(wm("REG_DWORD", "123456789").contains("more digits than the type holds"));
        assert!(
            wm("REG_DWORD", "600").starts_with("warning ")
                && wm("REG_DWORD", "600").ends_with("that is 1536")
        );
        assert!(wm("REG_BINARY", "0AFB2").starts_with("warning "));
    }

    #[test]
    fn the_legacy_format_has_no_prefix() {
        let value = r#"<RegValue Name="A" Type="REG_DWORD" Value="0x1"/>"#;
        let files = [("A.pkg.xml", pkg_registry(&[], r"$(hklm.software)\A", value))];
        assert!(
            lint_one("regvalue-format", &files)
                .concat()
                .starts_with("error ")
        );
    }
}
