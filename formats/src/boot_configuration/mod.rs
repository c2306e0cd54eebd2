//! Boot configuration stores (BCD): a registry hive with objects and their elements.
//!
//! ```text
//! Objects\{GUID}\Description               Type      REG_DWORD
//! Objects\{GUID}\Elements\XXXXXXXX         Element   by the form that the number names
//! ```
//!
//! The number of an element has its class in the highest four bits (1 library, 2 application, 3 device, 4 template, 5 OEM) and
//! its form in the next four. Source: Microsoft's page on `BcdElementType`.

pub mod setting;

use std::fmt;
use std::io::{Read, Seek};

use crate::error::ParseError;
use crate::guid::Guid;
use crate::registry_hive::{Data, Hive, Key, ValueType};

use setting::Setting;

/// Most objects of a store, and most elements of an object, that are read.
const MAX_MEMBERS: usize = 4096;

/// `{globalsettings}`
pub const GLOBAL_SETTINGS: Guid = Guid::from_u128(0x7ea2_e1ac_2e61_4728_aaa3_896d_9d0a_9f0e);
/// `{bootmgr}`
pub const BOOT_MANAGER: Guid = Guid::from_u128(0x9dea_862c_5cdd_4e70_acc1_f32b_344d_4795);
/// `{bootloadersettings}`
pub const LOADER_SETTINGS: Guid = Guid::from_u128(0x6efb_52bf_1766_41db_a6b3_0ee5_eff7_2bd7);
/// `{dbgsettings}`
pub const DEBUGGER_SETTINGS: Guid = Guid::from_u128(0x4636_856e_540f_4170_a130_a847_76f4_c654);
/// `{emssettings}`
pub const EMS_SETTINGS: Guid = Guid::from_u128(0x0ce4_991b_e6b3_4b16_b23c_5e0d_9250_e5d9);
/// `{resumeloadersettings}`
pub const RESUME_SETTINGS: Guid = Guid::from_u128(0x1afa_9c49_16ab_4a5c_901b_2128_02da_9460);
/// `{badmemory}`
pub const BAD_MEMORY: Guid = Guid::from_u128(0x5189_b25c_5558_4bf2_bca4_289b_11bd_29e2);

/// Objects that `bcdedit` has a name for.
const WELL_KNOWN: &[(Guid, &str)] = &[
    (GLOBAL_SETTINGS, "{globalsettings}"),
    (BOOT_MANAGER, "{bootmgr}"),
    (LOADER_SETTINGS, "{bootloadersettings}"),
    (DEBUGGER_SETTINGS, "{dbgsettings}"),
    (EMS_SETTINGS, "{emssettings}"),
    (RESUME_SETTINGS, "{resumeloadersettings}"),
    (BAD_MEMORY, "{badmemory}"),
];

/// The elements that an object takes from others.
const INHERIT: u32 = 0x1400_0006;
/// The text that a person knows an object by.
const DESCRIPTION: u32 = 0x1200_0004;

/// A store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Store {
    /// In the order of the hive.
    pub objects: Vec<Object>,
    /// What is damaged, or stored as its number does not say.
    pub faults: Vec<ParseError>,
}

/// An object: a program that is booted, or settings that others inherit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its name.
    pub id: Guid,
    /// What it is: e.g. 0x10100002 for the boot manager; 0 where it is not said.
    pub kind: u32,
    /// In the order of the hive.
    pub elements: Vec<Element>,
    /// Where its key stands in the file.
    pub offset: u64,
}

/// An element of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// Class, form and number within the class.
    pub number: u32,
    /// What it holds.
    pub value: ElementValue,
    /// Where its value stands in the file.
    pub offset: u64,
}

/// What an element holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ElementValue {
    /// A device, whose description is not read.
    Device(Vec<u8>),
    /// A text.
    Text(String),
    /// Another object.
    Object(Guid),
    /// Other objects.
    Objects(Vec<Guid>),
    /// A number.
    Integer(u64),
    /// A switch.
    Boolean(bool),
    /// Numbers.
    Integers(Vec<u64>),
    /// Something that is stored otherwise than the element's number says, or whose form is unknown.
    Other(Data),
}

