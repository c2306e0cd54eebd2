//! The central directory: one header per file, which says where the file's record is.

use std::collections::HashSet;
use std::ops::Range;

use super::end::Directory;
use super::extra::{self, ZIP64_EXTRA, Zip64, read_zip64, write_zip64};
use crate::cursor::Cursor;
use crate::error::{ParseError, Problem};

/// Largest central directory that is read, in bytes: some 200,000 files.
pub const MAX_CENTRAL_DIRECTORY: u64 = 32 << 20;

pub(super) const HEADER: &str = "CentralDirectoryHeader";
/// Bytes of a header in front of its name.
const FIXED: usize = 46;
/// Bits of the general purpose flags.
pub(super) mod flags {
    /// The file is encrypted.
    pub(in super::super) const ENCRYPTED: u16 = 1;
    /// Sizes and CRC-32 stand behind the data.
    pub(in super::super) const DATA_DESCRIPTOR: u16 = 1 << 3;
    /// Patch data, strong encryption, masked headers: nothing a package has.
    pub(in super::super) const FOREIGN: u16 = 1 << 5 | 1 << 6 | 1 << 13;
}

/// Compression methods of packages.
pub(super) mod method {
    pub(in super::super) const STORED: u16 = 0;
    pub(in super::super) const DEFLATED: u16 = 8;
}

/// Checksum and sizes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sizes {
    pub(super) crc_32: u32,
    pub(super) compressed: u64,
    pub(super) uncompressed: u64,
}

/// One file of an archive (APPNOTE 4.3.12).
///
/// | offset | length | central directory header |
/// |---|---|---|
/// | 0 | 4 | signature `PK\1\2` |
/// | 4 | 2 + 2 | version made by, version needed to extract |
/// | 8 | 2 | general purpose flags |
/// | 10 | 2 | compression method |
/// | 12 | 2 + 2 | last modification time and date |
/// | 16 | 4 | CRC-32 |
/// | 20 | 4 | compressed size |
/// | 24 | 4 | uncompressed size |
/// | 28 | 2 + 2 + 2 | lengths of name, extra fields and comment |
/// | 34 | 2 | number of the disk |
/// | 36 | 2 | internal attributes |
/// | 38 | 4 | external attributes |
/// | 42 | 4 | relative offset of local header |
/// | 46 | | name, extra fields, comment |
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// The name as it stands, which is percent-encoded.
    pub(super) name: String,
    /// Place of the header in the central directory's bytes.
    pub(super) header: Range<usize>,
    pub(super) version_made_by: u16,
    pub(super) version_needed: u16,
    pub(super) flags: u16,
    pub(super) method: u16,
    /// Time and date of the last modification as they stand.
    pub(super) modified: [u8; 4],
    pub(super) sizes: Sizes,
    pub(super) extra_length: u16,
    pub(super) comment_length: u16,
    pub(super) internal_attributes: u16,
    pub(super) external_attributes: u32,
    /// File offset of the local header.
    pub(super) offset: u64,
    pub(super) zip64: Zip64,
    /// File offset of the data; known once the local header was read.
    pub(super) data: u64,
    /// File offset behind the data and its descriptor; known once the local header was read.
    pub(super) end: u64,
}

/// Reads every header of `bytes`, the central directory that `directory` describes.
///
/// # Errors
/// Where a header is malformed, the number of headers is another, or two files have names that Windows takes for one.
pub(super) fn read(bytes: &[u8], directory: Directory) -> Result<Vec<Entry>, ParseError> {
    let mut entries = Vec::new();
    let mut names = HashSet::new();
    let mut start = 0;
    while start < bytes.len() {
        let rest = bytes.get(start..).unwrap_or_default();
        let at = directory.offset.saturating_add(start as u64);
        let entry = Entry::read(rest, start, at)?;
        if !names.insert(super::names::key(&entry.name)) {
            let found = format!("{:?} a second time", entry.name);
            return Err(ParseError::invalid(
                HEADER,
                "file name",
                at,
                found,
                "different names",
            ));
        }
        start = entry.header.end;
        entries.push(entry);
    }
    if entries.len() as u64 != directory.entries {
        let found = format!("{} headers", entries.len());
        let expected = format!("the {} that the end record counts", directory.entries);
        let at = directory.offset;
        return Err(ParseError::invalid(
            HEADER,
            "signature",
            at,
            found,
            expected,
        ));
    }
    Ok(entries)
}

