//! Registry data as it is written in package definitions and `.reg` files, decoded.

use encoding_rs::{UTF_16LE, WINDOWS_1252};

use super::registry::{DataProblem, Notation, RegistryData, RegistryType, RegistryValue};

impl RegistryValue {
    /// The data, decoded by its type and notation. Macros are not expanded.
    ///
    /// # Errors
    /// Data that its type cannot hold. A deleted value has no data: [`DataProblem::NoType`].
    pub fn data(&self) -> Result<RegistryData, DataProblem> {
        let written = self.written.value.as_str();
        match self.notation {
            Notation::WmXml => definition_data(&self.kind.value, written, ',', true),
            Notation::PkgXml => definition_data(&self.kind.value, written, ';', false),
            Notation::Manifest if self.kind.value == RegistryType::MultiSz => {
                let texts = written.split(',').map(|text| text.trim_matches('"'));
                let texts = texts.filter(|text| !text.is_empty());
                Ok(RegistryData::Texts(texts.map(str::to_owned).collect()))
            }
            Notation::Manifest => definition_data(&self.kind.value, written, ',', true),
            Notation::Reg5 => file_data(&self.kind.value, written, true),
            Notation::Reg4 => file_data(&self.kind.value, written, false),
        }
    }
}

/// Data of a package definition; `separator` stands between texts, `prefix` says whether `0x` is allowed.
fn definition_data(
    kind: &RegistryType,
    written: &str,
    separator: char,
    prefix: bool,
) -> Result<RegistryData, DataProblem> {
    let digits = match prefix {
        true => written
            .strip_prefix("0x")
            .or_else(|| written.strip_prefix("0X"))
            .unwrap_or(written),
        false => written,
    };
    match kind {
        RegistryType::Sz | RegistryType::ExpandSz => Ok(RegistryData::Text(written.to_owned())),
        RegistryType::MultiSz => {
            let texts = written.split(separator).filter(|text| !text.is_empty());
            Ok(RegistryData::Texts(texts.map(str::to_owned).collect()))
        }
        RegistryType::Dword | RegistryType::DwordBigEndian => number(digits, 8),
        RegistryType::Qword => number(digits, 16),
        RegistryType::Binary | RegistryType::None | RegistryType::Other(_) => {
            Ok(RegistryData::Bytes(hexadecimal(written)?))
        }
        RegistryType::Hex => {
            let (head, bytes) = written.split_once(':').ok_or(DataProblem::NotBytes)?;
            hex_type(head).ok_or(DataProblem::NotBytes)?;
            Ok(RegistryData::Bytes(hexadecimal(bytes)?))
        }
        RegistryType::Deleted | RegistryType::Missing | RegistryType::Unknown(_) => {
            Err(DataProblem::NoType)
        }
    }
}

/// Data of a registry file: what follows the `=`, continuation lines joined.
fn file_data(kind: &RegistryType, written: &str, wide: bool) -> Result<RegistryData, DataProblem> {
    if matches!(
        kind,
        RegistryType::Deleted | RegistryType::Missing | RegistryType::Unknown(_)
    ) {
        return Err(DataProblem::NoType);
    }
    if written.starts_with('"') {
        let end = quoted_length(written).map(|length| length.saturating_sub(1));
        let text = end.and_then(|end| written.get(1..end));
        return Ok(RegistryData::Text(unescape(
            text.ok_or(DataProblem::NotText)?,
        )));
    }
    let (head, digits) = written.split_once(':').ok_or(DataProblem::NotBytes)?;
    if head.trim().eq_ignore_ascii_case("dword") {
        return number(digits.trim(), 8);
    }
    let bytes = hexadecimal(digits)?;
    let text = |bytes: &[u8]| {
        let encoding = if wide { UTF_16LE } else { WINDOWS_1252 };
        let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
        text.map(String::from).ok_or(DataProblem::NotText)
    };
    match kind {
        RegistryType::Sz | RegistryType::ExpandSz => {
            let text = text(&bytes)?;
            Ok(RegistryData::Text(text.trim_end_matches('\0').to_owned()))
        }
        RegistryType::MultiSz => {
            let text = text(&bytes)?;
            let texts = text.split('\0').filter(|text| !text.is_empty());
            Ok(RegistryData::Texts(texts.map(str::to_owned).collect()))
        }
        RegistryType::Dword => {
            let bytes = <[u8; 4]>::try_from(bytes).map_err(|_| DataProblem::WrongLength)?;
            Ok(RegistryData::Number(u32::from_le_bytes(bytes).into()))
        }
        RegistryType::DwordBigEndian => {
            let bytes = <[u8; 4]>::try_from(bytes).map_err(|_| DataProblem::WrongLength)?;
            Ok(RegistryData::Number(u32::from_be_bytes(bytes).into()))
        }
        RegistryType::Qword => {
            let bytes = <[u8; 8]>::try_from(bytes).map_err(|_| DataProblem::WrongLength)?;
            Ok(RegistryData::Number(u64::from_le_bytes(bytes)))
        }
        _ => Ok(RegistryData::Bytes(bytes)),
    }
}

/// The number in `hex(n)`, 3 (`REG_BINARY`) for a bare `hex`.
pub(super) fn hex_type(head: &str) -> Option<u32> {
    let head = head.trim();
    let word = head.get(..3)?;
    if !word.eq_ignore_ascii_case("hex") {
        return None;
    }
    let rest = head.get(3..)?;
    if rest.is_empty() {
        return Some(3);
    }
    let number = rest.strip_prefix('(')?.strip_suffix(')')?;
    u32::from_str_radix(number, 16).ok()
}

/// A hexadecimal number of at most `most` digits.
fn number(digits: &str, most: usize) -> Result<RegistryData, DataProblem> {
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(DataProblem::NotHexadecimal);
    }
    if digits.len() > most {
        return Err(DataProblem::TooLong);
    }
    let number = u64::from_str_radix(digits, 16).map_err(|_| DataProblem::TooLong)?;
    Ok(RegistryData::Number(number))
}

/// Bytes, either `0a,0b` or `0a0b`; blanks between them do not count.
fn hexadecimal(written: &str) -> Result<Vec<u8>, DataProblem> {
    let mut bytes = Vec::with_capacity(written.len() / 2);
    for part in written.split(',') {
        let part = part.trim();
        // A trailing comma, or no bytes at all.
        if part.is_empty() {
            continue;
        }
        // "1,2" is allowed, "123" is not.
        if part.len() == 1 {
            bytes.push(byte(part)?);
            continue;
        }
        if !part.len().is_multiple_of(2) {
            return Err(DataProblem::NotBytes);
        }
        for index in (0..part.len()).step_by(2) {
            let end = index.saturating_add(2);
            bytes.push(byte(part.get(index..end).ok_or(DataProblem::NotBytes)?)?);
        }
    }
    Ok(bytes)
}

/// One byte of one or two digits.
fn byte(digits: &str) -> Result<u8, DataProblem> {
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(DataProblem::NotBytes);
    }
    u8::from_str_radix(digits, 16).map_err(|_| DataProblem::NotBytes)
}

/// The text of a quoted name or value: `\\` and `\"` stand for the second character.
pub(super) fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => plain.extend(characters.next()),
            other => plain.push(other),
        }
    }
    plain
}

/// Length of a quoted text with its quotes; `None` when there is none or it does not end.
pub(super) fn quoted_length(text: &str) -> Option<usize> {
    let body = text.strip_prefix('"')?;
    let mut escaped = false;
    for (index, byte) in body.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(index.saturating_add(2)),
            _ => {}
        }
    }
    None
}
