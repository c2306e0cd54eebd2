//! What a run found, for people and for programs.

mod chain;
pub mod diff;
mod edits;
pub mod github;
pub mod gitlab;
pub mod html;
pub mod json;
pub mod junit;
mod markup;
mod repository;
mod revocation;
pub mod sarif;
mod snippet;
pub mod text;
pub mod verification;

pub use repository::{Repository, uri_encoded};
pub(crate) use snippet::shown;

use crate::diagnostic::{Diagnostic, Level};

/// The findings that a report with room for `limit` shows, in their order: the most severe, of equals the first.
fn most_severe(diagnostics: &[Diagnostic], limit: usize) -> Vec<&Diagnostic> {
    let mut room = limit;
    let mut quota = |level| {
        let count = diagnostics.iter().filter(|found| found.level == level);
        let quota = count.count().min(room);
        room = room.saturating_sub(quota);
        quota
    };
    let mut quotas = [Level::Error, Level::Warning, Level::Info].map(|level| (level, quota(level)));
    let kept = diagnostics.iter().filter(|found| {
        let mut quotas = quotas.iter_mut();
        let quota = quotas.find(|(level, quota)| *level == found.level && *quota > 0);
        quota.is_some_and(|(_, quota)| {
            *quota = quota.saturating_sub(1);
            true
        })
    });
    kept.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::found;

    #[test]
    fn of_too_many_the_most_severe_are_kept_in_their_order() {
        let levels = [
            Level::Info,
            Level::Warning,
            Level::Error,
            Level::Info,
            Level::Error,
        ];
        let all: Vec<_> = levels
            .iter()
            .zip(1..)
            .map(|(level, number)| {
                let mut finding = found("some-rule", &format!("f{number}"));
                finding.level = *level;
                finding
            })
            .collect();
        let kept = |limit| {
            let kept = most_severe(&all, limit).into_iter();
            kept.map(|found| found.message.as_str())
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(kept(9), "f1 f2 f3 f4 f5");
        assert_eq!(kept(4), "f1 f2 f3 f5");
        assert_eq!(kept(1), "f3");
        assert_eq!(kept(0), "");
    }
}
