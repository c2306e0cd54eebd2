//! Catalogs that Microsoft's tools made: read, written again, and equal.

use formats::container::cat::{SubjectKind, Version};

use crate::support::{corpus, parse, rebuilt};

#[test]
fn unsigned_catalogs_of_makecat_are_rebuilt_byte_for_byte() {
    for name in ["unsigned.cat", "wineyes.cat"] {
        let Some(bytes) = corpus(name) else {
            return;
        };
        let catalog = parse(&bytes);
        assert_eq!(catalog.version(), Version::V2);
        assert_eq!(rebuilt(&catalog), bytes, "{name}");
        for member in catalog.members() {
            let kind = member.info.as_ref().and_then(|info| info.kind());
            assert!(kind.is_some() && member.other.is_empty(), "{member:?}");
        }
    }
}

/// The list inside a signed catalog of version 1 comes out as it stands.
#[test]
fn the_list_of_a_windows_catalog_is_rebuilt_byte_for_byte() {
    let Some(bytes) = corpus("hyperv.cat") else {
        return;
    };
    let catalog = parse(&bytes);
    assert_eq!(catalog.version(), Version::V1);
    let again = parse(&rebuilt(&catalog));
    assert_eq!(again.content().unwrap(), catalog.content().unwrap());
    let mut images = 0;
    for member in catalog.members() {
        let kind = member.info.as_ref().and_then(|info| info.kind());
        images += usize::from(kind.unwrap() == SubjectKind::Pe);
        assert_eq!(
            member.indirect_data().unwrap().digest,
            member.digest_tag(),
            "{member:?}"
        );
    }
    assert!(images > 0);
}
