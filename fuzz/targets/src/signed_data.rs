//! PKCS#7 signatures: structure, Authenticode content, nested signatures, time stamps.

use formats::nested;
use formats::signed_data::{Attributes, SignedData, SignerInfo};
use formats::spc::{EnhancedHash, SpcIndirectData, SpcPeImageData, SpcSipInfo};
use signer::anchor::Anchors;
use signer::timestamp::{self, Existing, Stampable};
use signer::verify::signer::{certificates, check_signature, find_certificate, form_faults};

pub(crate) fn run(input: &[u8]) {
    let Ok(signed_data) = SignedData::read(input, 0) else {
        return;
    };
    if let Some(content) = signed_data.content
        && let Ok(data) = SpcIndirectData::read(content)
    {
        let _ = EnhancedHash::find(&data);
        let _ = SpcSipInfo::read(&data);
        if let Ok(image) = SpcPeImageData::read(&data) {
            let _ = image.write();
        }
    }
    let anchors = Anchors::built_in();
    let pool = certificates(&signed_data);
    for signer in &signed_data.signer_infos {
        let _ = form_faults(&signed_data, signer);
        if let Some(leaf) = find_certificate(signer, &pool) {
            let content = signed_data.content.map(|content| content.value);
            let _ = check_signature(signer, leaf, content.unwrap_or_default());
        }
        let _ = timestamp::verify(signer, &pool, &anchors);
    }
    let _ = Stampable::read(input, Existing::Keep);
    nesting_is_undone(input, &signed_data.signer_infos);
}

/// What is added comes off again, and nothing else.
fn nesting_is_undone(input: &[u8], signers: &[SignerInfo<'_>]) {
    let Ok(added) = nested::add(input, input) else {
        return;
    };
    let bare = match nested::remove(input) {
        Ok(Some(bare)) => bare,
        Ok(None) => input.to_vec(),
        Err(error) => panic!("added to but not removed from: {error}"),
    };
    let is_empty = |set: &Attributes<'_>| set.attributes.is_empty();
    let has_empty_set = signers.iter().any(|signer| {
        let unsigned = signer.unsigned_attributes.as_ref();
        unsigned.is_some_and(is_empty)
    });
    let removed = nested::remove(&added).expect("what was written is read");
    // An empty set of attributes, which DER would leave out, does not come back.
    assert!(has_empty_set || removed == Some(bare));
}
