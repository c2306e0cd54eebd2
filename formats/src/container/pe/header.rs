//! MS-DOS header, NT headers and section table: what of a PE image is read before its data.

use std::io::{Read, Seek};
use std::ops::Range;

use crate::cursor::{Cursor, read_at};
use crate::error::ParseError;

/// Bytes of the MS-DOS header.
const DOS_HEADER: usize = 64;
/// Bytes of Signature and IMAGE_FILE_HEADER.
const FILE_HEADER: usize = 24;
/// Bytes of IMAGE_SECTION_HEADER.
const SECTION_HEADER: usize = 40;
/// Offset of SizeOfHeaders from the PE signature.
const SIZE_OF_HEADERS: u64 = 84;
/// Offset of CheckSum from the PE signature.
const CHECK_SUM: u64 = 88;
/// `Machine` of Itanium images, whose pages are larger.
const MACHINE_IA64: u16 = 0x200;
/// Entries of the data directory up to and with the certificate table.
const DIRECTORIES: u32 = 5;

/// Which optional header an image has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Magic {
    /// `0x10B`, 32-bit.
    Pe32,
    /// `0x20B`, 64-bit.
    Pe32Plus,
}

impl Magic {
    /// Bytes that the 64-bit form has more in front of the data directory.
    fn widening(self) -> u16 {
        match self {
            Self::Pe32 => 0,
            Self::Pe32Plus => 16,
        }
    }
}

/// The fields of an image's headers that bear on signing.
///
/// | offset | length | field | |
/// |---|---|---|---|
/// | 0 | 2 | e_magic | `MZ` |
/// | 60 | 4 | e_lfanew | offset `e` of the PE signature |
/// | e | 4 | Signature | `PE`, 0, 0 |
/// | e + 4 | 2 | Machine | |
/// | e + 6 | 2 | NumberOfSections | |
/// | e + 20 | 2 | SizeOfOptionalHeader | from e + 24 to the section table |
/// | e + 24 | 2 | Magic | decides `p`: 0, or 16 for PE32+ |
/// | e + 84 | 4 | SizeOfHeaders | |
/// | e + 88 | 4 | CheckSum | not in the digest |
/// | e + 116 + p | 4 | NumberOfRvaAndSizes | |
/// | e + 152 + p | 8 | fifth directory entry | file offset and size of the certificate table; not in the digest |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// `e_lfanew`.
    pub e_lfanew: u32,
    /// `Machine`.
    pub machine: u16,
    /// `SizeOfOptionalHeader`.
    pub size_of_optional_header: u16,
    /// `Magic`.
    pub magic: Magic,
    /// `SizeOfHeaders`.
    pub size_of_headers: u32,
    /// `CheckSum`.
    pub check_sum: u32,
    /// `NumberOfRvaAndSizes`.
    pub number_of_rva_and_sizes: u32,
    /// File offset and size of the certificate table, both 0 without one; `None` where the data directory is too
    /// short to have the entry.
    pub certificate_table: Option<(u32, u32)>,
}

/// `IMAGE_SECTION_HEADER`, as far as it places data in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Section {
    /// `Name`, padded with NULs.
    pub name: [u8; 8],
    /// `SizeOfRawData`.
    pub size_of_raw_data: u32,
    /// `PointerToRawData`.
    pub pointer_to_raw_data: u32,
    /// File offset of this header.
    pub offset: u64,
}

impl Section {
    /// The name as text, bytes beyond ASCII escaped.
    pub fn name(&self) -> String {
        let name = self.name.split(|byte| *byte == 0).next();
        name.unwrap_or_default().escape_ascii().to_string()
    }

    /// The file range of its data; `None` where it has none in the file.
    pub fn data(&self) -> Option<Range<u64>> {
        let start = u64::from(self.pointer_to_raw_data);
        let end = start.saturating_add(u64::from(self.size_of_raw_data));
        (start > 0 && end > start).then_some(start..end)
    }
}

