//! NTFS: records of the master file table, directories, content.
//!
//! ```text
//! 11  bytes of a sector u16            48  first cluster of $MFT u64
//! 13  sectors of a cluster u8          64  clusters of a record i8 (below 0: 2^-n bytes)
//! 40  sectors of the volume u64        68  clusters of an index block i8
//! ```
//!
//! The structures are those of the Linux-NTFS project's documentation; their integers are little-endian.

mod attribute;
mod index;
mod record;

use std::collections::BTreeSet;
use std::io::{Read, Seek};

use super::wof::{self, Compressed, Stored};
use super::{Content, Entry, MAX_ENTRIES, MAX_RUNS, Node, Place, Run, Runs, utf16};
use crate::cursor::{Cursor, read_at};
use crate::error::ParseError;

use attribute::{Attribute, Value, kind};
use record::Record;
pub(super) use record::Reference;

/// Most bytes of a value that is read whole: attribute lists, reparse points, index roots.
const MAX_WHOLE: u64 = 256 << 10;
/// Most extension records of one file.
const MAX_EXTENSIONS: usize = 4096;

/// The shape of a volume.
#[derive(Debug)]
pub(super) struct Ntfs {
    cluster: u64,
    record_size: u64,
    /// The master file table.
    table: Runs,
}

/// The attributes of a file, those of its extension records included.
struct Attributes(Vec<Attribute>);

impl Ntfs {
    /// Reads the boot sector and where the master file table is.
    pub(super) fn open(input: &mut (impl Read + Seek)) -> Result<Self, ParseError> {
        let sector = read_at(input, "NTFS boot sector", "sector", 0, 512)?;
        let mut cursor = Cursor::new("NTFS boot sector", &sector, 0);
        let invalid = |field, offset, found: u64, expected: &str| {
            ParseError::invalid("NTFS boot sector", field, offset, found, expected)
        };
        cursor.bytes("OemId", 11)?;
        let size = u64::from(cursor.u16("BytesPerSector")?);
        if !matches!(size, 256 | 512 | 1024 | 2048 | 4096) {
            return Err(invalid("BytesPerSector", 11, size, "256 to 4096"));
        }
        let sectors = match cursor.u8("SectorsPerCluster")? {
            small @ 0..=128 => u64::from(small),
            // Newer versions write the power of two as a negative number.
            large => 1_u64
                .checked_shl(256_u32.saturating_sub(u32::from(large)))
                .unwrap_or_default(),
        };
        let cluster = sectors.saturating_mul(size);
        if !cluster.is_power_of_two() || cluster > 2 << 20 {
            let expected = "a power of two, up to 2 MiB";
            return Err(invalid("SectorsPerCluster", 13, cluster, expected));
        }
        cursor.bytes("ReservedSectors", 34)?;
        let table = cursor.u64("MftStartLcn")?;
        cursor.u64("Mft2StartLcn")?;
        let record_size = match cursor.u8("ClustersPerFileRecordSegment")? {
            clusters @ 0..=127 => u64::from(clusters).saturating_mul(cluster),
            power => 1_u64
                .checked_shl(256_u32.saturating_sub(u32::from(power)))
                .unwrap_or_default(),
        };
        if !(512..=65536).contains(&record_size) || !record_size.is_power_of_two() {
            let expected = "512 to 65536 bytes, a power of two";
            return Err(invalid(
                "ClustersPerFileRecordSegment",
                64,
                record_size,
                expected,
            ));
        }
        let first = Run {
            place: Some(table.saturating_mul(cluster)),
            length: record_size,
        };
        let mut ntfs = Self {
            cluster,
            record_size,
            table: Runs::new([first], record_size, record_size),
        };
        // What the first record says of its own content is enough to read all the others; where it has extension records,
        // the part that stands in it leads to them.
        let record = ntfs.record(
            input,
            Reference {
                number: 0,
                sequence: None,
            },
        )?;
        let own = Attributes(record.attributes()?);
        ntfs.table = ntfs.runs(&own, kind::DATA, "", true)?;
        if own.0.iter().any(|a| a.kind == kind::ATTRIBUTE_LIST) {
            let all = ntfs.with_extensions(input, &record)?;
            ntfs.table = ntfs.runs(&all, kind::DATA, "", false)?;
        }
        Ok(ntfs)
    }

