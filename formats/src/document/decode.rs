//! Bytes to text: byte-order marks, declared encodings, and files that lie about theirs.

use encoding_rs::{DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::error::{DocumentError, DocumentProblem};
use crate::source::{Source, Span, Spanned};

/// Largest accepted file, bytes. The largest real input has some 100 KiB.
pub const SIZE_LIMIT: usize = 16 * 1024 * 1024;

/// How far an XML declaration is searched for its encoding, bytes.
const DECLARATION_LIMIT: usize = 1024;

/// Text that is not what its bytes or its declaration ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecodable {
    /// What could be decoded, with replacement characters, so that the place can be shown; empty where the file is
    /// too large.
    pub source: Source,
    /// What is wrong and where.
    pub error: DocumentError,
}

/// Decodes a file called `name`.
///
/// A byte-order mark decides; without one the encoding of the XML declaration does, and without a declaration it is
/// UTF-8, or UTF-16 where every other byte of the beginning is NUL. Registry files, INF files and command scripts that
/// are not UTF-8 are read as Windows-1252, because they declare nothing and old ones are in the code page of their author.
///
/// # Errors
/// [`DocumentProblem::Limit`] beyond [`SIZE_LIMIT`], [`DocumentProblem::UnknownEncoding`],
/// [`DocumentProblem::EncodingContradiction`] where bytes and declaration disagree, and
/// [`DocumentProblem::InvalidBytes`].
pub fn decode(name: &str, bytes: &[u8]) -> Result<Source, Box<Undecodable>> {
    if bytes.len() > SIZE_LIMIT {
        let problem = DocumentProblem::Limit {
            what: "bytes of a document",
            found: bytes.len(),
            limit: SIZE_LIMIT,
        };
        return Err(Box::new(Undecodable {
            source: Source::new(name, "", 0),
            error: DocumentError::new(0..0, problem),
        }));
    }
    let Reading {
        encoding,
        bom_length,
        contradiction,
    } = reading(name, bytes);
    let body = bytes.get(bom_length..).unwrap_or_default();
    let (text, invalid) = decode_body(encoding, body);
    let source = Source::new(name, text, bom_length);
    let first_invalid = invalid.map(|span| {
        let problem = DocumentProblem::InvalidBytes(encoding.name());
        DocumentError { span, problem }
    });
    match contradiction.or(first_invalid) {
        None => Ok(source),
        Some(error) => Err(Box::new(Undecodable { source, error })),
    }
}

/// How bytes are to be read as text.
pub(super) struct Reading {
    pub(super) encoding: &'static Encoding,
    /// Bytes of the byte-order mark.
    pub(super) bom_length: usize,
    /// What the declaration has to say against it.
    contradiction: Option<DocumentError>,
}

/// Finds out how a file called `name` is to be read.
pub(super) fn reading(name: &str, bytes: &[u8]) -> Reading {
    let (found, bom_length) = match Encoding::for_bom(bytes) {
        Some((encoding, length)) => (Some(encoding), length),
        None => (unmarked_utf_16(bytes), 0),
    };
    let body = bytes.get(bom_length..).unwrap_or_default();
    let declared = declared_encoding(body, found);
    let (encoding, contradiction) = choose(name, body, found, bom_length > 0, declared);
    Reading {
        encoding,
        bom_length,
        contradiction,
    }
}

/// The bytes after the mark of a file whose beginning these are, where it is read as UTF-8 and nothing speaks against it.
pub(super) fn utf_8_body<'b>(name: &str, beginning: &'b [u8]) -> Option<&'b [u8]> {
    let reading = reading(name, beginning);
    let is_plain = reading.encoding == UTF_8 && reading.contradiction.is_none();
    is_plain.then(|| beginning.get(reading.bom_length..))?
}

/// UTF-16 without a byte-order mark: the first character is ASCII and half of it is NUL.
fn unmarked_utf_16(bytes: &[u8]) -> Option<&'static Encoding> {
    match bytes {
        [first, 0, _, 0, ..] if *first != 0 => Some(UTF_16LE),
        [0, second, 0, _, ..] if *second != 0 => Some(UTF_16BE),
        _ => None,
    }
}

