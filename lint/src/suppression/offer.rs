//! Offers the comment that suppresses one finding, where such a comment can stand.

use formats::document::{Kind, recognise};
use formats::source::{Source, Span};
use time::Date;

use super::{Suppression, suppressions};
use crate::diagnostic::{Applicability, Diagnostic, Edit, Fix};
use crate::expiry::Until;
use crate::policy::CORE;
use crate::rule::{Input, RuleInfo};

/// How many elements before a finding are tried.
const MOST_TRIES: usize = 32;
/// What the comment says until somebody says better. The day keeps it from staying.
const REASON: &str = "to be cured by this day";

/// The fix that suppresses `found` up to a day: a comment before the element or line that the finding is in. `None` for
/// findings of core rules and of rules about policies, which nothing suppresses, and where no comment would be read as
/// that, as in a file without lines or in the middle of a line that goes on.
///
/// Every place is tried on the text: what is offered is what the linter reads as a suppression of this finding.
pub fn offer(source: &Source, found: &Diagnostic, info: &RuleInfo, until: Date) -> Option<Fix> {
    let is_suppressible = info.input != Input::Policy && !CORE.contains(&info.id);
    let span = found.primary.span().filter(|_| is_suppressible)?;
    let kind = recognise(source.name(), source.text().as_bytes()).kind?;
    let until = Until::on(until);
    let said = format!(
        "proofmark: allow {}, reason: \"{REASON}\", until: {until}",
        info.id
    );
    let edit = match kind {
        Kind::RegFile | Kind::Inf => line_before(source, span, &format!("; {said}")),
        Kind::CommandScript => line_before(source, span, &format!("rem {said}")),
        _ => {
            let starts = element_starts(source.text(), span.start);
            let edits = starts.map(|start| before_element(source.text(), start, &said));
            let mut edits = edits.take(MOST_TRIES);
            return edits
                .find(|edit| is_covered(source, kind, edit, found))
                .map(|edit| fix(found, until, edit));
        }
    }?;
    is_covered(source, kind, &edit, found).then(|| fix(found, until, edit))
}

fn fix(found: &Diagnostic, until: Until, edit: Edit) -> Fix {
    Fix {
        title: format!("suppress `{}` here until {until}", found.rule),
        applicability: Applicability::Unsafe,
        file: found.primary.file().into(),
        edits: vec![edit],
    }
}

/// Where start tags may begin at or before a byte, the nearest first.
fn element_starts(text: &str, before: usize) -> impl Iterator<Item = usize> {
    let end = text.floor_char_boundary(before.saturating_add(1));
    let until_there = text.get(..end).unwrap_or(text);
    let tags = until_there.rmatch_indices('<').map(|(at, _)| at);
    tags.filter(move |at| {
        let name = text.get(at.saturating_add(1)..);
        name.is_some_and(|name| !name.starts_with(['/', '!', '?']))
    })
}

/// The comment on a line of its own where the element begins its line, otherwise just before it.
fn before_element(text: &str, start: usize, said: &str) -> Edit {
    let line = text.get(..start).unwrap_or_default();
    let line = line.rsplit('\n').next().unwrap_or_default();
    let comment = format!("<!-- {said} -->");
    let text = match line.trim().is_empty() {
        true => format!("{comment}{}{line}", line_end(text, start)),
        false => comment,
    };
    Edit {
        span: Span { start, end: start },
        text,
    }
}

/// The comment as the line before the one that a finding begins in, indented like it. `None` where that line goes on
/// from the one before.
fn line_before(source: &Source, found: Span, comment: &str) -> Option<Edit> {
    let text = source.text();
    let above = text.get(..found.start)?;
    let start = above.rfind('\n').map_or(0, |end| end.saturating_add(1));
    let last = text.get(..start)?.trim_end_matches(['\r', '\n']);
    if last.ends_with(['\\', '^']) {
        return None;
    }
    let line = text.get(start..)?;
    let indent = line.get(
        ..line
            .len()
            .saturating_sub(line.trim_start_matches([' ', '\t']).len()),
    )?;
    Some(Edit {
        span: Span { start, end: start },
        text: format!("{indent}{comment}{}", line_end(text, start)),
    })
}

