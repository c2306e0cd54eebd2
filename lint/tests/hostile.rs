//! One hostile file in a workspace: it gets a finding with a place, and everything else is linted as before.

use std::io;

use lint::engine::{Outcome, gather, judge};
use lint::files::{Entry, Files, Kind, Memory, ReadSeek};
use lint::policy::Policies;
use lint::resolve::ResolveOptions;
use lint::verify::verify_cabinets;
use signer::anchor::Anchors;
use signer::clock::parse_rfc3339;
use signer::verify::VerifyOptions;

use crate::packages::build::{Package, Parts, Signing, identity};

const OEM_INPUT: &str = r#"<OEMInput xmlns="http://schemas.microsoft.com/embedded/2004/10/ImageUpdate">
<SOC>Board</SOC><BuildType>fre</BuildType><Product>Kiosk</Product>
<AdditionalFMs><AdditionalFM>OEMFM.xml</AdditionalFM></AdditionalFMs>
<Features><OEM><Feature>AGENT</Feature></OEM></Features></OEMInput>"#;

const FEATURE_MANIFEST: &str = r#"<FeatureManifest xmlns="http://schemas.microsoft.com/embedded/2004/10/ImageUpdate">
<BasePackages><PackageFile Path="%PKGBLD_DIR%" Name="Test.Agent.cab"/></BasePackages></FeatureManifest>"#;

/// What is linted beside every hostile file.
fn workspace() -> Memory {
    let files = [
        ("w/Products/Kiosk/RetailOEMInput.xml", OEM_INPUT),
        ("w/Products/Kiosk/OEMFM.xml", FEATURE_MANIFEST),
    ];
    files.into_iter().collect()
}

fn lint(files: &Memory) -> Outcome {
    let workspaces = gather(files, &["w".into()], &ResolveOptions::default()).unwrap();
    judge(&workspaces, &Policies::built_in())
}

/// The same with a cabinet that nothing selects, looked into as the command line does.
fn lint_with_cabinet(cab: &[u8]) -> Outcome {
    let mut files = workspace();
    files.insert(CAB, cab.to_vec());
    let mut workspaces = gather(&files, &["w".into()], &ResolveOptions::default()).unwrap();
    let anchors = Anchors::built_in();
    let verify = VerifyOptions {
        at: parse_rfc3339("2026-06-01").unwrap(),
        anchors: &anchors,
    };
    for workspace in &mut workspaces {
        verify_cabinets(&files, workspace, verify, None);
    }
    judge(&workspaces, &Policies::built_in())
}

const CAB: &str = "w/Build/arm/pkgs/Fjordlight.Kiosk.Agent.cab";

/// What is found in the cabinet.
fn of_the_cabinet(outcome: &Outcome) -> Vec<String> {
    let found = outcome.diagnostics.iter();
    let found = found.filter(|found| found.primary.file() == CAB);
    found
        .map(|found| format!("{} {}", found.rule, found.message))
        .collect()
}

/// Findings in the image configuration, which is never the hostile file.
fn of_the_product(outcome: &Outcome) -> Vec<String> {
    let found = outcome.diagnostics.iter();
    let found = found.filter(|found| found.primary.file().ends_with("RetailOEMInput.xml"));
    found
        .map(|found| format!("{} {} {}", found.rule, found.primary, found.message))
        .collect()
}

fn attributes(count: usize) -> String {
    (0..count).map(|number| format!("a{number}='' ")).collect()
}

#[test]
fn a_hostile_document_gets_a_finding_and_the_rest_is_linted() {
    let before = of_the_product(&lint(&workspace()));
    assert!(
        before
            .iter()
            .any(|line| line.starts_with("release-type-missing")),
        "{before:?}"
    );
    let laughs = "<!DOCTYPE a [<!ENTITY b 'x'><!ENTITY c '&b;&b;&b;&b;'><!ENTITY d '&c;&c;&c;&c;'>]><FeatureManifest>&d;</FeatureManifest>";
    let lie = "<?xml version='1.0' encoding='utf-16'?><WindowsCustomizations/>";
    let nul = "<DeviceLayout xmlns='http://schemas.microsoft.com/embedded/2004/10/ImageUpdate'>\0</DeviceLayout>";
    let wide = [&[0xff, 0xfe, 0, 0xd8][..], b"<\0a\0>\0"].concat();
    let documents: [(&str, Vec<u8>, &str); 9] = [
        ("OtherFM.xml", laughs.into(), "document type definition"),
        (
            "A.wm.xml",
            "<identity>".repeat(1_000_000).into(),
            "over the limit",
        ),
        (
            "B.wm.xml",
            "<a>".repeat(400_000).into(),
            "levels of elements",
        ),
        (
            "C.pkg.xml",
            format!("<Package {}/>", attributes(100_000)).into(),
            "attributes of an element",
        ),
        ("customizations.xml", lie.into(), "declares utf-16"),
        ("DeviceLayout.xml", nul.into(), "not well formed"),
        ("D.BCD.xml", wide, "not valid UTF-16LE"),
        (
            "IoTWorkspace.xml",
            vec![b' '; 100 << 20],
            "bytes of a document",
        ),
        ("a.reg", vec![0xff; 100], "first line"),
    ];
    for (name, bytes, wanted) in documents {
        let mut files = workspace();
        let path = format!("w/Packages/{name}");
        files.insert(&path, bytes);
        let outcome = lint(&files);
        let found: Vec<_> = outcome
            .diagnostics
            .iter()
            .filter(|found| found.primary.file() == path)
            .collect();
        let problem = found.iter().find(|found| found.message.contains(wanted));
        let problem = problem.unwrap_or_else(|| panic!("{name}: {found:?}"));
        assert_eq!(problem.rule, "document-not-well-formed", "{name}");
        assert!(problem.primary.region().is_some(), "{name}");
        assert_eq!(of_the_product(&outcome), before, "{name}");
    }
}

