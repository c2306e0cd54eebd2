//! Applies fixes in memory, again and again until none is left, so that a caller can write whole files or none.
//!
//! In each round the fixes of a file are taken in the order of their places; one that touches another that was taken
//! waits for the next round. A fix after which the file is not the document that it was is not taken. Where fixes undo
//! each other, or do not come to an end, the file stays as it was.

use std::collections::{BTreeMap, BTreeSet};

use formats::document::decode::SIZE_LIMIT;
use formats::document::rewrite::rewrite;
use formats::document::{self, Document};
use formats::source::Span;

use crate::diagnostic::{Applicability, Diagnostic, Edit, Fix, Place};
use crate::engine::Outcome;
use crate::files::{Files, Overlay};

/// How often the fixes that become possible are applied; each round mends at least one finding.
const MOST_ROUNDS: usize = 100;

/// What applying fixes came to. Nothing was written.
pub struct Mended {
    /// The files that differ now, by path.
    pub files: Vec<MendedFile>,
    /// The fixes that were applied, in the order of applying.
    pub applied: Vec<Applied>,
    /// The files that have fixes and were left alone, with the reason.
    pub left: BTreeMap<String, String>,
    /// What is found now.
    pub outcome: Outcome,
}

/// A file before and after its fixes.
pub struct MendedFile {
    /// The path that it was read by.
    pub path: String,
    /// Its bytes as they were read.
    pub before: Vec<u8>,
    /// Its bytes with the fixes.
    pub after: Vec<u8>,
}

/// A fix that was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The rule that offered it.
    pub rule: &'static str,
    /// What it did.
    pub title: String,
    /// The finding that it mended, with the lines that the file had then.
    pub place: Place,
}

/// Applies the fixes that are at most of a kind. `lint` lints the files it is given.
///
/// # Errors
/// Those of `lint`.
pub fn mend<E>(
    files: &dyn Files,
    most: Applicability,
    mut lint: impl FnMut(&dyn Files) -> Result<Outcome, E>,
) -> Result<Mended, E> {
    let mut state = State {
        tree: Overlay::new(files),
        most,
        before: BTreeMap::new(),
        seen: BTreeMap::new(),
        applied: Vec::new(),
        left: BTreeMap::new(),
    };
    let mut outcome = lint(&state.tree)?;
    for round in 1.. {
        let changed = state.round(&outcome.diagnostics, round >= MOST_ROUNDS);
        if !changed {
            break;
        }
        outcome = lint(&state.tree)?;
    }
    Ok(state.finish(outcome))
}

struct State<'a> {
    tree: Overlay<'a>,
    most: Applicability,
    /// The bytes that the changed files had at first.
    before: BTreeMap<String, Vec<u8>>,
    /// All contents that a changed file has had.
    seen: BTreeMap<String, BTreeSet<Vec<u8>>>,
    applied: Vec<Applied>,
    left: BTreeMap<String, String>,
}

