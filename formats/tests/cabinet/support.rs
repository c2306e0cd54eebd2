//! A cabinet builder for shapes that no packer writes, and the programs that tests compare with.

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;

use formats::container::Piece;
use formats::container::cab::{Cabinet, flags};
use formats::patch::Patch;
use sha2::{Digest, Sha256};

/// A folder as it is to be written: blocks of (data, bytes when expanded).
#[derive(Clone, Default)]
pub(crate) struct RawFolder {
    pub(crate) type_compress: u16,
    pub(crate) reserve: Vec<u8>,
    pub(crate) blocks: Vec<(Vec<u8>, u16)>,
}

/// A file as it is to be written.
#[derive(Clone)]
pub(crate) struct RawFile {
    pub(crate) name: Vec<u8>,
    pub(crate) size: u32,
    pub(crate) offset: u32,
    pub(crate) folder: u16,
    pub(crate) attribs: u16,
}

/// A cabinet as it is to be written; nothing is checked.
#[derive(Clone, Default)]
pub(crate) struct Raw {
    pub(crate) set_id: u16,
    pub(crate) i_cabinet: u16,
    /// abReserve, cbCFFolder and cbCFData.
    pub(crate) reserve: Option<(Vec<u8>, u8, u8)>,
    pub(crate) prev: Option<(&'static str, &'static str)>,
    pub(crate) next: Option<(&'static str, &'static str)>,
    pub(crate) folders: Vec<RawFolder>,
    pub(crate) files: Vec<RawFile>,
}

impl Raw {
    /// One stored folder with the given files.
    pub(crate) fn stored(files: &[(&str, &[u8])]) -> Self {
        let mut raw = Self::default();
        let mut data = Vec::new();
        for (name, content) in files {
            raw.files.push(RawFile {
                name: name.as_bytes().to_vec(),
                size: content.len() as u32,
                offset: data.len() as u32,
                folder: 0,
                attribs: 0x20,
            });
            data.extend_from_slice(content);
        }
        let blocks = data.chunks(0x8000).map(|c| (c.to_vec(), c.len() as u16));
        raw.folders.push(RawFolder {
            blocks: blocks.collect(),
            ..RawFolder::default()
        });
        raw
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut flag_bits = 0;
        let mut head = Vec::new();
        let (mut folder_reserve, mut data_reserve) = (0, 0);
        if let Some((reserve, folder, data)) = &self.reserve {
            flag_bits |= flags::RESERVE_PRESENT;
            head.extend((reserve.len() as u16).to_le_bytes());
            head.extend([*folder, *data]);
            head.extend(reserve);
            (folder_reserve, data_reserve) = (usize::from(*folder), usize::from(*data));
        }
        for (names, bit) in [
            (self.prev, flags::PREV_CABINET),
            (self.next, flags::NEXT_CABINET),
        ] {
            if let Some((cabinet, disk)) = names {
                flag_bits |= bit;
                head.extend(format!("{cabinet}\0{disk}\0").as_bytes());
            }
        }
        let mut files = Vec::new();
        for file in &self.files {
            files.extend(file.size.to_le_bytes());
            files.extend(file.offset.to_le_bytes());
            files.extend(file.folder.to_le_bytes());
            files.extend([0x6C, 0x22, 0xBA, 0x59]);
            files.extend(file.attribs.to_le_bytes());
            files.extend(&file.name);
            files.push(0);
        }
        let coff_files = 36 + head.len() + self.folders.len() * (8 + folder_reserve);
        let mut at = coff_files + files.len();
        let (mut folders, mut data) = (Vec::new(), Vec::new());
        for folder in &self.folders {
            folders.extend((at as u32).to_le_bytes());
            folders.extend((folder.blocks.len() as u16).to_le_bytes());
            folders.extend(folder.type_compress.to_le_bytes());
            let mut reserve = folder.reserve.clone();
            reserve.resize(folder_reserve, 0);
            folders.extend(reserve);
            let before = data.len();
            for (block, expanded) in &folder.blocks {
                let mut sizes = (block.len() as u16).to_le_bytes().to_vec();
                sizes.extend(expanded.to_le_bytes());
                data.extend((sum(block) ^ sum(&sizes)).to_le_bytes());
                data.extend(&sizes);
                data.extend(vec![0x5A; data_reserve]);
                data.extend(block);
            }
            at += data.len() - before;
        }
        let mut bytes = b"MSCF\0\0\0\0".to_vec();
        bytes.extend((at as u32).to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend((coff_files as u32).to_le_bytes());
        bytes.extend([0, 0, 0, 0, 3, 1]);
        bytes.extend((self.folders.len() as u16).to_le_bytes());
        bytes.extend((self.files.len() as u16).to_le_bytes());
        for field in [flag_bits, self.set_id, self.i_cabinet] {
            bytes.extend(field.to_le_bytes());
        }
        for part in [head, folders, files, data] {
            bytes.extend(part);
        }
        bytes
    }
}

/// The block checksum, written a second time so that a mistake shows.
fn sum(data: &[u8]) -> u32 {
    let mut sum = 0_u32;
    for chunk in data.chunks(4) {
        sum ^= match *chunk {
            [a, b, c, d] => u32::from_le_bytes([a, b, c, d]),
            [a, b, c] => u32::from_be_bytes([0, a, b, c]),
            [a, b] => u32::from_be_bytes([0, 0, a, b]),
            [a] => u32::from(a),
            _ => 0,
        };
    }
    sum
}

pub(crate) fn read(bytes: &[u8]) -> Cabinet {
    Cabinet::read(&mut Cursor::new(bytes)).unwrap()
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
            Piece::Range(range) => {
                bytes.extend(&input[range.start as usize..range.end as usize]);
            }
            Piece::Literal(literal) => bytes.extend(literal),
        }
    }
    bytes
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
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

/// Whether `program` is there to compare with. It must be, unless PROOFMARK_SKIP_ORACLES=1 says otherwise.
pub(crate) fn oracle(program: &str) -> bool {
    if Command::new(program).arg("--version").output().is_ok() {
        return true;
    }
    assert!(
        std::env::var_os("PROOFMARK_SKIP_ORACLES").is_some_and(|value| value == "1"),
        "{program} is not installed; PROOFMARK_SKIP_ORACLES=1 leaves out what needs it"
    );
    println!("skipped: {program} is not installed");
    false
}

/// Runs a program in `folder` and fails the test with its output when it fails.
pub(crate) fn run(folder: &Path, program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {text}");
    text
}

/// Writes a file into `folder`.
pub(crate) fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, bytes).unwrap();
    path
}

/// Numbers that look random and are the same every time.
pub(crate) fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}
