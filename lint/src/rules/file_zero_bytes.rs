use crate::facts::payload::Payload;
use crate::facts::{Definition, Facts};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A file of a package is empty
    ///
    /// ## What it checks
    /// No file that a `*.wm.xml` names has a length of zero.
    ///
    /// ## Why
    /// The package generator refuses empty files of universal packages.
    ///
    /// ## Passes
    /// ```xml
    /// <file source="agent.json" />  of 2 bytes
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <file source="agent.json" />  of 0 bytes
    /// ```
    ///
    /// ## Fix
    /// Put something into the file, a line end for example, or leave it out.
    ///
    /// ## References
    /// - IoT Core, "Windows Universal OEM Package Schema"
    /// - IoT Core, "Creating Windows Universal OEM Packages"
    struct FileZeroBytes;
    id: "file-zero-bytes",
    authority: "Microsoft, Windows universal OEM package schema",
    clause: "file",
    images: All,
    input: PackageDefinition,
    level: Error,
    since: "0.1.0",
}

impl Rule for FileZeroBytes {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for definition in facts.packages.iter().map(|package| &package.definition) {
            if !matches!(definition, Definition::Wm(_)) {
                continue;
            }
            for file in definition.files() {
                let Some(source) = file.source else {
                    continue;
                };
                let payload = facts.payload(definition, &source.value);
                if matches!(payload, Payload::Found(found) if found.size == 0) {
                    report
                        .at(
                            definition.place(source, file.route),
                            format!("`{}` has 0 bytes", source.value),
                        )
                        .help("put something into the file, or leave it out");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, wm_xml};

    #[test]
    fn an_empty_file_is_found_and_any_other_passes() {
        let wm = wm_xml("A", "<files><file\nsource=\".\\a.txt\"/></files>");
        let lint = |text: &str| {
            lint_one(
                "file-zero-bytes",
                &[("p/A.wm.xml", wm.as_str()), ("p/a.txt", text)],
            )
        };
        assert_eq!(lint(""), [r"error p/A.wm.xml:2:9 `.\a.txt` has 0 bytes"]);
        assert!(lint("\n").is_empty());
    }
}
