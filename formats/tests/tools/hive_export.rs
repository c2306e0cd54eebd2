//! Hives as text, as `hivexregedit --export` writes it.

use std::fmt::Write;
use std::io::{Read, Seek};

use formats::registry_hive::{Hive, ValueType};

/// The hive as hivexregedit exports it.
pub(crate) fn export(hive: &mut Hive<impl Read + Seek>) -> String {
    let mut text = "Windows Registry Editor Version 5.00\n\n".to_owned();
    let root = hive.root().clone();
    let mut waiting = vec![(String::new(), root)];
    while let Some((path, key)) = waiting.pop() {
        let shown = if path.is_empty() { "\\" } else { &path };
        writeln!(text, "[{shown}]").unwrap();
        let mut values = hive.values(&key).unwrap();
        values.sort_by(|a, b| a.name.cmp(&b.name));
        for value in values {
            let data = hive.data(&value).unwrap();
            match value.name.as_str() {
                "" => text.push('@'),
                name => write!(text, "\"{name}\"").unwrap(),
            }
            if let (ValueType::Dword, Some(number)) = (data.kind, data.number()) {
                writeln!(text, "=dword:{number:08x}").unwrap();
                continue;
            }
            let bytes: Vec<String> = data.bytes.iter().map(|b| format!("{b:02x}")).collect();
            writeln!(text, "=hex({:x}):{}", number_of(data.kind), bytes.join(",")).unwrap();
        }
        text.push('\n');
        let mut subkeys = hive.subkeys(&key).unwrap();
        subkeys.sort_by(|a, b| b.name.cmp(&a.name));
        waiting.extend(
            subkeys
                .into_iter()
                .map(|k| (format!("{path}\\{}", k.name), k)),
        );
    }
    text
}

fn number_of(kind: ValueType) -> u32 {
    match kind {
        ValueType::None => 0,
        ValueType::Sz => 1,
        ValueType::ExpandSz => 2,
        ValueType::Binary => 3,
        ValueType::Dword => 4,
        ValueType::DwordBigEndian => 5,
        ValueType::Link => 6,
        ValueType::MultiSz => 7,
        ValueType::ResourceList => 8,
        ValueType::FullResourceDescriptor => 9,
        ValueType::ResourceRequirementsList => 10,
        ValueType::Qword => 11,
        ValueType::Other(number) => number,
    }
}
