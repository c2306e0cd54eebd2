use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::facts::origin::Origin;
use crate::facts::product::Arch;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A list of manifests is for another processor, or for none
    ///
    /// ## What it checks
    /// `CPUType` of a manifest in an `*FMFileList.xml` is `ARM`, `ARM64`, `X86` or `AMD64`, in capitals, and that of the
    /// folder `Source-<arch>` that the list is in. Templates do not count.
    ///
    /// ## Why
    /// The feature merger compares the word exactly and leaves out what is not for its processor. The add-on kit refuses to
    /// import a board support package whose list is for another one.
    ///
    /// ## Passes
    /// `CPUType="AMD64"` in `Source-x64/Packages/OEMFMFileList.xml`
    ///
    /// ## Fails
    /// `CPUType="x64"`
    ///
    /// ## Fix
    /// Write the word of the processor, which the fix does.
    ///
    /// ## References
    /// - iot-adk-addonkit, import of board support packages
    struct FmlistCputype;
    id: "fmlist-cputype",
    authority: "iot-adk-addonkit",
    clause: "Import of board support packages",
    images: All,
    input: FmFileList,
    level: Error,
    since: "0.1.0",
}

/// How lists of manifests call a processor.
fn word(arch: Arch) -> &'static str {
    match arch {
        Arch::Arm => "ARM",
        Arch::Arm64 => "ARM64",
        Arch::X64 => "AMD64",
        Arch::X86 => "X86",
    }
}

impl Rule for FmlistCputype {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let lists = facts.documents.fm_file_lists.iter();
        for list in lists.filter(|list| Origin::of(list.path()) != Origin::Template) {
            let folder = Arch::of_path(list.path());
            for fm in &list.fms {
                let Some(written) = &fm.cpu_type else {
                    continue;
                };
                let meant = Arch::from_word(written.value.trim());
                let wanted = folder.or(meant).map(word);
                if wanted == Some(written.value.as_str()) {
                    continue;
                }
                let place = list.value(written, format!("{}/@CPUType", fm.route));
                let found = &written.value;
                let Some(wanted) = wanted else {
                    report
                        .at(place, format!("`{found}` is no processor"))
                        .help("write `ARM`, `ARM64`, `X86` or `AMD64`");
                    continue;
                };
                report
                    .at(place.clone(), format!("found `{found}`, wanted `{wanted}`"))
                    .help(format!("write `{wanted}`"))
                    .fix(Fix::replace(format!("write `{wanted}`"), &place, wanted));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{fixed, fm_file_list, lint_one};

    const ID: &str = "fmlist-cputype";

    fn files(path: &str, word: &str) -> [(String, String); 1] {
        [(
            path.to_owned(),
            fm_file_list(&format!("\n<FM CPUType=\"{word}\"/>")),
        )]
    }

    #[test]
    fn the_word_is_exact_and_that_of_the_folder() {
        let list = "Source-x64/OEMFMFileList.xml";
        assert!(lint_one(ID, &files(list, "AMD64")).is_empty());
        let wanted = "error Source-x64/OEMFMFileList.xml:2:14 found `x64`, wanted `AMD64`";
        assert_eq!(lint_one(ID, &files(list, "x64")), [wanted]);
        assert!(fixed(ID, &files(list, "ARM"), list).contains("CPUType=\"AMD64\""));
        assert!(
            lint_one(ID, &files("AFMFileList.xml", "MIPS"))
                .concat()
                .contains("is no processor")
        );
        assert!(
            lint_one(ID, &files("AFMFileList.xml", "arm"))
                .concat()
                .contains("wanted `ARM`")
        );
        assert!(lint_one(ID, &files("Templates/AFMFileList.xml", "{ARCH}")).is_empty());
    }
}