/// The `encoding` of the XML declaration; its span counts bytes of the decoded text.
fn declared_encoding(body: &[u8], found: Option<&'static Encoding>) -> Option<Spanned<String>> {
    let head = body.get(..body.len().min(DECLARATION_LIMIT))?;
    let (text, _) = found
        .unwrap_or(WINDOWS_1252)
        .decode_without_bom_handling(head);
    let declaration = text.strip_prefix("<?xml")?;
    let declaration = declaration.get(..declaration.find("?>")?)?;
    // Only then are the offsets here also those of the text, whatever the encoding turns out to be.
    if !declaration.is_ascii() {
        return None;
    }
    let (before, after) = declaration.split_once("encoding")?;
    let value = after.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let label = value.strip_prefix(quote)?;
    let label = label.get(..label.find(quote)?)?;
    let skipped = after.len().saturating_sub(value.len());
    let start = ["<?xml", before, "encoding"]
        .iter()
        .fold(skipped, |sum, part| sum.saturating_add(part.len()))
        .saturating_add(1);
    Some(Spanned {
        value: label.to_owned(),
        span: Span::from(start..start.saturating_add(label.len())),
    })
}

/// The encoding to read with, and what the declaration has to say against it.
fn choose(
    name: &str,
    body: &[u8],
    found: Option<&'static Encoding>,
    marked: bool,
    declared: Option<Spanned<String>>,
) -> (&'static Encoding, Option<DocumentError>) {
    let Some(declared) = declared else {
        let in_code_page = declares_nothing(name, body) && std::str::from_utf8(body).is_err();
        let fallback = if in_code_page { WINDOWS_1252 } else { UTF_8 };
        return (found.unwrap_or(fallback), None);
    };
    let contradiction = |found: &'static str| {
        let problem = DocumentProblem::EncodingContradiction {
            declared: declared.value.clone(),
            found,
        };
        Some(DocumentError::new(declared.span, problem))
    };
    let Some(asked) = known_encoding(&declared.value) else {
        let problem = DocumentProblem::UnknownEncoding(declared.value.clone());
        let error = DocumentError::new(declared.span, problem);
        return (found.unwrap_or(UTF_8), Some(error));
    };
    let wide = |encoding: &'static Encoding| encoding == UTF_16LE || encoding == UTF_16BE;
    match found {
        // "UTF-16" leaves the order of the bytes to the mark; the label is known here as its little-endian form.
        Some(encoding) if wide(encoding) && wide(asked) => (encoding, None),
        Some(encoding) if encoding == asked => (encoding, None),
        Some(encoding) if marked => (
            encoding,
            contradiction(match encoding.name() {
                "UTF-16LE" => "UTF-16 in little-endian order by their mark",
                "UTF-16BE" => "UTF-16 in big-endian order by their mark",
                _ => "UTF-8 by their mark",
            }),
        ),
        Some(encoding) => (encoding, contradiction("UTF-16")),
        None if wide(asked) => (UTF_8, contradiction("single bytes")),
        None => (asked, None),
    }
}

/// An encoding by its label, without those that the web maps to "replacement".
fn known_encoding(label: &str) -> Option<&'static Encoding> {
    Encoding::for_label_no_replacement(label.as_bytes())
}

/// Whether name or first line says a kind of file that cannot name its encoding.
fn declares_nothing(name: &str, body: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    let ends = [".reg", ".inf", ".cmd", ".bat"];
    body.starts_with(b"REGEDIT4")
        || body.starts_with(b"Windows Registry Editor")
        || ends.iter().any(|end| name.ends_with(end))
}

