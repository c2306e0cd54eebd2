//! Certificates, distinguished names in both forms, and what chains ask of a certificate.

use formats::certificate::Certificate;
use formats::name_constraints::{GeneralName, NameConstraints};
use formats::x500::DistinguishedName;
use signer::anchor::Anchors;
use signer::chain;
use signer::public_key::PublicKey;

pub(crate) fn run(input: &[u8]) {
    let Some((selector, body)) = input.split_first() else {
        return;
    };
    match selector % 4 {
        0 => certificate(body),
        1 => encoded_name(body),
        2 => {
            let text = String::from_utf8_lossy(body);
            if let Ok(name) = DistinguishedName::parse(&text) {
                text_form_is_read_again(&name);
            }
        }
        _ => {
            let names = GeneralName::read_all(body);
            if let (Ok(constraints), Ok(names)) = (NameConstraints::read(body), names) {
                let _ = constraints.violation(&names);
            }
        }
    }
}

fn certificate(der: &[u8]) {
    let Ok(certificate) = Certificate::parse(der, 0) else {
        return;
    };
    assert_eq!(certificate.der, der);
    assert!(
        der.windows(certificate.tbs.len())
            .any(|part| part == certificate.tbs)
    );
    let _ = (certificate.serial_hex(), certificate.names());
    let _ = (certificate.is_self_issued(), format!("{certificate:?}"));
    if let Some(constraints) = &certificate.name_constraints {
        let _ = constraints.violation(&certificate.names());
    }
    encoded_name(&certificate.subject.raw);
    let _ = PublicKey::from_spki(&certificate.public_key);
    let _ = (
        chain::may_sign_code(&certificate).is_ok(),
        chain::may_sign_timestamps(&certificate, true).is_ok(),
        chain::is_lifetime_signing(&certificate),
    );
    // As its own issuer it may lead nowhere, but the search must end.
    let pool = [certificate.clone(), certificate.clone()];
    let _ = chain::build(&certificate, &pool, &Anchors::built_in());
}

fn encoded_name(der: &[u8]) {
    if let Ok(name) = DistinguishedName::read(der) {
        text_form_is_read_again(&name);
    }
}

/// The text form of a name is read as the same name. A name or a part of it without attributes has none.
fn text_form_is_read_again(name: &DistinguishedName) {
    let text = name.to_string();
    match DistinguishedName::parse(&text) {
        Ok(again) => assert_eq!(&again, name, "{text}"),
        Err(error) => assert!(has_empty_part(&text), "{text}: {error}"),
    }
}

fn has_empty_part(text: &str) -> bool {
    text.is_empty() || text.starts_with(", ") || text.ends_with(", ") || text.contains(", , ")
}
