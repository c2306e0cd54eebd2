//! The DER reader, and BER made DER.

use formats::der::{self, Reader, Tlv};
use formats::der_time;

/// Levels that the walk goes down.
const DEPTH: usize = 64;

pub(crate) fn run(input: &[u8]) {
    walk(input, 0, DEPTH);
    if let Ok(normal) = der::from_ber("Fuzz", input) {
        let again = der::from_ber("Fuzz", &normal);
        assert_eq!(again.as_ref(), Ok(&normal), "DER is a fixed point");
        let mut reader = Reader::new("Fuzz", &normal, 0);
        assert!(reader.next("element").is_ok(), "what comes out is DER");
    }
}

fn walk(bytes: &[u8], offset: u64, levels: usize) {
    let Ok(elements) = Reader::new("Fuzz", bytes, offset).all("element") else {
        return;
    };
    let _ = der::is_sorted(&elements);
    let mut written = Vec::new();
    for element in &elements {
        assert!(element.value_offset() >= element.offset);
        written.extend(der::tlv(element.tag, element.value));
        primitive(element);
        if levels > 0 && element.tag & 0x20 != 0 {
            walk(element.value, element.value_offset(), levels - 1);
        }
    }
    assert_eq!(written, bytes, "what was read is written the same");
}

fn primitive(element: &Tlv<'_>) {
    let mut reader = Reader::new("Fuzz", element.raw, element.offset);
    match element.tag {
        der::OBJECT_IDENTIFIER => drop(element.oid().to_string()),
        der::INTEGER => {
            if let Ok(number) = reader.small_integer("number") {
                assert_eq!(der::integer(number), element.raw);
            }
        }
        der::UTC_TIME | der::GENERALIZED_TIME => {
            if let Ok(time) = der_time::read(*element, "Fuzz", "time") {
                let mut again = Reader::new("Fuzz", element.raw, 0);
                let _ = again.next("time");
                let written = der_time::write(time);
                let mut reader = Reader::new("Fuzz", &written, 0);
                let element = reader.next("time").expect("a written time is an element");
                assert_eq!(der_time::read(element, "Fuzz", "time"), Ok(time));
            }
        }
        _ => {}
    }
}
