//! Catalogs: the list, its members, signature on and off, writing again.

use formats::container::cat::{Catalog, CatalogBuilder};
use signer::catalog::Lookup;

use crate::bytes::apply;

pub(crate) fn run(input: &[u8]) {
    let Ok(catalog) = Catalog::parse(input.to_vec()) else {
        return;
    };
    for member in catalog.members() {
        let _ = (member.label(), member.digest_tag(), member.indirect_data());
        member.attributes.iter().for_each(|one| drop(one.text()));
    }
    let content = catalog.content().expect("it was read before").to_vec();
    if let Ok(Some(patch)) = catalog.remove_signature() {
        let bare = Catalog::parse(apply(&patch, input)).expect("an unsigned catalog is read");
        assert_eq!(bare.content().ok(), Some(content.as_slice()));
        assert!(bare.signature().is_none());
    }
    assert_eq!(apply(&catalog.embed(input), input), input);
    let _ = Lookup::new(&catalog);
    if let Some(written) = write(&catalog) {
        let again = Catalog::parse(written.clone()).expect("a written catalog is read");
        assert_eq!(write(&again), Some(written));
    }
}

/// The catalog from what was read of it; nothing where a member stands twice or cannot be written.
fn write(catalog: &Catalog) -> Option<Vec<u8>> {
    let mut builder = CatalogBuilder::new(catalog.version(), catalog.this_update());
    for attribute in catalog.attributes() {
        builder.attribute(attribute.clone());
    }
    for member in catalog.members() {
        builder.add_member(member.clone()).ok()?;
    }
    builder.write(catalog.list_identifier()).ok()
}
