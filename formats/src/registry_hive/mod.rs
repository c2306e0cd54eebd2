//! Registry hives (`SOFTWARE`, `SYSTEM`, boot configuration stores), for reading.
//!
//! A hive is a sector of its own, bins behind it, and cells in these; everything refers to cells by bytes from the first
//! bin. Offsets in errors count from the start of the file. The state on the disk is what is read: transaction logs are
//! files of their own, and [`BaseBlock::is_dirty`] says where they would be needed. Integers are little-endian.
//!
//! Sources: M. Suhanov, "Windows registry file format specification"; the documentation of libregf.

mod base_block;
mod cells;
mod key;
mod value;

use std::collections::BTreeSet;
use std::io::{Read, Seek};

use crate::cursor::{Cursor, read_at};
use crate::error::{ParseError, Problem};
use crate::windows_name::{best, is_same};

pub use base_block::BaseBlock;
use cells::{Cell, Cells};
pub use key::Key;
use key::{List, signature};
use value::DataPlace;
pub use value::{Data, Value, ValueType};

/// Most keys directly below one that are read.
const MAX_SUBKEYS: u32 = 1 << 17;
/// Most values of one key that are read.
const MAX_VALUES: u32 = 1 << 16;
/// Most bytes of the values of one key, without their data.
const MAX_NAMES: u32 = 16 << 20;
/// Most bytes of one value's data that are read.
const MAX_DATA: u32 = 16 << 20;
/// Deepest path that is looked up, as Windows has it.
const MAX_DEPTH: usize = 512;
/// Bytes of a segment of a large value; larger values than this are stored in segments.
const SEGMENT: u32 = 16_344;

/// A hive.
///
/// Every key is reached from one parent alone, which it names itself, so walking down from the root ends.
#[derive(Debug)]
pub struct Hive<R> {
    base: BaseBlock,
    cells: Cells<R>,
    root: Key,
}

impl<R: Read + Seek> Hive<R> {
    /// Opens a hive. It takes memory for 8 bytes of each bin and for 2 MiB of pages.
    ///
    /// # Errors
    /// Where it is none, is cut off, or what leads to its cells is damaged.
    pub fn open(mut input: R) -> Result<Self, ParseError> {
        let sector = read_at(&mut input, "REGF", "sector", 0, 512)?;
        let base = BaseBlock::read(&sector)?;
        let mut cells = Cells::open(input, base.length)?;
        let root = key_at(&mut cells, "REGF", "RootCell", 36, base.root)?;
        if !root.is_root {
            let expected = "the flag of a root key";
            return Err(ParseError::invalid(
                "nk",
                "Flags",
                root.at(2),
                "a key without it",
                expected,
            ));
        }
        Ok(Self { base, cells, root })
    }

    /// What the first sector says, with what makes the hive a dirty one.
    pub fn base_block(&self) -> &BaseBlock {
        &self.base
    }

    /// The key that the hive begins with; its name is no part of a path.
    pub fn root(&self) -> &Key {
        &self.root
    }

    /// The keys directly below one, in the order of the hive.
    ///
    /// # Errors
    /// Where a list or a key in it is damaged, or one is not the child of `key` alone.
    pub fn subkeys(&mut self, key: &Key) -> Result<Vec<Key>, ParseError> {
        let places = self.subkey_places(key)?;
        let mut seen = BTreeSet::new();
        let mut subkeys = Vec::new();
        for (place, named_at) in places {
            let subkey = key_at(&mut self.cells, "subkey list", "Entry", named_at, place)?;
            let invalid = |offset, field, found: String, expected: String| {
                Err(ParseError::invalid("nk", field, offset, found, expected))
            };
            if place == self.root.cell || subkey.is_root {
                let found = "the root key below another".to_owned();
                return invalid(subkey.at(2), "Flags", found, "a key of its own".to_owned());
            }
            if subkey.parent != key.cell {
                let found = format!("0x{:08X}", subkey.parent);
                let expected = format!("0x{:08X}, whose list leads to it", key.cell);
                return invalid(subkey.at(16), "Parent", found, expected);
            }
            if !seen.insert(place) {
                return Err(ParseError::invalid(
                    "subkey list",
                    "Entry",
                    named_at,
                    "a key that was there before",
                    "each key once",
                ));
            }
            subkeys.push(subkey);
        }
        Ok(subkeys)
    }

