//! Commands of scripts that are for development.

use super::rows;
use crate::diagnostic::Level;

const COMMANDS: &str = include_str!("../../../policies/debug-commands.tsv");

/// How many words of a command are looked at.
const MOST_WORDS: usize = 64;

/// A command that is for development.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DebugCommand {
    words: &'static str,
    /// How much it weighs.
    pub level: Level,
    /// What it does, for people.
    pub why: &'static str,
}

/// All of them.
pub fn debug_commands() -> impl Iterator<Item = DebugCommand> {
    rows(COMMANDS).filter_map(|[words, level, why]| {
        let level = Level::from_word(level)?;
        Some(DebugCommand { words, level, why })
    })
}

impl DebugCommand {
    /// Whether the words of a command line, in lower case, run it, wherever in the line it begins.
    pub fn is_in(&self, words: &[String]) -> bool {
        let words = words.get(..MOST_WORDS).unwrap_or(words);
        if words.first().is_some_and(|first| first == "echo") {
            return false;
        }
        let mut wanted = self.words.split(' ');
        let program = wanted.next().unwrap_or_default();
        let wanted: Vec<&str> = wanted.collect();
        let mut starts = words.iter().enumerate();
        starts.any(|(at, word)| {
            let name = word.rsplit(['/', '\\']).next().unwrap_or_default();
            let rest = words.get(at.saturating_add(1)..).unwrap_or_default();
            name.strip_suffix(".exe").unwrap_or(name) == program && follow(&wanted, rest)
        })
    }
}

/// Whether words begin with those wanted, `...` standing for any.
fn follow(wanted: &[&str], words: &[String]) -> bool {
    match wanted.split_first() {
        None => true,
        Some((&"...", rest)) => {
            (0..=words.len()).any(|skip| follow(rest, words.get(skip..).unwrap_or_default()))
        }
        Some((word, rest)) => words
            .split_first()
            .is_some_and(|(first, words)| first == word && follow(rest, words)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_read() {
        let lines = COMMANDS.lines().filter(|line| !line.starts_with('#'));
        assert_eq!(debug_commands().count(), lines.count());
    }
}
