//! Archives beyond 4 GiB, of which only the ends exist.

use std::io::{self, Read, Seek, SeekFrom};

use formats::container::Piece;
use formats::container::appx::{DigestPart, Package};
use formats::patch::Patch;

use crate::builder::{RawFile, RawPackage, Style};
use crate::support::{PUBLISHER, SHA_256, some_der};

/// `head`, then zeros, then `tail`.
struct Sparse {
    head: Vec<u8>,
    zeros: u64,
    tail: Vec<u8>,
    position: u64,
}

impl Sparse {
    fn length(&self) -> u64 {
        self.head.len() as u64 + self.zeros + self.tail.len() as u64
    }
}

impl Read for Sparse {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let head = self.head.len() as u64;
        let tail = head + self.zeros;
        let (mut source, zeros): (&[u8], u64) = match self.position {
            at if at < head => (&self.head[at as usize..], 0),
            at if at < tail => (&[], tail - at),
            at => (&self.tail[((at - tail) as usize).min(self.tail.len())..], 0),
        };
        let count = match zeros {
            0 => source.read(buffer)?,
            zeros => {
                let count = buffer.len().min(zeros as usize);
                buffer[..count].fill(0);
                count
            }
        };
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Sparse {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(at) => self.length().checked_add_signed(at).unwrap(),
            SeekFrom::Current(at) => self.position.checked_add_signed(at).unwrap(),
        };
        Ok(self.position)
    }
}

/// A package whose program is so large that the central directory stands at `directory`.
fn sparse(directory: u64, style: Style, types_first: bool) -> Sparse {
    let mut package = RawPackage::package(PUBLISHER, style, SHA_256);
    let content = package.file("App.exe").content.clone();
    if types_first {
        package.files.rotate_right(1);
    }
    // Stored, so that it grows when the signature is announced in it.
    package.file("[Content_Types].xml").method = 0;
    package.files.push(RawFile::new("z", [], style).stored());
    let mut bytes = package.bytes();
    let zeros = directory - first_header(&bytes) as u64;
    // Central header and end record of the enlarged archive, by hand: all offsets behind the file move.
    let find = |bytes: &[u8], what: &[u8]| {
        let mut windows = bytes.windows(what.len());
        windows.rposition(|window| window == what).unwrap()
    };
    let add = |bytes: &mut Vec<u8>, at: usize, width: usize| {
        let mut value = [0; 8];
        value[..width].copy_from_slice(&bytes[at..at + width]);
        let sum = u64::from_le_bytes(value) + zeros;
        bytes[at..at + width].copy_from_slice(&sum.to_le_bytes()[..width]);
    };
    let mut at = first_header(&bytes);
    let enlarged = find(&bytes, b"App.exe") - 46;
    let mut behind = false;
    while bytes[at..].starts_with(b"PK\x01\x02") {
        let field = |offset: usize| {
            usize::from(u16::from_le_bytes([
                bytes[at + offset],
                bytes[at + offset + 1],
            ]))
        };
        let (name, extra) = (field(28), field(30));
        let values = at + 46 + name + 4;
        let next = at + 46 + name + extra;
        if at == enlarged {
            behind = true;
            match style {
                Style::MakeAppx => [0, 8].iter().for_each(|o| add(&mut bytes, values + o, 8)),
                Style::Plain => [20, 24].iter().for_each(|o| add(&mut bytes, at + o, 4)),
            }
        } else if behind {
            match style {
                Style::MakeAppx => add(&mut bytes, values + 16, 8),
                Style::Plain => add(&mut bytes, at + 42, 4),
            }
        }
        at = next;
    }
    match style {
        Style::MakeAppx => {
            let end = find(&bytes, b"PK\x06\x06");
            add(&mut bytes, end + 48, 8);
            let locator = find(&bytes, b"PK\x06\x07");
            add(&mut bytes, locator + 8, 8);
            let data_end = find(&bytes, &content[content.len() - 64..]) + 64;
            [8, 16]
                .iter()
                .for_each(|o| add(&mut bytes, data_end + o, 8));
        }
        Style::Plain => {
            let end = bytes.len() - 22;
            add(&mut bytes, end + 16, 4);
            let name = bytes.windows(7).position(|w| w == b"App.exe").unwrap();
            [12, 8].iter().for_each(|o| add(&mut bytes, name - o, 4));
        }
    }
    let split = find(&bytes, &content[content.len() - 64..]) + 64;
    let tail = bytes.split_off(split);
    Sparse {
        head: bytes,
        zeros,
        tail,
        position: 0,
    }
}

