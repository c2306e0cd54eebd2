//! The encodings between a digest, what a key signs, and what a certificate's owner expects.

use base64ct::{Base64, Encoding};
use formats::der::{self, Reader};

use crate::public_key::KeyKind;

/// An unsigned big-endian number as INTEGER: no leading zeros but one before a set top bit.
pub(crate) fn unsigned_integer(digits: &[u8]) -> Vec<u8> {
    let first = digits.iter().position(|byte| *byte != 0);
    let digits = first.and_then(|first| digits.get(first..)).unwrap_or(&[0]);
    match digits.first() {
        Some(top) if *top >= 0x80 => der::tlv(der::INTEGER, &[&[0], digits].concat()),
        _ => der::tlv(der::INTEGER, digits),
    }
}

/// `ECDSA-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER }` (RFC 3279 §2.2.3) from the two numbers side by side, as
/// tokens and some services give them. `None` where the length is not that of two numbers of the curve.
pub fn ecdsa_der(kind: KeyKind, numbers: &[u8]) -> Option<Vec<u8>> {
    let length = scalar_length(kind)?;
    let (r, s) = numbers.split_at_checked(length)?;
    (s.len() == length).then(|| der::sequence(&[&unsigned_integer(r), &unsigned_integer(s)]))
}

/// Bytes of a number of the curve.
pub(crate) fn scalar_length(kind: KeyKind) -> Option<usize> {
    match kind {
        KeyKind::Rsa(_) => None,
        KeyKind::P256 => Some(32),
        KeyKind::P384 => Some(48),
    }
}

/// The signature in an answer, plain or in base64.
pub(crate) fn read_signature(kind: KeyKind, answer: &[u8]) -> Option<Vec<u8>> {
    plain(kind, answer).or_else(|| {
        let text = std::str::from_utf8(answer).ok()?;
        let text: String = text.split_ascii_whitespace().collect();
        plain(kind, &Base64::decode_vec(&text).ok()?)
    })
}

fn plain(kind: KeyKind, bytes: &[u8]) -> Option<Vec<u8>> {
    if let KeyKind::Rsa(bits) = kind {
        return (bytes.len() == bits.div_ceil(8)).then(|| bytes.to_vec());
    }
    let mut reader = Reader::new("ECDSA-Sig-Value", bytes, 0);
    let is_der = reader.expect("signature", der::SEQUENCE).is_ok() && reader.finish().is_ok();
    match is_der {
        true => Some(bytes.to_vec()),
        false => ecdsa_der(kind, bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_encoded_without_spare_zeros() {
        assert_eq!(unsigned_integer(&[0, 0, 0x7f]), [2, 1, 0x7f]);
        assert_eq!(unsigned_integer(&[0, 0x80]), [2, 2, 0, 0x80]);
        assert_eq!(unsigned_integer(&[0, 0]), [2, 1, 0]);
    }

    #[test]
    fn two_numbers_become_a_sequence() {
        let mut numbers = [0; 64];
        numbers[31] = 5;
        numbers[32] = 0x90;
        let signature = ecdsa_der(KeyKind::P256, &numbers).unwrap();
        assert_eq!(signature[..8], [0x30, 38, 2, 1, 5, 2, 33, 0]);
        assert_eq!(signature[8], 0x90);
        assert_eq!(ecdsa_der(KeyKind::P256, &numbers[1..]), None);
        assert_eq!(ecdsa_der(KeyKind::P384, &numbers), None);
        assert_eq!(ecdsa_der(KeyKind::Rsa(2048), &numbers), None);
    }

    #[test]
    fn answers_are_read_plain_and_in_base64() {
        let rsa = vec![0xa5; 256];
        let kind = KeyKind::Rsa(2048);
        assert_eq!(read_signature(kind, &rsa), Some(rsa.clone()));
        let mut text = Base64::encode_string(&rsa);
        text.insert_str(64, "\r\n");
        text.push('\n');
        assert_eq!(read_signature(kind, text.as_bytes()), Some(rsa));
        for wrong in [&[0xa5; 255][..], b"", b"no signature", b"QQ=="] {
            assert_eq!(read_signature(kind, wrong), None);
        }

        let numbers = [7; 64];
        let value = ecdsa_der(KeyKind::P256, &numbers).unwrap();
        for answer in [&numbers[..], &value] {
            let text = Base64::encode_string(answer);
            assert_eq!(read_signature(KeyKind::P256, answer), Some(value.clone()));
            assert_eq!(
                read_signature(KeyKind::P256, text.as_bytes()),
                Some(value.clone())
            );
        }
        assert_eq!(read_signature(KeyKind::P384, &numbers), None);
    }
}
