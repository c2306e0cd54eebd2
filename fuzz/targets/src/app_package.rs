//! App packages: archive, block map, manifest, content types, signature; and their XML parts alone.

use std::io::Cursor;

use formats::container::appx::Package;
use formats::document::appx::{BlockMap, ContentTypes, Identity};

use crate::bytes::{CMS, apply, gather};

/// Largest file of a package that is expanded, in bytes.
const EXPANDED: u64 = 1 << 20;

pub(crate) fn run(input: &[u8]) {
    if !input.starts_with(b"PK") {
        parts(input);
        return;
    }
    let mut file = Cursor::new(input);
    let Ok(package) = Package::read(&mut file) else {
        return;
    };
    let _ = (package.block_map(), package.identity());
    for part in package.digest_parts() {
        gather(&part.pieces, input);
    }
    for one in package.files().filter(|one| one.size() <= EXPANDED) {
        let mut length = 0;
        if one
            .each_block(&mut file, |block| length += block.len() as u64)
            .is_ok()
        {
            assert_eq!(length, one.size());
        }
    }
    if let Ok(Some(patch)) = package.remove_signature() {
        assert!(read(&apply(&patch, input)).signature().is_none());
    }
    if let Ok(prepared) = package.prepare() {
        let patch = prepared.embed(CMS).expect("a short signature is embedded");
        let signed = apply(&patch, input);
        let read = read(&signed);
        assert_eq!(read.signature().map(|(der, _)| der), Some(CMS));
        assert_eq!(read.digest_parts().len(), prepared.digest_parts().len());
        for (before, after) in prepared.digest_parts().iter().zip(read.digest_parts()) {
            assert_eq!(before.tag, after.tag);
            assert_eq!(
                gather(&before.pieces, input),
                gather(&after.pieces, &signed)
            );
        }
    }
}

fn read(bytes: &[u8]) -> Package {
    Package::read(&mut Cursor::new(bytes)).expect("a written package is read")
}

fn parts(input: &[u8]) {
    let _ = (BlockMap::read(input), Identity::read(input));
    if let Ok(types) = ContentTypes::read(input) {
        assert!(types.end <= input.len());
        if let Some(element) = types.signature {
            assert!(input.get(element.range()).is_some());
        }
    }
}
