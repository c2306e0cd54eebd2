use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::files::written_name;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A manifest is for testing by its name and for production by its list
    ///
    /// ## What it checks
    /// In the lists beside the manifests of a retail image (`*FMFileList.xml`), no manifest that has the word `Test` in its
    /// name is listed with `ReleaseType` `Production`. One that is listed for testing and used by the image is the matter of
    /// `test-fm-in-retail`.
    ///
    /// ## Why
    /// Every package of a manifest that is listed for production must be for production itself. A manifest that is called a
    /// test manifest and listed for production is one that nobody will keep out of a retail image.
    ///
    /// ## Passes
    /// `<FM ID="BOARDTST" Path="$(FMDirectory)\BoardTestFM.xml" ReleaseType="Test" .../>`
    ///
    /// ## Fails
    /// `<FM ID="BOARDTST" Path="$(FMDirectory)\BoardTestFM.xml" ReleaseType="Production" .../>`
    ///
    /// ## Fix
    /// Give the manifest the release type of its packages, or rename it.
    ///
    /// ## References
    /// - IoT Core manufacturing guide, "Retail and test images"
    /// - iot-adk-addonkit, lists of feature manifests
    struct FmlistReleaseType;
    id: "fmlist-release-type",
    authority: "Microsoft, IoT Core manufacturing guide",
    clause: "Retail and test images",
    images: [Retail],
    input: FmFileList,
    level: Warning,
    since: "0.1.0",
}

impl Rule for FmlistReleaseType {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for list in &facts.documents.fm_file_lists {
            for fm in &list.fms {
                let path = fm.path.as_ref();
                let name = path.map_or("", |path| written_name(&path.value));
                let Some(word) = &fm.release_type else {
                    continue;
                };
                if word.value == "Production" && has_test_in_name(name) {
                    let message = format!("`{name}` is listed for production, its name says test");
                    report
                        .at(
                            list.value(word, format!("{}/@ReleaseType", fm.route)),
                            message,
                        )
                        .help("write `Test`, or rename the manifest")
                        .fix(Fix::guess(&list.value(word, ""), "Test"));
                }
            }
        }
    }
}

/// Whether a name has the word `Test`: not inside another word, as in `Latest` or `Testament`.
fn has_test_in_name(name: &str) -> bool {
    let name = name.strip_suffix(".xml").unwrap_or(name);
    let mut found = name.match_indices("Test").chain(name.match_indices("TEST"));
    found.any(|(at, word)| {
        let after = name
            .get(at.saturating_add(word.len())..)
            .unwrap_or_default();
        !after.starts_with(|c: char| c.is_ascii_lowercase())
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::{feature_manifest, fm_file_list, lint_one, oem_input};

    fn lint(name: &str, release_type: &str) -> Vec<String> {
        let fms = format!("<AdditionalFMs><AdditionalFM>{name}</AdditionalFM></AdditionalFMs>");
        let fm = format!("\n<FM Path=\"$(FMDirectory)\\{name}\" ReleaseType=\"{release_type}\"/>");
        let files = [
            (
                "OEMInput.xml",
                oem_input(&format!("<ReleaseType>Production</ReleaseType>{fms}")),
            ),
            (name, feature_manifest("")),
            ("AFMFileList.xml", fm_file_list(&fm)),
        ];
        lint_one("fmlist-release-type", &files)
    }

    #[test]
    fn a_test_manifest_shows_by_name_or_type() {
        assert!(lint("BoardFM.xml", "Production").is_empty());
        assert!(lint("AtTestationFM.xml", "Production").is_empty());
        assert!(
            lint("BoardTestFM.xml", "Production")
                .concat()
                .contains("its name says test")
        );
        assert!(lint("BoardTestFM.xml", "Test").is_empty());
    }
}
