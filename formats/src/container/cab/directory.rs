//! CFFOLDER and CFFILE.

use std::io::{Read, Seek};
use std::ops::Range;

use super::header::{Header, MAX_STRING, flags};
use super::input::Input;
use super::path::MemberPath;
use crate::cursor::Cursor;
use crate::error::ParseError;

/// Bytes of a CFFOLDER without its reserve.
pub(super) const FOLDER_LENGTH: u64 = 8;
/// Bytes of a CFFILE in front of its name.
const FILE_LENGTH: usize = 16;
/// Most bytes that one block expands to.
pub const MAX_BLOCK: u64 = 0x8000;

/// How a folder's blocks are compressed (MS-CAB 2.2, `typeCompress`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// MSZIP: deflate in blocks that share their history.
    Mszip,
    /// Quantum.
    Quantum,
    /// LZX with a window of 2 to this power bytes (15 to 21 are valid).
    Lzx(u8),
    /// A number that the specification does not know.
    Unknown(u16),
}

/// A run of blocks that are compressed together (MS-CAB 2.2).
///
/// | offset | length | field | |
/// |---|---|---|---|
/// | 0 | 4 | coffCabStart | offset of the first CFDATA |
/// | 4 | 2 | cCFData | blocks in this cabinet |
/// | 6 | 2 | typeCompress | method in the low 4 bits, LZX window in bits 8 to 12 |
/// | 8 | cbCFFolder | abReserve | |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Folder {
    /// Offset of the CFFOLDER itself.
    pub offset: u64,
    /// `coffCabStart`: offset of the first CFDATA.
    pub coff_cab_start: u32,
    /// `cCFData`: blocks in this cabinet.
    pub c_cf_data: u16,
    /// `typeCompress` as it stands.
    pub type_compress: u16,
}

impl Folder {
    /// Writes the CFFOLDER, without reserve.
    pub(super) fn write(&self, output: &mut Vec<u8>) {
        output.extend_from_slice(&self.coff_cab_start.to_le_bytes());
        output.extend_from_slice(&self.c_cf_data.to_le_bytes());
        output.extend_from_slice(&self.type_compress.to_le_bytes());
    }

    /// The method that `typeCompress` names.
    pub fn compression(&self) -> Compression {
        match self.type_compress & 0x000F {
            0 => Compression::None,
            1 => Compression::Mszip,
            2 => Compression::Quantum,
            3 => Compression::Lzx(self.type_compress.to_be_bytes()[0] & 0x1F),
            other => Compression::Unknown(other),
        }
    }
}

/// Values of [`File::i_folder`] that name no folder but the neighbour in the set.
pub mod i_folder {
    /// `ifoldCONTINUED_FROM_PREV`: the file began in the cabinet before.
    pub const CONTINUED_FROM_PREV: u16 = 0xFFFD;
    /// `ifoldCONTINUED_TO_NEXT`: the file ends in the next cabinet.
    pub const CONTINUED_TO_NEXT: u16 = 0xFFFE;
    /// `ifoldCONTINUED_PREV_AND_NEXT`: both.
    pub const CONTINUED_PREV_AND_NEXT: u16 = 0xFFFF;
}

/// Bits of [`File::attribs`].
pub mod attribs {
    /// Read-only.
    pub const READ_ONLY: u16 = 0x01;
    /// Hidden.
    pub const HIDDEN: u16 = 0x02;
    /// System file.
    pub const SYSTEM: u16 = 0x04;
    /// Modified since the last backup.
    pub const ARCHIVE: u16 = 0x20;
    /// Run after extraction.
    pub const EXECUTE: u16 = 0x40;
    /// The name is UTF-8.
    pub const NAME_IS_UTF: u16 = 0x80;
}