/// A tree whose files say that they have 16 MiB each.
struct Heavy(Memory);

impl Files for Heavy {
    fn kind(&self, path: &str) -> io::Result<Kind> {
        self.0.kind(path)
    }

    fn list(&self, folder: &str) -> io::Result<Vec<Entry>> {
        let entries = self.0.list(folder)?.into_iter();
        let heavy = entries.map(|entry| Entry {
            size: 16 << 20,
            ..entry
        });
        Ok(heavy.collect())
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn ReadSeek + '_>> {
        self.0.open(path)
    }

    fn canonical(&self, path: &str) -> io::Result<String> {
        self.0.canonical(path)
    }
}

#[test]
fn documents_that_would_fill_the_memory_are_refused_before_they_are_read() {
    let gathered = |count: usize| {
        let names = (0..count).map(|number| (format!("w/{number}.xml"), "<a/>"));
        let files = Heavy(names.collect());
        gather(&files, &["w".into()], &ResolveOptions::default()).map(|_| ())
    };
    assert!(gathered(64).is_ok());
    let error = gathered(65).unwrap_err().to_string();
    assert_eq!(
        error,
        "w: 1090519040 bytes of documents, the limit is 1073741824"
    );
}

/// A number of a cabinet that lies: its name, where it stands, how many bytes it has, and what it says.
type Lie = (&'static str, usize, usize, u64);

#[test]
fn a_lying_cabinet_gets_a_finding_and_the_rest_is_linted() {
    let before = of_the_product(&lint(&workspace()));
    let whole = Parts::default().signed(&Signing::by(&identity("oem")));
    let number = |at: usize, length: usize| {
        let bytes = whole[at..at + length].iter().rev();
        bytes.fold(0, |number, byte| number << 8 | usize::from(*byte))
    };
    // CFHEADER with a reserve of 20 bytes, then the only CFFOLDER; the first CFFILE and CFDATA lie where they say.
    let (folder, file) = (60, number(16, 4));
    let data = number(folder, 4);
    let lies: [Lie; 14] = [
        ("cbCabinet", 8, 4, 0xffff_ffff),
        ("cbCabinet", 8, 4, 40),
        ("coffFiles", 16, 4, 0xffff_fff0),
        ("coffFiles", 16, 4, 0),
        ("cFolders", 26, 2, 0xffff),
        ("cFiles", 28, 2, 0xffff),
        ("coffCabStart", folder, 4, 0xffff_fff0),
        ("cCFData", folder + 4, 2, 0xffff),
        ("typeCompress", folder + 6, 2, 0x1503),
        ("cbFile", file, 4, 0x7fff_8000),
        ("cbFile", file, 4, 1),
        ("uoffFolderStart", file + 4, 4, 0x7fff_0000),
        ("cbData", data + 4, 2, 1),
        ("cbUncomp", data + 6, 2, 0x8000),
    ];
    for (name, at, length, says) in lies {
        let mut cab = whole.clone();
        cab[at..at + length].copy_from_slice(&says.to_le_bytes()[..length]);
        let outcome = lint_with_cabinet(&cab);
        let found = of_the_cabinet(&outcome);
        let is_told = found.iter().any(|line| {
            let rules = [
                "package-contents-unreadable ",
                "unsigned-cab ",
                "bad-digest ",
            ];
            rules.iter().any(|rule| line.starts_with(rule))
        });
        assert!(is_told, "{name} = {says:#x}: {found:?}");
        assert_eq!(of_the_product(&outcome), before, "{name} = {says:#x}");
    }
}

#[test]
fn a_catalog_of_a_great_many_members_is_refused_by_its_limit() {
    let before = of_the_product(&lint(&workspace()));
    // Members are counted before they are read, so any will do.
    let members: Vec<u8> = [0x30, 0x00].repeat((1 << 20) + 1);
    let catalog = crate::packages::build::catalog_of(&members);
    let cab = Package(vec![("driver.cat".to_owned(), catalog)]).packed();
    let outcome = lint_with_cabinet(&cab);
    let found = of_the_cabinet(&outcome);
    let told = found.iter().find(|line| line.contains("driver.cat"));
    assert!(told.is_some_and(|line| line.contains("limit")), "{found:?}");
    assert_eq!(of_the_product(&outcome), before);
}
