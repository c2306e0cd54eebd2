//! PE images: headers, sections, certificate table, pages, CheckSum.

use std::io::Cursor;

use formats::container::pe::{Image, WordSum};
use signer::digest::DigestAlgorithm;
use signer::page_hash;

use crate::bytes::{CMS, apply, gather};

/// Pages whose hashes are worth the time.
const PAGES: u64 = 64;

pub(crate) fn run(input: &[u8]) {
    let mut file = Cursor::new(input);
    let Ok(image) = Image::read(&mut file) else {
        return;
    };
    let pieces = image.digest_pieces();
    gather(&pieces, input);
    image
        .sections()
        .iter()
        .for_each(|section| drop(section.name()));
    for (der, offset) in image.signatures() {
        let from = offset as usize;
        assert_eq!(input.get(from..from + der.len()), Some(der));
    }
    let sum = WordSum::of_pieces(&mut file, &pieces).expect("it was gathered before");
    let _ = image.expected_check_sum(sum);
    if let Ok(layout) = image.pages() {
        gather(&layout.headers, input);
        if layout.records() <= PAGES {
            let table = page_hash::table(&mut file, &layout, DigestAlgorithm::Sha1);
            let table = table.expect("pages lie inside the file");
            let length = page_hash::table_length(&layout, DigestAlgorithm::Sha1);
            assert_eq!(Some(table.len()), length);
        }
    }
    if let Ok(Some(patch)) = image.remove_signature(&mut file) {
        let bare = apply(&patch, input);
        assert_eq!(read(&bare).signatures().count(), 0);
    }
    if let Ok(prepared) = image.prepare() {
        let pieces = prepared.digest_pieces();
        let sum = WordSum::of_pieces(&mut file, &pieces).expect("it lies inside the file");
        let patch = prepared.embed(CMS, sum).expect("one SEQUENCE is embedded");
        let signed = apply(&patch, input);
        is_signed(&signed);
        assert_eq!(
            gather(&pieces, input),
            gather(&read(&signed).digest_pieces(), &signed)
        );
        let patch = read(&signed).remove_signature(&mut Cursor::new(&signed));
        let patch = patch.expect("a new signature can be removed");
        let bare = apply(&patch.expect("there is one"), &signed);
        let unsigned = read(&bare);
        assert_eq!(unsigned.signatures().count(), 0);
        let prepared = unsigned.prepare().expect("a bare image is signed again");
        let sum = WordSum::of_pieces(&mut Cursor::new(&bare), &prepared.digest_pieces());
        let patch = prepared.embed(CMS, sum.expect("it lies inside the file"));
        assert_eq!(apply(&patch.expect("it fitted before"), &bare), signed);
    }
}

fn is_signed(bytes: &[u8]) {
    let image = read(bytes);
    let signatures: Vec<&[u8]> = image.signatures().map(|(der, _)| der).collect();
    assert_eq!(signatures, [CMS]);
    assert_eq!(image.canonical_faults(), [], "what is signed is canonical");
    let sum = WordSum::of_pieces(&mut Cursor::new(bytes), &image.digest_pieces());
    let sum = image.expected_check_sum(sum.expect("it lies inside the file"));
    assert_eq!(sum, Some(image.header().check_sum));
}

fn read(bytes: &[u8]) -> Image {
    Image::read(&mut Cursor::new(bytes)).expect("a written image is read")
}