    /// Where the keys below one stand, each with where that is written.
    fn subkey_places(&mut self, key: &Key) -> Result<Vec<(u32, u64)>, ParseError> {
        if key.subkey_count == 0 {
            return Ok(Vec::new());
        }
        bounded("SubkeyCount", key.at(20), key.subkey_count, MAX_SUBKEYS)?;
        let mut places = Vec::new();
        let list = self.list(key.at(28), key.subkeys)?;
        match list {
            List::Keys(keys) => places = keys,
            List::Lists(lists) => {
                for (place, named_at) in lists {
                    match self.list(named_at, place)? {
                        List::Keys(mut keys) => places.append(&mut keys),
                        List::Lists(_) => {
                            return Err(ParseError::invalid(
                                "ri",
                                "Entry",
                                named_at,
                                "a list of lists",
                                "a list of keys",
                            ));
                        }
                    }
                    // Lists that are named again and again end here.
                    if places.len() > key.subkey_count as usize {
                        break;
                    }
                }
            }
        }
        if places.len() != key.subkey_count as usize {
            let found = format_args!("{} keys", key.subkey_count).to_string();
            let expected = match places.len() > key.subkey_count as usize {
                true => "at least as many as the list leads to".to_owned(),
                false => format!("{}, to which the list leads", places.len()),
            };
            return Err(ParseError::invalid(
                "nk",
                "SubkeyCount",
                key.at(20),
                found,
                expected,
            ));
        }
        Ok(places)
    }

    fn list(&mut self, named_at: u64, place: u32) -> Result<List, ParseError> {
        let cell = self.cells.cell("nk", "SubkeyList", named_at, place)?;
        // A count of 16 bits, and 8 bytes for each.
        let bytes = self.cells.content("subkey list", cell, 0, 4 + 8 * 65_535)?;
        List::read(&bytes, cell.offset)
    }

    /// The key of a path below the root, whose parts are separated by `\`. Case does not matter. `None` where there is none;
    /// the empty path is the root.
    ///
    /// # Errors
    /// As [`Hive::subkeys`].
    pub fn key(&mut self, path: &str) -> Result<Option<Key>, ParseError> {
        let mut at = self.root.clone();
        let parts = path.split('\\').filter(|part| !part.is_empty());
        for (depth, part) in parts.enumerate() {
            if depth >= MAX_DEPTH {
                let found = u32::try_from(depth).unwrap_or(u32::MAX);
                let limit = u32::try_from(MAX_DEPTH).unwrap_or(u32::MAX);
                bounded("path", 0, found.saturating_add(1), limit)?;
            }
            let mut subkeys = self.subkeys(&at)?;
            let names = subkeys.iter().map(|key| key.name.as_str());
            match best(names, part) {
                Some(index) => at = subkeys.swap_remove(index),
                None => return Ok(None),
            }
        }
        Ok(Some(at))
    }

    /// The values of a key, in the order of the hive.
    ///
    /// # Errors
    /// Where the list or a value is damaged.
    pub fn values(&mut self, key: &Key) -> Result<Vec<Value>, ParseError> {
        if key.value_count == 0 {
            return Ok(Vec::new());
        }
        bounded("ValueCount", key.at(36), key.value_count, MAX_VALUES)?;
        let list = self.cells.cell("nk", "ValueList", key.at(40), key.values)?;
        let length = key.value_count.saturating_mul(4);
        let bytes = self.cells.content("value list", list, 0, length)?;
        let mut cursor = Cursor::new("value list", &bytes, list.offset);
        let mut values = Vec::new();
        let mut names = 0_u32;
        for _ in 0..key.value_count {
            let named_at = cursor.offset();
            let place = cursor.u32("Entry")?;
            let cell = self.cells.cell("value list", "Entry", named_at, place)?;
            let fixed = self.cells.content("vk", cell, 0, value::FIXED)?;
            let length = value::FIXED.saturating_add(value::name_length(&fixed));
            let bytes = self.cells.content("vk", cell, 0, length)?;
            names = names.saturating_add(length);
            bounded("value names", cell.offset, names, MAX_NAMES)?;
            values.push(Value::read(&bytes, cell.offset)?);
        }
        Ok(values)
    }

    /// The value of a key by its name, case aside; the default value has an empty name.
    ///
    /// # Errors
    /// As [`Hive::values`].
    pub fn value(&mut self, key: &Key, name: &str) -> Result<Option<Value>, ParseError> {
        let mut values = self.values(key)?.into_iter();
        Ok(values.find(|value| is_same(&value.name, name)))
    }

