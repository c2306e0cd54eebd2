//! Edits of a document's text, put into its bytes in the encoding that these have.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::decode::{self, Reading};
use crate::source::Span;

/// Why edits cannot be put into a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RewriteError {
    /// The bytes are no text, so that nobody can say which of them a place of the text is.
    #[error("the file cannot be decoded")]
    Undecodable,
    /// Edits are not in order, overlap, or lie outside the text.
    #[error("the edits are not in order")]
    NotInOrder,
    /// A new text has characters that the file's encoding does not have.
    #[error("the new text cannot be written in {0}")]
    Unencodable(&'static str),
    /// The text does not give its bytes back, as in encodings that can write one text in two ways.
    #[error("the text does not lead back to its bytes in {0}")]
    NotReversible(&'static str),
}

/// The bytes of the file `name` after `edits`, which are sorted and do not overlap: spans of the decoded text and what
/// stands there afterwards. Every byte that no edit touches stays, the byte-order mark included.
///
/// # Errors
/// See [`RewriteError`].
pub fn rewrite(name: &str, bytes: &[u8], edits: &[(Span, &str)]) -> Result<Vec<u8>, RewriteError> {
    let source = decode::decode(name, bytes).map_err(|_| RewriteError::Undecodable)?;
    let text = source.text();
    let Reading {
        encoding,
        bom_length,
        ..
    } = decode::reading(name, bytes);
    let mut old = Cursor {
        encoding,
        rest: bytes,
    };
    let (mark, rest) = bytes
        .split_at_checked(bom_length)
        .ok_or(RewriteError::Undecodable)?;
    old.rest = rest;
    let mut written = mark.to_vec();
    let mut edited = String::with_capacity(text.len());
    let mut position = 0;
    for (span, new) in edits {
        let kept = text.get(position..span.start);
        let kept = kept.ok_or(RewriteError::NotInOrder)?;
        let replaced = text.get(span.range()).ok_or(RewriteError::NotInOrder)?;
        written.extend_from_slice(old.take(kept)?);
        old.take(replaced)?;
        written.extend_from_slice(&encode(encoding, new)?);
        edited.push_str(kept);
        edited.push_str(new);
        position = span.end;
    }
    edited.push_str(text.get(position..).ok_or(RewriteError::NotInOrder)?);
    written.extend_from_slice(old.rest);
    // An edit of the declaration may have changed how the whole is read.
    match decode::decode(name, &written) {
        Ok(read) if read.text() == edited => Ok(written),
        _ => Err(RewriteError::NotReversible(encoding.name())),
    }
}

/// The bytes that are not yet copied.
struct Cursor<'a> {
    encoding: &'static Encoding,
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// The bytes of the text that comes next.
    fn take(&mut self, text: &str) -> Result<&'a [u8], RewriteError> {
        let not_reversible = RewriteError::NotReversible(self.encoding.name());
        let expected = encode(self.encoding, text).map_err(|_| not_reversible)?;
        let (taken, rest) = self
            .rest
            .split_at_checked(expected.len())
            .ok_or(not_reversible)?;
        if taken != expected {
            return Err(not_reversible);
        }
        self.rest = rest;
        Ok(taken)
    }
}

fn encode(encoding: &'static Encoding, text: &str) -> Result<Vec<u8>, RewriteError> {
    if encoding == UTF_8 {
        return Ok(text.as_bytes().to_vec());
    }
    if encoding == UTF_16LE {
        return Ok(text.encode_utf16().flat_map(u16::to_le_bytes).collect());
    }
    if encoding == UTF_16BE {
        return Ok(text.encode_utf16().flat_map(u16::to_be_bytes).collect());
    }
    match encoding.encode(text) {
        (bytes, _, false) => Ok(bytes.into_owned()),
        (_, _, true) => Err(RewriteError::Unencodable(encoding.name())),
    }
}

/// A value as it stands between the quotes of an attribute, line ends kept.
pub fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\'' => text.push_str("&apos;"),
            '\t' | '\n' | '\r' => text.push_str(&format!("&#x{:X};", u32::from(character))),
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, word: &str) -> Span {
        let start = text.find(word).unwrap();
        Span::from(start..start + word.len())
    }

    const TEXT: &str = "<?xml version='1.0' encoding='UTF-16'?>\r\n<a>ü€ <b>old</b>𝄞</a>\r\n";

    fn wide(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(order).collect()
    }

    #[test]
    fn every_other_byte_stays_in_every_encoding() {
        let edited = TEXT.replace("old", "new ü").replace("<a>", "<!-- a --><a>");
        let start = at(TEXT, "<a>").start;
        let edits = [
            (Span { start, end: start }, "<!-- a -->"),
            (at(TEXT, "old"), "new ü"),
        ];
        for order in [u16::to_le_bytes, u16::to_be_bytes] {
            for mark in ["", "\u{feff}"] {
                let bytes = wide(&format!("{mark}{TEXT}"), order);
                let wanted = wide(&format!("{mark}{edited}"), order);
                assert_eq!(rewrite("a.xml", &bytes, &edits), Ok(wanted));
            }
        }
        let utf_8 = |text: &str| text.replace(" encoding='UTF-16'", "");
        for mark in ["", "\u{feff}"] {
            let text = utf_8(TEXT);
            let edits = [(at(&text, "old"), "new ü")];
            let wanted = format!("{mark}{}", text.replace("old", "new ü"));
            let bytes = format!("{mark}{text}");
            assert_eq!(
                rewrite("a.xml", bytes.as_bytes(), &edits),
                Ok(wanted.into())
            );
        }
        let latin = b"<?xml version='1.0' encoding='windows-1252'?><a>\xfc\x80<b/></a>";
        let text = decode::decode("a.xml", latin).unwrap();
        let edits = [(at(text.text(), "<b/>"), "ä")];
        let wanted = b"<?xml version='1.0' encoding='windows-1252'?><a>\xfc\x80\xe4</a>";
        assert_eq!(rewrite("a.xml", latin, &edits), Ok(wanted.to_vec()));
        let edits = [(at(text.text(), "<b/>"), "テ")];
        let refused = RewriteError::Unencodable("windows-1252");
        assert_eq!(rewrite("a.xml", latin, &edits), Err(refused));
    }

    #[test]
    fn no_edits_change_nothing_and_edits_out_of_order_are_refused() {
        assert_eq!(rewrite("a.xml", b"<a/>", &[]), Ok(b"<a/>".to_vec()));
        let edit = |start, end| (Span { start, end }, "");
        for edits in [
            [edit(2, 3), edit(0, 1)],
            [edit(0, 2), edit(1, 3)],
            [edit(0, 1), edit(3, 9)],
            [edit(2, 1), edit(3, 4)],
        ] {
            assert_eq!(
                rewrite("a.xml", b"<a/>", &edits),
                Err(RewriteError::NotInOrder)
            );
        }
    }

    #[test]
    fn what_is_read_in_another_way_afterwards_is_refused() {
        let text = "<?xml version='1.0' encoding='utf-8'?><a>ü</a>";
        let edits = [(at(text, "utf-8"), "UTF-16")];
        assert!(rewrite("a.xml", text.as_bytes(), &edits).is_err());
        assert_eq!(
            rewrite("a.xml", b"<a>\xff</a>", &[]),
            Err(RewriteError::Undecodable)
        );
    }
}
