use formats::source::{Source, Span};

use crate::diagnostic::Place;
use crate::facts::file::XmlDocument;
use crate::facts::{Facts, File};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// Text that the build replaces stands where it should stay
    ///
    /// ## What it checks
    /// `OEM_NAME` stands nowhere in an `*FMFileList.xml` but as the value of `OwnerName`, and nowhere in a feature manifest but
    /// as `%OEM_NAME%`. Comments do not count.
    ///
    /// ## Why
    /// The add-on kit copies these files for the merger and replaces the text `OEM_NAME` wherever it stands, so an
    /// identifier or file name that holds it becomes another one.
    ///
    /// ## Passes
    /// `OwnerName="OEM_NAME"`
    ///
    /// ## Fails
    /// `ID="OEM_NAME_FM"`
    ///
    /// ## Fix
    /// Choose another text.
    ///
    /// ## References
    /// - iot-adk-addonkit, build commands: feature merger
    struct FmlistOwnerToken;
    id: "fmlist-owner-token",
    authority: "iot-adk-addonkit",
    clause: "Build commands: feature merger",
    images: All,
    input: FmFileList,
    level: Warning,
    since: "0.1.0",
}

/// What is replaced.
const TOKEN: &str = "OEM_NAME";

impl Rule for FmlistOwnerToken {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for list in &facts.documents.fm_file_lists {
            let owners = list.fms.iter().filter_map(|fm| fm.owner_name.as_ref());
            let owners: Vec<Span> = owners.map(|owner| owner.span).collect();
            let is_right = |_: &Source, span: Span| owners.contains(&span);
            tell(report, places(list, is_right));
        }
        for manifest in facts
            .documents
            .manifests
            .iter()
            .filter(|file| file.is_source())
        {
            let is_variable = |source: &Source, span: Span| {
                let before = span
                    .start
                    .checked_sub(1)
                    .and_then(|at| source.text().as_bytes().get(at));
                let after = source.text().as_bytes().get(span.end);
                before == Some(&b'%') && after == Some(&b'%')
            };
            tell(report, places(manifest, is_variable));
        }
    }
}

/// Where the text stands outside of comments and of what is right.
fn places<T: XmlDocument>(file: &File<T>, is_right: impl Fn(&Source, Span) -> bool) -> Vec<Place> {
    let found = file.source.text().match_indices(TOKEN);
    let spans = found.map(|(start, _)| Span {
        start,
        end: start.saturating_add(TOKEN.len()),
    });
    let in_comment = |span: Span| {
        let mut comments = file.document.comments().iter();
        comments.any(|comment| comment.span.start <= span.start && span.end <= comment.span.end)
    };
    spans
        .filter(|span| !in_comment(*span) && !is_right(&file.source, *span))
        .map(|span| file.place(span, ""))
        .collect()
}

fn tell(report: &mut Report, places: Vec<Place>) {
    for place in places {
        report
            .at(
                place,
                "the build replaces `OEM_NAME` here with the manufacturer's name",
            )
            .help("choose another text; as a variable it is `%OEM_NAME%`");
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{fm_file_list, lint_one, oem_manifest};

    const ID: &str = "fmlist-owner-token";

    #[test]
    fn only_the_owner_and_the_variable_are_replaced() {
        let list = |id: &str| {
            fm_file_list(&format!(
                "<!-- OEM_NAME -->\n<FM ID=\"{id}\" OwnerName=\"OEM_NAME\"/>"
            ))
        };
        assert!(lint_one(ID, &[("AFMFileList.xml", list("OEM"))]).is_empty());
        let wanted = "warning AFMFileList.xml:2:9 the build replaces `OEM_NAME` here with the manufacturer's name";
        assert_eq!(
            lint_one(ID, &[("AFMFileList.xml", list("OEM_NAME_X"))]),
            [wanted]
        );
        let manifest = |name, id| lint_one(ID, &[("OEMFM.xml", oem_manifest(&[(name, id)]))]);
        assert!(manifest("%OEM_NAME%.A", "A").is_empty());
        assert_eq!(manifest("%OEM_NAME%.A", "OEM_NAME_A").len(), 1);
    }
}