/// A file in a cabinet (MS-CAB 2.3).
///
/// | offset | length | field | |
/// |---|---|---|---|
/// | 0 | 4 | cbFile | bytes when expanded |
/// | 4 | 4 | uoffFolderStart | offset in the expanded folder |
/// | 8 | 2 | iFolder | folder, or [`i_folder`] |
/// | 10 | 2 | date | `(year - 1980) << 9 \| month << 5 \| day` |
/// | 12 | 2 | time | `hour << 11 \| minute << 5 \| second / 2` |
/// | 14 | 2 | attribs | [`attribs`] |
/// | 16 | | szName | up to 255 bytes and a NUL |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Offset of the CFFILE itself.
    pub offset: u64,
    /// `cbFile`: bytes when expanded.
    pub cb_file: u32,
    /// `uoffFolderStart`: offset in the expanded folder.
    pub uoff_folder_start: u32,
    /// `iFolder`: index of the folder, or one of [`i_folder`].
    pub i_folder: u16,
    /// `date`, packed as DOS does.
    pub date: u16,
    /// `time`, packed as DOS does.
    pub time: u16,
    /// `attribs`: see [`attribs`].
    pub attribs: u16,
    /// `szName`, bytes as they stand.
    pub sz_name: Vec<u8>,
}

impl File {
    /// Whether parts of the file lie in another cabinet of the set.
    pub fn is_split(&self) -> bool {
        self.i_folder >= i_folder::CONTINUED_FROM_PREV
    }

    /// The name as text with `/` between its parts, and what is wrong with it.
    pub fn path(&self) -> MemberPath {
        MemberPath::new(&self.sz_name, self.attribs & attribs::NAME_IS_UTF != 0)
    }

    /// The bytes that it takes up in its expanded folder.
    pub fn range(&self) -> Range<u64> {
        let start = u64::from(self.uoff_folder_start);
        start..start.saturating_add(u64::from(self.cb_file))
    }

    fn read<R: Read + Seek>(
        input: &mut Input<R>,
        buffer: &mut Vec<u8>,
    ) -> Result<Self, ParseError> {
        let offset = input.offset();
        buffer.clear();
        input.append("CFFILE", "cbFile", FILE_LENGTH, buffer)?;
        if buffer.len() == FILE_LENGTH {
            input.append_string("CFFILE", "szName", MAX_STRING, buffer)?;
        }
        let mut cursor = Cursor::new("CFFILE", buffer, offset);
        let file = Self {
            offset,
            cb_file: cursor.u32("cbFile")?,
            uoff_folder_start: cursor.u32("uoffFolderStart")?,
            i_folder: cursor.u16("iFolder")?,
            date: cursor.u16("date")?,
            time: cursor.u16("time")?,
            attribs: cursor.u16("attribs")?,
            sz_name: cursor.c_string("szName", MAX_STRING)?.to_vec(),
        };
        Ok(file)
    }

    /// Writes the CFFILE.
    pub(super) fn write(&self, output: &mut Vec<u8>) {
        output.extend_from_slice(&self.cb_file.to_le_bytes());
        output.extend_from_slice(&self.uoff_folder_start.to_le_bytes());
        output.extend_from_slice(&self.i_folder.to_le_bytes());
        output.extend_from_slice(&self.date.to_le_bytes());
        output.extend_from_slice(&self.time.to_le_bytes());
        output.extend_from_slice(&self.attribs.to_le_bytes());
        output.extend_from_slice(&self.sz_name);
        output.push(0);
    }
}

/// The folders and files of a cabinet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Directory {
    pub(super) folders: Vec<Folder>,
    pub(super) files: Vec<File>,
}

impl Directory {
    /// Reads what `header` announces; the input stands at the first CFFOLDER.
    pub(super) fn read<R: Read + Seek>(
        input: &mut Input<R>,
        header: &Header,
    ) -> Result<Self, ParseError> {
        let folders = read_folders(input, header)?;
        check_file_table(header, input.offset())?;
        input.seek("CFHEADER", "coffFiles", u64::from(header.coff_files))?;
        let mut files = Vec::new();
        let mut buffer = Vec::with_capacity(512);
        for _ in 0..header.c_files {
            let file = File::read(input, &mut buffer)?;
            check_file(&file, header, &folders)?;
            files.push(file);
        }
        check_folders(&folders, header, input.offset())?;
        Ok(Self { folders, files })
    }
}