    /// A record of the table.
    fn record(
        &self,
        input: &mut (impl Read + Seek),
        reference: Reference,
    ) -> Result<Record, ParseError> {
        let start = reference.number.saturating_mul(self.record_size);
        let offset = self.table.place(start).unwrap_or(start);
        let end = start.saturating_add(self.record_size);
        if end > self.table.length() {
            let records = self.table.length().checked_div(self.record_size);
            return Err(ParseError::invalid(
                "MFT",
                "record",
                offset,
                format_args!("a reference to record {}", reference.number),
                format_args!("one of the {}", records.unwrap_or_default()),
            ));
        }
        let mut bytes = vec![0; usize::try_from(self.record_size).unwrap_or_default()];
        self.table
            .read_exact(input, start, &mut bytes)
            .map_err(|error| ParseError::io("MFT", "record", offset, &error))?;
        Record::read(bytes, offset, reference)
    }

    /// The attributes of a file.
    fn attributes(
        &self,
        input: &mut (impl Read + Seek),
        reference: Reference,
    ) -> Result<(Record, Attributes), ParseError> {
        let record = self.record(input, reference)?;
        let all = self.with_extensions(input, &record)?;
        Ok((record, all))
    }

    /// The attributes of a base record and of those that its attribute list names.
    fn with_extensions(
        &self,
        input: &mut (impl Read + Seek),
        record: &Record,
    ) -> Result<Attributes, ParseError> {
        let own = Attributes(record.attributes()?);
        if !own.0.iter().any(|a| a.kind == kind::ATTRIBUTE_LIST) {
            return Ok(own);
        }
        let (list, offset) = self.whole(input, &own, kind::ATTRIBUTE_LIST, "")?;
        let mut numbers = BTreeSet::new();
        let mut extensions = Vec::new();
        for reference in attribute::list(&list, offset)? {
            if reference.number == record.number || !numbers.insert(reference.number) {
                continue;
            }
            if numbers.len() > MAX_EXTENSIONS {
                let found = numbers.len() as u64;
                return Err(ParseError::limit(
                    "ATTRIBUTE_LIST",
                    "records",
                    offset,
                    found,
                    MAX_EXTENSIONS as u64,
                ));
            }
            let extension = self.record(input, reference)?;
            if extension.base != record.number {
                return Err(ParseError::invalid(
                    "FILE record",
                    "BaseFileRecordSegment",
                    extension.offset.saturating_add(32),
                    format_args!("an extension of record {}", extension.base),
                    format_args!("{}, whose attribute list names it", record.number),
                ));
            }
            extensions.extend(extension.attributes()?);
        }
        let mut all = own;
        all.0.append(&mut extensions);
        Ok(all)
    }

    /// The runs of a value that is not resident. `partial` takes the first attribute for all.
    fn runs(
        &self,
        attributes: &Attributes,
        kind: u32,
        name: &str,
        partial: bool,
    ) -> Result<Runs, ParseError> {
        let mut parts: Vec<&Attribute> = attributes.named(kind, name).collect();
        parts.sort_by_key(|part| part.lowest_vcn());
        let mut runs = Vec::new();
        let mut sizes = None;
        let mut next = 0_u64;
        for part in parts {
            let Value::Runs {
                lowest,
                length,
                initialized,
                pairs,
                ..
            } = &part.value
            else {
                return Err(part.invalid("FormCode", "a resident part", "runs as in the others"));
            };
            if *lowest != next {
                let expected = format_args!("{next}, where the part before ends").to_string();
                return Err(part.invalid("LowestVcn", lowest, expected));
            }
            part.decodable()?;
            sizes.get_or_insert((*length, *initialized));
            attribute::runs(pairs, part.offset, self.cluster, &mut runs)?;
            let clusters: u64 = runs
                .iter()
                .fold(0, |sum, run: &Run| sum.saturating_add(run.length));
            next = clusters.checked_div(self.cluster).unwrap_or_default();
            if partial {
                break;
            }
        }
        let Some((length, initialized)) = sizes else {
            return Err(missing(kind, name));
        };
        let runs = Runs::new(runs, length, initialized);
        let first = attributes.named(kind, name).next();
        match first {
            Some(first) if runs.allocated() < length && !partial => {
                let found = format_args!("runs with {} bytes", runs.allocated()).to_string();
                Err(first.invalid(
                    "MappingPairs",
                    found,
                    format_args!("the {length} of the value"),
                ))
            }
            _ if partial => Ok(runs.cut()),
            _ => Ok(runs),
        }
    }

