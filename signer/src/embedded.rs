//! The certificates that a signed file carries, those of nested signatures and time stamps and those that a secure-boot
//! variable brings too.

use formats::certificate::Certificate;
use formats::container::Container;
use formats::container::efi_variable::EntryKind;
use formats::der::Tlv;
use formats::oid;
use formats::signed_data::SignedData;

use crate::verify::signer::certificates;

/// Deepest nesting of signatures that is followed.
const MAX_DEPTH: usize = 3;
/// Most certificates that are returned.
const MAX_CERTIFICATES: usize = 1024;

/// The readable certificates of a container, each once, in the order of the file.
pub fn of_container(container: &Container) -> Vec<Certificate> {
    let mut found = Vec::new();
    for signature in container.signatures() {
        if let Ok(signed_data) = container.read_signature(signature.der, signature.offset) {
            collect(&signed_data, 0, &mut found);
        }
    }
    if let Container::EfiVariable(variable) = container {
        let lists = variable.lists().iter();
        let certificates = lists.filter(|list| list.kind == EntryKind::X509);
        for entry in certificates.flat_map(|list| &list.entries) {
            if let Ok(certificate) = Certificate::parse(&entry.data, entry.offset) {
                add(certificate, &mut found);
            }
        }
    }
    found
}

fn collect(signed_data: &SignedData<'_>, depth: usize, found: &mut Vec<Certificate>) {
    for certificate in certificates(signed_data) {
        add(certificate, found);
    }
    if depth >= MAX_DEPTH {
        return;
    }
    let signers = signed_data.signer_infos.iter();
    let attributes = signers.filter_map(|signer| signer.unsigned_attributes.as_ref());
    for attribute in attributes.flat_map(|attributes| &attributes.attributes) {
        if matches!(
            attribute.kind,
            oid::SPC_NESTED_SIGNATURE | oid::RFC3161_TOKEN
        ) {
            for inner in attribute.values.iter().filter_map(read) {
                collect(&inner, depth.saturating_add(1), found);
            }
        }
    }
}

fn add(certificate: Certificate, found: &mut Vec<Certificate>) {
    if found.len() < MAX_CERTIFICATES && !found.contains(&certificate) {
        found.push(certificate);
    }
}

fn read<'a>(value: &Tlv<'a>) -> Option<SignedData<'a>> {
    SignedData::read_element(*value).ok()
}
