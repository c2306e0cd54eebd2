//! Every prefix and many damaged copies of every document: nothing panics, and every place lies in the text.

use std::fmt::Write;

use super::fixtures;
use crate::document::error::DocumentProblem;
use crate::document::{Document, Recognised, recognise, xml};
use crate::source::Span;

/// Reads the bytes and checks all places; returns whether one of our documents came of it.
fn check(name: &str, bytes: &[u8]) -> bool {
    let Recognised {
        source, outcome, ..
    } = recognise(name, bytes);
    let inside = |span: Span| {
        assert!(span.start <= span.end && span.end <= source.text().len());
        assert!(source.text().get(span.range()).is_some(), "{name} {span:?}");
    };
    match outcome {
        Err(error) => {
            inside(error.span);
            assert!(!error.to_string().is_empty());
            false
        }
        Ok(document) => {
            let (comments, unexpected) = document.remarks();
            comments
                .iter()
                .for_each(|comment| inside(comment.text.span));
            unexpected.iter().for_each(|other| {
                inside(other.span);
                inside(other.name.span);
            });
            if let Some(root) = document.root() {
                inside(root.name.span);
                assert!(source.slice(root.name.span).ends_with(&root.name.value));
            }
            if let Some(registry) = document.registry() {
                for value in &registry.values {
                    inside(value.name.span);
                    inside(value.kind.span);
                    inside(value.written.span);
                    inside(value.element);
                    let _ = value.data();
                }
                registry.keys.iter().for_each(|key| {
                    inside(key.key.span);
                    inside(key.element);
                    let _ = key.canonical();
                });
            }
            !matches!(document, Document::Other(_))
        }
    }
}

#[test]
fn every_prefix_parses_or_errs() {
    for (name, text) in fixtures::ALL {
        let whole = text.trim_end().len();
        for end in 0..whole {
            let read = check(name, &text.as_bytes()[..end]);
            // A registry file may end after any line; XML ends with its root.
            assert!(!read || name.ends_with(".reg"), "{name} cut at {end}");
        }
        assert!(check(name, text.as_bytes()), "{name}");
        for end in 0..text.len() / 8 {
            check(name, &utf_16(text)[..end]);
        }
    }
}

#[test]
fn damaged_bytes_parse_or_err() {
    for (name, text) in fixtures::ALL {
        let mut bytes = text.as_bytes().to_vec();
        for index in 0..bytes.len() {
            let before = bytes[index];
            for damage in [before ^ 0x01, before ^ 0x20, before | 0x80, 0, b'<', b'"'] {
                bytes[index] = damage;
                check(name, &bytes);
            }
            bytes[index] = before;
        }
    }
}

