//! `*.cmd` and `*.bat`: the commands that a device runs, one after the other, without what is not run.

use super::error::DocumentError;
use super::xml;
use crate::source::{Source, Span, Spanned};

/// Most lines and commands of a file together.
pub const COMMAND_LIMIT: usize = 200_000;

/// A command script.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommandScript {
    /// The commands as they stand, in order, each without the signs between commands. Comments (`rem`, `::`) and labels
    /// are left out; what is only run under a condition is a command like any other.
    pub commands: Vec<Spanned<String>>,
}

impl CommandScript {
    /// Reads a command script.
    ///
    /// # Errors
    /// [`super::error::DocumentProblem::Limit`] beyond [`COMMAND_LIMIT`].
    pub fn parse(source: &Source) -> Result<Self, DocumentError> {
        let mut script = Self::default();
        for number in 1..=source.line_count() {
            let line = source.line(number);
            let found = script.commands.len().saturating_add(number);
            xml::limit("lines and commands", found, COMMAND_LIMIT, line)?;
            script.read(source, line);
        }
        Ok(script)
    }

    /// Reads the commands of a line, which `&` and `|` outside of quotes separate.
    fn read(&mut self, source: &Source, line: Span) {
        let text = source.slice(line);
        let mut start = 0_usize;
        let mut quoted = false;
        let mut escaped = false;
        for (index, character) in text.char_indices() {
            match character {
                _ if escaped => escaped = false,
                '^' if !quoted => escaped = true,
                '"' => quoted = !quoted,
                '&' | '|' if !quoted => {
                    self.push(text, line, start, index);
                    start = index.saturating_add(1);
                }
                _ => {}
            }
        }
        self.push(text, line, start, text.len());
    }

    fn push(&mut self, text: &str, line: Span, start: usize, end: usize) {
        let piece = text.get(start..end).unwrap_or_default();
        let around = |c: char| c.is_whitespace() || matches!(c, '@' | '(' | ')');
        let command = piece.trim_start_matches(around);
        let ahead = piece.len().saturating_sub(command.len());
        let command = command.trim_end_matches(around);
        let first = command.split_whitespace().next().unwrap_or_default();
        if command.is_empty() || command.starts_with(':') || first.eq_ignore_ascii_case("rem") {
            return;
        }
        let at = line.start.saturating_add(start).saturating_add(ahead);
        self.commands.push(Spanned {
            value: command.to_owned(),
            span: Span::from(at..at.saturating_add(command.len())),
        });
    }
}

/// The words of a command in lower case, quotes left out.
pub fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    for character in command.chars() {
        match character {
            '"' => quoted = !quoted,
            character if character.is_whitespace() && !quoted => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            character => word.extend(character.to_lowercase()),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(text: &str) -> Vec<String> {
        let source = Source::new("a.cmd", text, 0);
        let script = CommandScript::parse(&source).unwrap();
        for command in &script.commands {
            assert_eq!(source.slice(command.span), command.value);
        }
        script
            .commands
            .into_iter()
            .map(|command| command.value)
            .collect()
    }

    #[test]
    fn comments_and_labels_are_no_commands() {
        let text = "@echo off\r\nrem net start sshd\r\n:: x\r\n:label\r\n  net start sshd\r\n";
        assert_eq!(commands(text), ["echo off", "net start sshd"]);
        assert!(commands("REM\n\n").is_empty());
    }

    #[test]
    fn several_commands_of_a_line_are_taken_apart_outside_of_quotes() {
        let found = commands("if exist a (net stop x) else reg add \"a&b\" && del c ^& d | more");
        let wanted = [
            "if exist a (net stop x) else reg add \"a&b\"",
            "del c ^& d",
            "more",
        ];
        assert_eq!(found, wanted);
    }

    #[test]
    fn words_are_lower_case_without_quotes() {
        assert_eq!(words("  Net \"User  A\" /ADD"), ["net", "user  a", "/add"]);
        assert!(words(" \"\" ").is_empty());
    }

    #[test]
    fn commands_are_counted() {
        let many = "a&".repeat(COMMAND_LIMIT + 1);
        assert!(CommandScript::parse(&Source::new("a.cmd", format!("{many}\nb"), 0)).is_err());
    }
}