fn first_header(bytes: &[u8]) -> usize {
    let mut windows = bytes.windows(6);
    windows
        .position(|window| window == b"PK\x01\x02\x2d\0")
        .unwrap()
}

/// The input with a patch of which the last hunk reaches the end and others lie in the head.
fn patched(input: &Sparse, patch: &Patch) -> Sparse {
    let split = input.head.len() as u64 + input.zeros;
    let mut head = input.head.clone();
    let mut tail = input.tail.clone();
    for hunk in patch.hunks().iter().rev() {
        let (bytes, base) = match hunk.range.start >= split {
            true => (&mut tail, split),
            false => (&mut head, 0),
        };
        let range = (hunk.range.start - base) as usize..(hunk.range.end - base) as usize;
        bytes.splice(range, hunk.replacement.iter().copied());
    }
    Sparse {
        head,
        zeros: input.zeros,
        tail,
        position: 0,
    }
}

#[test]
fn packages_beyond_4_gib_are_signed() {
    let directory = 5 << 30;
    let mut input = sparse(directory, Style::MakeAppx, false);
    let package = Package::read(&mut input).unwrap();
    assert_eq!(package.canonical_faults(), []);
    let prepared = package.prepare().unwrap();
    let patch = prepared.embed(&some_der()).unwrap();
    let mut signed = patched(&input, &patch);
    let package = Package::read(&mut signed).unwrap();
    assert_eq!(package.canonical_faults(), []);
    assert!(package.signature().unwrap().1 > 1 << 32);
    let literals = |parts: &[DigestPart]| {
        let parts = parts.iter().flat_map(|part| part.pieces.clone());
        let literals = parts.filter(|piece| matches!(piece, Piece::Literal(_)));
        literals.collect::<Vec<_>>()
    };
    let after = literals(&package.digest_parts());
    assert!(
        after
            .iter()
            .all(|piece| literals(prepared.digest_parts()).contains(piece))
    );
}

/// 4 GiB are passed by the signature alone, and by files that move because the content types grow.
#[test]
fn zip64_comes_in_where_signing_passes_4_gib() {
    for (below, types_first) in [
        (2, false),
        (2, true),
        (50, true),
        (1000, true),
        (1 << 20, true),
    ] {
        let mut input = sparse((1 << 32) - below, Style::Plain, types_first);
        let package = Package::read(&mut input).unwrap();
        assert_eq!(package.canonical_faults(), []);
        let prepared = package.prepare().unwrap();
        let patch = prepared.embed(&some_der()).unwrap();
        let mut signed = patched(&input, &patch);
        let package = Package::read(&mut signed).unwrap();
        assert_eq!(package.canonical_faults(), [], "{below} {types_first}");
        let directory = |parts: &[DigestPart]| match parts[1].pieces.as_slice() {
            [Piece::Literal(directory)] => directory.clone(),
            other => panic!("{other:?}"),
        };
        let after = directory(&package.digest_parts());
        assert!(after.windows(4).any(|window| window == b"PK\x06\x06"));
        assert!(after == directory(prepared.digest_parts()));
        let lengthened = after.windows(4).any(|window| window == [1, 0, 24, 0]);
        assert_eq!(lengthened, below <= 50);
        let patch = package.remove_signature().unwrap().unwrap();
        let unsigned = Package::read(&mut patched(&signed, &patch)).unwrap();
        assert_eq!(unsigned.canonical_faults(), []);
    }
}
