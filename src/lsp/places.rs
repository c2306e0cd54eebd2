//! Paths and URIs, bytes and positions, findings and the protocol's diagnostics.

use std::str::FromStr;

use formats::source::{Source, Span};
use lint::diagnostic::{Diagnostic as Found, Level, Place};
use lint::files::{Disk, Files};
use lint::render::uri_encoded;
use lint::sources::line_number;
use lsp_types::{
    Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, Location, NumberOrString,
    Position, Range, Uri,
};

use super::session::Session;

/// The path of a `file` URI, with `/` between names; `None` for documents that are no files.
pub(super) fn path(uri: &Uri) -> Option<String> {
    let rest = uri.as_str().strip_prefix("file://")?;
    let path = rest.get(rest.find('/')?..)?;
    let path = decoded(path)?;
    // `/c:/folder` is `c:/folder`.
    let drive = path
        .strip_prefix('/')
        .filter(|rest| rest.get(1..2) == Some(":"));
    let path = drive.unwrap_or(&path);
    Some(match path.trim_end_matches('/') {
        "" => "/".to_owned(),
        path => path.to_owned(),
    })
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                u8::try_from(high * 16 + low).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// The URI of an absolute path.
pub(super) fn uri(path: &str) -> Option<Uri> {
    let start = if path.starts_with('/') { "" } else { "/" };
    Uri::from_str(&format!("file://{start}{}", uri_encoded(path))).ok()
}

/// The bytes that the text of an open document would have in its file, whose encoding it keeps.
pub(super) fn encoded(path: &str, text: &str) -> Vec<u8> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let units = || text.encode_utf16();
    let mark = Disk.read(path, 3).unwrap_or_default();
    match mark.as_slice() {
        [0xFF, 0xFE, ..] => [0xFEFF]
            .into_iter()
            .chain(units())
            .flat_map(u16::to_le_bytes)
            .collect(),
        [0xFE, 0xFF, ..] => [0xFEFF]
            .into_iter()
            .chain(units())
            .flat_map(u16::to_be_bytes)
            .collect(),
        [0xEF, 0xBB, 0xBF] => [&mark, text.as_bytes()].concat(),
        _ => text.as_bytes().to_vec(),
    }
}

/// Line and UTF-16 column of a byte, both from 0.
pub(super) fn position(source: &Source, byte: usize) -> Position {
    let line = line_number(source, byte);
    let start = source.line(line).start;
    let before = source.text().get(start..byte).unwrap_or_default();
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Position {
        line: number(line.saturating_sub(1)),
        character: number(before.encode_utf16().count()),
    }
}

pub(super) fn range(source: &Source, span: Span) -> Range {
    Range {
        start: position(source, span.start),
        end: position(source, span.end),
    }
}

/// The byte of a position; past the end of a line its end.
pub(super) fn byte(source: &Source, position: Position) -> usize {
    let line = source.line((position.line as usize).saturating_add(1));
    let mut units = position.character as usize;
    let text = source.slice(line);
    let within = text.char_indices().find(|(_, character)| {
        let is_here = units < character.len_utf16();
        units = units.saturating_sub(character.len_utf16());
        is_here
    });
    line.start + within.map_or(text.len(), |(at, _)| at)
}

/// Where a place is shown; one without lines at the start of its file.
pub(super) fn location(session: &Session<'_>, place: &Place) -> Option<Location> {
    let range = match (place.span(), session.source(place.file())) {
        (Some(span), Some(source)) => range(source, span),
        _ => Range::default(),
    };
    Some(Location {
        uri: session.uri(place.file())?,
        range,
    })
}

/// A finding as the editor shows it.
pub(super) fn diagnostic(session: &Session<'_>, found: &Found) -> Diagnostic {
    let location_of = |place| location(session, place);
    let related = found.related.iter().filter_map(|(place, label)| {
        Some(DiagnosticRelatedInformation {
            location: location_of(place)?,
            message: label.clone(),
        })
    });
    let related: Vec<_> = related.collect();
    let mut message = found.message.clone();
    if found.primary.region().is_none() && !found.primary.route().is_empty() {
        message = format!("{}: {message}", found.primary.route());
    }
    if let Some(help) = &found.help {
        message.push_str(&format!("\nhelp: {help}"));
    }
    Diagnostic {
        range: location_of(&found.primary)
            .map(|location| location.range)
            .unwrap_or_default(),
        severity: Some(match found.level {
            Level::Error => DiagnosticSeverity::ERROR,
            Level::Warning => DiagnosticSeverity::WARNING,
            Level::Info => DiagnosticSeverity::INFORMATION,
        }),
        code: Some(NumberOrString::String(found.rule.to_owned())),
        source: Some("proofmark".to_owned()),
        message,
        related_information: Some(related).filter(|related| !related.is_empty()),
        ..Diagnostic::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_uris_and_back() {
        let there_and_back = |text: &str| path(&uri(text).unwrap()).unwrap();
        for text in ["/a/b c/ä#?%.xml", "c:/Kiosk/a.xml", "/"] {
            assert_eq!(there_and_back(text), text);
        }
        let of = |text: &str| path(&Uri::from_str(text).unwrap());
        assert_eq!(of("file:///c%3A/a%20b/").as_deref(), Some("c:/a b"));
        assert_eq!(
            of("file://host/share/a.xml").as_deref(),
            Some("/share/a.xml")
        );
        assert_eq!(of("untitled:Untitled-1"), None);
        assert_eq!(of("file:///a%FF"), None);
    }

    #[test]
    fn positions_count_utf16_units() {
        let source = Source::new("a.xml", "a\r\n😀äb\n", 0);
        for (byte_there, line, character) in
            [(0, 0, 0), (3, 1, 0), (7, 1, 2), (9, 1, 3), (11, 2, 0)]
        {
            let there = Position { line, character };
            assert_eq!(position(&source, byte_there), there);
            assert_eq!(byte(&source, there), byte_there);
        }
        let past = Position {
            line: 0,
            character: 9,
        };
        assert_eq!(byte(&source, past), 1);
        let nowhere = Position {
            line: 9,
            character: 9,
        };
        assert_eq!(byte(&source, nowhere), source.text().len());
    }

    #[test]
    fn an_open_document_keeps_the_encoding_of_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let encoded_over = |before: &[u8]| {
            let path = folder.path().join("a.reg");
            std::fs::write(&path, before).unwrap();
            encoded(path.to_str().unwrap(), "ä")
        };
        assert_eq!(encoded_over(b"\xFF\xFEa\0"), b"\xFF\xFE\xE4\0");
        assert_eq!(encoded_over(b"\xFE\xFF\0a"), b"\xFE\xFF\0\xE4");
        assert_eq!(encoded_over(b"\xEF\xBB\xBFa"), b"\xEF\xBB\xBF\xC3\xA4");
        assert_eq!(encoded_over(b"a"), b"\xC3\xA4");
    }
}
