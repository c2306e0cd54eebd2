//! The variables of paths and names: `%OEM_NAME%`, `$(OEMNAME)`.

use std::collections::BTreeMap;

/// Variables and their values; names are compared without regard to case, as the imaging tools do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables {
    values: BTreeMap<String, String>,
}

/// A text with its variables replaced as far as they are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expanded {
    /// The text; unknown variables stand as they were written.
    pub text: String,
    /// The variables that nobody defines, as written, e.g. `%MSPKG_DIR%`.
    pub unknown: Vec<String>,
}

/// How often values are expanded again; a variable that contains itself ends there.
const ROUNDS: usize = 8;
/// Bytes after which expansion stops: values may double in every round.
const LONGEST: usize = 4096;

impl Variables {
    /// Sets a variable; the name is without `%` and `$()`.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.values.insert(name.to_ascii_uppercase(), value.into());
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(&name.to_ascii_uppercase()).map(String::as_str)
    }

    /// Replaces `%NAME%` and `$(NAME)` by their values, and the variables in those.
    pub fn expand(&self, text: &str) -> Expanded {
        let mut expanded = self.expand_once(text);
        for _ in 1..ROUNDS {
            let again = self.expand_once(&expanded.text);
            if again.text == expanded.text || again.text.len() > LONGEST {
                break;
            }
            expanded = again;
        }
        expanded
    }

    fn expand_once(&self, text: &str) -> Expanded {
        let mut out = String::with_capacity(text.len());
        let mut unknown = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find(['%', '$']) {
            let (before, from) = rest.split_at(start);
            out.push_str(before);
            match variable(from) {
                Some((name, after)) => {
                    let written = from.strip_suffix(after).unwrap_or(from);
                    match self.get(name) {
                        Some(value) => out.push_str(value),
                        None => {
                            out.push_str(written);
                            unknown.push(written.to_owned());
                        }
                    }
                    rest = after;
                }
                None => {
                    let mut characters = from.chars();
                    out.extend(characters.next());
                    rest = characters.as_str();
                }
            }
        }
        out.push_str(rest);
        Expanded { text: out, unknown }
    }
}

/// The variable that a text starts with and what follows it.
fn variable(text: &str) -> Option<(&str, &str)> {
    let (name, after) = match text.strip_prefix("$(") {
        Some(rest) => rest.split_once(')')?,
        None => text.strip_prefix('%')?.split_once('%')?,
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    (!name.is_empty() && name.chars().all(is_name)).then_some((name, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> Variables {
        let mut variables = Variables::default();
        variables.set("OEM_NAME", "Contoso");
        variables.set("BLD_DIR", r"%IOTWKSPACE%\Build\%BSP_ARCH%");
        variables.set("IoTWkspace", "w");
        variables.set("LOOP", "%LOOP%%LOOP%");
        variables
    }

    #[test]
    fn both_notations_are_expanded_in_any_case_and_through_values() {
        let expanded = variables().expand(r"$(oem_name).%oem_name%.cab");
        assert_eq!(expanded.text, "Contoso.Contoso.cab");
        let expanded = variables().expand(r"%BLD_DIR%\pkgs");
        assert_eq!(expanded.text, r"w\Build\%BSP_ARCH%\pkgs");
        assert_eq!(expanded.unknown, ["%BSP_ARCH%"]);
    }

    #[test]
    fn what_is_no_variable_stays() {
        for text in ["100%", "%RAND:4%", "a $(b", "$x %% 5", ""] {
            assert_eq!(variables().expand(text).text, text);
            assert!(variables().expand(text).unknown.is_empty());
        }
    }

    #[test]
    fn a_variable_that_contains_itself_ends() {
        assert!(variables().expand("%LOOP%").text.len() <= LONGEST);
    }
}
