//! Findings as workflow commands, which GitHub Actions turns into annotations beside the lines.
//!
//! Ten of each kind are shown for a step, so errors come first; the last line is a summary for the log.

use std::fmt::{self, Write};

use super::repository::Repository;
use super::snippet::shown;
use super::text::summary;
use crate::diagnostic::{Diagnostic, Level};
use crate::engine::Outcome;

/// Writes one command for each finding, the most severe first, and the summary.
pub fn render(outcome: &Outcome, repository: &Repository, to: &mut dyn Write) -> fmt::Result {
    for level in [Level::Error, Level::Warning, Level::Info] {
        let found = outcome.diagnostics.iter();
        for found in found.filter(|found| found.level == level) {
            command(found, repository, to)?;
        }
    }
    writeln!(to, "{}", summary(outcome))
}

fn command(found: &Diagnostic, repository: &Repository, to: &mut dyn Write) -> fmt::Result {
    let kind = match found.level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Info => "notice",
    };
    let file = repository.path(found.primary.file());
    write!(to, "::{kind} file={}", property(&file))?;
    if let Some(region) = found.primary.region() {
        let (start, end) = (region.start, region.end);
        write!(to, ",line={},endLine={}", start.line, end.line)?;
        // Columns are understood within one line only, and the last one is part of the place.
        if start.line == end.line && end.column > start.column {
            let last = end.column.saturating_sub(1);
            write!(to, ",col={},endColumn={last}", start.column)?;
        }
    }
    let mut message = shown(&found.message);
    for (place, label) in &found.related {
        let place = shown(&place.to_string());
        message.push_str(&format!("\n{place}: {}", shown(label)));
    }
    if let Some(help) = &found.help {
        message.push_str(&format!("\nhelp: {}", shown(help)));
    }
    if found.primary.region().is_none() && !found.primary.route().is_empty() {
        message.push_str(&format!("\nat: {}", shown(found.primary.route())));
    }
    writeln!(to, ",title={}::{}", property(found.rule), data(&message))
}

/// A text behind `::`.
fn data(text: &str) -> String {
    let text = text.replace('%', "%25");
    text.replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Place;
    use crate::testing::{found, outcome_of, place};

    fn commands(outcome: &Outcome) -> String {
        let mut out = String::new();
        render(outcome, &Repository::default(), &mut out).unwrap();
        out
    }

    #[test]
    fn errors_come_first_and_places_have_lines_and_columns() {
        let text = "<a>\n<b>x</b>\n</a>";
        let mut note = found("b-rule", "over two lines");
        note.primary = place("a.xml", text, "</b>\n</a>");
        note.level = Level::Info;
        let mut error = found("a-rule", "found `x`, expected `y`");
        error.primary = place("a.xml", text, "x");
        error.help = Some("write `y`".into());
        let mut cab = found("unsigned-cab", "not signed");
        cab.primary = Place::binary("p/a.cab", "signature[0]");
        cab.related = vec![(place("a.xml", text, "<b>"), "taken in here".into())];
        let outcome = outcome_of(&[("a.xml", text)], vec![note, error, cab]);
        let wanted = "\
::error file=a.xml,line=2,endLine=2,col=4,endColumn=4,title=a-rule::found `x`, expected `y`%0Ahelp: write `y`
::error file=p/a.cab,title=unsigned-cab::not signed%0Aa.xml:2:1: taken in here%0Aat: signature[0]
::notice file=a.xml,line=2,endLine=3,title=b-rule::over two lines
2 errors, 1 info
";
        assert_eq!(commands(&outcome), wanted);
    }

    #[test]
    fn a_file_cannot_start_a_command() {
        let mut finding = found("some-rule", "50% off\r\n::set-output name=a::b");
        finding.primary = Place::binary("a,b:c%\n::error::x.xml", "");
        let commands = commands(&outcome_of(&[], vec![finding]));
        let first = commands.lines().next().unwrap();
        assert_eq!(
            first,
            "::error file=a%2Cb%3Ac%25%0A%3A%3Aerror%3A%3Ax.xml,title=some-rule::50%25 off  ::set-output name=a::b"
        );
        assert_eq!(commands.lines().count(), 2);
    }
}
