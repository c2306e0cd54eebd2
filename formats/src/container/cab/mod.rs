//! Cabinets (`.cab`, `.spkg`): directory, digest and signature, contents, packing.
//!
//! A cabinet is signed by a PKCS#7 behind it, to which a record in the header reserve points. The directory and the
//! signature are read without the data, so a large cabinet costs no more than a small one until it is hashed.

mod checksum;
mod contents;
mod decode;
mod deflate;
mod directory;
mod folder;
mod header;
mod input;
mod layout;
mod pack;
mod path;
mod prepare;
mod sizes;
mod slot;

use std::io::{Read, Seek};

use crate::container::Piece;
use crate::error::ParseError;
use crate::patch::Patch;

pub use contents::{Contents, Limits, Member};
pub use directory::{Compression, File, Folder, MAX_BLOCK, attribs, i_folder};
pub use header::{Header, MAX_HEADER_RESERVE, MAX_STRING, flags};
pub use pack::{Entry, PackError, Packing, pack};
pub use path::{MemberPath, PathFault, path_faults};
pub use prepare::{MAX_CABINET, Prepared};
pub use slot::{MAX_SIGNATURE, Signature, SignaturePlace};

use directory::Directory;
use input::Input;
use slot::Slot;

/// A cabinet's header, directory and signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cabinet {
    header: Header,
    folders: Vec<Folder>,
    files: Vec<File>,
    slot: Slot,
    signature: Option<Signature>,
    faults: Vec<ParseError>,
    file_length: u64,
}

impl Cabinet {
    /// Reads everything but the data: header, reserves, names, CFFOLDERs, CFFILEs and the signature if there is
    /// one. Memory is bounded by what 16-bit counts allow (about 30 MB) and [`MAX_SIGNATURE`].
    ///
    /// # Errors
    /// When a structure is cut off, an offset leads out of the file, a file names no folder, the signature record
    /// leads nowhere, or the file is a cabinet behind a prefix.
    pub fn read(input: &mut (impl Read + Seek)) -> Result<Self, ParseError> {
        let mut input = Input::new(input)?;
        let header = Header::read(&mut input)?;
        let Directory { folders, files } = Directory::read(&mut input, &header)?;
        let slot = Slot::of(&header);
        let file_length = input.length();
        let mut faults = header_faults(&header);
        let signature = slot::read_signature(&mut input, &header, slot, &mut faults)?;
        if signature.is_some() {
            faults.extend(sizes::faults(&mut input, &header, &folders)?);
        }
        let behind = file_length.saturating_sub(u64::from(header.cb_cabinet));
        let is_appended = signature
            .as_ref()
            .is_some_and(|signature| signature.place == SignaturePlace::Appended);
        if behind > 0 && !is_appended {
            faults.push(ParseError::invalid(
                "CFHEADER",
                "cbCabinet",
                u64::from(header.cb_cabinet),
                format_args!("{behind} bytes behind the cabinet"),
                "the end of the file",
            ));
        }
        Ok(Self {
            header,
            folders,
            files,
            slot,
            signature,
            faults,
            file_length,
        })
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The folders in the file's order.
    pub fn folders(&self) -> &[Folder] {
        &self.folders
    }

    /// The files in the file's order.
    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// The signature, if there is one.
    pub fn signature(&self) -> Option<&Signature> {
        self.signature.as_ref()
    }

    /// What the digest of the cabinet as it stands covers. Signed: all but reserved1 and the signature slot.
    /// Unsigned: all but reserved1, which is how a catalog lists it.
    pub fn digest_pieces(&self) -> Vec<Piece> {
        let end = match &self.signature {
            Some(signature) if signature.place == SignaturePlace::Appended => signature.offset,
            Some(_) => self.file_length,
            None => return vec![Piece::Range(0..4), Piece::Range(8..self.file_length)],
        };
        layout::signed_pieces(&self.header, self.slot, end)
    }

    /// The value whose hash a signature or catalog entry carries beside the digest: where the signature stands,
    /// which is cbCabinet. It ties down the record in the reserve, which the digest leaves out.
    pub fn enhanced_hash_input(&self) -> [u8; 4] {
        match self.slot {
            Slot::Record { offset, .. } => offset.to_le_bytes(),
            _ => self.header.cb_cabinet.to_le_bytes(),
        }
    }

    /// The cabinet with room for a signature, in place of the one it may have.
    ///
    /// # Errors
    /// By name: data behind the cabinet, a header reserve that holds something else or is too short, and a cabinet
    /// that would grow past [`MAX_CABINET`].
    pub fn prepare(&self) -> Result<Prepared, ParseError> {
        prepare::prepare(self)
    }

    /// The change that takes the signature away; none where there is none.
    ///
    /// A header reserve of exactly 20 bytes goes with it, so that the bytes before signing come back; a larger one
    /// is kept with its signature record zeroed.
    ///
    /// # Errors
    /// By name: data behind the signature, or in the reserve.
    pub fn remove_signature(&self) -> Result<Option<Patch>, ParseError> {
        prepare::remove(self)
    }

    /// Every deviation from the bytes that a signing tool writes where no digest looks, and from the
    /// specification's fixed values: empty for a canonical cabinet.
    pub fn canonical_faults(&self) -> &[ParseError] {
        &self.faults
    }
}

/// Fields that must be zero.
fn header_faults(header: &Header) -> Vec<ParseError> {
    let known = flags::PREV_CABINET | flags::NEXT_CABINET | flags::RESERVE_PRESENT;
    [
        ("reserved1", 4, header.reserved1),
        ("reserved2", 12, header.reserved2),
        ("reserved3", 20, header.reserved3),
        ("flags", 30, u32::from(header.flags & !known)),
    ]
    .into_iter()
    .filter(|(.., value)| *value != 0)
    .map(|(field, offset, value)| {
        let found = format_args!("{value:#x}").to_string();
        ParseError::invalid("CFHEADER", field, offset, found, "0")
    })
    .collect()
}