impl State<'_> {
    /// Applies what can be applied at once and says whether that was something. After the last round files that still
    /// have fixes go back to what they were, which is a change too.
    fn round(&mut self, diagnostics: &[Diagnostic], is_last: bool) -> bool {
        let mut by_file: BTreeMap<&str, Vec<(&Diagnostic, &Fix)>> = BTreeMap::new();
        for found in diagnostics {
            // A fix of another file than the finding's may be in a file that nobody asked for.
            let fix = found.fix.as_ref();
            let fix = fix.filter(|fix| *fix.file == *found.primary.file());
            if let Some(fix) = fix.filter(|fix| fix.applicability <= self.most) {
                by_file.entry(&fix.file).or_default().push((found, fix));
            }
        }
        let mut changed = false;
        for (path, fixes) in by_file {
            if self.left.contains_key(path) {
                continue;
            }
            let outcome = match is_last {
                true => Err(format!(
                    "its fixes do not come to an end in {MOST_ROUNDS} rounds"
                )),
                false => self.file(path, fixes),
            };
            match outcome {
                Ok(applied) => changed |= applied,
                Err(problem) => changed |= self.leave(path, problem),
            }
        }
        changed
    }

    /// Gives a file up: it is what it was, and its fixes were not applied.
    fn leave(&mut self, path: &str, problem: String) -> bool {
        self.left.insert(path.to_owned(), problem);
        self.applied.retain(|applied| applied.place.file() != path);
        match self.before.get(path) {
            Some(bytes) => {
                self.tree.change(path, bytes.clone());
                true
            }
            None => false,
        }
    }

    /// Applies fixes to one file and says whether it changed.
    fn file(&mut self, path: &str, mut fixes: Vec<(&Diagnostic, &Fix)>) -> Result<bool, String> {
        let limit = (SIZE_LIMIT as u64).saturating_add(1);
        let bytes = self.tree.read(path, limit);
        let bytes = bytes.map_err(|error| format!("it cannot be read: {error}"))?;
        fixes.sort_by_key(|(found, fix)| (hull(fix), found.rule, &fix.title));
        let apart = apart(&fixes);
        // Mostly all of them can be applied together; where not, one after the other is tried.
        let together = apply(path, &bytes, &apart);
        let (after, taken) = match together {
            Ok(after) => (after, apart),
            Err(_) => one_by_one(path, &bytes, &apart)?,
        };
        if after == bytes {
            return Ok(false);
        }
        let seen = self.seen.entry(path.to_owned()).or_default();
        seen.insert(bytes.clone());
        if !seen.insert(after.clone()) {
            return Err("its fixes undo each other".to_owned());
        }
        self.before.entry(path.to_owned()).or_insert(bytes);
        self.tree.change(path, after);
        let applied = taken.into_iter().map(|(found, fix)| Applied {
            rule: found.rule,
            title: fix.title.clone(),
            place: found.primary.clone(),
        });
        self.applied.extend(applied);
        Ok(true)
    }

    fn finish(self, outcome: Outcome) -> Mended {
        let after = |path: &str| self.tree.changed().get(path).cloned();
        let files = self.before.into_iter().filter_map(|(path, before)| {
            let after = after(&path).filter(|after| *after != before)?;
            Some(MendedFile {
                path,
                before,
                after,
            })
        });
        Mended {
            files: files.collect(),
            applied: self.applied,
            left: self.left,
            outcome,
        }
    }
}

/// From the first to the last byte that a fix touches: what lies between may be what it is about.
fn hull(fix: &Fix) -> Span {
    Span {
        start: fix
            .edits
            .iter()
            .map(|edit| edit.span.start)
            .min()
            .unwrap_or(0),
        end: fix
            .edits
            .iter()
            .map(|edit| edit.span.end)
            .max()
            .unwrap_or(0),
    }
}

/// Those of sorted fixes that do not touch each other. Of equal ones all are kept, they are applied once.
fn apart<'a>(sorted: &[(&'a Diagnostic, &'a Fix)]) -> Vec<(&'a Diagnostic, &'a Fix)> {
    let mut kept: Vec<(&Diagnostic, &Fix)> = Vec::new();
    for (found, fix) in sorted {
        let this = hull(fix);
        let touches = |other: &Fix| {
            let other_hull = hull(other);
            other.edits != fix.edits && this.start <= other_hull.end && other_hull.start <= this.end
        };
        if !kept.iter().any(|(_, other)| touches(other)) {
            kept.push((found, fix));
        }
    }
    kept
}

/// The file with these fixes, if it still is the document that it was.
fn apply(path: &str, bytes: &[u8], fixes: &[(&Diagnostic, &Fix)]) -> Result<Vec<u8>, String> {
    let edits: BTreeSet<&Edit> = fixes.iter().flat_map(|(_, fix)| &fix.edits).collect();
    let edits: Vec<(Span, &str)> = edits
        .into_iter()
        .map(|edit| (edit.span, edit.text.as_str()))
        .collect();
    let after = rewrite(path, bytes, &edits).map_err(|error| error.to_string())?;
    if after.len() > SIZE_LIMIT {
        return Err("it would be too large".to_owned());
    }
    let kind = |bytes: &[u8]| {
        let recognised = document::recognise(path, bytes);
        let is_document = !matches!(recognised.outcome, Err(_) | Ok(Document::Other(_)));
        recognised.kind.filter(|_| is_document)
    };
    match (kind(bytes), kind(&after)) {
        (Some(before), Some(now)) if before == now => Ok(after),
        _ => Err("it could not be read with its fixes".to_owned()),
    }
}