impl Entry {
    /// Reads the header at the beginning of `bytes`, which stands at `start` in the central directory and at `at` in
    /// the file.
    fn read(bytes: &[u8], start: usize, at: u64) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new(HEADER, bytes, at);
        if cursor.bytes("signature", 4)? != b"PK\x01\x02" {
            return Err(ParseError::invalid(
                HEADER,
                "signature",
                at,
                "something else",
                "PK\\1\\2",
            ));
        }
        let version_made_by = cursor.u16("version made by")?;
        let version_needed = cursor.u16("version needed to extract")?;
        let flags = cursor.u16("general purpose flags")?;
        let method = cursor.u16("compression method")?;
        let modified = cursor.array("last modification")?;
        let crc_32 = cursor.u32("crc-32")?;
        let compressed = cursor.u32("compressed size")?;
        let uncompressed = cursor.u32("uncompressed size")?;
        let name_length = cursor.u16("file name length")?;
        let extra_length = cursor.u16("extra field length")?;
        let comment_length = cursor.u16("file comment length")?;
        let disk = cursor.u16("disk number")?;
        let internal_attributes = cursor.u16("internal attributes")?;
        let external_attributes = cursor.u32("external attributes")?;
        let offset = cursor.u32("relative offset of local header")?;
        let name = cursor.bytes("file name", usize::from(name_length))?;
        let extra_place = cursor.position();
        let extra = cursor.bytes("extra field", usize::from(extra_length))?;
        cursor.bytes("file comment", usize::from(comment_length))?;
        let name = std::str::from_utf8(name).map_err(|_| {
            let expected = "the UTF-8 that packages use";
            ParseError::invalid(HEADER, "file name", at, "other bytes", expected)
        })?;
        refuse_foreign(name, flags, method, disk, at)?;
        let wanted = [
            uncompressed == u32::MAX,
            compressed == u32::MAX,
            offset == u32::MAX,
        ];
        let (zip64, [long_uncompressed, long_compressed, long_offset]) =
            read_zip64(HEADER, extra, extra_place, wanted, at)?;
        let sizes = Sizes {
            crc_32,
            compressed: long_compressed.unwrap_or(u64::from(compressed)),
            uncompressed: long_uncompressed.unwrap_or(u64::from(uncompressed)),
        };
        Ok(Self {
            name: name.to_owned(),
            header: start..start.saturating_add(cursor.position()),
            version_made_by,
            version_needed,
            flags,
            method,
            modified,
            sizes,
            extra_length,
            comment_length,
            internal_attributes,
            external_attributes,
            offset: long_offset.unwrap_or(u64::from(offset)),
            zip64,
            data: 0,
            end: 0,
        })
    }

    /// Whether sizes and CRC-32 stand behind the data.
    pub(super) fn has_descriptor(&self) -> bool {
        self.flags & flags::DATA_DESCRIPTOR != 0
    }

    /// A new header for a file without extra fields, or with a zip64 field where its offset needs one.
    pub(super) fn write(&self) -> Vec<u8> {
        let is_long = self.offset >= u64::from(u32::MAX);
        let short = |value: u64| match is_long {
            true => u32::MAX,
            false => u32::try_from(value).unwrap_or(u32::MAX),
        };
        let extra = match is_long {
            true => write_zip64(self.sizes, self.offset),
            false => Vec::new(),
        };
        let mut out = b"PK\x01\x02".to_vec();
        for value in [
            self.version_made_by,
            self.version_needed,
            self.flags,
            self.method,
        ] {
            out.extend(value.to_le_bytes());
        }
        out.extend(self.modified);
        out.extend(self.sizes.crc_32.to_le_bytes());
        out.extend(short(self.sizes.compressed).to_le_bytes());
        out.extend(short(self.sizes.uncompressed).to_le_bytes());
        for length in [self.name.len(), extra.len(), 0, 0] {
            out.extend((length as u16).to_le_bytes());
        }
        out.extend(self.internal_attributes.to_le_bytes());
        out.extend(self.external_attributes.to_le_bytes());
        out.extend(short(self.offset).to_le_bytes());
        out.extend(self.name.as_bytes());
        out.extend(extra);
        out
    }

    /// `header`, this file's header as it stands, with other sizes and another offset. Everything else is kept; a zip64
    /// field is added where the values need one.
    ///
    /// # Errors
    /// Where the extra fields have no room for that.
    pub(super) fn rewrite(
        &self,
        header: &[u8],
        sizes: Sizes,
        offset: u64,
    ) -> Result<Vec<u8>, ParseError> {
        let mut out = header.to_vec();
        put(&mut out, Some(16), &sizes.crc_32.to_le_bytes());
        let values = [
            (24, self.zip64.uncompressed, sizes.uncompressed),
            (20, self.zip64.compressed, sizes.compressed),
            (42, self.zip64.offset, offset),
        ];
        for (place, long_place, value) in values {
            match (long_place, u32::try_from(value)) {
                (Some(place), _) => put(&mut out, Some(place), &value.to_le_bytes()),
                (None, Ok(value)) if value != u32::MAX => {
                    put(&mut out, Some(place), &value.to_le_bytes());
                }
                (None, _) => return self.lengthen(header, sizes, offset),
            }
        }
        Ok(out)
    }

    /// The header with all three values in a zip64 field.
    fn lengthen(&self, header: &[u8], sizes: Sizes, offset: u64) -> Result<Vec<u8>, ParseError> {
        let split = FIXED.saturating_add(self.name.len());
        let extra_end = split.saturating_add(usize::from(self.extra_length));
        let mut extra = write_zip64(sizes, offset);
        let old = header.get(split..extra_end).unwrap_or_default();
        for (kind, field) in extra::fields(HEADER, old, 0)? {
            if kind != ZIP64_EXTRA {
                extra.extend_from_slice(old.get(field).unwrap_or_default());
            }
        }
        let length = u16::try_from(extra.len()).map_err(|_| ParseError {
            structure: HEADER,
            field: "extra field length",
            offset: 0,
            problem: Problem::Limit {
                found: extra.len() as u64,
                limit: u64::from(u16::MAX),
            },
        })?;
        let mut out = header.get(..split).unwrap_or_default().to_vec();
        put(&mut out, Some(16), &sizes.crc_32.to_le_bytes());
        put(&mut out, Some(20), &[0xFF; 8]);
        put(&mut out, Some(30), &length.to_le_bytes());
        put(&mut out, Some(42), &[0xFF; 4]);
        out.extend(extra);
        out.extend_from_slice(header.get(extra_end..).unwrap_or_default());
        Ok(out)
    }
}

