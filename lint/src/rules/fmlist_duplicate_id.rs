use std::collections::BTreeMap;

use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// Two manifests of a list have the same identifier
    ///
    /// ## What it checks
    /// No `ID` stands twice in an `*FMFileList.xml`, letter case aside.
    ///
    /// ## Why
    /// The feature merger makes the names of the packages that mark features from the identifiers. Two alike are one
    /// package.
    ///
    /// ## Passes
    /// `<FM ID="BOARD" .../><FM ID="BOARDOPT" .../>`
    ///
    /// ## Fails
    /// `<FM ID="BOARD" .../><FM ID="BOARD" .../>`
    ///
    /// ## Fix
    /// Give each manifest an identifier of its own. One that was shipped should keep its own.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Using the feature merger": lists of feature manifests
    struct FmlistDuplicateId;
    id: "fmlist-duplicate-id",
    authority: "Microsoft, Windows 10 Mobile manufacturing",
    clause: "Lists of feature manifests",
    images: All,
    input: FmFileList,
    level: Error,
    since: "0.1.0",
}

impl Rule for FmlistDuplicateId {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for list in &facts.documents.fm_file_lists {
            let mut first = BTreeMap::new();
            for fm in &list.fms {
                let Some(id) = &fm.id else { continue };
                let place = list.value(id, format!("{}/@ID", fm.route));
                match first.get(&id.value.to_lowercase()).cloned() {
                    Some(other) => {
                        report
                            .at(place, format!("the identifier `{}` is taken", id.value))
                            .also(other, "by this manifest")
                            .help("give each manifest an identifier of its own");
                    }
                    None => {
                        first.insert(id.value.to_lowercase(), place);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{fm_file_list, lint_one};

    #[test]
    fn identifiers_are_unique_in_any_case() {
        let lint = |other| {
            let fms = format!("<FM ID=\"BOARD\"/>\n<FM ID=\"{other}\"/>");
            lint_one(
                "fmlist-duplicate-id",
                &[("AFMFileList.xml", fm_file_list(&fms))],
            )
        };
        assert_eq!(
            lint("Board"),
            ["error AFMFileList.xml:2:9 the identifier `Board` is taken"]
        );
        assert!(lint("BOARD2").is_empty());
    }
}
