//! What the tests of images share.

use std::io::Cursor;
use std::path::Path;

use formats::container::Piece;
use formats::container::pe::{Image, WordSum};
use formats::der;
use formats::patch::Patch;

use crate::builder::RawImage;

/// Images that can be signed, with names for messages.
pub(crate) fn all() -> Vec<(&'static str, RawImage)> {
    let with = |is_64_bit, change: fn(&mut RawImage)| {
        let mut image = RawImage::new(is_64_bit);
        change(&mut image);
        image
    };
    vec![
        ("PE32", RawImage::new(false)),
        ("PE32+", RawImage::new(true)),
        ("small", RawImage::small(true)),
        (
            "five directories",
            with(true, |image| image.directories = 5),
        ),
        (
            "overlay",
            with(false, |image| image.overlay = vec![0xEE; 64]),
        ),
        (
            // SectionAlignment then stands where e_lfanew does.
            "headers from the fourth byte",
            with(true, |image| {
                (image.e_lfanew, image.section_alignment) = (4, 4)
            }),
        ),
        (
            "section without data",
            with(false, |image| image.sections[1].place = Some((0, 0x400))),
        ),
        (
            "sections out of order",
            with(true, |image| image.sections.reverse_places()),
        ),
    ]
}

trait ReversePlaces {
    fn reverse_places(&mut self);
}

impl ReversePlaces for Vec<crate::builder::RawSection> {
    /// The second section's header comes first.
    fn reverse_places(&mut self) {
        self[0].place = Some((0x1600, 0x200));
        self[1].place = Some((0x200, 0x1400));
    }
}

pub(crate) fn read(bytes: &[u8]) -> Image {
    Image::read(&mut Cursor::new(bytes)).unwrap()
}

/// A DER SEQUENCE that stands for a signature.
pub(crate) fn fake_cms(content: usize) -> Vec<u8> {
    let content: Vec<u8> = (0..content).map(|n| (n * 31 + 7) as u8).collect();
    der::tlv(der::SEQUENCE, &content)
}

pub(crate) fn sign(input: &[u8], cms: &[u8]) -> Vec<u8> {
    let image = read(input);
    let prepared = image.prepare().unwrap();
    let hashed = WordSum::of_pieces(&mut Cursor::new(input), &prepared.digest_pieces()).unwrap();
    apply(&prepared.embed(cms, hashed).unwrap(), input)
}

pub(crate) fn remove(input: &[u8]) -> Option<Vec<u8>> {
    let patch = read(input)
        .remove_signature(&mut Cursor::new(input))
        .unwrap();
    patch.map(|patch| apply(&patch, input))
}

pub(crate) fn apply(patch: &Patch, input: &[u8]) -> Vec<u8> {
    let mut output = Vec::new();
    patch.apply(&mut Cursor::new(input), &mut output).unwrap();
    output
}

/// The bytes that `pieces` stand for.
pub(crate) fn gather(pieces: &[Piece], input: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Range(range) => bytes.extend(&input[range.start as usize..range.end as usize]),
            Piece::Literal(literal) => bytes.extend(literal),
        }
    }
    bytes
}

/// The names of the fields that are not as signing tools write them.
pub(crate) fn faults(bytes: &[u8]) -> Vec<&'static str> {
    let image = read(bytes);
    image.canonical_faults().iter().map(|f| f.field).collect()
}

/// A file of the corpus of real packages beside the repository, where there is one.
pub(crate) fn corpus(name: &str) -> Option<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/corpus/signed");
    let bytes = std::fs::read(Path::new(folder).join(name)).ok();
    if bytes.is_none() {
        println!("skipped: no corpus file {name}");
    }
    bytes
}