    /// What a value holds.
    ///
    /// # Errors
    /// Where the cells are damaged, or there are more than 16 MiB.
    pub fn data(&mut self, value: &Value) -> Result<Data, ParseError> {
        let at = value.offset.saturating_add(4);
        bounded("DataLength", at, value.length, MAX_DATA)?;
        let length = usize::try_from(value.length).unwrap_or(usize::MAX);
        let bytes = match value.place {
            DataPlace::Here(bytes) => bytes.get(..length).unwrap_or_default().to_vec(),
            DataPlace::Cell(_) if length == 0 => Vec::new(),
            DataPlace::Cell(place) => {
                let named_at = value.offset.saturating_add(8);
                let cell = self.cells.cell("vk", "Data", named_at, place)?;
                let is_large = value.length > SEGMENT && value.length > cell.length;
                match is_large && self.cells.content("db", cell, 0, 2)? == *b"db" {
                    true => self.segments(cell, value.length)?,
                    false => {
                        let bytes = self.cells.content("vk", cell, 0, value.length)?;
                        whole(bytes, "vk", cell, value.length)?
                    }
                }
            }
        };
        Ok(Data {
            kind: value.kind,
            bytes,
        })
    }

    /// What the value `name` of the key `path` holds; `None` where there is no such key or value.
    ///
    /// # Errors
    /// As [`Hive::key`], [`Hive::values`] and [`Hive::data`].
    pub fn read(&mut self, path: &str, name: &str) -> Result<Option<Data>, ParseError> {
        let Some(key) = self.key(path)? else {
            return Ok(None);
        };
        match self.value(&key, name)? {
            Some(value) => self.data(&value).map(Some),
            None => Ok(None),
        }
    }

    /// The segments of a large value, put together.
    fn segments(&mut self, cell: Cell, length: u32) -> Result<Vec<u8>, ParseError> {
        let header = self.cells.content("db", cell, 0, 8)?;
        let mut cursor = Cursor::new("db", &header, cell.offset);
        signature(&mut cursor, "db", b"db")?;
        let count = u32::from(cursor.u16("SegmentCount")?);
        let expected = length.div_ceil(SEGMENT);
        if count != expected {
            let at = cell.offset.saturating_add(2);
            return Err(ParseError::invalid(
                "db",
                "SegmentCount",
                at,
                count,
                expected,
            ));
        }
        let named_at = cursor.offset();
        let list = cursor.u32("SegmentList")?;
        let list = self.cells.cell("db", "SegmentList", named_at, list)?;
        let places = self.cells.content("db", list, 0, count.saturating_mul(4))?;
        let mut cursor = Cursor::new("segment list", &places, list.offset);
        let mut bytes = Vec::new();
        for _ in 0..count {
            let named_at = cursor.offset();
            let place = cursor.u32("Entry")?;
            let segment = self.cells.cell("segment list", "Entry", named_at, place)?;
            let read = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            let wanted = length.saturating_sub(read).min(SEGMENT);
            let part = self.cells.content("segment", segment, 0, wanted)?;
            bytes.append(&mut whole(part, "segment", segment, wanted)?);
        }
        Ok(bytes)
    }
}

/// The key in the cell at `place`, which stands at byte `named_at` of the file as `structure.field`.
fn key_at(
    cells: &mut Cells<impl Read + Seek>,
    structure: &'static str,
    field: &'static str,
    named_at: u64,
    place: u32,
) -> Result<Key, ParseError> {
    let cell = cells.cell(structure, field, named_at, place)?;
    let bytes = cells.content("nk", cell, 0, key::READ)?;
    Key::read(&bytes, cell.offset, place)
}

/// Bytes of a cell, if they are as many as wanted.
fn whole(
    bytes: Vec<u8>,
    structure: &'static str,
    cell: Cell,
    wanted: u32,
) -> Result<Vec<u8>, ParseError> {
    if bytes.len() as u64 == u64::from(wanted) {
        return Ok(bytes);
    }
    Err(ParseError {
        structure,
        field: "Data",
        offset: cell.offset,
        problem: Problem::Truncated {
            needed: u64::from(wanted),
            available: bytes.len() as u64,
        },
    })
}

/// Sees that a number is within its limit.
fn bounded(field: &'static str, offset: u64, found: u32, limit: u32) -> Result<(), ParseError> {
    if found <= limit {
        return Ok(());
    }
    Err(ParseError {
        structure: "hive",
        field,
        offset,
        problem: Problem::Limit {
            found: u64::from(found),
            limit: u64::from(limit),
        },
    })
}