/// Writes `value` over what stands at `place`.
pub(super) fn put(bytes: &mut [u8], place: Option<usize>, value: &[u8]) {
    let range = place.and_then(|place| Some(place..place.checked_add(value.len())?));
    if let Some(slot) = range.and_then(|range| bytes.get_mut(range)) {
        slot.copy_from_slice(value);
    }
}

/// What packages do not have and what would hide their content.
fn refuse_foreign(
    name: &str,
    found: u16,
    method: u16,
    disk: u16,
    at: u64,
) -> Result<(), ParseError> {
    let unsupported = |field, what: &str| {
        let what = format!("{what} ({name})");
        Err(ParseError::unsupported(HEADER, field, at, what))
    };
    if name.is_empty() {
        return Err(ParseError::invalid(
            HEADER,
            "file name length",
            at,
            0,
            "a name",
        ));
    }
    if found & flags::ENCRYPTED != 0 {
        return unsupported("general purpose flags", "an encrypted file");
    }
    if found & flags::FOREIGN != 0 {
        return unsupported("general purpose flags", "a file with patch or masked data");
    }
    if disk != 0 {
        return unsupported("disk number", "a file on another disk");
    }
    match method {
        method::STORED | method::DEFLATED => Ok(()),
        other => unsupported(
            "compression method",
            &format!("compression method {other}, neither stored nor deflated,"),
        ),
    }
}
