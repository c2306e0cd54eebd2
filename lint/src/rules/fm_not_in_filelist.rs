use crate::diagnostic::{Fix, Level};
use crate::facts::Facts;
use crate::facts::product::Arch;
use crate::files::written_name;
use crate::lists;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A list of manifests and the manifests that are there do not agree
    ///
    /// ## What it checks
    /// Every manifest that an `*FMFileList.xml` names is in the workspace, with that spelling, and every manifest of a
    /// workspace that has such lists is named by one for its processor. Templates and the output of a build do not count,
    /// nor do Microsoft's manifests. A manifest that no list names, and one that differs in case, are warnings.
    ///
    /// ## Why
    /// The feature merger works through the lists: it stops at a file that is missing and never merges one that is not
    /// listed. Off Windows, names that differ in case are different.
    ///
    /// ## Passes
    /// `<FM Path="$(FMDirectory)\OEMCommonFM.xml" .../>` with `Common/Packages/OEMCommonFM.xml`
    ///
    /// ## Fails
    /// `<FM Path="$(FMDirectory)\OEMCOMMONFM.xml" .../>` with `Common/Packages/OEMCommonFM.xml`
    ///
    /// ## Fix
    /// Correct the name, which the fix does where only the case differs, or add the manifest to a list.
    ///
    /// ## References
    /// - iot-adk-addonkit, lists of feature manifests
    struct FmNotInFilelist;
    id: "fm-not-in-filelist",
    authority: "iot-adk-addonkit",
    clause: "FMFileList: FMs",
    images: All,
    input: FmFileList,
    level: Error,
    since: "0.1.0",
}

impl Rule for FmNotInFilelist {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let workspace = facts.workspace;
        if !workspace.is_whole() {
            return;
        }
        let lists = facts.documents.fm_file_lists.iter();
        for list in lists.filter(|list| list.is_source()) {
            let arch = Arch::of_path(list.path());
            for path in list.fms.iter().filter_map(|fm| fm.path.as_ref()) {
                let name = written_name(&path.value);
                if lists::is_placeholder(name) || facts.index.is_unreadable(name) {
                    continue;
                }
                let place = list.value(path, "FM/@Path");
                let found: Vec<_> = facts
                    .manifests_named(name, arch)
                    .map(|file| file.name())
                    .collect();
                let Some(known) = found.first() else {
                    report
                        .at(place, format!("`{name}` is nowhere in the workspace"))
                        .help("correct the name, or take the entry out of the list");
                    continue;
                };
                if !found.contains(&name) {
                    report
                        .at(
                            place.clone(),
                            format!("`{name}` is called `{known}` on disk"),
                        )
                        .help("write the name as it is on disk")
                        .fix(Fix::respell(&place, &list.source, known))
                        .at_most(Level::Warning);
                }
            }
        }
        let documents = &workspace.documents;
        if !documents.fm_file_lists.iter().any(|list| list.is_source()) {
            return;
        }
        for file in facts
            .documents
            .manifests
            .iter()
            .filter(|file| file.is_source())
        {
            let (name, arch) = (file.name(), Arch::of_path(file.path()));
            if facts.listed(name, arch).next().is_none() {
                let message = format!("no list of manifests names `{name}`, so it is never merged");
                report
                    .at(file.root_place(), message)
                    .help("add it to the `*FMFileList.xml` beside it")
                    .at_most(Level::Warning);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{WORKSPACE, feature_manifest, fixed, fm_file_list, lint_one};

    const ID: &str = "fm-not-in-filelist";
    const LIST: &str = "Source-arm/OEMFMFileList.xml";

    fn files(listed: &str, manifest: &'static str) -> [(&'static str, String); 3] {
        let fm = format!("\n<FM Path=\"$(FMDirectory)\\{listed}\"/>");
        [
            (WORKSPACE.0, WORKSPACE.1.to_owned()),
            (LIST, fm_file_list(&fm)),
            (manifest, feature_manifest("")),
        ]
    }

    #[test]
    fn what_is_listed_is_there_and_what_is_there_is_listed() {
        assert!(lint_one(ID, &files("OEMFM.xml", "Common/OEMFM.xml")).is_empty());
        let wanted = [
            "warning Common/OtherFM.xml:1:2 no list of manifests names `OtherFM.xml`, so it is never merged",
            "error Source-arm/OEMFMFileList.xml:2:11 `OEMFM.xml` is nowhere in the workspace",
        ];
        assert_eq!(
            lint_one(ID, &files("OEMFM.xml", "Common/OtherFM.xml")),
            wanted
        );
        assert_eq!(
            lint_one(ID, &files("OEMFM.xml", "Source-x64/OEMFM.xml")).len(),
            2
        );
        assert_eq!(
            lint_one(ID, &files("{BSP}FM.xml", "Tools/Templates/FM.xml")).len(),
            0
        );
        assert!(lint_one(ID, &files("OEMFM.xml", "Common/OtherFM.xml")[1..]).is_empty());
    }

    #[test]
    fn another_case_is_a_warning_that_the_fix_cures() {
        let files = files("OEMCOMMONFM.xml", "Common/OEMCommonFM.xml");
        let wanted = "warning Source-arm/OEMFMFileList.xml:2:11 `OEMCOMMONFM.xml` is called `OEMCommonFM.xml` on disk";
        assert_eq!(lint_one(ID, &files), [wanted]);
        assert!(fixed(ID, &files, LIST).contains("$(FMDirectory)\\OEMCommonFM.xml\""));
    }
}
