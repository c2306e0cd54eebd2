//! Signatures nested in a signature: values of an unsigned attribute of the first one's signer.
//!
//! ```text
//! unsignedAttrs [1] IMPLICIT SET OF Attribute
//! Attribute ::= SEQUENCE { attrType OID 1.3.6.1.4.1.311.2.4.1, attrValues SET OF ContentInfo }
//! ```
//!
//! No signature covers them, so they come and go without a change to the first signature's signed parts: every
//! element but the attribute itself keeps its bytes.

use crate::der::{self, Reader, Tlv};
use crate::error::ParseError;
use crate::oid;
use crate::signed_data::SignedData;

/// `primary` with `nested`, a ContentInfo, among its nested signatures.
///
/// Those that are there keep their order. Where they, or the attributes, stand in DER order, what is added goes to
/// its place in that order, because Windows refuses a catalog that is not DER; otherwise it goes to the end.
///
/// # Errors
/// Where either is not a `SignedData` with one signer.
pub fn add(primary: &[u8], nested: &[u8]) -> Result<Vec<u8>, ParseError> {
    check(nested)?;
    edit(primary, |attributes| {
        let place = attributes.iter().position(|attribute| attribute.is_nested);
        let mut values: Vec<&[u8]> = match place.and_then(|place| attributes.get(place)) {
            Some(attribute) => attribute.values.iter().map(|value| value.raw).collect(),
            None => Vec::new(),
        };
        insert(&mut values, nested);
        let attribute = der::sequence(&[
            &der::oid(oid::SPC_NESTED_SIGNATURE),
            &der::tlv(der::SET, &values.concat()),
        ]);
        let others = attributes.iter().enumerate();
        let others = others.filter(|(index, _)| Some(*index) != place);
        let mut attributes: Vec<&[u8]> = others.map(|(_, attribute)| attribute.raw).collect();
        insert(&mut attributes, &attribute);
        attributes.concat()
    })
}

/// `primary` without nested signatures; `None` where it has none.
///
/// # Errors
/// Where it is not a `SignedData` with one signer.
pub fn remove(primary: &[u8]) -> Result<Option<Vec<u8>>, ParseError> {
    let mut found = false;
    let without = edit(primary, |attributes| {
        found = attributes.iter().any(|attribute| attribute.is_nested);
        let others = attributes.iter().filter(|attribute| !attribute.is_nested);
        others
            .map(|attribute| attribute.raw)
            .collect::<Vec<_>>()
            .concat()
    })?;
    Ok(found.then_some(without))
}

/// One unsigned attribute.
struct Attribute<'a> {
    raw: &'a [u8],
    is_nested: bool,
    values: Vec<Tlv<'a>>,
}

