//! Why somebody asks for something or decides it, in words that the log keeps.

use crate::problem::{Problem, Slug};

/// Longest reason, in bytes.
const LONGEST: usize = 2000;

/// Refuses a reason that says nothing, or that the log does not take.
pub(crate) fn expect_some(reason: &str) -> Result<(), Problem> {
    if reason.trim().is_empty() {
        let problem = format_args!("a reason of at most {LONGEST} bytes is needed");
        return Err(Problem::because(Slug::BadRequest, problem));
    }
    expect_any(reason)
}

/// As [`expect_some`], but it may say nothing.
pub(crate) fn expect_any(reason: &str) -> Result<(), Problem> {
    if reason.len() > LONGEST {
        let problem = format_args!("a reason has at most {LONGEST} bytes");
        return Err(Problem::because(Slug::BadRequest, problem));
    }
    expect_printable("a reason", reason)
}

/// Refuses characters that are not written. Not every database takes them, and no terminal should.
pub(crate) fn expect_printable(what: &str, text: &str) -> Result<(), Problem> {
    let is_odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    match text.contains(is_odd) {
        false => Ok(()),
        true => {
            let problem = format_args!("{what} has no control characters");
            Err(Problem::because(Slug::BadRequest, problem))
        }
    }
}
