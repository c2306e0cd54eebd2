//! How a chain was found, as a tree for people and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};
use signer::chain::{Candidate, Chain, Source, Verdict};
use signer::verify::signer::describe_end;

/// Digits of a thumbprint that a person compares.
const SHORT: usize = 8;

/// Draws the search: each certificate below the one that it might have issued.
pub(super) fn text(out: &mut String, chain: &Chain) -> std::fmt::Result {
    let mut rest = chain.explanation.candidates.as_slice();
    while let Some((candidate, after)) = rest.split_first() {
        write!(out, "      {}", branches(candidate.depth, after))?;
        let thumbprint = candidate.thumbprint.to_uppercase();
        let thumbprint = thumbprint.get(..SHORT).unwrap_or(&thumbprint);
        let source = candidate.source.name();
        write!(out, "{} [{thumbprint}], {source}", candidate.subject)?;
        if let Source::Anchor(class) = candidate.source {
            write!(out, " ({class})")?;
        }
        match &candidate.verdict {
            Verdict::Used => writeln!(out)?,
            Verdict::Followed => writeln!(out, ": not taken, for what stands below it")?,
            Verdict::Dropped(reason) => writeln!(out, ": dropped [{}], {reason}", reason.name())?,
        }
        rest = after;
    }
    if chain.explanation.omitted > 0 {
        let more = chain.explanation.omitted;
        writeln!(out, "      and {more} more, which are not shown")?;
    }
    match chain.anchor() {
        Some(_) => Ok(()),
        None => writeln!(out, "      no anchor: {}", describe_end(&chain.end)),
    }
}

/// The lines of the tree before a candidate of `depth`; `after` are those that follow it.
fn branches(depth: usize, after: &[Candidate]) -> String {
    let goes_on = |level: usize| {
        let next = after.iter().find(|candidate| candidate.depth <= level);
        next.is_some_and(|candidate| candidate.depth == level)
    };
    (1..=depth)
        .map(|level| match (level == depth, goes_on(level)) {
            (true, true) => "├─ ",
            (true, false) => "└─ ",
            (false, true) => "│  ",
            (false, false) => "   ",
        })
        .collect()
}

/// The search as JSON; the names are documented in `docs/json.md` and stay.
pub(super) fn json(chain: &Chain) -> Value {
    let candidates = chain.explanation.candidates.iter().map(|candidate| {
        let (verdict, reason, message) = match &candidate.verdict {
            Verdict::Used => ("used", None, None),
            Verdict::Followed => ("followed", None, None),
            Verdict::Dropped(reason) => ("dropped", Some(reason.name()), Some(reason.to_string())),
        };
        json!({
            "depth": candidate.depth,
            "subject": candidate.subject,
            "thumbprint": candidate.thumbprint.to_uppercase(),
            "source": candidate.source.name(),
            "class": match candidate.source {
                Source::Anchor(class) => Some(class.name()),
                _ => None,
            },
            "verdict": verdict,
            "reason": reason,
            "message": message,
        })
    });
    json!({
        "candidates": candidates.collect::<Value>(),
        "omitted": chain.explanation.omitted,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_join_siblings_and_pass_by_what_is_closed() {
        let candidate = |depth| Candidate {
            depth,
            subject: String::new(),
            thumbprint: String::new(),
            source: Source::Embedded,
            verdict: Verdict::Used,
        };
        let all: Vec<_> = [0, 1, 2, 2, 1, 2].into_iter().map(candidate).collect();
        let drawn: Vec<_> = (0..all.len())
            .map(|index| branches(all[index].depth, &all[index + 1..]))
            .collect();
        assert_eq!(drawn, ["", "├─ ", "│  ├─ ", "│  └─ ", "└─ ", "   └─ "]);
    }
}
