//! Master boot records and the chain of extended ones (EBR).
//!
//! ```text
//! 446  4 x 16 bytes  status u8, CHS 3 bytes, type u8, CHS 3 bytes, first sector u32, number of sectors u32
//! 510  55 AA
//! ```
//!
//! A slot of an extended type leads to a record whose first slot is a logical partition, counted from that record, and
//! whose second leads to the next record, counted from the first one of the chain. Source: UEFI Specification 5.2.1;
//! Carrier, "File System Forensic Analysis", chapter 5.

use std::collections::BTreeSet;
use std::io::{Read, Seek};

use super::{Partition, PartitionTable, PartitionType, Scheme, Sectors};
use crate::cursor::Cursor;
use crate::error::ParseError;

/// The type that stands in front of a GPT.
pub(super) const PROTECTIVE: u8 = 0xee;
/// Types of partitions that hold a chain of records.
const EXTENDED: [u8; 3] = [0x05, 0x0f, 0x85];
/// Most records of a chain.
const MAX_LOGICAL: u32 = 128;

/// A slot of a record.
pub(super) struct Slot {
    pub(super) kind: u8,
    first: u64,
    count: u64,
    /// On the disk.
    offset: u64,
}

/// The slots of a record that stands at byte `offset` of the disk.
pub(super) fn slots(
    record: &[u8],
    structure: &'static str,
    offset: u64,
) -> Result<Vec<Slot>, ParseError> {
    let mut cursor = Cursor::new(structure, record, offset);
    cursor.bytes("BootCode", 446)?;
    let mut slots = Vec::new();
    for _ in 0..4 {
        let offset = cursor.offset();
        let status = cursor.u8("BootIndicator")?;
        if status & 0x7f != 0 {
            let found = format_args!("0x{status:02X}").to_string();
            let expected = "0x00 or 0x80, as in a partition table";
            return Err(ParseError::invalid(
                structure,
                "BootIndicator",
                offset,
                found,
                expected,
            ));
        }
        cursor.bytes("StartingCHS", 3)?;
        let kind = cursor.u8("OSType")?;
        cursor.bytes("EndingCHS", 3)?;
        slots.push(Slot {
            kind,
            first: u64::from(cursor.u32("StartingLBA")?),
            count: u64::from(cursor.u32("SizeInLBA")?),
            offset,
        });
    }
    let signature = cursor.array::<2>("Signature")?;
    if signature != [0x55, 0xaa] {
        let [a, b] = signature;
        let found = format_args!("{a:02X} {b:02X}").to_string();
        return Err(ParseError::invalid(
            structure,
            "Signature",
            offset.saturating_add(510),
            found,
            "55 AA",
        ));
    }
    Ok(slots)
}

/// The partitions of the record with these slots and of the chain that it begins.
pub(super) fn read(sectors: &mut Sectors<'_, impl Read + Seek>, slots: &[Slot]) -> PartitionTable {
    let mut table = PartitionTable {
        scheme: Scheme::Mbr,
        partitions: Vec::new(),
        faults: Vec::new(),
    };
    let mut chain: Option<&Slot> = None;
    for (number, slot) in (1..).zip(slots) {
        if EXTENDED.contains(&slot.kind) {
            match chain {
                None => chain = Some(slot),
                Some(_) => table.faults.push(ParseError::invalid(
                    "MBR",
                    "OSType",
                    slot.offset,
                    "a second extended partition, which is not read",
                    "one",
                )),
            }
        } else if slot.kind != 0 {
            table
                .partitions
                .push(partition(sectors, number, slot, slot.first));
        }
    }
    if let Some(slot) = chain
        && let Err(error) = walk(sectors, slot.first, &mut table)
    {
        table.faults.push(error);
    }
    table
}

fn partition(
    sectors: &Sectors<'_, impl Read + Seek>,
    number: u32,
    slot: &Slot,
    first: u64,
) -> Partition {
    Partition {
        number,
        name: String::new(),
        kind: PartitionType::Mbr(slot.kind),
        start: sectors.offset(first),
        length: sectors.offset(slot.count),
    }
}

/// Follows the chain whose first record stands in sector `first`.
fn walk(
    sectors: &mut Sectors<'_, impl Read + Seek>,
    first: u64,
    table: &mut PartitionTable,
) -> Result<(), ParseError> {
    let mut seen = BTreeSet::new();
    let mut record = first;
    let mut number = 5_u32;
    loop {
        let offset = sectors.offset(record);
        let chain = |found, expected| ParseError::invalid("EBR", "chain", offset, found, expected);
        if !seen.insert(record) {
            return Err(chain(
                "a record that was there before",
                "a chain that ends".to_owned(),
            ));
        }
        if seen.len() > MAX_LOGICAL as usize {
            return Err(chain(
                "another record",
                format!("at most {MAX_LOGICAL} of them"),
            ));
        }
        let bytes = sectors.read("EBR", "record", record, 512)?;
        let slots = slots(&bytes, "EBR", offset)?;
        let mut next = None;
        for slot in &slots {
            if EXTENDED.contains(&slot.kind) {
                if next.replace(slot.first).is_some() {
                    return Err(chain("two next records", "one at most".to_owned()));
                }
            } else if slot.kind != 0 {
                let start = record.saturating_add(slot.first);
                table
                    .partitions
                    .push(partition(sectors, number, slot, start));
                number = number.saturating_add(1);
            }
        }
        match next {
            Some(distance) => record = first.saturating_add(distance),
            None => return Ok(()),
        }
    }
}