/// The text with replacement characters, and the place of the first of them that stands for invalid bytes.
fn decode_body(encoding: &'static Encoding, body: &[u8]) -> (String, Option<Span>) {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let capacity = decoder
        .max_utf8_buffer_length_without_replacement(body.len())
        .unwrap_or(body.len());
    let mut text = String::with_capacity(capacity);
    let (result, _) = decoder.decode_to_string_without_replacement(body, &mut text, true);
    if result == DecoderResult::InputEmpty {
        return (text, None);
    }
    let start = text.len();
    let (text, _) = encoding.decode_without_bom_handling(body);
    let end = start
        .saturating_add(char::REPLACEMENT_CHARACTER.len_utf8())
        .min(text.len());
    (text.into_owned(), Some(Span { start, end }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECLARED: &str = "<?xml version='1.0' encoding='UTF-16'?>\r\n<a>ü€</a>";

    fn wide(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(order).collect()
    }

    fn text(bytes: &[u8]) -> String {
        decode("a.xml", bytes).unwrap().text().to_owned()
    }

    fn refused(name: &str, bytes: &[u8]) -> (String, String) {
        let undecodable = *decode(name, bytes).unwrap_err();
        let Undecodable { source, error } = undecodable;
        (source.slice(error.span).to_owned(), error.to_string())
    }

    #[test]
    fn marks_decide_and_are_left_out() {
        let marked = b"\xef\xbb\xbf<a/>";
        let source = decode("a.xml", marked).unwrap();
        assert_eq!((source.text(), source.file_offset(0)), ("<a/>", 3));
        let marked = format!("\u{feff}{DECLARED}");
        assert_eq!(text(&wide(&marked, u16::to_le_bytes)), DECLARED);
        assert_eq!(text(&wide(&marked, u16::to_be_bytes)), DECLARED);
        assert_eq!(text(&wide("\u{feff}<a/>", u16::to_be_bytes)), "<a/>");
        assert_eq!(text(b""), "");
    }

    #[test]
    fn without_a_mark_the_declaration_decides() {
        assert_eq!(text(&wide(DECLARED, u16::to_le_bytes)), DECLARED);
        assert_eq!(text(&wide(DECLARED, u16::to_be_bytes)), DECLARED);
        assert_eq!(text("<a>ü</a>".as_bytes()), "<a>ü</a>");
        let latin = b"<?xml version=\"1.0\" encoding = \"windows-1252\"?><a>\xfc\x80</a>";
        assert!(text(latin).ends_with("<a>ü€</a>"));
        let japanese = b"<?xml encoding='shift_jis'?>\x83\x65";
        assert!(text(japanese).ends_with('テ'));
    }

    #[test]
    fn a_declaration_that_lies_is_shown() {
        let lie = (
            "UTF-16".to_owned(),
            "the file declares UTF-16 but its bytes are single bytes".to_owned(),
        );
        assert_eq!(refused("a.xml", DECLARED.as_bytes()), lie);
        let marked = [b"\xef\xbb\xbf", DECLARED.as_bytes()].concat();
        assert_eq!(
            refused("a.xml", &marked).1,
            "the file declares UTF-16 but its bytes are UTF-8 by their mark"
        );
        let utf_8 = DECLARED.replace("UTF-16", "utf-8");
        let marked = wide(&format!("\u{feff}{utf_8}"), u16::to_be_bytes);
        let (place, message) = refused("a.xml", &marked);
        assert_eq!(place, "utf-8");
        assert!(message.ends_with("are UTF-16 in big-endian order by their mark"));
        let unmarked = wide(&utf_8, u16::to_le_bytes);
        assert!(
            refused("a.xml", &unmarked)
                .1
                .ends_with("its bytes are UTF-16")
        );
        for unknown in ["utf-7", "iso-2022-kr", "nonsense"] {
            let text = DECLARED.replace("UTF-16", unknown);
            assert_eq!(
                refused("a.xml", text.as_bytes()),
                (
                    unknown.to_owned(),
                    format!("the declared encoding {unknown:?} is not known")
                )
            );
        }
    }

    #[test]
    fn invalid_bytes_are_shown_where_they_stand() {
        let undecodable = *decode("a.xml", b"<a>\xc3\xbc\n\xfc</a>").unwrap_err();
        let Undecodable { source, error } = undecodable;
        assert_eq!(source.slice(error.span), "\u{fffd}");
        assert_eq!(source.line_column(error.span.start).line, 2);
        assert_eq!(error.to_string(), "the bytes here are not valid UTF-8");
        let mut odd = wide("\u{feff}<a/>", u16::to_le_bytes);
        odd.push(b'x');
        assert_eq!(
            refused("a.xml", &odd).1,
            "the bytes here are not valid UTF-16LE"
        );
    }

    #[test]
    fn old_registry_files_are_single_byte() {
        let old = decode("a.txt", b"REGEDIT4\r\n[HKLM\\\xfc]").unwrap();
        assert!(old.text().ends_with("ü]"));
        let utf_8 = decode("a.reg", "REGEDIT4\r\n[HKLM\\ü]".as_bytes()).unwrap();
        assert!(utf_8.text().ends_with("ü]"));
        assert!(decode("a.txt", b"[HKLM\\\xfc]").is_err());
    }

    #[test]
    fn too_large_files_are_not_kept() {
        let undecodable = *decode("a.xml", &vec![b' '; SIZE_LIMIT + 1]).unwrap_err();
        assert_eq!(undecodable.source.text(), "");
        assert!(decode("a.xml", &vec![b' '; SIZE_LIMIT]).is_ok());
    }
}
