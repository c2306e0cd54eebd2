//! Quick fixes: what the linter can mend, and comments that suppress what stays for a while.

use std::collections::HashMap;

use formats::source::Source;
use lint::diagnostic::{Applicability, Diagnostic as Found, Fix};
use lint::suppression::offer;
use lsp_types::{
    CodeAction, CodeActionKind, CodeActionOrCommand, CodeActionParams, TextEdit, Uri, WorkspaceEdit,
};

use time::Duration;

use super::places;
use super::session::Session;

/// How long an offered suppression counts.
const SUPPRESSED_FOR: Duration = Duration::days(30);

/// The quick fixes of the findings in a range.
pub(super) fn actions(
    session: &Session<'_>,
    parameters: &CodeActionParams,
) -> Vec<CodeActionOrCommand> {
    let wanted = |kinds: &Vec<CodeActionKind>| {
        kinds
            .iter()
            .any(|kind| CodeActionKind::QUICKFIX.as_str().starts_with(kind.as_str()))
    };
    let is_wanted = parameters.context.only.as_ref().is_none_or(wanted);
    let path = places::path(&parameters.text_document.uri).filter(|_| is_wanted);
    let Some((path, source)) = path.and_then(|path| Some((path.clone(), session.source(&path)?)))
    else {
        return Vec::new();
    };
    let start = places::byte(source, parameters.range.start);
    let end = places::byte(source, parameters.range.end);
    let findings = session.findings(&path).filter(|found| {
        let span = found.primary.span();
        span.is_some_and(|span| span.start <= end && start <= span.end)
    });
    let (mut mended, mut suppressed) = (Vec::new(), Vec::new());
    for found in findings {
        let fix = found.fix.as_ref();
        mended.extend(fix.and_then(|fix| {
            let mut action = quick_fix(session, found, fix)?;
            if fix.applicability == Applicability::Unsafe {
                action.title.push_str(" (a guess)");
            }
            Some(action)
        }));
        let fix = suppression(session, source, found);
        suppressed.extend(fix.and_then(|fix| quick_fix(session, found, &fix)));
    }
    // What mends comes first, whatever it is that it mends.
    let actions = mended.into_iter().chain(suppressed);
    actions.map(CodeActionOrCommand::CodeAction).collect()
}

/// The comment that suppresses a finding for a while.
fn suppression(session: &Session<'_>, source: &Source, found: &Found) -> Option<Fix> {
    let mut rules = session.policies.rules().iter();
    let info = rules.find(|info| info.id == found.rule)?;
    let until = session.policies.today()?.checked_add(SUPPRESSED_FOR)?;
    offer(source, found, info, until)
}

fn quick_fix(session: &Session<'_>, found: &Found, fix: &Fix) -> Option<CodeAction> {
    Some(CodeAction {
        title: fix.title.clone(),
        kind: Some(CodeActionKind::QUICKFIX),
        diagnostics: Some(vec![places::diagnostic(session, found)]),
        edit: Some(edit(session, fix)?),
        is_preferred: Some(fix.applicability == Applicability::Safe),
        ..CodeAction::default()
    })
}

fn edit(session: &Session<'_>, fix: &Fix) -> Option<WorkspaceEdit> {
    let source = session.source(&fix.file)?;
    let edits = fix.edits.iter().map(|edit| TextEdit {
        range: places::range(source, edit.span),
        new_text: edit.text.clone(),
    });
    #[expect(
        clippy::mutable_key_type,
        reason = "the protocol's type; nothing changes the keys"
    )]
    let changes: HashMap<Uri, Vec<TextEdit>> = [(session.uri(&fix.file)?, edits.collect())]
        .into_iter()
        .collect();
    Some(WorkspaceEdit {
        changes: Some(changes),
        ..WorkspaceEdit::default()
    })
}
