//! Which files are left as they are: HAL extensions, and what the caller names.

/// What HAL extensions have in their names. Only Microsoft can sign them for a device that is sold, so the signature
/// that they have is the one that they need.
const HAL_EXTENSION: &str = ".halext";

/// A pattern of names: `*` stands for any number of characters, `?` for one; case and the kind of slash do not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob(Vec<char>);

impl Glob {
    /// Reads a pattern.
    pub fn new(pattern: &str) -> Self {
        Self(folded(pattern))
    }

    /// Whether the pattern matches the whole path or its last part.
    pub fn matches(&self, path: &str) -> bool {
        let path = folded(path);
        let last = path.rsplit(|c| *c == '/').next().unwrap_or_default();
        self.matches_text(&path) || self.matches_text(last)
    }

    /// Compares with one point to go back to, the last `*`: time is at most the product of both lengths.
    fn matches_text(&self, text: &[char]) -> bool {
        let (mut at, mut pattern_at) = (0_usize, 0_usize);
        let mut star: Option<(usize, usize)> = None;
        loop {
            let pattern = self.0.get(pattern_at);
            match (pattern, text.get(at)) {
                (None, None) => return true,
                (Some('*'), _) => {
                    pattern_at = pattern_at.saturating_add(1);
                    star = Some((pattern_at, at));
                }
                (Some(wanted), Some(found)) if *wanted == '?' || wanted == found => {
                    pattern_at = pattern_at.saturating_add(1);
                    at = at.saturating_add(1);
                }
                _ => match star {
                    Some((after, from)) if from < text.len() => {
                        let from = from.saturating_add(1);
                        star = Some((after, from));
                        (pattern_at, at) = (after, from);
                    }
                    _ => return false,
                },
            }
        }
    }
}

fn folded(text: &str) -> Vec<char> {
    text.replace('\\', "/").to_lowercase().chars().collect()
}

/// Why a file of this path is not signed.
pub(super) fn reason(path: &str, globs: &[Glob]) -> Option<&'static str> {
    if path.to_lowercase().contains(HAL_EXTENSION) {
        return Some("it is a HAL extension");
    }
    let named = globs.iter().any(|glob| glob.matches(path));
    named.then_some("it was named")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_paths_and_names() {
        let cases = [
            ("*.sys", "a/b/Driver.SYS", true),
            ("driver.sys", "a\\b\\driver.sys", true),
            ("a/*/driver.sys", "A/b/driver.sys", true),
            ("a/?/driver.sys", "a/bb/driver.sys", false),
            ("*a*b", "xaxbxab", true),
            ("*a*b", "xaxbxa", false),
            ("", "a", false),
            ("*", "", true),
            ("b/driver.sys", "a/b/driver.sys", false),
        ];
        for (pattern, path, expected) in cases {
            assert_eq!(
                Glob::new(pattern).matches(path),
                expected,
                "{pattern} {path}"
            );
        }
        let long = "a*".repeat(200);
        assert!(!Glob::new(&long).matches(&"a".repeat(199)));
    }

    #[test]
    fn hal_extensions_are_known_by_their_names() {
        assert!(reason("Contoso.HalExtension.cab", &[]).is_some());
        assert!(reason("arm_contoso.halext0_1/x.dll", &[]).is_some());
        assert!(reason("halext.dll", &[]).is_none());
    }
}