/// Puts other content into the unsigned attributes of a signature. Without content the element is left out.
fn edit(
    cms: &[u8],
    change: impl FnOnce(&[Attribute<'_>]) -> Vec<u8>,
) -> Result<Vec<u8>, ParseError> {
    check(cms)?;
    let mut file = Reader::new("ContentInfo", cms, 0);
    let mut info = file
        .expect("ContentInfo", der::SEQUENCE)?
        .reader("ContentInfo");
    let content_type = info.next("contentType")?;
    let mut wrapper = info
        .expect("content", der::context(0))?
        .reader("ContentInfo");
    let body = wrapper.expect("content", der::SEQUENCE)?;
    let elements = body.reader("SignedData").all("element")?;
    // signerInfos come last, and in them one SignerInfo, in which unsignedAttrs come last.
    let Some((signer_infos, before)) = elements.split_last() else {
        return Err(body
            .reader("SignedData")
            .invalid("signerInfos", "none", "one"));
    };
    let signer = signer_infos.reader("SignedData").next("signerInfo")?;
    let mut fields = signer.reader("SignerInfo").all("field")?;
    let unsigned = fields.pop_if(|field| field.tag == der::context(1));
    let attributes = match unsigned {
        Some(unsigned) => read_attributes(unsigned)?,
        None => Vec::new(),
    };
    let mut signer = raw(&fields);
    let content = change(&attributes);
    if !content.is_empty() {
        signer.extend(der::tlv(der::context(1), &content));
    }
    let signer_infos = der::tlv(der::SET, &der::tlv(der::SEQUENCE, &signer));
    let body = der::sequence(&[&raw(before), &signer_infos]);
    Ok(der::sequence(&[
        content_type.raw,
        &der::tlv(der::context(0), &body),
    ]))
}

fn read_attributes(unsigned: Tlv<'_>) -> Result<Vec<Attribute<'_>>, ParseError> {
    let mut attributes = Vec::new();
    for attribute in unsigned.reader("Attributes").all("attribute")? {
        let mut reader = attribute.reader("Attribute");
        let is_nested = reader.oid("attrType")? == oid::SPC_NESTED_SIGNATURE;
        let values = reader.expect("attrValues", der::SET)?;
        attributes.push(Attribute {
            raw: attribute.raw,
            is_nested,
            values: values.reader("Attribute").all("attrValue")?,
        });
    }
    Ok(attributes)
}

/// Adds an element to a SET OF: in its place where the others are in DER order, at the end where they are not.
fn insert<'a>(elements: &mut Vec<&'a [u8]>, element: &'a [u8]) {
    let place = match elements.is_sorted() {
        true => elements.partition_point(|other| *other <= element),
        false => elements.len(),
    };
    elements.insert(place, element);
}

fn raw(elements: &[Tlv<'_>]) -> Vec<u8> {
    elements
        .iter()
        .flat_map(|element| element.raw)
        .copied()
        .collect()
}

/// Authenticode signatures have one signer.
fn check(cms: &[u8]) -> Result<(), ParseError> {
    let signed_data = SignedData::read(cms, 0)?;
    match signed_data.signer_infos.len() {
        1 => Ok(()),
        count => Err(ParseError::invalid(
            "SignedData",
            "signerInfos",
            signed_data.signer_infos_offset,
            format_args!("{count} signers"),
            "exactly one",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signed_data::SignedDataParts;

    /// A signature that says `mark`, with unsigned attributes as given.
    fn signature(mark: &[u8], unsigned: &[Vec<u8>]) -> Vec<u8> {
        let sid = der::sequence(&[&der::sequence(&[]), &der::integer(5)]);
        let mut fields = vec![
            der::integer(1),
            sid,
            der::algorithm_with_null(oid::SHA256),
            der::algorithm_with_null(oid::RSA),
            der::octet_string(mark),
        ];
        if !unsigned.is_empty() {
            fields.push(der::tlv(der::context(1), &unsigned.concat()));
        }
        let signer_info = der::tlv(der::SEQUENCE, &fields.concat());
        let parts = SignedDataParts {
            digest_algorithm: oid::SHA256,
            content_type: oid::SPC_INDIRECT_DATA,
            content: &der::sequence(&[&der::null()]),
            certificates: vec![der::sequence(&[&der::integer(9)])],
            signer_info: &signer_info,
        };
        parts.write()
    }

    fn attribute(kind: oid::Oid<'_>, values: &[Vec<u8>]) -> Vec<u8> {
        let values = der::tlv(der::SET, &values.concat());
        der::sequence(&[&der::oid(kind), &values])
    }

    /// The marks of the nested signatures, in order.
    fn marks(primary: &[u8]) -> Vec<Vec<u8>> {
        let read = SignedData::read(primary, 0).unwrap();
        let unsigned = read.signer_infos[0].unsigned_attributes.clone();
        let attributes = unsigned.map(|set| set.attributes).unwrap_or_default();
        let nested = attributes
            .iter()
            .filter(|attribute| attribute.kind == oid::SPC_NESTED_SIGNATURE);
        nested
            .flat_map(|attribute| &attribute.values)
            .map(|value| {
                let nested = SignedData::read_element(*value).unwrap();
                nested.signer_infos[0].signature.value.to_vec()
            })
            .collect()
    }

    #[test]
    fn added_and_removed_again_the_bytes_are_the_same() {
        let token = attribute(oid::RFC3161_TOKEN, &[der::octet_string(&[7; 40])]);
        for unsigned in [vec![], vec![token.clone()]] {
            let primary = signature(b"first", &unsigned);
            assert_eq!(remove(&primary).unwrap(), None);
            let once = add(&primary, &signature(b"b", &[])).unwrap();
            let twice = add(&once, &signature(b"a", &[])).unwrap();
            assert_eq!(marks(&once), [b"b"]);
            assert_eq!(marks(&twice), [b"a", b"b"]);
            for nested in [once, twice] {
                assert_eq!(remove(&nested).unwrap().as_ref(), Some(&primary));
                let read = SignedData::read(&nested, 0).unwrap();
                assert!(
                    read.signer_infos[0]
                        .unsigned_attributes
                        .as_ref()
                        .unwrap()
                        .sorted
                );
            }
        }
    }

    #[test]
    fn order_that_is_not_ders_is_kept() {
        let nested = [signature(b"c", &[]), signature(b"a", &[])];
        let unsigned = attribute(oid::SPC_NESTED_SIGNATURE, &nested);
        let primary = signature(b"first", &[unsigned]);
        let added = add(&primary, &signature(b"b", &[])).unwrap();
        assert_eq!(marks(&added), [b"c", b"a", b"b"]);
        assert_eq!(remove(&added).unwrap(), Some(signature(b"first", &[])));
    }

    #[test]
    fn a_signature_without_a_signer_is_refused() {
        let good = signature(b"first", &[]);
        let body = der::sequence(&[
            &der::integer(1),
            &der::set_of(vec![]),
            &der::sequence(&[&der::oid(oid::DATA)]),
            &der::set_of(vec![]),
        ]);
        let bare = der::sequence(&[
            &der::oid(oid::SIGNED_DATA),
            &der::tlv(der::context(0), &body),
        ]);
        assert!(add(&bare, &good).is_err());
        assert!(add(&good, &bare).is_err());
        let error = remove(&bare).unwrap_err().to_string();
        assert!(error.contains("found 0 signers"), "{error}");
        assert!(add(&good, b"\x30\0").is_err());
    }
}
