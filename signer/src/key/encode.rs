//! The encodings between a digest, what a key signs, and what a certificate's owner expects.

use formats::der;

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
}