fn read_folders<R: Read + Seek>(
    input: &mut Input<R>,
    header: &Header,
) -> Result<Vec<Folder>, ParseError> {
    let reserve = usize::from(header.cb_cf_folder);
    let length = reserve.saturating_add(FOLDER_LENGTH as usize);
    let mut folders = Vec::new();
    let mut buffer = Vec::with_capacity(length);
    for _ in 0..header.c_folders {
        let offset = input.offset();
        buffer.clear();
        input.append("CFFOLDER", "coffCabStart", length, &mut buffer)?;
        let mut cursor = Cursor::new("CFFOLDER", &buffer, offset);
        folders.push(Folder {
            offset,
            coff_cab_start: cursor.u32("coffCabStart")?,
            c_cf_data: cursor.u16("cCFData")?,
            type_compress: cursor.u16("typeCompress")?,
        });
        cursor.bytes("abReserve", reserve)?;
    }
    Ok(folders)
}

/// The CFFILEs lie behind the CFFOLDERs and inside the cabinet.
fn check_file_table(header: &Header, folders_end: u64) -> Result<(), ParseError> {
    let coff_files = u64::from(header.coff_files);
    if coff_files < folders_end || header.coff_files > header.cb_cabinet {
        return Err(ParseError::invalid(
            "CFHEADER",
            "coffFiles",
            16,
            coff_files,
            format_args!(
                "{folders_end} (the end of the folders) to {}",
                header.cb_cabinet
            ),
        ));
    }
    Ok(())
}

/// A file names a folder that exists and lies inside what its folder can expand to.
fn check_file(file: &File, header: &Header, folders: &[Folder]) -> Result<(), ParseError> {
    let invalid = |field, place: u64, found: u64, expected: &dyn std::fmt::Display| {
        let offset = file.offset.saturating_add(place);
        Err(ParseError::invalid(
            "CFFILE", field, offset, found, expected,
        ))
    };
    let needed = match file.i_folder {
        i_folder::CONTINUED_FROM_PREV => flags::PREV_CABINET,
        i_folder::CONTINUED_TO_NEXT => flags::NEXT_CABINET,
        i_folder::CONTINUED_PREV_AND_NEXT => flags::PREV_CABINET | flags::NEXT_CABINET,
        _ => 0,
    };
    if header.flags & needed != needed {
        let found = u64::from(file.i_folder);
        return invalid(
            "iFolder",
            8,
            found,
            &"a folder of this cabinet, which has no such neighbour",
        );
    }
    if needed != 0 {
        return Ok(());
    }
    let Some(folder) = folders.get(usize::from(file.i_folder)) else {
        let expected = format_args!("less than {}", folders.len()).to_string();
        return invalid("iFolder", 8, u64::from(file.i_folder), &expected);
    };
    let capacity = u64::from(folder.c_cf_data).saturating_mul(MAX_BLOCK);
    let end = file.range().end;
    if end > capacity && header.flags & (flags::PREV_CABINET | flags::NEXT_CABINET) == 0 {
        let expected = format!("an end within the {capacity} bytes that the folder can expand to");
        return invalid("cbFile", 0, end, &expected);
    }
    Ok(())
}

/// Blocks lie behind the directory, inside the cabinet, and no two folders share them.
fn check_folders(folders: &[Folder], header: &Header, files_end: u64) -> Result<(), ParseError> {
    if files_end > u64::from(header.cb_cabinet) {
        return Err(ParseError::invalid(
            "CFHEADER",
            "cbCabinet",
            8,
            header.cb_cabinet,
            format_args!("at least {files_end}, where the last CFFILE ends"),
        ));
    }
    let invalid = |folder: &Folder, expected: &str| {
        let (offset, found) = (folder.offset, folder.coff_cab_start);
        Err(ParseError::invalid(
            "CFFOLDER",
            "coffCabStart",
            offset,
            found,
            expected,
        ))
    };
    let mut with_data: Vec<&Folder> = folders.iter().filter(|f| f.c_cf_data > 0).collect();
    with_data.sort_by_key(|folder| folder.coff_cab_start);
    let mut previous = None;
    for folder in with_data {
        let start = u64::from(folder.coff_cab_start);
        if start < files_end || folder.coff_cab_start >= header.cb_cabinet {
            let expected = format!("{files_end} (the end of the files) to cbCabinet");
            return invalid(folder, &expected);
        }
        if previous == Some(start) {
            return invalid(folder, "a place that no other folder starts at");
        }
        previous = Some(start);
    }
    Ok(())
}
