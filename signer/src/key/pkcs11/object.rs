//! What a token tells about its objects.

use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use formats::der::{self, Reader};
use formats::oid::Oid;

use crate::digest::hex;
use crate::key::encode::unsigned_integer;
use crate::public_key::PublicKey;

/// Most objects of one class that are looked at.
const MAX_OBJECTS: usize = 1024;

/// One object and the session that reads it. What a token does not tell is `None`.
pub(super) struct Object<'a> {
    session: &'a Session,
    pub(super) handle: ObjectHandle,
}

/// The objects of a class, or those of its objects that `also` describes.
pub(super) fn find<'a>(
    session: &'a Session,
    class: ObjectClass,
    also: &[Attribute],
) -> Result<Vec<Object<'a>>, cryptoki::error::Error> {
    let mut template = vec![Attribute::Class(class)];
    template.extend_from_slice(also);
    let handles = session.iter_objects(&template)?.take(MAX_OBJECTS);
    handles
        .map(|handle| {
            let handle = handle?;
            Ok(Object { session, handle })
        })
        .collect()
}

impl Object<'_> {
    /// One attribute. Asked for one by one, because modules differ in what they do with a list of which they lack one.
    pub(super) fn attribute(&self, kind: AttributeType) -> Option<Attribute> {
        let attributes = self.session.get_attributes(self.handle, &[kind]);
        attributes.ok()?.pop()
    }

    /// A yes-or-no attribute.
    pub(super) fn flag(&self, kind: AttributeType) -> Option<bool> {
        match self.attribute(kind)? {
            Attribute::Sign(set)
            | Attribute::Sensitive(set)
            | Attribute::Extractable(set)
            | Attribute::NeverExtractable(set)
            | Attribute::AlwaysAuthenticate(set) => Some(set),
            _ => None,
        }
    }

    /// `CKA_LABEL`, or nothing.
    pub(super) fn label(&self) -> String {
        match self.attribute(AttributeType::Label) {
            Some(Attribute::Label(label)) => String::from_utf8_lossy(&label).into_owned(),
            _ => String::new(),
        }
    }

    /// `CKA_ID`, or nothing.
    pub(super) fn id(&self) -> Vec<u8> {
        match self.attribute(AttributeType::Id) {
            Some(Attribute::Id(id)) => id,
            _ => Vec::new(),
        }
    }

    /// Label and id as messages show them.
    pub(super) fn name(&self) -> String {
        name(&self.label(), &self.id())
    }

    /// `CKA_VALUE`: the bytes of a certificate.
    pub(super) fn value(&self) -> Option<Vec<u8>> {
        match self.attribute(AttributeType::Value)? {
            Attribute::Value(value) => Some(value),
            _ => None,
        }
    }

    /// `CKA_KEY_TYPE`.
    pub(super) fn key_type(&self) -> Option<KeyType> {
        match self.attribute(AttributeType::KeyType)? {
            Attribute::KeyType(kind) => Some(kind),
            _ => None,
        }
    }

    /// The public half of a private key: from its own attributes, or from the public key object beside it.
    pub(super) fn public_half(&self) -> Option<PublicKey> {
        if let Some(public) = self.public_key() {
            return Some(public);
        }
        let id = self.id();
        let beside = match id.is_empty() {
            true => Attribute::Label(self.label().into_bytes()),
            false => Attribute::Id(id),
        };
        let found = find(self.session, ObjectClass::PUBLIC_KEY, &[beside]).ok()?;
        let kind = self.key_type();
        let same_kind = found.iter().filter(|public| public.key_type() == kind);
        same_kind.filter_map(Object::public_key).next()
    }

    /// The public key in this object's attributes.
    pub(super) fn public_key(&self) -> Option<PublicKey> {
        match self.key_type()? {
            KeyType::RSA => {
                let modulus = match self.attribute(AttributeType::Modulus)? {
                    Attribute::Modulus(modulus) => modulus,
                    _ => return None,
                };
                let exponent = match self.attribute(AttributeType::PublicExponent)? {
                    Attribute::PublicExponent(exponent) => exponent,
                    _ => return None,
                };
                let key =
                    der::sequence(&[&unsigned_integer(&modulus), &unsigned_integer(&exponent)]);
                PublicKey::from_rsa(&key).ok()
            }
            KeyType::EC => {
                let point = match self.attribute(AttributeType::EcPoint)? {
                    Attribute::EcPoint(point) => point,
                    _ => return None,
                };
                PublicKey::from_point(Oid(&self.curve()?), bare_point(&point)?).ok()
            }
            _ => None,
        }
    }

    /// The contents octets of the curve's object identifier (`CKA_EC_PARAMS`).
    pub(super) fn curve(&self) -> Option<Vec<u8>> {
        let parameters = match self.attribute(AttributeType::EcParams)? {
            Attribute::EcParams(parameters) => parameters,
            _ => return None,
        };
        let mut reader = Reader::new("CKA_EC_PARAMS", &parameters, 0);
        let curve = reader.oid("namedCurve").ok()?;
        Some(curve.0.to_vec())
    }
}

/// Label and id as messages show them.
pub(super) fn name(label: &str, id: &[u8]) -> String {
    match (label.is_empty(), id.is_empty()) {
        (true, true) => "without label and id".to_owned(),
        (true, false) => format!("with id {}", hex(id)),
        (false, true) => format!("'{label}'"),
        (false, false) => format!("'{label}' with id {}", hex(id)),
    }
}

/// `CKA_EC_POINT` is an OCTET STRING around the point; some modules leave that out. Its tag is also the first byte of
/// an uncompressed point, so the length tells: 65 bytes on P-256, 97 on P-384.
fn bare_point(point: &[u8]) -> Option<&[u8]> {
    if matches!(point.len(), 65 | 97) {
        return Some(point);
    }
    let mut reader = Reader::new("CKA_EC_POINT", point, 0);
    let inner = reader.expect("point", der::OCTET_STRING).ok()?;
    reader.finish().ok()?;
    Some(inner.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_read_with_and_without_their_octet_string() {
        for length in [65, 97] {
            let point = vec![4; length];
            assert_eq!(bare_point(&point), Some(&point[..]));
            let wrapped = der::octet_string(&point);
            assert_eq!(bare_point(&wrapped), Some(&point[..]));
            assert_eq!(bare_point(&wrapped[..length + 1]), None);
        }
        assert_eq!(bare_point(&[]), None);
    }
}
