//! The linter over a small workspace in which one document is the input; the first byte chooses which.

use std::fmt::Write;

use formats::source::Span;
use lint::diagnostic::{Diagnostic, Edit};
use lint::engine::{Outcome, gather, judge};
use lint::files::Memory;
use lint::policy::Policies;
use lint::render;
use lint::resolve::ResolveOptions;

const OEM_INPUT: &str = r#"<OEMInput xmlns="http://schemas.microsoft.com/embedded/2004/10/ImageUpdate">
<SOC>Board</SOC><ReleaseType>Production</ReleaseType><BuildType>fre</BuildType><Product>A</Product>
<AdditionalFMs><AdditionalFM>%BLD_DIR%\MergedFMs\OEMFM.xml</AdditionalFM></AdditionalFMs>
<Features><OEM><Feature>A</Feature></OEM></Features></OEMInput>"#;

const FEATURE_MANIFEST: &str = r#"<FeatureManifest xmlns="http://schemas.microsoft.com/embedded/2004/10/ImageUpdate">
<BasePackages><PackageFile Path="%PKGBLD_DIR%" Name="%OEM_NAME%.Test.A.cab"/>
<PackageFile Path="%PKGBLD_DIR%" Name="%OEM_NAME%.Test.B.cab"/></BasePackages>
<Features><OEM><PackageFile Path="%PKGBLD_DIR%" Name="%OEM_NAME%.Test.L.cab">
<FeatureIDs><FeatureID>A</FeatureID></FeatureIDs></PackageFile></OEM></Features></FeatureManifest>"#;

const WM_XML: &str = r#"<identity xmlns="urn:Microsoft.CompPlat/ManifestSchema.v1.00" owner="$(OEMNAME)" namespace="Test"
name="A" legacyName="$(OEMNAME).Test.A"><files><file source="a.sys" destinationDir="$(runtime.drivers)"/></files>
<regKeys><regKey keyName="HKEY_LOCAL_MACHINE\SOFTWARE\A"><regValue name="a" type="REG_SZ" value="b"/></regKey></regKeys>
<driver><inf source="a.inf"/></driver></identity>"#;

const LAYOUT: &str = r#"<DeviceLayout xmlns="http://schemas.microsoft.com/embedded/2004/10/ImageUpdate"><Partitions>
<Partition><Name>MainOS</Name><Type>{ebd0a0a2-b9e5-4433-87c0-68b6b72699c7}</Type></Partition></Partitions></DeviceLayout>"#;

/// Path and text of every document. New ones go to the end, because the corpus counts them.
const WORKSPACE: &[(&str, &str)] = &[
    ("w/Products/A/RetailOEMInput.xml", OEM_INPUT),
    ("w/Common/OEMFM.xml", FEATURE_MANIFEST),
    ("w/Common/OEMFMFileList.xml", ""),
    ("w/Packages/A/A.wm.xml", WM_XML),
    ("w/Packages/B/B.pkg.xml", ""),
    (
        "w/Packages/A/a.reg",
        "REGEDIT4\n[HKEY_LOCAL_MACHINE\\SOFTWARE]\n\"a\"=\"b\"\n",
    ),
    ("w/Products/A/prov/customizations.xml", ""),
    ("w/Products/A/ASettings.xml", ""),
    ("w/IoTWorkspace.xml", ""),
    ("w/Packages/L/DeviceLayout.xml", LAYOUT),
    ("w/Packages/L/OEMDevicePlatform.xml", ""),
    ("w/Packages/A/a.BCD.xml", ""),
    (
        "w/Packages/A/a.inf",
        "[Version]\nSignature=\"$Windows NT$\"\nClass=System\n",
    ),
    (
        "w/Packages/A/oemcustomization.cmd",
        "@echo off\nnet user a b /add\n",
    ),
];

pub(crate) fn run(input: &[u8]) {
    let Some((selector, body)) = input.split_first() else {
        return;
    };
    let chosen = usize::from(*selector) % WORKSPACE.len();
    let mut files = Memory::default();
    for (number, (path, text)) in WORKSPACE.iter().enumerate() {
        if number == chosen {
            files.insert(path, body);
        } else if !text.is_empty() {
            files.insert(path, *text);
        }
    }
    let workspaces = gather(&files, &["w".into()], &ResolveOptions::default());
    let Ok(workspaces) = workspaces else {
        return;
    };
    let outcome = judge(&workspaces, &Policies::built_in());
    let mut text = String::new();
    render::text::render(&outcome, Default::default(), &mut text).expect("a text takes all");
    render::json::render(&outcome, &mut Vec::new()).expect("memory takes all");
    outcome
        .diagnostics
        .iter()
        .for_each(|found| places(found, &outcome));
    let rules: usize = outcome.diagnostics.len();
    assert!(rules <= 100_000, "{rules} findings");
}

fn places(found: &Diagnostic, outcome: &Outcome) {
    let mut problems = String::new();
    let mut inside = |file: &str, span: Option<Span>| {
        let (Some(source), Some(span)) = (outcome.sources.get(file), span) else {
            return;
        };
        if source.text().get(span.range()).is_none() {
            let _ = write!(problems, "{span:?} of {file}");
        }
    };
    inside(found.primary.file(), found.primary.span());
    for (place, _) in &found.related {
        inside(place.file(), place.span());
    }
    if let Some(fix) = &found.fix {
        for Edit { span, .. } in &fix.edits {
            inside(&fix.file, Some(*span));
        }
    }
    assert!(problems.is_empty(), "{}: {problems}", found.rule);
}