type Taken<'a> = (Vec<u8>, Vec<(&'a Diagnostic, &'a Fix)>);

/// As many of the fixes as can be applied; an error where that is none.
fn one_by_one<'a>(
    path: &str,
    bytes: &[u8],
    fixes: &[(&'a Diagnostic, &'a Fix)],
) -> Result<Taken<'a>, String> {
    let mut taken: Vec<(&Diagnostic, &Fix)> = Vec::new();
    let mut after = Err(String::new());
    for fix in fixes {
        taken.push(*fix);
        match apply(path, bytes, &taken) {
            Ok(applied) => after = Ok(applied),
            Err(problem) => {
                taken.pop();
                after = after.or(Err(problem));
            }
        }
    }
    Ok((after?, taken))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{gather, judge};
    use crate::files::Memory;
    use crate::policy::Policies;
    use crate::resolve::ResolveOptions;
    use crate::testing::oem_input;

    fn lint(files: &dyn Files) -> Result<Outcome, String> {
        let paths = [".".to_owned()];
        let workspaces = gather(files, &paths, &ResolveOptions::default());
        let workspaces = workspaces.map_err(|error| error.to_string())?;
        Ok(judge(&workspaces, &Policies::built_in()))
    }

    fn text(bytes: &[u8]) -> &str {
        std::str::from_utf8(bytes).unwrap()
    }

    #[test]
    fn fixes_are_applied_until_none_is_left_and_nothing_else_changes() {
        let before = oem_input(
            "\r\n <ReleaseType>Production</ReleaseType>\r\n <Features>\r\n  <Microsoft>\r\n   \
             <Feature>IOT_BERTHA</Feature> <!-- why -->\r\n   <Feature>IOT_SIREP</Feature>\r\n   \
             <Feature>IOT_ENABLE_ADMIN</Feature></Microsoft>\r\n </Features>\r\n <Product>Windows 10 IoT Core</Product>\r\n",
        );
        let files: Memory = [("RetailOEMInput.xml", before.as_str())]
            .into_iter()
            .collect();
        let mended = mend(&files, Applicability::Safe, lint).unwrap();
        let [file] = mended.files.as_slice() else {
            panic!("{:?}", mended.left)
        };
        let mut wanted = before.clone();
        for id in ["IOT_BERTHA", "IOT_SIREP", "IOT_ENABLE_ADMIN"] {
            wanted = wanted.replace(
                &format!("<Feature>{id}</Feature>"),
                &format!("<!-- Feature>{id}</Feature -->"),
            );
        }
        // What a retail image must have is added one after the other, below the last line.
        let after = text(&file.after);
        let mut kept = after.to_owned();
        for id in ["IOT_EFIESP", "IOT_UAP_OOBE", "IOT_CRT140"] {
            let line = format!("\r\n   <Feature>{id}</Feature>");
            assert_eq!(after.matches(&line).count(), 1, "{after}");
            kept = kept.replace(&line, "");
        }
        assert_eq!(kept, wanted);
        let again: Memory = [("RetailOEMInput.xml", after)].into_iter().collect();
        assert!(
            mend(&again, Applicability::Safe, lint)
                .unwrap()
                .files
                .is_empty()
        );
    }

    #[test]
    fn guesses_are_applied_only_where_they_are_asked_for() {
        let manifest = crate::testing::oem_manifest(&[("A.B.C", "KIOSK_AGENT")]);
        let input = oem_input(
            "<AdditionalFMs><AdditionalFM>OEMFM.xml</AdditionalFM></AdditionalFMs><Features><OEM>\
             <Feature>KIOSK_AGNET</Feature></OEM></Features>",
        );
        let files: Memory = [
            ("OEMFM.xml", manifest.as_str()),
            ("A/OEMInput.xml", input.as_str()),
        ]
        .into_iter()
        .collect();
        let changed = |most| {
            let mended = mend(&files, most, lint).unwrap();
            mended
                .applied
                .iter()
                .any(|applied| applied.rule == "unknown-oem-feature")
        };
        assert!(!changed(Applicability::Safe));
        assert!(changed(Applicability::Unsafe));
    }

    fn finding(
        source: &formats::source::Source,
        title: &str,
        edits: &[(usize, usize, &str)],
    ) -> Diagnostic {
        let span = Span { start: 1, end: 2 };
        let place = Place::text(source, span, "");
        let mut fix = Fix::replace(title, &place, "").unwrap();
        fix.edits = edits
            .iter()
            .map(|(start, end, text)| Edit {
                span: Span {
                    start: *start,
                    end: *end,
                },
                text: (*text).to_owned(),
            })
            .collect();
        Diagnostic {
            primary: place,
            rule: "some-rule",
            message: "found".into(),
            level: crate::diagnostic::Level::Error,
            related: Vec::new(),
            help: None,
            fix: Some(fix),
            decided_by: crate::diagnostic::DecidedBy::Rule,
        }
    }

    /// Mends one file with fixes that `offered` makes from its text.
    fn with_offers(
        before: &str,
        offered: impl Fn(&str) -> Vec<(&'static str, Vec<(usize, usize, &'static str)>)>,
    ) -> (String, Option<String>) {
        let files: Memory = [("OEMInput.xml", before)].into_iter().collect();
        let mended = mend(&files, Applicability::Safe, |files| {
            let bytes = files.read("OEMInput.xml", 1000).unwrap();
            let source = formats::source::Source::new("OEMInput.xml", text(&bytes), 0);
            let offers = offered(text(&bytes)).into_iter();
            Ok::<_, String>(Outcome {
                diagnostics: offers
                    .map(|(title, edits)| finding(&source, title, &edits))
                    .collect(),
                ..Outcome::default()
            })
        });
        let mended = mended.unwrap();
        let after = mended
            .files
            .first()
            .map_or(before, |file| text(&file.after));
        (after.to_owned(), mended.left.get("OEMInput.xml").cloned())
    }

    #[test]
    fn the_first_of_two_fixes_that_touch_is_taken_and_equal_ones_are_applied_once() {
        let before = oem_input("q");
        let at = before.find('q').unwrap();
        let (after, left) = with_offers(&before, |now| match now.contains('q') {
            true => vec![
                ("b", vec![(at, at + 1, "b")]),
                ("a", vec![(at, at + 1, "a")]),
                ("c", vec![(at, at + 1, "a")]),
                ("d", vec![(at + 1, at + 1, "d")]),
            ],
            false => Vec::new(),
        });
        assert_eq!((after, left), (oem_input("a"), None));
    }

    #[test]
    fn fixes_that_undo_each_other_or_do_not_end_leave_the_file_alone() {
        let before = oem_input("q");
        let at = before.find('q').unwrap();
        let (after, left) = with_offers(&before, |now| match now.contains('q') {
            true => vec![("there", vec![(at, at + 1, "y")])],
            false => vec![("back", vec![(at, at + 1, "q")])],
        });
        assert_eq!(after, before);
        assert_eq!(left.as_deref(), Some("its fixes undo each other"));
        let (after, left) = with_offers(&before, |_| vec![("more", vec![(at, at, "z")])]);
        assert_eq!(after, before);
        assert!(left.unwrap().contains("do not come to an end"));
    }

    #[test]
    fn a_fix_that_breaks_the_document_is_not_taken_and_the_others_are() {
        let before = oem_input("x<SOC>A</SOC>y");
        let (x, y) = (before.find('x').unwrap(), before.find("y<").unwrap());
        let (after, left) = with_offers(&before, |now| match now.contains('y') {
            true => vec![
                ("breaks", vec![(x, x + 1, "</")]),
                ("mends", vec![(y, y + 1, "Y")]),
            ],
            false => Vec::new(),
        });
        assert_eq!((after, left), (oem_input("x<SOC>A</SOC>Y"), None));
        let (after, left) = with_offers(&before, |_| vec![("breaks", vec![(x, x + 1, "</")])]);
        assert_eq!(after, before);
        assert_eq!(left.as_deref(), Some("it could not be read with its fixes"));
    }
}