/// How lines end around a byte.
fn line_end(text: &str, at: usize) -> &'static str {
    let (before, behind) = text.split_at_checked(at).unwrap_or((text, ""));
    let near = match before.rfind('\n') {
        Some(end) => before.get(..end),
        None => behind.split_once('\n').map(|(line, _)| line),
    };
    match near.is_some_and(|line| line.ends_with('\r')) {
        true => "\r\n",
        false => "\n",
    }
}

/// Whether a suppression that the edit inserts is read as being about the finding, which the edit moved down.
fn is_covered(source: &Source, kind: Kind, edit: &Edit, found: &Diagnostic) -> bool {
    let text = source.text();
    let (Some(before), Some(behind)) = (text.get(..edit.span.start), text.get(edit.span.end..))
    else {
        return false;
    };
    let edited = format!("{before}{}{behind}", edit.text);
    let edited = Source::new(source.name(), edited, 0);
    let (Ok(document), Some(span)) = (kind.parse(&edited), found.primary.span()) else {
        return false;
    };
    let moved = Span {
        start: span.start.saturating_add(edit.text.len()),
        end: span.end.saturating_add(edit.text.len()),
    };
    let is_new = |suppression: &Suppression| {
        let place = suppression.place.span();
        let end = edit.span.start.saturating_add(edit.text.len());
        place.is_some_and(|place| edit.span.start <= place.start && place.end <= end)
    };
    suppressions(&edited, &document)
        .iter()
        .any(|one| is_new(one) && one.problem.is_none() && one.covers(Some(moved)))
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;
    use crate::engine::{Outcome, gather, judge};
    use crate::files::Memory;
    use crate::image::ImageType;
    use crate::policy::Policies;
    use crate::resolve::ResolveOptions;
    use crate::testing::{oem_input, reg_file, wm_xml};

    const UNTIL: Date = date!(2027 - 03 - 31);
    const SAID: &str = "reason: \"to be cured by this day\", until: 2027-03-31";

    fn lint(name: &str, text: &str) -> Outcome {
        let files: Memory = [(name, text)].into_iter().collect();
        let options = ResolveOptions {
            image: name.ends_with(".cmd").then_some(ImageType::Retail),
            ..ResolveOptions::default()
        };
        let workspaces = gather(&files, &[name.to_owned()], &options).unwrap();
        judge(&workspaces, &Policies::built_in().on(date!(2026 - 06 - 01)))
    }

    /// The text with the suppression of the first finding of a rule.
    fn suppressed(name: &str, text: &str, rule: &str) -> Option<String> {
        let outcome = lint(name, text);
        let mut found = outcome.diagnostics.iter();
        let found = found.find(|found| found.rule == rule);
        let found = found.unwrap_or_else(|| panic!("{rule}: {:?}", outcome.diagnostics));
        let source = outcome.sources.get(name).unwrap();
        let info = crate::rules::find(rule).unwrap();
        let fix = offer(source, found, info, UNTIL)?;
        let [edit] = fix.edits.as_slice() else {
            panic!("{fix:?}")
        };
        let mut after = text.to_owned();
        after.insert_str(edit.span.start, &edit.text);
        let again = lint(name, &after);
        let count = |outcome: &Outcome| {
            let diagnostics = outcome.diagnostics.iter();
            diagnostics.filter(|found| found.rule == rule).count()
        };
        assert!(count(&again) < count(&outcome), "{after}");
        assert!(
            again
                .suppressed
                .iter()
                .any(|one| one.diagnostic.rule == rule)
        );
        let about_comments = |found: &&Diagnostic| found.rule.starts_with("suppression-");
        assert_eq!(
            again.diagnostics.iter().find(about_comments),
            None,
            "{after}"
        );
        Some(after)
    }

    #[test]
    fn the_comment_stands_before_the_element_and_ends_its_line_as_the_others_do() {
        let before = oem_input(
            "<ReleaseType>Production</ReleaseType>\r\n<Features>\r\n\t<Microsoft>\r\n\t\t<Feature>IOT_BERTHA</Feature>\
             \r\n\t</Microsoft>\r\n</Features>",
        );
        let after = suppressed("OEMInput.xml", &before, "dev-feature-in-retail").unwrap();
        let comment = format!("<!-- proofmark: allow dev-feature-in-retail, {SAID} -->");
        let wanted = format!("\r\n\t\t{comment}\r\n\t\t<Feature>IOT_BERTHA");
        assert!(after.contains(&wanted), "{after}");
        assert_eq!(after.replace(&format!("{comment}\r\n\t\t"), ""), before);

        let one_line = before.replace(['\r', '\n', '\t'], "");
        let after = suppressed("OEMInput.xml", &one_line, "dev-feature-in-retail").unwrap();
        assert!(
            after.contains(&format!("<Microsoft>{comment}<Feature>")),
            "{after}"
        );
    }

    #[test]
    fn a_finding_about_the_whole_document_is_suppressed_before_its_root() {
        let declared = format!("<?xml version=\"1.0\"?>\n{}", oem_input("\n<SOC>A</SOC>\n"));
        let after = suppressed("OEMInput.xml", &declared, "release-type-missing").unwrap();
        assert!(
            after.starts_with("<?xml version=\"1.0\"?>\n<!-- proofmark: allow"),
            "{after}"
        );
    }

    #[test]
    fn what_looks_like_an_element_in_a_comment_or_a_section_of_text_is_passed_over() {
        let files = "<files>\n<!-- <file/> --><file source=\"C:\\build\\a.exe\" destinationDir=\"$(runtime.system32)\"\n/></files>";
        let before = wm_xml("A", files);
        let after = suppressed("A.wm.xml", &before, "absolute-path").unwrap();
        assert!(
            after.contains("<file/> --><!-- proofmark: allow absolute-path"),
            "{after}"
        );
    }

    #[test]
    fn lines_of_registry_files_and_scripts_are_suppressed_by_a_line_and_lines_that_go_on_by_none() {
        let before = reg_file(
            "[HKEY_LOCAL_MACHINE\\SOFTWARE\\CurrentControlSet\\Kiosk]\n\"Port\"=dword:00000050",
        );
        let after = suppressed("a.reg", &before, "regkey-wrong-hive").unwrap();
        let wanted = format!("\n; proofmark: allow regkey-wrong-hive, {SAID}\n[HKEY_");
        assert!(after.contains(&wanted), "{after}");
        let before = "@echo off\r\n  net start sshd\r\n";
        let after = suppressed("oemcustomization.cmd", before, "custom-cmd-debug").unwrap();
        let wanted = format!("\r\n  rem proofmark: allow custom-cmd-debug, {SAID}\r\n  net");
        assert!(after.contains(&wanted), "{after}");
        let goes_on = Source::new("a.reg", "\"A\"=hex:00,\\\r\n  01", 0);
        let span = Span { start: 17, end: 19 };
        assert_eq!(line_before(&goes_on, span, ";"), None);
    }

    #[test]
    fn core_rules_rules_about_policies_and_files_without_lines_are_offered_nothing() {
        let retail = "<ReleaseType>Production</ReleaseType><Features><Microsoft>\n\
                      <!-- proofmark: allow no-timestamp -->\n<Feature>IOT_ENABLE_TESTSIGNING</Feature></Microsoft></Features>";
        let input = oem_input(retail);
        for rule in ["testsigning-in-retail", "suppression-malformed"] {
            assert_eq!(suppressed("OEMInput.xml", &input, rule), None, "{rule}");
        }
        let source = Source::new("a.cab", "", 0);
        let found = Diagnostic {
            primary: crate::diagnostic::Place::binary("a.cab", "signature[0]"),
            rule: "no-timestamp",
            message: String::new(),
            level: crate::diagnostic::Level::Warning,
            related: Vec::new(),
            help: None,
            fix: None,
            decided_by: crate::diagnostic::DecidedBy::Rule,
        };
        let info = crate::rules::find("no-timestamp").unwrap();
        assert_eq!(offer(&source, &found, info, UNTIL), None);
    }
}