    /// A small value as a whole, and where it begins.
    fn whole(
        &self,
        input: &mut (impl Read + Seek),
        attributes: &Attributes,
        kind: u32,
        name: &str,
    ) -> Result<(Vec<u8>, u64), ParseError> {
        let attribute = attributes.named(kind, name).next();
        let attribute = attribute.ok_or_else(|| missing(kind, name))?;
        if let Value::Resident(bytes) = &attribute.value {
            return Ok((bytes.clone(), attribute.value_offset));
        }
        let runs = self.runs(attributes, kind, name, false)?;
        if runs.length() > MAX_WHOLE {
            let found = runs.length();
            return Err(ParseError::limit(
                "attribute",
                "FileSize",
                attribute.offset,
                found,
                MAX_WHOLE,
            ));
        }
        let mut bytes = vec![0; usize::try_from(runs.length()).unwrap_or_default()];
        let offset = runs.place(0).unwrap_or_default();
        runs.read_exact(input, 0, &mut bytes)
            .map_err(|error| ParseError::io("attribute", "value", offset, &error))?;
        Ok((bytes, offset))
    }

    /// The reparse point of a file, and where it stands.
    fn reparse_point(
        &self,
        input: &mut (impl Read + Seek),
        attributes: &Attributes,
    ) -> Result<Option<(u32, Vec<u8>, u64)>, ParseError> {
        if attributes.named(kind::REPARSE_POINT, "").next().is_none() {
            return Ok(None);
        }
        let (bytes, offset) = self.whole(input, attributes, kind::REPARSE_POINT, "")?;
        let tag = Cursor::new("REPARSE_POINT", &bytes, offset).u32("ReparseTag")?;
        Ok(Some((tag, bytes, offset)))
    }

    /// The content of a file.
    pub(super) fn content(
        &self,
        input: &mut (impl Read + Seek),
        reference: Reference,
    ) -> Result<Content, ParseError> {
        let (record, attributes) = self.attributes(input, reference)?;
        self.content_of(input, &record, &attributes)
    }

    fn content_of(
        &self,
        input: &mut (impl Read + Seek),
        record: &Record,
        attributes: &Attributes,
    ) -> Result<Content, ParseError> {
        if record.directory {
            let offset = record.offset.saturating_add(22);
            return Err(ParseError::invalid(
                "FILE record",
                "Flags",
                offset,
                "a directory",
                "a file",
            ));
        }
        match self.reparse_point(input, attributes)? {
            None => Ok(match self.stored(attributes, "")? {
                Stored::Resident(bytes) => Content::Resident(bytes),
                Stored::Plain(runs) => Content::Plain(runs),
            }),
            Some((wof::TAG, reparse, offset)) => {
                let compression = wof::compression(&reparse, offset)?;
                let length = attributes
                    .named(kind::DATA, "")
                    .next()
                    .map_or(0, Attribute::length);
                let stored = self.stored(attributes, wof::STREAM)?;
                let compressed = Compressed::new(stored, length, compression);
                Ok(Content::Compressed(compressed))
            }
            Some((tag, _, offset)) => Err(reparse_unsupported(tag, offset)),
        }
    }

    /// A stream of a file.
    fn stored(&self, attributes: &Attributes, name: &str) -> Result<Stored, ParseError> {
        let first = attributes.named(kind::DATA, name).next();
        let first = first.ok_or_else(|| missing(kind::DATA, name))?;
        first.decodable()?;
        match &first.value {
            Value::Resident(bytes) => Ok(Stored::Resident(bytes.clone())),
            Value::Runs { .. } => Ok(Stored::Plain(self.runs(
                attributes,
                kind::DATA,
                name,
                false,
            )?)),
        }
    }

