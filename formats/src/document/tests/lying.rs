//! Documents that lie about their encoding, are larger than any document, or nest deeper than a small stack.

use super::fixtures;
use crate::document::decode::SIZE_LIMIT;
use crate::document::error::DocumentProblem;
use crate::document::variables::Variables;
use crate::document::{Document, Kind, Recognised, customizations, recognise, xml};
use crate::source::Source;

/// The problem of an input that must be refused, whose place must lie in its text.
fn refused(name: &str, bytes: &[u8]) -> DocumentProblem {
    let Recognised {
        source, outcome, ..
    } = recognise(name, bytes);
    let error = outcome.unwrap_err();
    assert!(source.text().get(error.span.range()).is_some(), "{error}");
    error.problem
}

fn read(name: &str, bytes: &[u8]) -> Document {
    recognise(name, bytes).outcome.unwrap()
}

fn utf_16(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(order).collect()
}

#[test]
fn every_lie_about_an_encoding_is_refused_with_its_place() {
    let wide = "<?xml version='1.0' encoding='utf-16'?><OEMInput/>";
    let narrow = "<?xml version='1.0' encoding='utf-8'?><OEMInput/>";
    let single = |bytes: &[u8]| [b"<OEMInput>", bytes, b"</OEMInput>"].concat();
    let mut lone_surrogate = utf_16("\u{feff}<OEMInput>", u16::to_le_bytes);
    lone_surrogate.extend(0xd800_u16.to_le_bytes());
    lone_surrogate.extend(utf_16("</OEMInput>", u16::to_le_bytes));
    let mut odd = utf_16(&format!("\u{feff}{wide}"), u16::to_le_bytes);
    odd.pop();
    let contradicts = |problem: &DocumentProblem| {
        matches!(problem, DocumentProblem::EncodingContradiction { .. })
    };
    let invalid = |problem: &DocumentProblem| matches!(problem, DocumentProblem::InvalidBytes(_));
    let broken = |problem: &DocumentProblem| matches!(problem, DocumentProblem::NotWellFormed(_));
    type Wanted<'a> = &'a dyn Fn(&DocumentProblem) -> bool;
    let cases: [(&str, Vec<u8>, Wanted<'_>); 13] = [
        ("UTF-16 over ASCII", wide.into(), &contradicts),
        (
            "UTF-16 behind the mark of UTF-8",
            format!("\u{feff}{wide}").into(),
            &contradicts,
        ),
        (
            "UTF-8 behind the mark of UTF-16",
            utf_16(&format!("\u{feff}{narrow}"), u16::to_le_bytes),
            &contradicts,
        ),
        (
            "UTF-8 in UTF-16 without a mark",
            utf_16(narrow, u16::to_be_bytes),
            &contradicts,
        ),
        (
            "the other order behind a mark",
            [&[0xff, 0xfe][..], &utf_16(wide, u16::to_be_bytes)].concat(),
            &broken,
        ),
        (
            "UTF-32",
            narrow
                .chars()
                .flat_map(|c| u32::from(c).to_le_bytes())
                .collect(),
            &|problem| contradicts(problem) || broken(problem),
        ),
        ("an overlong NUL", single(&[0xc0, 0x80]), &invalid),
        (
            "a surrogate in UTF-8",
            single(&[0xed, 0xa0, 0x80]),
            &invalid,
        ),
        (
            "beyond Unicode",
            single(&[0xf4, 0x90, 0x80, 0x80]),
            &invalid,
        ),
        ("half a surrogate pair", lone_surrogate, &invalid),
        ("half a unit", odd, &invalid),
        ("a NUL", single(&[0]), &broken),
        ("nothing but NULs", vec![0; 4096], &broken),
    ];
    for (what, bytes, wanted) in cases {
        let problem = refused("RetailOEMInput.xml", &bytes);
        assert!(wanted(&problem), "{what}: {problem}");
    }
    for reference in ["&#0;", "&#;", "&#xg;", "&#99999999999;"] {
        let problem = refused("RetailOEMInput.xml", &single(reference.as_bytes()));
        assert!(broken(&problem), "{reference}: {problem}");
    }
}

#[test]
fn text_formats_take_any_bytes() {
    let nuls = vec![0; 4096];
    let odd = [&[0xff, 0xfe][..], b"[\0V\0]\0x"].concat();
    let order = [&[0xfe, 0xff][..], &utf_16("[V]\na=b", u16::to_le_bytes)].concat();
    for name in ["a.reg", "a.inf", "a.cmd"] {
        for bytes in [&nuls, &odd, &order, &vec![0xff; 4096]] {
            // Read or refused, but with a place in the text.
            let Recognised {
                source, outcome, ..
            } = recognise(name, bytes);
            if let Err(error) = outcome {
                assert!(source.text().get(error.span.range()).is_some());
            }
        }
    }
}

#[test]
fn one_part_that_is_nearly_the_whole_document_is_read() {
    let long = "x".repeat(SIZE_LIMIT - 1000);
    let documents = [
        format!("<OEMInput a='{long}'/>"),
        format!("<OEMInput><!--{long}--></OEMInput>"),
        format!("<OEMInput><SOC>{long}</SOC></OEMInput>"),
        format!("<OEMInput><SOC><![CDATA[{long}]]></SOC></OEMInput>"),
        format!("<?p {long}?><OEMInput/>"),
    ];
    for document in documents {
        let read = read("RetailOEMInput.xml", document.as_bytes());
        assert!(matches!(read, Document::OemInput(_)));
    }
    let Document::RegFile(file) = read(
        "a.reg",
        format!("REGEDIT4\n[A]\n\"{long}\"=\"{long}").as_bytes()[..SIZE_LIMIT].as_ref(),
    ) else {
        panic!("no registry file");
    };
    assert_eq!(file.registry.values.len(), 1);
    read("a.inf", format!("[{long}]").as_bytes());
    read(
        "a.inf",
        format!("[Version]\na={}", "b,".repeat(100_000)).as_bytes(),
    );
    read("a.cmd", long.as_bytes());
    read("a.cmd", "^\r\n".repeat(50_000).as_bytes());
}

#[test]
fn a_hundred_megabytes_are_refused_without_being_kept() {
    let bytes = vec![b'x'; 100 << 20];
    let names = fixtures::ALL.iter().map(|(name, _)| *name);
    for name in names.filter(|name| Kind::claimed_by(name).is_some()) {
        let recognised = recognise(name, &bytes);
        let problem = recognised.outcome.unwrap_err().problem;
        let limit = SIZE_LIMIT;
        assert_eq!(
            problem,
            DocumentProblem::Limit {
                what: "bytes of a document",
                found: bytes.len(),
                limit
            }
        );
        assert_eq!(recognised.source.text(), "");
    }
}

/// A text with `levels` elements inside each other put in at `place`.
fn deepened(text: &str, place: usize, levels: usize) -> String {
    let (before, after) = text.split_at(place);
    let (open, close) = ("<Asset>".repeat(levels), "</Asset>".repeat(levels));
    format!("{before}{open}{close}{after}")
}

/// 128 KiB, a sixteenth of what a thread usually has; a debug build needs several times the stack of a release build.
#[test]
fn no_nesting_needs_more_than_a_small_stack() {
    let small = std::thread::Builder::new().stack_size(128 << 10);
    let thread = small.spawn(|| {
        for (name, text) in fixtures::ALL
            .iter()
            .filter(|(name, _)| name.ends_with(".xml"))
        {
            let in_comment = |end: &usize| text[..*end].rfind("<!--") > text[..*end].rfind("-->");
            let ends = text.match_indices("</").map(|(end, _)| end);
            for end in ends.filter(|end| !in_comment(end)) {
                // As deep as is allowed and a little deeper, and a million levels.
                for levels in [xml::DEPTH_LIMIT - 20, xml::DEPTH_LIMIT, 20_000] {
                    let deep = deepened(text, end, levels);
                    let outcome = recognise(name, deep.as_bytes()).outcome;
                    assert_eq!(
                        outcome.is_ok(),
                        levels < xml::DEPTH_LIMIT,
                        "{name} at {end}: {outcome:?}"
                    );
                }
            }
            let open = "<Asset>".repeat(1_000_000);
            // Without a root that is known, a name that claims nothing makes it payload.
            if Kind::claimed_by(name).is_some() {
                refused(name, open.as_bytes());
            }
            refused(name, format!("{text}{open}").as_bytes());
        }
        let root = customizations::ROOT;
        let names = "<Settings><Customizations><Common>";
        let deep = xml::DEPTH_LIMIT - 4;
        let text = format!(
            "<{root}>{names}{}{}",
            "<a>".repeat(deep),
            "</a>".repeat(deep)
        );
        let text = format!("{text}</Common></Customizations></Settings></{root}>");
        read("customizations.xml", text.as_bytes());
        let values: Variables = [("a", "%b%%b%"), ("b", "$(a)$(a)")].into_iter().collect();
        assert!(values.expand("%a%").stopped);
        let ber = [[0x30, 0x80]; 100_000].concat();
        assert!(crate::der::from_ber("test", &ber).is_err());
        let source = Source::new("a.xml", "<a>".repeat(400_000), 0);
        assert!(xml::parse(&source).is_err());
    });
    thread.unwrap().join().unwrap();
}
