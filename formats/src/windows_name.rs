//! Names as Windows has them: UTF-16 in files, compared without case.

/// The text of little-endian UTF-16; an odd byte at the end is left out.
pub(crate) fn utf16(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).filter_map(|unit| match unit {
        [low, high] => Some(u16::from_le_bytes([*low, *high])),
        _ => None,
    });
    String::from_utf16_lossy(&units.collect::<Vec<_>>())
}

/// Whether two names are one to Windows.
pub(crate) fn is_same(a: &str, b: &str) -> bool {
    upcase(a).eq(upcase(b))
}

/// The index of the name that `wanted` means: an equal one, else the first that differs in case alone.
pub(crate) fn best<'a>(names: impl Iterator<Item = &'a str>, wanted: &str) -> Option<usize> {
    let mut other = None;
    for (index, name) in names.enumerate() {
        if name == wanted {
            return Some(index);
        }
        if other.is_none() && is_same(name, wanted) {
            other = Some(index);
        }
    }
    other
}

/// Upper case where that is one character, as `$UpCase` and the registry have it: nothing but the letters of ASCII becomes
/// one of them (the dotless i and the long s stay what they are).
fn upcase(text: &str) -> impl Iterator<Item = char> {
    text.chars().map(|c| {
        let mut upper = c.to_uppercase();
        match (upper.next(), upper.next()) {
            (Some(upper), None) if upper.is_ascii() == c.is_ascii() => upper,
            _ => c,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_is_that_of_windows() {
        assert!(is_same("SOFTWARE", "software"));
        assert!(is_same("Ünïcode", "ÜNÏCODE"));
        assert!(!is_same("ſoftware", "software"));
        assert!(!is_same("wındows", "windows"));
        assert!(!is_same("straße", "STRASSE"));
        assert_eq!(best(["a", "A", "b"].into_iter(), "A"), Some(1));
        assert_eq!(best(["a", "A", "b"].into_iter(), "B"), Some(2));
    }
}
