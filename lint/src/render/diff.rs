//! What fixes change, as a unified diff that `patch -p0` and `git apply -p0` read.

use similar::TextDiff;

use formats::document::decode;

use crate::fix::MendedFile;

/// Lines around a change.
const CONTEXT: usize = 3;

/// The difference of one file. Files that are not UTF-8 are shown decoded, which is for people alone.
pub fn render(file: &MendedFile) -> String {
    let (before, after) = (
        text(&file.path, &file.before),
        text(&file.path, &file.after),
    );
    TextDiff::from_lines(&before, &after)
        .unified_diff()
        .context_radius(CONTEXT)
        .header(&file.path, &file.path)
        .to_string()
}

/// A file's text; of a UTF-8 file all of it, the byte-order mark too.
fn text(path: &str, bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => text.to_owned(),
        _ => match decode::decode(path, bytes) {
            Ok(source) => source.text().to_owned(),
            Err(undecodable) => undecodable.source.text().to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_shown_with_the_lines_around_it_and_their_ends() {
        let before = "\u{feff}1\r\n2\r\n3\r\n4\r\n5\r\n6\r\n";
        let file = MendedFile {
            path: "a.xml".into(),
            before: before.into(),
            after: before.replace("5\r\n", "five\r\n").into(),
        };
        assert_eq!(
            render(&file),
            "--- a.xml\n+++ a.xml\n@@ -2,5 +2,5 @@\n 2\r\n 3\r\n 4\r\n-5\r\n+five\r\n 6\r\n"
        );
    }

    #[test]
    fn wide_text_is_shown_as_text() {
        let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let file = MendedFile {
            path: "a.reg".into(),
            before: wide("\u{feff}a\n"),
            after: wide("\u{feff}b\n"),
        };
        assert!(render(&file).ends_with("-a\n+b\n"));
    }
}