impl Header {
    /// Reads the headers and the section table of an input of `length` bytes.
    pub(super) fn read(
        input: &mut (impl Read + Seek),
        length: u64,
    ) -> Result<(Self, Vec<Section>), ParseError> {
        let e_lfanew = read_dos_header(input, length)?;
        let start = u64::from(e_lfanew);
        let file_header = read_at(input, "IMAGE_NT_HEADERS", "Signature", start, FILE_HEADER)?;
        let mut cursor = Cursor::new("IMAGE_NT_HEADERS", &file_header, start);
        let signature = cursor.bytes("Signature", 4)?;
        if signature != b"PE\0\0" {
            let found = format_args!("{}, not a PE image,", signature.escape_ascii()).to_string();
            return Err(ParseError::invalid(
                "IMAGE_NT_HEADERS",
                "Signature",
                start,
                found,
                "PE\\x00\\x00",
            ));
        }
        let machine = cursor.u16("Machine")?;
        let number_of_sections = cursor.u16("NumberOfSections")?;
        cursor.bytes("TimeDateStamp to NumberOfSymbols", 12)?;
        let size_of_optional_header = cursor.u16("SizeOfOptionalHeader")?;
        cursor.u16("Characteristics")?;

        let optional_start = cursor.offset();
        let optional = read_at(
            input,
            "IMAGE_OPTIONAL_HEADER",
            "Magic",
            optional_start,
            usize::from(size_of_optional_header),
        )?;
        let mut cursor = Cursor::new("IMAGE_OPTIONAL_HEADER", &optional, optional_start);
        let magic = match cursor.clone().u16("Magic")? {
            0x10B => Magic::Pe32,
            0x20B => Magic::Pe32Plus,
            other => {
                let found = format_args!("{other:#x}").to_string();
                return Err(cursor.invalid("Magic", found, "0x10b (PE32) or 0x20b (PE32+)"));
            }
        };
        cursor.bytes("Magic to SizeOfImage", 60)?;
        let size_of_headers = cursor.u32("SizeOfHeaders")?;
        let check_sum = cursor.u32("CheckSum")?;
        let to_directory = usize::from(24_u16.saturating_add(magic.widening()));
        cursor.bytes("Subsystem to LoaderFlags", to_directory)?;
        let number_of_rva_and_sizes = cursor.u32("NumberOfRvaAndSizes")?;
        let certificate_table = match number_of_rva_and_sizes {
            ..DIRECTORIES => None,
            _ => {
                cursor.bytes("DataDirectory", 32)?;
                Some((
                    cursor.u32("CertificateTable.VirtualAddress")?,
                    cursor.u32("CertificateTable.Size")?,
                ))
            }
        };
        // The section table stands behind all of it, also where it is empty.
        Cursor::new("IMAGE_OPTIONAL_HEADER", &optional, optional_start)
            .bytes("DataDirectory", usize::from(size_of_optional_header))?;
        let header = Self {
            e_lfanew,
            machine,
            size_of_optional_header,
            magic,
            size_of_headers,
            check_sum,
            number_of_rva_and_sizes,
            certificate_table,
        };
        let sections = read_sections(input, header.section_table_offset(), number_of_sections)?;
        Ok((header, sections))
    }

    /// File offset of SizeOfHeaders.
    pub(super) fn size_of_headers_offset(&self) -> u64 {
        u64::from(self.e_lfanew).saturating_add(SIZE_OF_HEADERS)
    }

    /// File range of CheckSum.
    pub fn check_sum_range(&self) -> Range<u64> {
        let start = u64::from(self.e_lfanew).saturating_add(CHECK_SUM);
        start..start.saturating_add(4)
    }

    /// File offset of NumberOfRvaAndSizes.
    pub(super) fn number_of_rva_and_sizes_offset(&self) -> u64 {
        let fields = 116_u64.saturating_add(u64::from(self.magic.widening()));
        u64::from(self.e_lfanew).saturating_add(fields)
    }

