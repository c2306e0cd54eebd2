//! Which kind a file is, and what it says about broken ones.

use super::fixtures;
use crate::document::error::DocumentProblem;
use crate::document::{Document, Kind, is_payload, recognise};

const KINDS: &[Kind] = &[
    Kind::OemInput,
    Kind::FeatureManifest,
    Kind::FmFileList,
    Kind::WmXml,
    Kind::PkgXml,
    Kind::RegFile,
    Kind::Customizations,
    Kind::ProductSettings,
    Kind::WorkspaceSettings,
    Kind::DeviceLayout,
    Kind::OemDevicePlatform,
    Kind::BootConfiguration,
];

#[test]
fn the_content_decides_whatever_the_name() {
    for ((name, text), kind) in fixtures::ALL.iter().zip(KINDS) {
        for name in [*name, "payload.bin", "folder/BoardFM.xml"] {
            let recognised = recognise(name, text.as_bytes());
            assert_eq!(recognised.kind, Some(*kind), "{name}");
            let document = recognised.outcome.unwrap();
            let root = document.root().map(|root| root.name.value.as_str());
            assert_eq!(root.is_none(), *kind == Kind::RegFile, "{name}");
            assert_eq!(document.remarks().1, &[], "{name}");
        }
    }
}

#[test]
fn a_name_claims_a_kind_whatever_its_case_and_folder() {
    let claims = [
        (r"C:\a\RETAILOEMINPUT.XML", Some(Kind::OemInput)),
        ("Templates/TestOEMInputTemplate.xml", Some(Kind::OemInput)),
        ("OCPUpdateFM.xml", Some(Kind::FeatureManifest)),
        ("OEMFMFileList.xml", Some(Kind::FmFileList)),
        ("A.b.WM.xml", Some(Kind::WmXml)),
        ("OEMInput/notes.xml", None),
        ("customizations.xml.bak", None),
        ("confirm.xml", None),
        ("", None),
    ];
    for (name, kind) in claims {
        assert_eq!(Kind::claimed_by(name), kind, "{name}");
    }
}

#[test]
fn payload_is_never_an_error() {
    let payloads: [&[u8]; 7] = [
        b"<Task version='1.3'><a></Task>",
        b"<?xml version='1.0' encoding='UTF-16'?><Task/>",
        b"\xff\xfe\xff",
        b"MZ\x90\0\x03\0\0\0",
        b"",
        b"<identity xmlns='urn:other'/>",
        b"<Package xmlns='http://schemas.microsoft.com/appx/manifest/foundation/windows10'><",
    ];
    for bytes in payloads {
        let recognised = recognise("DETask.xml", bytes);
        assert_eq!(recognised.kind, None);
        assert!(matches!(recognised.outcome, Ok(Document::Other(_))));
    }
}

#[test]
fn what_the_beginning_tells_to_be_payload_is_payload_as_a_whole() {
    let texts: [&[u8]; 16] = [
        fixtures::OEM_INPUT.as_bytes(),
        b"<Task version='1.3'><a></Task>",
        b"\xef\xbb\xbf<?xml version='1.0' encoding='utf-8'?>\n<!-- <OEMInput> --><all>\xc3\xbc</all>",
        b"<?xml version='1.0' encoding='UTF-16'?><Task/>",
        b"<?xml version='1.0' encoding='windows-1252'?><Task a='\xfc'/>",
        b"<Task a='\xfc'/>",
        b"\xff\xfe<\0T\0/\0>\0",
        b"<n:OEMInput/>",
        b"<OEMInputs/>",
        b"<identity xmlns='urn:other'/>",
        b"Windows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\<a>]\r\n",
        b"REGEDIT4\n<a>",
        b"MZ\x90\0<a>",
        b"<!DOCTYPE a><a/>",
        b"",
        b"text",
    ];
    let mut told = 0;
    for bytes in texts {
        for (name, end) in ["a.xml", "aFM.xml", "a.reg", "a.inf"]
            .iter()
            .flat_map(|name| (0..=bytes.len()).map(move |end| (*name, end)))
        {
            if is_payload(name, &bytes[..end]) {
                told += 1;
                let recognised = recognise(name, bytes);
                assert_eq!(
                    (name, recognised.kind),
                    ("a.xml", None),
                    "{bytes:?} to {end}"
                );
                let Ok(Document::Other(other)) = recognised.outcome else {
                    panic!("{bytes:?} to {end} is no payload");
                };
                assert_eq!(other.claimed, None);
            }
        }
    }
    assert!(is_payload(
        "screens.xml",
        b"<?xml version='1.0'?>\n<all>\n  <a"
    ));
    assert!(told > 40, "{told}");
}

#[test]
fn a_common_root_needs_its_namespace_or_its_name() {
    let bytes = b"<identity name='a' xmlns='urn:other'/>";
    let Ok(Document::Other(other)) = recognise("a.xml", bytes).outcome else {
        panic!("payload expected");
    };
    assert_eq!(other.root.unwrap().name.value, "identity");
    let recognised = recognise("a.wm.xml", bytes);
    let Ok(Document::WmXml(package)) = recognised.outcome else {
        panic!("package definition expected");
    };
    assert!(
        !package
            .root
            .is("identity", crate::document::wm_xml::NAMESPACE)
    );
    assert_eq!(package.name.unwrap().value, "a");
}

#[test]
fn a_wrong_root_under_a_claiming_name_is_told() {
    let recognised = recognise("TestOEMInput.xml", b"<OemInput/>");
    let Ok(Document::Other(other)) = recognised.outcome else {
        panic!("a wrong root is no error");
    };
    assert_eq!(other.claimed, Some(Kind::OemInput));
    assert_eq!(other.root.unwrap().name.value, "OemInput");
}

#[test]
fn a_broken_input_is_an_error_with_its_place() {
    // A switched-off feature whose opening was forgotten.
    let text = fixtures::OEM_INPUT.replace("<!-- Feature>IOT_SSH</Feature -->", "</Feature -->");
    for name in ["RetailOEMInput.xml", "renamed.xml"] {
        let recognised = recognise(name, text.as_bytes());
        assert_eq!(recognised.kind, Some(Kind::OemInput));
        let error = recognised.outcome.unwrap_err();
        assert!(matches!(error.problem, DocumentProblem::NotWellFormed(_)));
        let place = recognised.source.line_column(error.span.start);
        let line = text.lines().position(|line| line.contains("</Feature -->"));
        assert_eq!(place.line, line.unwrap() + 1);
    }
    let broken = recognise("a.wm.xml", b"<identity>\n  <files>\n</identity>");
    let error = broken.outcome.unwrap_err();
    assert_eq!(broken.source.line_column(error.span.start).line, 3);
    assert!(recognise("OEMFM.xml", b"").outcome.is_err());
    assert!(recognise("a.reg", b"REGEDIT5\r\n[HKLM]").outcome.is_err());
}

#[test]
fn lying_bytes_are_an_error_only_for_inputs() {
    let lie = fixtures::OEM_INPUT.replace("utf-8", "utf-16");
    let recognised = recognise("whatever.xml", lie.as_bytes());
    assert_eq!(recognised.kind, Some(Kind::OemInput));
    let error = recognised.outcome.unwrap_err();
    assert_eq!(recognised.source.slice(error.span), "utf-16");
    assert_eq!(
        error.to_string(),
        "the file declares utf-16 but its bytes are single bytes"
    );
}
