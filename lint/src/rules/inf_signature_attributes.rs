use crate::facts::Facts;
use crate::facts::inf;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A driver asks for a signature that a manufacturer cannot give
    ///
    /// ## What it checks
    /// An INF file has no `[SignatureAttributes...]` section that asks for `Elam`, `HalExt`, `PETrust`, `DRMLevel` or
    /// `WindowsHello`.
    ///
    /// ## Why
    /// These attributes stand for signatures that Microsoft gives on request. With your own certificate the file has
    /// another one: it is not loaded where the attribute matters.
    ///
    /// ## Passes
    /// ```ini
    /// ; no SignatureAttributes section
    /// ```
    ///
    /// ## Fails
    /// ```ini
    /// [SignatureAttributes]
    /// linelight.dll = SignatureAttributes.HalExt
    /// [SignatureAttributes.HalExt]
    /// HalExt = true
    /// ```
    ///
    /// ## Fix
    /// Take the section out, or have Microsoft sign the driver.
    ///
    /// ## References
    /// - Microsoft, "INF SignatureAttributes section"
    struct InfSignatureAttributes;
    id: "inf-signature-attributes",
    authority: "Microsoft, INF SignatureAttributes section",
    clause: "Entries",
    images: All,
    input: PackageDefinition,
    level: Warning,
    since: "0.1.0",
}

/// What Microsoft alone signs, lower case.
const ATTRIBUTES: [&str; 5] = ["elam", "halext", "petrust", "drmlevel", "windowshello"];

impl Rule for InfSignatureAttributes {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for file in facts
            .documents
            .infs
            .iter()
            .filter(|file| inf::is_of_driver(file))
        {
            for section in &file.sections {
                if !section
                    .name
                    .value
                    .to_lowercase()
                    .starts_with("signatureattributes")
                {
                    continue;
                }
                for key in section
                    .entries
                    .iter()
                    .filter_map(|entry| entry.key.as_ref())
                {
                    if ATTRIBUTES.contains(&key.value.to_lowercase().as_str()) {
                        report
                            .at(
                                file.value(key, ""),
                                format!(
                                    "`{}` asks for a signature that only Microsoft gives",
                                    key.value
                                ),
                            )
                            .help("take the section out, or have Microsoft sign the driver");
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::lint_one;

    #[test]
    fn attributes_that_microsoft_signs_are_found_in_their_sections_only() {
        let lint = |section: &str| {
            let text =
                format!("[Version]\nSignature=\"$WINDOWS NT$\"\n[{section}]\nHalExt = true\n");
            lint_one("inf-signature-attributes", &[("a.inf", text)])
        };
        let found = lint("SignatureAttributes.Own").concat();
        assert!(
            found.starts_with("warning a.inf:4:1 `HalExt` asks for"),
            "{found}"
        );
        assert!(lint("Own").is_empty());
    }
}
