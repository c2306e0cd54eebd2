//! Quick fixes: what the linter can mend.

use std::collections::HashMap;

use lint::diagnostic::{Applicability, Diagnostic as Found, Fix};
use lsp_types::{
    CodeAction, CodeActionKind, CodeActionOrCommand, CodeActionParams, TextEdit, Uri, WorkspaceEdit,
};

use super::places;
use super::session::Session;

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
    let actions = findings.filter_map(|found| quick_fix(session, found));
    actions.map(CodeActionOrCommand::CodeAction).collect()
}

fn quick_fix(session: &Session<'_>, found: &Found) -> Option<CodeAction> {
    let fix = found.fix.as_ref()?;
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