    /// File range of the directory entry for the certificate table, where the directory has it.
    pub fn certificate_table_entry(&self) -> Option<Range<u64>> {
        let start = self.number_of_rva_and_sizes_offset().saturating_add(36);
        self.certificate_table
            .is_some()
            .then_some(start..start.saturating_add(8))
    }

    /// File offset of the section table.
    fn section_table_offset(&self) -> u64 {
        u64::from(self.e_lfanew)
            .saturating_add(FILE_HEADER as u64)
            .saturating_add(u64::from(self.size_of_optional_header))
    }

    /// One past the section table of `sections` entries.
    pub(super) fn headers_end(&self, sections: usize) -> u64 {
        let table = sections.saturating_mul(SECTION_HEADER);
        self.section_table_offset().saturating_add(table as u64)
    }

    /// Bytes of a memory page of the image's machine, which page hashes go by; SectionAlignment has no part in it.
    pub fn page_size(&self) -> u32 {
        match self.machine {
            MACHINE_IA64 => 0x2000,
            _ => 0x1000,
        }
    }
}

/// Finds the PE signature's offset.
fn read_dos_header(input: &mut (impl Read + Seek), length: u64) -> Result<u32, ParseError> {
    let not_a_pe = |found: String| {
        ParseError::invalid(
            "IMAGE_DOS_HEADER",
            "e_lfanew",
            60,
            found,
            "the offset of a PE header, a multiple of 4",
        )
    };
    let bytes = read_at(input, "IMAGE_DOS_HEADER", "e_magic", 0, DOS_HEADER)?;
    let mut cursor = Cursor::new("IMAGE_DOS_HEADER", &bytes, 0);
    let e_magic = cursor.bytes("e_magic", 2)?;
    if e_magic != b"MZ" {
        return Err(ParseError::invalid(
            "IMAGE_DOS_HEADER",
            "e_magic",
            0,
            e_magic.escape_ascii(),
            "MZ",
        ));
    }
    if bytes.len() < DOS_HEADER {
        return Err(not_a_pe(format!(
            "an MZ file of {length} bytes, not a PE image,"
        )));
    }
    cursor.bytes("e_cblp to e_res2", 58)?;
    let e_lfanew = cursor.u32("e_lfanew")?;
    let end = u64::from(e_lfanew).saturating_add(FILE_HEADER as u64);
    if end > length {
        return Err(not_a_pe(format!(
            "{e_lfanew:#x} in an MZ file of {length} bytes, not a PE image,"
        )));
    }
    // The loader insists on this, and CheckSum could not be summed in words without it.
    match e_lfanew % 4 {
        0 => Ok(e_lfanew),
        _ => Err(not_a_pe(format!("{e_lfanew:#x}"))),
    }
}

fn read_sections(
    input: &mut (impl Read + Seek),
    offset: u64,
    count: u16,
) -> Result<Vec<Section>, ParseError> {
    let length = usize::from(count).saturating_mul(SECTION_HEADER);
    let table = read_at(input, "IMAGE_SECTION_HEADER", "Name", offset, length)?;
    let mut cursor = Cursor::new("IMAGE_SECTION_HEADER", &table, offset);
    let mut sections = Vec::with_capacity(usize::from(count));
    for _ in 0..count {
        let offset = cursor.offset();
        let name = cursor.array("Name")?;
        cursor.bytes("VirtualSize and VirtualAddress", 8)?;
        let size_of_raw_data = cursor.u32("SizeOfRawData")?;
        let pointer_to_raw_data = cursor.u32("PointerToRawData")?;
        cursor.bytes("PointerToRelocations to Characteristics", 16)?;
        sections.push(Section {
            name,
            size_of_raw_data,
            pointer_to_raw_data,
            offset,
        });
    }
    Ok(sections)
}
