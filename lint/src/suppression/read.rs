//! Reads suppressions out of the comments of documents.
//!
//! ```text
//! <!-- proofmark: allow dev-feature-in-retail, reason: "the kiosk is serviced over it", until: 2027-03-31 -->
//! ; proofmark: allow inf-not-universal, reason: "supplier's driver"
//! ```
//!
//! `allow` is about the element or line that follows, `allow-file` about the whole document. Several rules are
//! separated by commas.

use formats::document::{Document, Kind};
use formats::source::{Source, Span};

use super::{Scope, Suppression};
use crate::diagnostic::Place;
use crate::expiry::Until;
use crate::nearest::nearest;

/// What a suppression begins with.
const MARK: &str = "proofmark";
const VERBS: [&str; 2] = ["allow", "allow-file"];
const KEYS: [&str; 2] = ["reason", "until"];
/// More suppressions of one document are not read.
const MOST: usize = 10_000;

/// The suppressions of a document.
pub(crate) fn suppressions(source: &Source, document: &Document) -> Vec<Suppression> {
    let read = match document {
        Document::RegFile(_) => line_comments(source, Kind::RegFile),
        Document::Inf(_) => line_comments(source, Kind::Inf),
        Document::CommandScript(_) => line_comments(source, Kind::CommandScript),
        _ => {
            let (comments, _) = document.remarks();
            comments
                .iter()
                .map(|comment| (comment.text.span, comment.next))
                .collect()
        }
    };
    let read = read
        .into_iter()
        .filter_map(|(text, next)| one(source, text, next));
    read.take(MOST).collect()
}

/// The comments that stand on lines of their own, each with the line that they are about: the next that is neither
/// blank nor a comment.
fn line_comments(source: &Source, kind: Kind) -> Vec<(Span, Option<Span>)> {
    let mut found: Vec<(Span, Option<Span>)> = Vec::new();
    let mut waiting = 0;
    for number in 1..=source.line_count() {
        let line = source.line(number);
        let text = source.slice(line);
        let trimmed = text.trim();
        if trimmed.is_empty() {
            continue;
        }
        match comment(trimmed, kind) {
            Some(comment) => {
                let end = line.start.saturating_add(text.trim_end().len());
                let start = end.saturating_sub(comment.len());
                found.push((Span { start, end }, None));
            }
            None => {
                for (_, next) in found.iter_mut().skip(waiting) {
                    *next = Some(line);
                }
                waiting = found.len();
            }
        }
    }
    found
}

/// What a line that is a comment says.
fn comment(line: &str, kind: Kind) -> Option<&str> {
    if kind != Kind::CommandScript {
        return line.strip_prefix(';');
    }
    let line = line.trim_start_matches('@');
    if let Some(rest) = line.strip_prefix("::") {
        return Some(rest);
    }
    let (word, rest) = line.split_at_checked(3)?;
    (word.eq_ignore_ascii_case("rem") && rest.starts_with([' ', '\t'])).then_some(rest)
}

/// The suppression that a comment is, if it means to be one.
fn one(source: &Source, comment: Span, next: Option<Span>) -> Option<Suppression> {
    let text = source.slice(comment);
    let trimmed = text.trim_start();
    let blanks = text.len().saturating_sub(trimmed.len());
    let mark = trimmed.get(..MARK.len())?;
    let rest = trimmed.get(MARK.len()..)?;
    let verb = rest.trim_start_matches([':', ' ', '\t']);
    let is_meant = rest.starts_with(':') || verb.starts_with("allow");
    if !mark.eq_ignore_ascii_case(MARK) || !is_meant {
        return None;
    }
    let start = comment.start.saturating_add(blanks);
    let body = start.saturating_add(MARK.len());
    let mut suppression = Suppression {
        place: Place::text(source, trim(source, comment), "suppression"),
        scope: Scope::Nothing,
        rules: Vec::new(),
        reason: None,
        until: None,
        problem: None,
    };
    match read(source, body, rest, &mut suppression) {
        Ok(true) => suppression.scope = Scope::File,
        Ok(false) => suppression.scope = next.map_or(Scope::Nothing, Scope::Span),
        Err((span, message, help)) => {
            suppression.problem = Some((Place::text(source, span, "suppression"), message, help));
        }
    }
    Some(suppression)
}

