//! `%NAME%` and `$(name)`: the variables of image inputs and the macros of package definitions.

use std::collections::{BTreeMap, BTreeSet};

/// Deepest nesting of variables whose values hold variables.
const DEPTH_LIMIT: usize = 8;
/// Longest text before and after the expansion, bytes.
const LENGTH_LIMIT: usize = 64 * 1024;
/// Most variables replaced in one text.
const REPLACEMENT_LIMIT: usize = 1024;

/// Values by name; names are compared without letter case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Variables {
    values: BTreeMap<String, String>,
}

/// An expanded text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expansion {
    /// The text; variables that are not known stand in it as they were written.
    pub text: String,
    /// The names that are not known, each once, as first written, sorted.
    pub unknown: BTreeSet<String>,
    /// Whether variables were left as they stand because there were too many, too deep or too long.
    pub stopped: bool,
}

impl Variables {
    /// No variables.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a variable and returns its former value.
    pub fn insert(&mut self, name: &str, value: impl Into<String>) -> Option<String> {
        self.values.insert(name.to_lowercase(), value.into())
    }

    /// The value of a variable, not expanded.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(&name.to_lowercase()).map(String::as_str)
    }

    /// The names of all variables, in lower case, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// Replaces every `%NAME%` and `$(name)`, also those in values. Time and memory are bounded whatever the values
    /// hold, themselves included.
    pub fn expand(&self, text: &str) -> Expansion {
        if text.len() > LENGTH_LIMIT {
            return Expansion {
                text: text.to_owned(),
                unknown: BTreeSet::new(),
                stopped: true,
            };
        }
        let mut expansion = Expansion::default();
        let mut left = REPLACEMENT_LIMIT;
        self.append(text, 0, &mut left, &mut expansion);
        expansion
    }

    fn append(&self, text: &str, depth: usize, left: &mut usize, to: &mut Expansion) {
        let mut rest = text;
        while let Some((before, reference, after)) = next_reference(rest) {
            push(to, before);
            rest = after;
            let value = self.get(reference.name);
            match value {
                Some(value) if depth < DEPTH_LIMIT && *left > 0 && value.len() <= LENGTH_LIMIT => {
                    *left = left.saturating_sub(1);
                    self.append(value, depth.saturating_add(1), left, to);
                }
                Some(_) => {
                    to.stopped = true;
                    push(to, reference.written);
                }
                None => {
                    to.unknown.insert(reference.name.to_owned());
                    push(to, reference.written);
                }
            }
        }
        push(to, rest);
    }
}

impl<N: AsRef<str>, V: Into<String>> FromIterator<(N, V)> for Variables {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut variables = Self::new();
        for (name, value) in pairs {
            variables.insert(name.as_ref(), value);
        }
        variables
    }
}

/// The names of all variables in a text, in order, as written.
pub fn references(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (_, reference, after) = next_reference(rest)?;
        rest = after;
        Some(reference.name)
    })
}

/// A variable in a text.
struct Reference<'a> {
    /// With its signs.
    written: &'a str,
    name: &'a str,
}

/// The text before the next variable, the variable, and the text after it.
fn next_reference(text: &str) -> Option<(&str, Reference<'_>, &str)> {
    let mut from = 0;
    loop {
        let found = text.get(from..)?.find(['%', '$'])?;
        let start = from.saturating_add(found);
        let at = text.get(start..)?;
        let (opening, closing) = if at.starts_with('%') {
            ("%", "%")
        } else {
            ("$(", ")")
        };
        let body = at.strip_prefix(opening).unwrap_or_default();
        let length = body
            .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | '-')))
            .unwrap_or(body.len());
        let (name, tail) = body.split_at_checked(length)?;
        if let Some(after) = tail.strip_prefix(closing).filter(|_| !name.is_empty()) {
            let written = at.get(..at.len().saturating_sub(after.len()))?;
            let reference = Reference { written, name };
            return Some((text.get(..start)?, reference, after));
        }
        from = start.saturating_add(1);
    }
}

/// Appends as far as the text may grow.
fn push(to: &mut Expansion, text: &str) {
    if to.text.len().saturating_add(text.len()) <= LENGTH_LIMIT {
        to.text.push_str(text);
    } else {
        to.stopped = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> Variables {
        Variables::from_iter([
            ("BLD_DIR", r"C:\Build\%BSP_ARCH%"),
            ("bsp_arch", "arm"),
            ("fmdirectory", r"%bld_dir%\FMs"),
        ])
    }

    #[test]
    fn both_signs_and_any_case_are_replaced_within_values_too() {
        let expansion = variables().expand(r"$(FMDirectory)\%Bsp_Arch%FM.xml");
        assert_eq!(expansion.text, r"C:\Build\arm\FMs\armFM.xml");
        assert!(expansion.unknown.is_empty() && !expansion.stopped);
    }

    #[test]
    fn unknown_names_stay_and_are_told_once() {
        let expansion = variables().expand(r"%X%\$(y.z)\%X%\%BSP_ARCH%");
        assert_eq!(expansion.text, r"%X%\$(y.z)\%X%\arm");
        assert!(expansion.unknown.iter().eq(["X", "y.z"]));
        assert!(references(r"%X%\$(y.z)").eq(["X", "y.z"]));
    }

    #[test]
    fn lone_signs_are_text() {
        for text in [
            "",
            "100% of 20%",
            "iot-%RAND:7%",
            "%%",
            "$()",
            "$(a",
            "a$b",
            "%ü",
            "$",
            "%",
        ] {
            let expansion = variables().expand(text);
            assert_eq!(
                (expansion.text.as_str(), expansion.unknown.len()),
                (text, 0),
                "{text}"
            );
        }
        assert_eq!(variables().expand("50% %bsp_arch%").text, "50% arm");
    }

    #[test]
    fn values_that_hold_themselves_stop() {
        let mut variables = Variables::new();
        variables.insert("a", "x%A%");
        let expansion = variables.expand("%a%");
        assert!(expansion.stopped && expansion.text.ends_with("%A%"));
        assert_eq!(expansion.text.matches('x').count(), DEPTH_LIMIT);
    }

    #[test]
    fn exponential_and_long_values_stop() {
        let mut variables = Variables::new();
        variables.insert("0", "");
        for level in 1..8_usize {
            variables.insert(&level.to_string(), format!("%{}%", level - 1).repeat(1000));
        }
        let expansion = variables.expand("%7%");
        assert!(expansion.stopped && expansion.text.len() <= LENGTH_LIMIT);
        variables.insert("long", "l".repeat(LENGTH_LIMIT));
        assert!(!variables.expand("%long%").stopped);
        let twice = variables.expand("%long%%long%");
        assert!(twice.stopped && twice.text.len() == LENGTH_LIMIT);
        variables.insert("long", "l".repeat(LENGTH_LIMIT + 1));
        assert_eq!(variables.expand("%long%").text, "%long%");
        let text = "%".repeat(LENGTH_LIMIT + 1);
        assert!(variables.expand(&text).stopped);
    }
}