    /// Names in a directory and what they lead to.
    pub(super) fn names(
        &self,
        input: &mut (impl Read + Seek),
        directory: Reference,
    ) -> Result<Vec<(String, Reference)>, ParseError> {
        let (record, attributes) = self.attributes(input, directory)?;
        if !record.directory {
            let offset = record.offset.saturating_add(22);
            return Err(ParseError::invalid(
                "FILE record",
                "Flags",
                offset,
                "a file",
                "a directory",
            ));
        }
        if let Some((tag, _, offset)) = self.reparse_point(input, &attributes)? {
            return Err(reparse_unsupported(tag, offset));
        }
        let (root, offset) = self.whole(input, &attributes, kind::INDEX_ROOT, index::NAME)?;
        let root = index::Root::read(&root, offset)?;
        let blocks = match attributes.named(kind::INDEX_ALLOCATION, index::NAME).next() {
            Some(_) => Some(self.runs(&attributes, kind::INDEX_ALLOCATION, index::NAME, false)?),
            None => None,
        };
        let found = index::walk(input, root, blocks.as_ref(), self.cluster)?;
        let long: BTreeSet<u64> = found
            .iter()
            .filter(|name| !name.dos)
            .map(|name| name.reference.number)
            .collect();
        let names = found.into_iter().filter(|name| {
            let own = name.reference.number < 24 && name.text.starts_with('$') || name.text == ".";
            // A short name stands beside a long one; where it stands alone it is what leads to the file.
            !(own || name.dos && long.contains(&name.reference.number))
        });
        Ok(names.map(|name| (name.text, name.reference)).collect())
    }

    /// An entry with what its record says; what the directory says of length and kind may be stale.
    pub(super) fn describe(
        &self,
        input: &mut (impl Read + Seek),
        name: String,
        reference: Reference,
    ) -> Entry {
        let mut entry = Entry {
            name,
            node: Node(Place::Ntfs(reference)),
            directory: false,
            length: 0,
            unreadable: None,
            link: false,
        };
        let content = self
            .attributes(input, reference)
            .and_then(|(record, attributes)| {
                entry.directory = record.directory;
                let data = attributes.named(kind::DATA, "").next();
                entry.length = data.map_or(0, Attribute::length);
                let reparse = self.reparse_point(input, &attributes)?;
                let tag = reparse.as_ref().map(|(tag, _, _)| *tag);
                entry.link = matches!(tag, Some(MOUNT_POINT | SYMLINK));
                match (record.directory, reparse) {
                    (true, None) => Ok(()),
                    (true, Some((tag, _, offset))) => Err(reparse_unsupported(tag, offset)),
                    (false, _) => self.content_of(input, &record, &attributes).map(|_| ()),
                }
            });
        entry.unreadable = content.err();
        entry
    }
}

impl Attributes {
    /// The attributes of a type and a name, which is found without regard to case.
    fn named<'a>(&'a self, kind: u32, name: &'a str) -> impl Iterator<Item = &'a Attribute> {
        self.0
            .iter()
            .filter(move |a| a.kind == kind && a.name.eq_ignore_ascii_case(name))
    }
}

/// An error for a value that a file should have.
fn missing(kind: u32, name: &str) -> ParseError {
    let expected = match name {
        "" => format!("type 0x{kind:X}"),
        name => format!("type 0x{kind:X} with the name {name}"),
    };
    ParseError::invalid("FILE record", "attributes", 0, "none of them", expected)
}

/// `IO_REPARSE_TAG_MOUNT_POINT`.
const MOUNT_POINT: u32 = 0xa000_0003;
/// `IO_REPARSE_TAG_SYMLINK`.
const SYMLINK: u32 = 0xa000_000c;

fn reparse_unsupported(tag: u32, offset: u64) -> ParseError {
    let what = match tag {
        MOUNT_POINT => "a mount point".to_owned(),
        SYMLINK => "a symbolic link".to_owned(),
        0x8000_0013 => "a deduplicated file".to_owned(),
        tag => format!("a reparse point 0x{tag:08X}"),
    };
    ParseError::unsupported("REPARSE_POINT", "ReparseTag", offset, what)
}
