//! Cabinets: header, directory, signature slot, expanded contents.

use std::io::Cursor;

use formats::container::cab::{Cabinet, Contents, Limits};

use crate::bytes::{CMS, apply, gather};

/// Bytes that the folders of one input may expand to.
const EXPANDED: u64 = 4 << 20;

pub(crate) fn run(input: &[u8]) {
    let Ok(cabinet) = Cabinet::read(&mut Cursor::new(input)) else {
        return;
    };
    gather(&cabinet.digest_pieces(), input);
    expand(&cabinet, input);
    if let Ok(Some(patch)) = cabinet.remove_signature() {
        assert!(read(&apply(&patch, input)).signature().is_none());
    }
    if let Ok(prepared) = cabinet.prepare() {
        let patch = prepared.embed(CMS).expect("one SEQUENCE is embedded");
        let signed = apply(&patch, input);
        let read = read(&signed);
        assert_eq!(
            read.signature().map(|found| found.der.as_slice()),
            Some(CMS)
        );
        let (before, after) = (prepared.digest_pieces(), read.digest_pieces());
        assert_eq!(gather(&before, input), gather(&after, &signed));
        assert_eq!(prepared.enhanced_hash_input(), read.enhanced_hash_input());
        signing_again_changes_nothing(&read, &signed);
    }
}

/// A signature removed and put back leaves the same file.
fn signing_again_changes_nothing(cabinet: &Cabinet, signed: &[u8]) {
    let removed = cabinet.remove_signature();
    let Ok(Some(patch)) = removed else {
        panic!("a new signature cannot be removed: {removed:?}");
    };
    let bare = apply(&patch, signed);
    let prepared = read(&bare)
        .prepare()
        .expect("a bare cabinet is signed again");
    let patch = prepared.embed(CMS).expect("one SEQUENCE is embedded");
    assert_eq!(apply(&patch, &bare), signed);
}

fn read(bytes: &[u8]) -> Cabinet {
    Cabinet::read(&mut Cursor::new(bytes)).expect("a written cabinet is read")
}

fn expand(cabinet: &Cabinet, input: &[u8]) {
    let limits = Limits {
        expanded_total: EXPANDED,
        ..Limits::default()
    };
    let Ok(mut contents) = Contents::open(Cursor::new(input), cabinet, limits) else {
        return;
    };
    let mut total = 0;
    for file in cabinet.files() {
        let Ok(Some(mut member)) = contents.next_member() else {
            continue;
        };
        let announced = member.file().cb_file as usize;
        assert!(
            !member.path().split('/').any(|part| part == ".."),
            "{:?}",
            file.path()
        );
        if let Ok(bytes) = member.read_all() {
            assert_eq!(bytes.len(), announced);
            total += bytes.len() as u64;
        }
    }
    assert!(total <= EXPANDED);
}
