//! `@buildFilter`: for which builds a part of a package definition is there.
//!
//! ```text
//! not build.isWow and build.arch = arm
//! ```
//!
//! The documents show `not`, `and`, `build.isWow` and `build.arch =`; `or`, `!=` and parentheses are read as everywhere.
//! Anything else is an error: what is not understood is neither left out nor put in.

/// Deepest nesting of parentheses and `not`.
const DEPTH_LIMIT: usize = 32;

/// What a filter asks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuildFacts<'a> {
    /// `build.arch`: `arm`, `arm64`, `x86` or `amd64`.
    pub architecture: &'a str,
    /// `build.isWow`: whether the twin for another processor's programs is built.
    pub is_wow: bool,
}

/// Why a filter is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildFilterError {
    /// Something else stands where this was expected.
    #[error("`{found}` stands where {expected} was expected")]
    Unexpected {
        /// What stands there; empty at the end.
        found: String,
        /// What can stand there.
        expected: &'static str,
    },
    /// Too much in one another.
    #[error("it is nested more than {DEPTH_LIMIT} deep")]
    TooDeep,
}

/// Whether a part with this filter is built; without a filter (an empty text) it always is.
///
/// # Errors
/// Where the filter is not understood.
pub fn build_filter(text: &str, facts: BuildFacts<'_>) -> Result<bool, BuildFilterError> {
    let mut words = Words { rest: text, facts };
    if words.peek().is_empty() {
        return Ok(true);
    }
    let is_built = words.any(0)?;
    match words.next() {
        "" => Ok(is_built),
        found => Err(unexpected(found, "the end")),
    }
}

fn unexpected(found: &str, expected: &'static str) -> BuildFilterError {
    BuildFilterError::Unexpected {
        found: found.to_owned(),
        expected,
    }
}

struct Words<'a> {
    rest: &'a str,
    facts: BuildFacts<'a>,
}

impl<'a> Words<'a> {
    /// The next word or sign; empty at the end.
    fn peek(&self) -> &'a str {
        let text = self.rest.trim_start();
        let is_sign = |c: char| matches!(c, '(' | ')' | '=' | '!');
        let length = match text.find(|c: char| c.is_whitespace() || is_sign(c)) {
            Some(0) if text.starts_with("!=") => 2,
            Some(0) => 1,
            Some(length) => length,
            None => text.len(),
        };
        text.get(..length).unwrap_or(text)
    }

    fn next(&mut self) -> &'a str {
        let word = self.peek();
        let text = self.rest.trim_start();
        self.rest = text.get(word.len()..).unwrap_or_default();
        word
    }

    fn take(&mut self, word: &str) -> bool {
        let is_next = self.peek().eq_ignore_ascii_case(word);
        if is_next {
            self.next();
        }
        is_next
    }

    fn any(&mut self, depth: usize) -> Result<bool, BuildFilterError> {
        let mut found = self.all(depth)?;
        while self.take("or") {
            found |= self.all(depth)?;
        }
        Ok(found)
    }

    fn all(&mut self, depth: usize) -> Result<bool, BuildFilterError> {
        let mut found = self.one(depth)?;
        while self.take("and") {
            found &= self.one(depth)?;
        }
        Ok(found)
    }

    fn one(&mut self, depth: usize) -> Result<bool, BuildFilterError> {
        if depth > DEPTH_LIMIT {
            return Err(BuildFilterError::TooDeep);
        }
        let deeper = depth.saturating_add(1);
        if self.take("not") {
            return Ok(!self.one(deeper)?);
        }
        if self.take("(") {
            let found = self.any(deeper)?;
            return match self.next() {
                ")" => Ok(found),
                other => Err(unexpected(other, "`)`")),
            };
        }
        if self.take("build.isWow") {
            return Ok(self.facts.is_wow);
        }
        if !self.take("build.arch") {
            return Err(unexpected(
                self.next(),
                "`build.arch`, `build.isWow` or `not`",
            ));
        }
        let is_same = match self.next() {
            "=" => true,
            "!=" => false,
            other => return Err(unexpected(other, "`=`")),
        };
        match self.next() {
            word @ ("" | "(" | ")" | "=" | "!=" | "!") => Err(unexpected(word, "a processor")),
            word => {
                let word = word.trim_matches(['"', '\'']);
                Ok(word.eq_ignore_ascii_case(self.facts.architecture) == is_same)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(architecture: &str, text: &str) -> Result<bool, BuildFilterError> {
        let is_wow = false;
        build_filter(
            text,
            BuildFacts {
                architecture,
                is_wow,
            },
        )
    }

    #[test]
    fn filters_choose_by_processor() {
        for (text, arm, amd64) in [
            ("", true, true),
            ("not build.isWow and build.arch = arm", true, false),
            ("build.isWow", false, false),
            ("build.arch=amd64", false, true),
            ("build.arch != arm", false, true),
            ("build.arch = x86 or build.arch = ARM", true, false),
            ("not (build.arch = arm or build.isWow)", false, true),
        ] {
            assert_eq!(on("arm", text), Ok(arm), "{text}");
            assert_eq!(on("amd64", text), Ok(amd64), "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for text in [
            "build.type = fre",
            "build.arch",
            "build.arch = ",
            "(build.isWow",
            "not",
            "build.isWow x",
            "build.arch > arm",
        ] {
            assert!(on("arm", text).is_err(), "{text}");
        }
        assert_eq!(
            on("arm", &"not ".repeat(100_000)),
            Err(BuildFilterError::TooDeep)
        );
        assert_eq!(
            on("arm", &"(".repeat(100_000)),
            Err(BuildFilterError::TooDeep)
        );
    }
}
