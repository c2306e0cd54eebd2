//! GUID partition tables.
//!
//! ```text
//!  0  "EFI PART"              40  FirstUsableLBA u64
//!  8  Revision u32            48  LastUsableLBA u64
//! 12  HeaderSize u32          56  DiskGUID
//! 16  HeaderCRC32 u32         72  PartitionEntryLBA u64
//! 20  Reserved u32            80  NumberOfPartitionEntries u32
//! 24  MyLBA u64               84  SizeOfPartitionEntry u32
//! 32  AlternateLBA u64        88  PartitionEntryArrayCRC32 u32
//! ```
//!
//! An entry: PartitionTypeGUID, UniquePartitionGUID, StartingLBA u64, EndingLBA u64 (included), Attributes u64, PartitionName
//! (36 UTF-16 units). Source: UEFI Specification 5.3.

use std::io::{Read, Seek};

use super::{Partition, PartitionTable, PartitionType, Scheme, Sectors};
use crate::container::appx::crc_32;
use crate::cursor::Cursor;
use crate::error::{ParseError, Problem};
use crate::guid::Guid;

const SIGNATURE: &[u8; 8] = b"EFI PART";
/// Bytes of a header as the specification has it.
const HEADER: u32 = 92;
/// Most bytes of a table's entries; usual are 16 KiB.
const MAX_ENTRIES: u64 = 1 << 20;

/// A header with its entries.
struct Half {
    alternate: u64,
    disk: Guid,
    usable: (u64, u64),
    entry_size: usize,
    entries: Vec<u8>,
    entries_offset: u64,
    faults: Vec<ParseError>,
}

/// Whether sector `sector` begins as a header does.
pub(super) fn is_header(
    sectors: &mut Sectors<'_, impl Read + Seek>,
    sector: u64,
) -> Result<bool, ParseError> {
    Ok(sectors.read("GPT_HEADER", "Signature", sector, 8)? == SIGNATURE)
}

/// Reads the table in sector 1 and compares its backup, or reads the backup in the last sector where that fails.
pub(super) fn read(
    sectors: &mut Sectors<'_, impl Read + Seek>,
) -> Result<PartitionTable, ParseError> {
    let last = sectors
        .length
        .checked_div(sectors.size)
        .and_then(|count| count.checked_sub(1))
        .unwrap_or_default();
    let (half, faults) = match half(sectors, 1) {
        Ok(mut primary) => {
            let mut faults = std::mem::take(&mut primary.faults);
            if let Err(error) = backup(sectors, &primary, last, &mut faults) {
                faults.push(error);
            }
            (primary, faults)
        }
        Err(error) => match half(sectors, last) {
            Ok(mut backup) => {
                let mut faults = vec![error];
                faults.append(&mut backup.faults);
                (backup, faults)
            }
            Err(_) => return Err(error),
        },
    };
    let mut table = PartitionTable {
        scheme: Scheme::Gpt,
        partitions: Vec::new(),
        faults,
    };
    for (index, entry) in half.entries.chunks_exact(half.entry_size).enumerate() {
        let place = (index as u64).saturating_mul(half.entry_size as u64);
        let offset = half.entries_offset.saturating_add(place);
        let mut cursor = Cursor::new("GPT_ENTRY", entry, offset);
        let kind = Guid(cursor.array("PartitionTypeGUID")?);
        if kind == Guid::default() {
            continue;
        }
        cursor.bytes("UniquePartitionGUID", 16)?;
        let first = cursor.u64("StartingLBA")?;
        let last = cursor.u64("EndingLBA")?;
        cursor.u64("Attributes")?;
        let name = name(cursor.bytes("PartitionName", 72)?);
        let mut fault = |found: String, expected: &str| {
            let offset = offset.saturating_add(32);
            let structure = "GPT_ENTRY";
            table.faults.push(ParseError::invalid(
                structure,
                "StartingLBA",
                offset,
                found,
                expected,
            ));
        };
        if last < first {
            fault(
                format!("sectors {first} to {last}"),
                "an end behind the start",
            );
        } else if first < half.usable.0 || last > half.usable.1 {
            let found = format!("sectors {first} to {last}");
            fault(
                found,
                &format!("within the usable {} to {}", half.usable.0, half.usable.1),
            );
        }
        let count = last.saturating_sub(first).saturating_add(1);
        table.partitions.push(Partition {
            number: u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1),
            name,
            kind: PartitionType::Gpt(kind),
            start: sectors.offset(first),
            length: match last < first {
                true => 0,
                false => sectors.offset(count),
            },
        });
    }
    Ok(table)
}

/// A name up to its first NUL.
fn name(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).filter_map(|unit| match unit {
        [low, high] => Some(u16::from_le_bytes([*low, *high])),
        _ => None,
    });
    let units: Vec<u16> = units.take_while(|unit| *unit != 0).collect();
    String::from_utf16_lossy(&units)
}