impl Store {
    /// Reads a store.
    ///
    /// # Errors
    /// Where the hive has no objects, or they cannot be listed. An object or element that is damaged is a fault.
    pub fn read(hive: &mut Hive<impl Read + Seek>) -> Result<Self, ParseError> {
        let root = hive.root().offset;
        let Some(objects) = hive.key("Objects")? else {
            let expected = "the objects of a boot configuration store";
            return Err(ParseError::invalid(
                "BCD",
                "Objects",
                root,
                "no such key",
                expected,
            ));
        };
        let mut store = Self::default();
        for key in hive.subkeys(&objects)?.iter().take(MAX_MEMBERS) {
            let object = Object::read(hive, key, &mut store.faults);
            match object {
                Ok(object) => store.objects.push(object),
                Err(error) => store.faults.push(error),
            }
        }
        if objects.subkey_count as usize > MAX_MEMBERS {
            let expected = format_args!("{MAX_MEMBERS} at most").to_string();
            store.faults.push(ParseError::invalid(
                "BCD",
                "Objects",
                objects.offset,
                format_args!("{} objects", objects.subkey_count),
                expected,
            ));
        }
        Ok(store)
    }

    /// The object of a name.
    pub fn object(&self, id: Guid) -> Option<&Object> {
        self.objects.iter().find(|object| object.id == id)
    }

    /// Every object that has a setting of its own, with the element.
    pub fn all(&self, setting: Setting) -> impl Iterator<Item = (&Object, &Element)> {
        self.objects.iter().filter_map(move |object| {
            let element = object.element(setting.number)?;
            Some((object, element))
        })
    }

    /// The element that is in force for an object: its own, or else that of the first object that it inherits from, and so on.
    pub fn in_force<'a>(
        &'a self,
        object: &'a Object,
        setting: Setting,
    ) -> Option<(&'a Object, &'a Element)> {
        let mut waiting = vec![object];
        let mut seen = Vec::new();
        while let Some(object) = waiting.pop() {
            if seen.contains(&object.id) {
                continue;
            }
            seen.push(object.id);
            if let Some(element) = object.element(setting.number) {
                return Some((object, element));
            }
            let inherited = object.inherited().iter().rev();
            waiting.extend(inherited.filter_map(|id| self.object(*id)));
        }
        None
    }
}

impl Object {
    fn read(
        hive: &mut Hive<impl Read + Seek>,
        key: &Key,
        faults: &mut Vec<ParseError>,
    ) -> Result<Self, ParseError> {
        let invalid = |field, offset, found: &str, expected: &str| {
            ParseError::invalid("BCD object", field, offset, format!("{found:?}"), expected)
        };
        let id = Guid::parse(&key.name)
            .ok_or_else(|| invalid("name", key.offset, &key.name, "a GUID"))?;
        let mut object = Self {
            id,
            kind: 0,
            elements: Vec::new(),
            offset: key.offset,
        };
        for part in hive.subkeys(key)? {
            if part.name.eq_ignore_ascii_case("Description") {
                if let Some(value) = hive.value(&part, "Type")? {
                    let data = hive.data(&value)?;
                    match data.number().and_then(|kind| u32::try_from(kind).ok()) {
                        Some(kind) => object.kind = kind,
                        None => faults.push(ParseError::invalid(
                            "BCD object",
                            "Type",
                            value.offset,
                            format_args!("{} bytes of {}", data.bytes.len(), data.kind),
                            "REG_DWORD",
                        )),
                    }
                }
            } else if part.name.eq_ignore_ascii_case("Elements") {
                let keys = hive.subkeys(&part)?;
                if keys.len() > MAX_MEMBERS {
                    let found = format!("{} elements", keys.len());
                    let expected = format!("{MAX_MEMBERS} at most");
                    return Err(invalid("Elements", part.offset, &found, &expected));
                }
                for key in keys {
                    match Element::read(hive, &key, faults) {
                        Ok(element) => object.elements.push(element),
                        Err(error) => faults.push(error),
                    }
                }
            }
        }
        Ok(object)
    }

    /// Its element of a number.
    pub fn element(&self, number: u32) -> Option<&Element> {
        self.elements
            .iter()
            .find(|element| element.number == number)
    }

    /// The objects that it takes elements from.
    pub fn inherited(&self) -> &[Guid] {
        match self.element(INHERIT).map(|element| &element.value) {
            Some(ElementValue::Objects(ids)) => ids,
            _ => &[],
        }
    }

    /// What it is called: the name that `bcdedit` has for it, or its description, or its GUID.
    pub fn name(&self) -> String {
        let known = WELL_KNOWN.iter().find(|(id, _)| *id == self.id);
        if let Some((_, name)) = known {
            return (*name).to_owned();
        }
        match self.element(DESCRIPTION).map(|element| &element.value) {
            Some(ElementValue::Text(text)) if !text.is_empty() => text.clone(),
            _ => self.id.to_string(),
        }
    }