/// A span without the blanks at its ends.
fn trim(source: &Source, span: Span) -> Span {
    let text = source.slice(span);
    let before = text.len().saturating_sub(text.trim_start().len());
    let start = span.start.saturating_add(before);
    Span {
        start,
        end: start.saturating_add(text.trim().len()),
    }
}

type Problem = (Span, String, Option<String>);

/// Reads what stands behind the mark and says whether it is about the whole file.
fn read(
    source: &Source,
    start: usize,
    text: &str,
    suppression: &mut Suppression,
) -> Result<bool, Problem> {
    let end = start.saturating_add(text.len());
    let whole = Span {
        start: start.saturating_sub(MARK.len()),
        end,
    };
    let all = trim(source, whole);
    let problem = |span: Span, message: &str| (span, message.to_owned(), None);
    let Some(after) = text.strip_prefix(':') else {
        return Err(problem(
            all,
            "a suppression without a colon behind `proofmark`",
        ));
    };
    let words = after.trim_start();
    let at = start.saturating_add(text.len().saturating_sub(words.len()));
    let end = words.find(char::is_whitespace).unwrap_or(words.len());
    let (verb, items) = words.split_at_checked(end).unwrap_or((words, ""));
    if !VERBS.contains(&verb) {
        let span = Span {
            start: at,
            end: at.saturating_add(verb.len()),
        };
        let message = format!(
            "`{verb}` is nothing that a suppression can do, expected `allow` or `allow-file`"
        );
        return Err((span, message, meant(verb, VERBS)));
    }
    let items_at = at.saturating_add(end);
    for (offset, item) in split(items) {
        let start = items_at.saturating_add(offset);
        let span = trim(
            source,
            Span {
                start,
                end: start.saturating_add(item.len()),
            },
        );
        let item = item.trim();
        match item.split_once(':') {
            None if item.is_empty() && items.trim().is_empty() => {}
            None if item.is_empty() => return Err(problem(all, "a comma with nothing beside it")),
            None => {
                let place = Place::text(source, span, "suppression");
                suppression.rules.push((item.to_owned(), place));
            }
            Some(("reason", reason)) => {
                let reason = reason.trim();
                let quoted = reason
                    .strip_prefix('"')
                    .and_then(|rest| rest.strip_suffix('"'));
                match quoted.map(str::trim) {
                    Some(reason) if !reason.is_empty() => {
                        suppression.reason = Some(reason.to_owned());
                    }
                    Some(_) => return Err(problem(span, "the reason is empty")),
                    None => {
                        return Err(problem(
                            span,
                            "the reason does not stand in quotation marks",
                        ));
                    }
                }
            }
            Some(("until", day)) => match Until::parse(day.trim()) {
                Some(until) => suppression.until = Some(until),
                None => {
                    let message =
                        format!("`{}` is no date, expected one like 2027-03-31", day.trim());
                    return Err((span, message, None));
                }
            },
            Some((key, _)) => {
                let message = format!("a suppression has no `{key}`, only `reason` and `until`");
                return Err((span, message, meant(key, KEYS)));
            }
        }
    }
    if suppression.rules.is_empty() {
        return Err(problem(all, "a suppression that names no rule"));
    }
    if suppression.reason.is_none() {
        let help = "say why, e.g. reason: \"the supplier delivers it so\"".to_owned();
        return Err((all, "a suppression without a reason".to_owned(), Some(help)));
    }
    Ok(verb == "allow-file")
}

fn meant<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(word, known).map(|near| format!("did you mean `{near}`?"))
}

/// What commas separate, those in quotation marks aside, with its offset.
fn split(text: &str) -> Vec<(usize, &str)> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut is_quoted = false;
    for (at, letter) in text.char_indices() {
        match letter {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => {
                parts.push((start, text.get(start..at).unwrap_or_default()));
                start = at.saturating_add(1);
            }
            _ => {}
        }
    }
    parts.push((start, text.get(start..).unwrap_or_default()));
    parts
}