/// The text with a byte-order mark, two bytes per unit.
fn utf_16(text: &str) -> Vec<u8> {
    let units = "\u{feff}".encode_utf16().chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

/// The problem of an input that must be refused.
fn refused(text: &str) -> DocumentProblem {
    let error = recognise("TestOEMInput.xml", text.as_bytes())
        .outcome
        .unwrap_err();
    error.problem
}

#[test]
fn a_million_levels_are_refused_without_recursion() {
    let problem = refused(&"<a>".repeat(1_000_000));
    assert!(
        matches!(problem, DocumentProblem::Limit { .. }),
        "{problem}"
    );
    let problem = refused(&"<a>".repeat(xml::MARKUP_LIMIT));
    let levels = DocumentProblem::Limit {
        what: "levels of elements",
        found: xml::DEPTH_LIMIT + 1,
        limit: xml::DEPTH_LIMIT,
    };
    assert_eq!(problem, levels);
}

#[test]
fn an_attribute_bomb_is_refused_before_the_quadratic_comparison() {
    let mut bomb = "<OEMInput ".to_owned();
    for number in 0..900_000 {
        write!(bomb, "a{number}='' ").unwrap();
    }
    bomb.push_str("/>");
    let problem = refused(&bomb);
    assert!(
        matches!(problem, DocumentProblem::Limit { what, .. } if what == "attributes of an element")
    );
    // The largest allowed number is read.
    let mut most = "<OEMInput ".to_owned();
    for number in 0..xml::ATTRIBUTE_LIMIT {
        write!(most, "a{number} = \"x='>'\" ").unwrap();
    }
    most.push_str("/>");
    let document = recognise("OEMInput.xml", most.as_bytes()).outcome.unwrap();
    assert_eq!(document.remarks().1.len(), xml::ATTRIBUTE_LIMIT);
}

#[test]
fn namespaces_names_and_markup_are_counted() {
    let mut namespaces = String::from("<OEMInput>");
    for number in 0..=xml::NAMESPACE_LIMIT {
        write!(namespaces, "<a\txmlns:n{number} = 'urn:{number}'/>").unwrap();
    }
    let problem = refused(&namespaces);
    assert!(
        matches!(problem, DocumentProblem::Limit { what, .. } if what == "different namespace declarations")
    );
    let problem = refused(&format!(
        "<OEMInput><{}/></OEMInput>",
        "n".repeat(10_000_000)
    ));
    assert!(
        matches!(problem, DocumentProblem::Limit { what, .. } if what == "bytes of an element's name")
    );
    let problem = refused(&"<OEMInput>".replace('>', &"<".repeat(10_000_000)));
    assert!(matches!(
        problem,
        DocumentProblem::Limit {
            found: 10_000_001,
            ..
        }
    ));
    let problem = refused(&format!("<OEMInput a='{}'/>", "=".repeat(10_000_000)));
    assert!(matches!(
        problem,
        DocumentProblem::Limit {
            found: 10_000_001,
            ..
        }
    ));
    let problem = refused(&" ".repeat(crate::document::decode::SIZE_LIMIT + 1));
    assert!(
        matches!(problem, DocumentProblem::Limit { what, .. } if what == "bytes of a document")
    );
}

#[test]
fn type_definitions_and_entities_are_refused() {
    let laughs =
        "<!-- a --><!DOCTYPE a [<!ENTITY b 'x'><!ENTITY c '&b;&b;&b;'>]><OEMInput>&c;</OEMInput>";
    let error = recognise("a.xml", laughs.as_bytes()).outcome.unwrap_err();
    assert_eq!(error.problem, DocumentProblem::DocumentType);
    assert_eq!(error.span, Span::from(10..19));
    let problem = refused("<OEMInput>&c;</OEMInput>");
    assert!(problem.to_string().contains("entity"), "{problem}");
}

#[test]
fn many_small_elements_and_long_values_stay_cheap() {
    let many = format!(
        "<OEMInput><Features><OEM>{}</OEM></Features></OEMInput>",
        "<Feature>A</Feature>".repeat(200_000)
    );
    assert!(check("OEMInput.xml", many.as_bytes()));
    let key = "k".repeat(1_000_000);
    let values = "<regValue/>".repeat(200_000);
    let shared = format!(
        "<identity><regKeys><regKey keyName='{key}'>{values}</regKey></regKeys></identity>"
    );
    assert!(check("a.wm.xml", shared.as_bytes()));
    let reg = format!("REGEDIT4\n[{key}]\n{}", "\"\"=\"\n".repeat(90_000));
    assert!(check("a.reg", reg.as_bytes()));
}

#[test]
fn registry_entries_are_counted() {
    use crate::document::reg_file::ENTRY_LIMIT;
    for line in ["\"a\"=-\n", "[A]\n", "x\n"] {
        let text = |lines| format!("REGEDIT4\n[A]\n{}", line.repeat(lines));
        assert!(check("a.reg", text(ENTRY_LIMIT - 1).as_bytes()));
        let error = recognise("a.reg", text(ENTRY_LIMIT).as_bytes()).outcome;
        let problem = error.unwrap_err().problem;
        assert!(
            matches!(problem, DocumentProblem::Limit { found, .. } if found == ENTRY_LIMIT + 1)
        );
    }
}

#[test]
fn deep_settings_cannot_multiply_their_names() {
    let name = "n".repeat(xml::NAME_LIMIT);
    let depth = 100;
    let bomb = format!(
        "<WindowsCustomizations><Settings><Customizations>{}{}{}</Customizations></Settings></WindowsCustomizations>",
        format!("<{name}>").repeat(depth),
        "<a/>".repeat(100_000),
        format!("</{name}>").repeat(depth),
    );
    let error = recognise("a.xml", bomb.as_bytes()).outcome.unwrap_err();
    assert!(
        matches!(error.problem, DocumentProblem::Limit { what, .. } if what == "bytes of all settings' names")
    );
}