    /// What `bcdedit` calls one of its elements: an option like `testsigning`, or `custom:22000999`.
    pub fn option(&self, element: &Element) -> String {
        match setting::option(element.number, self.kind) {
            Some(option) => option.to_owned(),
            None => format!("custom:{:08x}", element.number),
        }
    }
}

impl Element {
    fn read(
        hive: &mut Hive<impl Read + Seek>,
        key: &Key,
        faults: &mut Vec<ParseError>,
    ) -> Result<Self, ParseError> {
        let invalid = |field, offset, found: String, expected: &str| {
            ParseError::invalid("BCD element", field, offset, found, expected)
        };
        let is_number = key.name.len() == 8 && key.name.bytes().all(|c| c.is_ascii_hexdigit());
        let number = u32::from_str_radix(&key.name, 16).ok();
        let Some(number) = number.filter(|_| is_number) else {
            let found = format!("{:?}", key.name);
            return Err(invalid("name", key.offset, found, "8 hexadecimal digits"));
        };
        let Some(value) = hive.value(key, "Element")? else {
            let found = "no such value".to_owned();
            return Err(invalid("Element", key.offset, found, "the element's value"));
        };
        let data = hive.data(&value)?;
        let decoded = ElementValue::of(number, &data);
        if decoded.is_none() {
            let found = format!("{} bytes of {}", data.bytes.len(), data.kind);
            let expected = format!("{}, by its number {number:08x}", form(number));
            faults.push(invalid("Element", value.offset, found, &expected));
        }
        Ok(Self {
            number,
            value: decoded.unwrap_or(ElementValue::Other(data)),
            offset: value.offset,
        })
    }

    /// Whether it is a switch that is on. Where a switch is stored in another form, any bit that is set counts: nobody wants to
    /// find out on a device how its loader reads it.
    pub fn is_on(&self) -> bool {
        match &self.value {
            ElementValue::Boolean(on) => *on,
            ElementValue::Other(data) => data.bytes.iter().any(|byte| *byte != 0),
            _ => false,
        }
    }
}

/// What form the number of an element says that it has.
fn form(number: u32) -> &'static str {
    match number >> 24 & 0xf {
        1 => "a device in REG_BINARY",
        2 => "a text in REG_SZ",
        3 => "a GUID in REG_SZ",
        4 => "GUIDs in REG_MULTI_SZ",
        5 => "8 bytes of REG_BINARY",
        6 => "a byte of REG_BINARY",
        7 => "a multiple of 8 bytes of REG_BINARY",
        _ => "a known form",
    }
}

impl ElementValue {
    /// What the data of an element say; `None` where they have another form than its number says.
    fn of(number: u32, data: &Data) -> Option<Self> {
        let binary = || (data.kind == ValueType::Binary).then_some(data.bytes.as_slice());
        let integer = |bytes: &[u8]| Some(u64::from_le_bytes(bytes.try_into().ok()?));
        match number >> 24 & 0xf {
            1 => binary().map(|bytes| Self::Device(bytes.to_vec())),
            2 => data.text().map(Self::Text),
            3 => Guid::parse(&data.text()?).map(Self::Object),
            4 => {
                let texts = data.texts()?;
                let ids: Option<Vec<_>> = texts.iter().map(|text| Guid::parse(text)).collect();
                ids.map(Self::Objects)
            }
            5 => integer(binary()?).map(Self::Integer),
            6 => match binary()? {
                [byte] => Some(Self::Boolean(*byte != 0)),
                _ => None,
            },
            7 => {
                let chunks = binary()?.chunks(8);
                let numbers: Option<Vec<_>> = chunks.map(integer).collect();
                numbers.map(Self::Integers)
            }
            _ => None,
        }
    }
}

impl fmt::Display for ElementValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, parts: Vec<String>| f.write_str(&parts.join(", "));
        match self {
            Self::Device(bytes) => write!(f, "a device of {} bytes", bytes.len()),
            Self::Text(text) => f.write_str(text),
            Self::Object(id) => id.fmt(f),
            Self::Objects(ids) => list(f, ids.iter().map(ToString::to_string).collect()),
            Self::Integer(number) => number.fmt(f),
            Self::Boolean(true) => f.write_str("Yes"),
            Self::Boolean(false) => f.write_str("No"),
            Self::Integers(numbers) => list(f, numbers.iter().map(ToString::to_string).collect()),
            Self::Other(data) => write!(f, "{} bytes of {}", data.bytes.len(), data.kind),
        }
    }
}