/// Says in `faults` what the backup of a table contradicts.
fn backup(
    sectors: &mut Sectors<'_, impl Read + Seek>,
    primary: &Half,
    last: u64,
    faults: &mut Vec<ParseError>,
) -> Result<(), ParseError> {
    let mut fault = |field, offset, found: String, expected: &str| {
        let structure = "GPT_HEADER";
        faults.push(ParseError::invalid(
            structure, field, offset, found, expected,
        ));
    };
    if primary.alternate != last {
        let offset = sectors.offset(1).saturating_add(32);
        let expected = format!("{last}, the last sector of the disk");
        fault(
            "AlternateLBA",
            offset,
            primary.alternate.to_string(),
            &expected,
        );
    }
    let mut backup = half(sectors, primary.alternate)?;
    let offset = sectors.offset(primary.alternate);
    if backup.alternate != 1 {
        let found = backup.alternate.to_string();
        fault(
            "AlternateLBA",
            offset.saturating_add(32),
            found,
            "1, the table that this is the backup of",
        );
    }
    let same = |half: &Half| (half.disk, half.usable, half.entry_size);
    if same(&backup) != same(primary) || backup.entries != primary.entries {
        fault(
            "entries",
            offset,
            "a backup that differs".to_owned(),
            "the same as in the table",
        );
    }
    faults.append(&mut backup.faults);
    Ok(())
}

/// Reads the header in sector `sector` and the entries it points to.
fn half(sectors: &mut Sectors<'_, impl Read + Seek>, sector: u64) -> Result<Half, ParseError> {
    let offset = sectors.offset(sector);
    let size = usize::try_from(sectors.size).unwrap_or_default();
    let bytes = sectors.read("GPT_HEADER", "header", sector, size)?;
    let mut cursor = Cursor::new("GPT_HEADER", &bytes, offset);
    let signature = cursor.array::<8>("Signature")?;
    if &signature != SIGNATURE {
        let found = "other bytes";
        return Err(ParseError::invalid(
            "GPT_HEADER",
            "Signature",
            offset,
            found,
            "EFI PART",
        ));
    }
    let mut faults = Vec::new();
    let mut fault = |field, at: u64, found: String, expected: String| {
        let offset = offset.saturating_add(at);
        faults.push(ParseError::invalid(
            "GPT_HEADER",
            field,
            offset,
            found,
            expected,
        ));
    };
    cursor.u32("Revision")?;
    let header_size = cursor.u32("HeaderSize")?;
    let stated = cursor.u32("HeaderCRC32")?;
    let covered = bytes.get(..header_size as usize);
    let Some(covered) = covered.filter(|_| header_size >= HEADER) else {
        let expected = format_args!("{HEADER} to {}", sectors.size).to_string();
        return Err(ParseError::invalid(
            "GPT_HEADER",
            "HeaderSize",
            offset.saturating_add(12),
            header_size,
            expected,
        ));
    };
    let mut covered = covered.to_vec();
    if let Some(field) = covered.get_mut(16..20) {
        field.fill(0);
    }
    let sum = crc_32(&covered);
    if sum != stated {
        fault(
            "HeaderCRC32",
            16,
            format!("{stated:08X}"),
            format!("{sum:08X}"),
        );
    }
    cursor.u32("Reserved")?;
    let my = cursor.u64("MyLBA")?;
    if my != sector {
        fault("MyLBA", 24, my.to_string(), sector.to_string());
    }
    let alternate = cursor.u64("AlternateLBA")?;
    let usable = (cursor.u64("FirstUsableLBA")?, cursor.u64("LastUsableLBA")?);
    let disk = Guid(cursor.array("DiskGUID")?);
    let entries_sector = cursor.u64("PartitionEntryLBA")?;
    let count = cursor.u32("NumberOfPartitionEntries")?;
    let entry_size = cursor.u32("SizeOfPartitionEntry")?;
    let stated = cursor.u32("PartitionEntryArrayCRC32")?;
    if entry_size < 128 || !entry_size.is_multiple_of(8) {
        return Err(ParseError::invalid(
            "GPT_HEADER",
            "SizeOfPartitionEntry",
            offset.saturating_add(84),
            entry_size,
            "128 or a multiple",
        ));
    }
    let length = u64::from(count).saturating_mul(u64::from(entry_size));
    if length > MAX_ENTRIES {
        return Err(ParseError {
            structure: "GPT_HEADER",
            field: "NumberOfPartitionEntries",
            offset: offset.saturating_add(80),
            problem: Problem::Limit {
                found: length,
                limit: MAX_ENTRIES,
            },
        });
    }
    let length = usize::try_from(length).unwrap_or_default();
    let read = sectors.read("GPT_ENTRY", "array", entries_sector, length)?;
    let entries_offset = sectors.offset(entries_sector);
    Cursor::new("GPT_ENTRY", &read, entries_offset).bytes("array", length)?;
    let sum = crc_32(&read);
    if sum != stated {
        fault(
            "PartitionEntryArrayCRC32",
            88,
            format!("{stated:08X}"),
            format!("{sum:08X}"),
        );
    }
    Ok(Half {
        alternate,
        disk,
        usable,
        entry_size: entry_size as usize,
        entries: read,
        entries_offset,
        faults,
    })
}
