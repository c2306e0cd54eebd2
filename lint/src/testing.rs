//! What rule tests are written with: files in memory go in, lines of findings come out.

use std::sync::Arc;

pub(crate) mod built;
pub(crate) mod image;
pub(crate) mod security;
pub(crate) mod suppression;

use formats::certificate::Certificate;
use formats::source::{Source, Span};
use signer::anchor::{Anchor, TrustClass};
use signer::chain::{Chain, End, Explanation};
use signer::verify::SignatureReport;
use time::OffsetDateTime;

use crate::diagnostic::{DecidedBy, Diagnostic, Level, Place};
use crate::engine::{Counts, Outcome, gather, judge};
use crate::facts::Workspace;
use crate::facts::shipped::Shipped;
use crate::facts::signature::{Carrier, Signature, State, Subject};
use crate::files::Memory;
use crate::policy::Policies;
use crate::resolve::ResolveOptions;
use crate::rules;
use crate::sources::Sources;

/// An `OEMInput.xml` with the right root around `body`, all before `body` on the first line.
pub(crate) fn oem_input(body: &str) -> String {
    format!(
        "<OEMInput xmlns=\"http://schemas.microsoft.com/embedded/2004/10/ImageUpdate\">{body}</OEMInput>"
    )
}

/// An `IoTWorkspace.xml` of the manufacturer `Fjord`.
pub(crate) const WORKSPACE: (&str, &str) = (
    "IoTWorkspace.xml",
    "<IoTWorkspace><Config><OemName>Fjord</OemName></Config></IoTWorkspace>",
);

/// An `*FMFileList.xml` with these `FM` elements, all before them on the first line.
pub(crate) fn fm_file_list(fms: &str) -> String {
    format!(
        "<FMCollectionManifest xmlns=\"http://schemas.microsoft.com/embedded/2004/10/ImageUpdate\" Product=\"IoTUAP\">\
         <FMs>{fms}</FMs></FMCollectionManifest>"
    )
}

/// What a boot partition has.
pub(crate) const EFIESP: &str = "<Name>EFIESP</Name><Type>{c12a7328-f81f-11d2-ba4b-00a0c93ec93b}</Type>\
    <FileSystem>FAT</FileSystem><TotalSectors>65536</TotalSectors><Bootable>true</Bootable>";
/// What a system partition has.
pub(crate) const MAIN_OS: &str = "<Name>MainOS</Name><Type>{ebd0a0a2-b9e5-4433-87c0-68b6b72699c7}</Type>\
    <FileSystem>NTFS</FileSystem><MinFreeSectors>1048576</MinFreeSectors><ByteAlignment>0x800000</ByteAlignment>";
/// What a data partition has.
pub(crate) const DATA: &str = "<Name>Data</Name><Type>{ebd0a0a2-b9e5-4433-87c0-68b6b72699c7}</Type>\
    <FileSystem>NTFS</FileSystem><UseAllSpace>true</UseAllSpace><ByteAlignment>0x800000</ByteAlignment>";

/// A `DeviceLayout.xml` of partitions with these contents, each on a line of its own.
pub(crate) fn device_layout(partitions: &[&str]) -> String {
    let partitions = partitions.iter();
    let partitions: String = partitions
        .map(|contents| format!("\n<Partition>{contents}</Partition>"))
        .collect();
    format!(
        "<DeviceLayout xmlns=\"http://schemas.microsoft.com/embedded/2004/10/ImageUpdate\"><Partitions>{partitions}\
         </Partitions></DeviceLayout>"
    )
}

/// An `OEMDevicePlatform.xml` with the right root around `body`.
pub(crate) fn device_platform(body: &str) -> String {
    format!(
        "<OEMDevicePlatform xmlns=\"http://schemas.microsoft.com/embedded/2004/10/ImageUpdate\">{body}</OEMDevicePlatform>"
    )
}

/// The settings of a product around `body`.
pub(crate) fn product_settings(body: &str) -> String {
    format!("<IoTProductSettings>{body}</IoTProductSettings>")
}

/// A feature manifest with the right root around `body`.
pub(crate) fn feature_manifest(body: &str) -> String {
    format!(
        "<FeatureManifest xmlns=\"http://schemas.microsoft.com/embedded/2004/10/ImageUpdate\">{body}</FeatureManifest>"
    )
}

/// A feature manifest whose OEM features are these: cabinet without `.cab`, identifier; each on a line of its own.
pub(crate) fn oem_manifest(features: &[(&str, &str)]) -> String {
    let entries = features.iter().map(|(name, id)| {
        let ids = format!("<FeatureIDs><FeatureID>{id}</FeatureID></FeatureIDs>");
        format!("\n<PackageFile Path=\"%PKGBLD_DIR%\" Name=\"{name}.cab\">{ids}</PackageFile>")
    });
    let entries: String = entries.collect();
    feature_manifest(&format!("<Features><OEM>{entries}</OEM></Features>"))
}

/// A workspace of this `OEMInput.xml` with a layout of partitions `P0`, `P1`, ... of these types, one to a line.
pub(crate) fn workspace_with_layout(input: &str, types: &[&str]) -> Vec<(&'static str, String)> {
    let board =
        "<SOC>Board</SOC><AdditionalFMs><AdditionalFM>BoardFM.xml</AdditionalFM></AdditionalFMs>";
    let entry =
        "<PackageFile SOC=\"Board\" Path=\"%PKGBLD_DIR%\" Name=\"%OEM_NAME%.Test.Layout.cab\"/>";
    let manifest = format!("<DeviceLayoutPackages>{entry}</DeviceLayoutPackages>");
    let partitions = types.iter().enumerate();
    let partitions: Vec<String> = partitions
        .map(|(number, kind)| format!("<Name>P{number}</Name><Type>{kind}</Type>"))
        .collect();
    let partitions: Vec<&str> = partitions.iter().map(String::as_str).collect();
    let layout = device_layout(&partitions);
    vec![
        (
            "OEMInput.xml",
            input.replace("</OEMInput>", &format!("{board}</OEMInput>")),
        ),
        ("BoardFM.xml", feature_manifest(&manifest)),
        ("Layout/Layout.wm.xml", wm_xml("Layout", "")),
        ("Layout/DeviceLayout.xml", layout),
    ]
}

/// A `*.wm.xml` of package `name` in namespace `Test` around `body`.
pub(crate) fn wm_xml(name: &str, body: &str) -> String {
    format!(
        "<identity xmlns=\"urn:Microsoft.CompPlat/ManifestSchema.v1.00\" owner=\"$(OEMNAME)\" namespace=\"Test\" \
         name=\"{name}\" legacyName=\"$(OEMNAME).Test.{name}\">{body}</identity>"
    )
}

/// A `*.pkg.xml` with these attributes around `body`.
pub(crate) fn pkg_xml(attributes: &str, body: &str) -> String {
    format!(
        "<Package xmlns=\"urn:Microsoft.WindowsPhone/PackageSchema.v8.00\" {attributes}>{body}</Package>"
    )
}

/// A `*.wm.xml` that sets `values` under `key`.
pub(crate) fn wm_registry(key: &str, values: &str) -> String {
    let keys = format!("<regKeys><regKey keyName=\"{key}\">{values}</regKey></regKeys>");
    wm_xml("A", &keys)
}

/// A `*.pkg.xml` that defines `macros` and sets `values` under `key`.
pub(crate) fn pkg_registry(macros: &[(&str, &str)], key: &str, values: &str) -> String {
    let one = |(id, value): &(&str, &str)| format!("<Macro Id=\"{id}\" Value=\"{value}\"/>");
    let macros: String = macros.iter().map(one).collect();
    let keys = format!("<RegKeys><RegKey KeyName=\"{key}\">{values}</RegKey></RegKeys>");
    let components = format!("<Components><OSComponent>{keys}</OSComponent></Components>");
    pkg_xml("", &format!("<Macros>{macros}</Macros>{components}"))
}

/// A `*.BCD.xml` with one setting; type and value are on lines 2 and 3.
pub(crate) fn boot_setting(name: &str, value: &str) -> String {
    format!(
        "<BootConfigurationDatabase xmlns=\"http://schemas.microsoft.com/phone/2011/10/BootConfiguration\"><Objects>\
         <Object><FriendlyName>Windows Loader</FriendlyName><Elements><Element><DataType>\n\
         <WellKnownType>{name}</WellKnownType></DataType><ValueType>\n{value}</ValueType></Element></Elements></Object>\
         </Objects></BootConfigurationDatabase>"
    )
}

/// A `customizations.xml` with these settings below `Common`, all on the first line.
pub(crate) fn customizations(common: &str) -> String {
    format!(
        "<WindowsCustomizations><Settings xmlns=\"urn:schemas-microsoft-com:windows-provisioning\"><Customizations>\
         <Common>{common}</Common></Customizations></Settings></WindowsCustomizations>"
    )
}

/// A `customizations.xml` with this `PackageConfig`, all before it on the first line.
pub(crate) fn package_config(config: &str) -> String {
    format!(
        "<WindowsCustomizations><PackageConfig xmlns=\"urn:schemas-Microsoft-com:Windows-ICD-Package-Config.v1.0\">{config}\
         </PackageConfig></WindowsCustomizations>"
    )
}

/// A `.reg` file of these lines; the first is on line 3.
pub(crate) fn reg_file(lines: &str) -> String {
    format!("Windows Registry Editor Version 5.00\n\n{lines}\n")
}

/// A product whose `OEMInput.xml` is `input` and a manifest, with these packages in the image: name, definition.
pub(crate) fn product(input: &str, packages: &[(&str, String)]) -> Vec<(String, String)> {
    let entry =
        |(name, _): &(&str, String)| format!("<PackageFile Name=\"%OEM_NAME%.Test.{name}.cab\"/>");
    let entries: String = packages.iter().map(entry).collect();
    let manifest = feature_manifest(&format!("<BasePackages>{entries}</BasePackages>"));
    let fms = "<AdditionalFMs><AdditionalFM>OEMFM.xml</AdditionalFM></AdditionalFMs>";
    let input = oem_input(&format!("{input}{fms}"));
    let mut files = vec![
        ("OEMFM.xml".to_owned(), manifest),
        ("product/OEMInput.xml".to_owned(), input),
    ];
    let definitions = packages.iter();
    files.extend(definitions.map(|(name, text)| (format!("{name}/{name}.wm.xml"), text.clone())));
    files
}

/// What the files are as facts, to be completed (with signatures, say) and judged by [`run`].
pub(crate) fn workspace<P: AsRef<str>, B: AsRef<[u8]>>(files: &[(P, B)]) -> Workspace {
    workspace_with(files, &ResolveOptions::default())
}

/// The same with an image type or variables that the user gives.
pub(crate) fn workspace_with<P: AsRef<str>, B: AsRef<[u8]>>(
    files: &[(P, B)],
    options: &ResolveOptions,
) -> Workspace {
    let files = files
        .iter()
        .map(|(path, bytes)| (path.as_ref(), bytes.as_ref().to_vec()));
    let files: Memory = files.collect();
    let mut workspaces = gather(&files, &[".".into()], options).unwrap();
    assert_eq!(workspaces.len(), 1);
    workspaces.remove(0)
}

/// A signature of a file whose chain ends at an anchor of that class, without anything else.
pub(crate) fn signed(file: &str, class: TrustClass) -> Signature {
    let root = include_bytes!("../../testcerts/root.cer");
    let mut anchor = Anchor::named(&Certificate::parse(root, 0).unwrap());
    anchor.class = class;
    let report = SignatureReport {
        route: "signature[0]".into(),
        outcomes: Vec::new(),
        digest_algorithm: None,
        signed_digest: None,
        page_hashes: false,
        leaf: None,
        key: None,
        chain: Some(Chain {
            certificates: Vec::new(),
            end: End::Anchor(Box::new(anchor)),
            explanation: Explanation::default(),
        }),
        timestamp: None,
        revocation: Vec::new(),
        published_key: None,
        variable: None,
        weaknesses: Vec::new(),
    };
    Signature {
        subject: Subject {
            file: file.into(),
            member: None,
        },
        carrier: Carrier::Package,
        named_at: None,
        state: State::Signed(Box::new(report)),
        verified_at: OffsetDateTime::UNIX_EPOCH,
    }
}

/// A finding of a rule, an error about a file without lines.
pub(crate) fn found(rule: &'static str, message: &str) -> Diagnostic {
    Diagnostic {
        primary: Place::binary("a.cab", ""),
        rule,
        message: message.into(),
        level: Level::Error,
        related: Vec::new(),
        help: None,
        fix: None,
        decided_by: DecidedBy::Rule,
    }
}

/// The place where `part` first stands in a text.
pub(crate) fn place(name: &str, text: &str, part: &str) -> Place {
    let start = text.find(part).unwrap();
    let end = start + part.len();
    Place::text(&Source::new(name, text, 0), Span { start, end }, "")
}

/// What a run would give that found these things in these texts, for renderers.
pub(crate) fn outcome_of(texts: &[(&str, &str)], mut diagnostics: Vec<Diagnostic>) -> Outcome {
    let sources = texts
        .iter()
        .map(|(name, text)| Arc::new(Source::new(*name, *text, 0)));
    let sources: Sources = sources.collect();
    let places = diagnostics.iter_mut().flat_map(Diagnostic::places_mut);
    sources.locate(&mut places.collect::<Vec<_>>());
    Outcome {
        counts: Counts::of(&diagnostics),
        diagnostics,
        sources,
        ..Outcome::default()
    }
}

fn lines(outcome: &Outcome, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let diagnostics = outcome
        .diagnostics
        .iter()
        .filter(|found| wanted(found.rule));
    diagnostics
        .map(|found| format!("{} {} {}", found.level, found.primary, found.message))
        .collect()
}

/// What one rule finds, as lines `level file:line:column message`, by the built-in policies.
pub(crate) fn run(rule: &str, workspace: &Workspace) -> Vec<String> {
    assert!(rules::find(rule).is_some(), "there is no rule {rule}");
    let outcome = judge(
        std::slice::from_ref(workspace),
        &Policies::built_in().on(TODAY),
    );
    lines(&outcome, |found| found == rule)
}

/// What one rule finds in these files.
pub(crate) fn lint_one<P: AsRef<str>, B: AsRef<[u8]>>(rule: &str, files: &[(P, B)]) -> Vec<String> {
    run(rule, &workspace(files))
}

/// The help texts of what one rule finds in these files.
pub(crate) fn help<P: AsRef<str>, B: AsRef<[u8]>>(rule: &str, files: &[(P, B)]) -> Vec<String> {
    let outcome = judge(&[workspace(files)], &Policies::built_in());
    let found = outcome.diagnostics.into_iter();
    let found = found.filter(|found| found.rule == rule);
    found.filter_map(|found| found.help).collect()
}

/// What one rule finds in these files where the user says that they are of a retail image.
pub(crate) fn lint_retail<P: AsRef<str>, B: AsRef<[u8]>>(
    rule: &str,
    files: &[(P, B)],
) -> Vec<String> {
    let options = ResolveOptions {
        image: Some(crate::image::ImageType::Retail),
        ..ResolveOptions::default()
    };
    run(rule, &workspace_with(files, &options))
}

/// What one rule finds in files of which earlier ones were shipped.
pub(crate) fn lint_after<P: AsRef<str>, B: AsRef<[u8]>>(
    rule: &str,
    shipped: &[(P, B)],
    files: &[(P, B)],
) -> Vec<String> {
    let mut now = workspace(files);
    now.shipped = Some(Shipped::new(workspace(shipped)).into());
    run(rule, &now)
}

/// The text of a file after every fix of one rule has been applied to it.
pub(crate) fn fixed<P: AsRef<str>, B: AsRef<[u8]>>(
    rule: &str,
    files: &[(P, B)],
    path: &str,
) -> String {
    let outcome = judge(&[workspace(files)], &Policies::built_in());
    let mut text = outcome.sources.get(path).unwrap().text().to_owned();
    let found = outcome
        .diagnostics
        .iter()
        .filter(|found| found.rule == rule);
    let fixes = found
        .filter_map(|found| found.fix.as_ref())
        .filter(|fix| &*fix.file == path);
    let mut edits: Vec<_> = fixes.flat_map(|fix| fix.edits.clone()).collect();
    edits.sort();
    for edit in edits.iter().rev() {
        text.replace_range(edit.span.range(), &edit.text);
    }
    text
}

/// The day on which rule tests are run.
const TODAY: time::Date = time::macros::date!(2026 - 06 - 01);

/// What is found in a baseline with one developer feature and another entry, or none where that is of the same rule.
pub(crate) fn lint_baseline(other: &str) -> Vec<String> {
    let input = "<ReleaseType>Production</ReleaseType><Features><Microsoft><Feature>IOT_BERTHA</Feature>\
                 <Feature>IOT_ENABLE_TESTSIGNING</Feature></Microsoft></Features>";
    let workspace = workspace(&[("OEMInput.xml", oem_input(input))]);
    let policies = Policies::built_in().on(TODAY);
    let mut outcome = judge(std::slice::from_ref(&workspace), &policies);
    outcome
        .diagnostics
        .retain(|found| found.rule == "dev-feature-in-retail");
    let (text, count, _) = crate::baseline::write(&outcome);
    assert_eq!(count, 1);
    let text = match other {
        "dev-feature-in-retail" => text,
        _ => text.replace("[\n", &format!(
            "[\n{{\"fingerprint\":\"{other}\",\"rule\":\"{other}\",\"file\":\"OEMInput.xml\"}},\n"
        )),
    };
    let files: Memory = [("baseline.json", text.as_str())].into_iter().collect();
    let baseline = crate::baseline::Baseline::read(&files, "baseline.json").unwrap();
    let outcome = judge(&[workspace], &policies.with_baseline(baseline));
    let waiting = outcome
        .suppressed
        .iter()
        .map(|waiting| waiting.diagnostic.rule);
    assert_eq!(waiting.collect::<Vec<_>>(), ["dev-feature-in-retail"]);
    assert!(
        outcome
            .diagnostics
            .iter()
            .any(|found| found.rule == "testsigning-in-retail")
    );
    lines(&outcome, |rule| rule.starts_with("baseline-"))
}

/// What is found in a policy itself, with nothing else to lint.
pub(crate) fn lint_policy(policy: &str) -> Vec<String> {
    let files: Memory = [("policy.toml", policy), ("empty/nothing.txt", "")]
        .into_iter()
        .collect();
    let workspaces = gather(&files, &["empty".into()], &ResolveOptions::default()).unwrap();
    let policies = Policies::with_file(&files, "policy.toml")
        .unwrap()
        .on(TODAY);
    lines(&judge(&workspaces, &policies), |rule| {
        rule.starts_with("policy-")
    })
}

/// What one rule finds in these files after their cabinets were verified on 2026-06-01, judged as images of a type.
pub(crate) fn lint_signed(
    rule: &str,
    files: &[(&str, &[u8])],
    image: Option<crate::image::ImageType>,
) -> Vec<String> {
    let options = ResolveOptions {
        image,
        ..ResolveOptions::default()
    };
    let in_memory = files.iter().map(|(path, bytes)| (*path, bytes.to_vec()));
    let in_memory: Memory = in_memory.collect();
    let mut workspace = workspace_with(files, &options);
    let at = time::macros::datetime!(2026-06-01 0:00 UTC);
    let anchors = signer::anchor::Anchors::built_in();
    let options = signer::verify::VerifyOptions {
        at,
        anchors: &anchors,
    };
    crate::verify::verify_cabinets(&in_memory, &mut workspace, options, None);
    run(rule, &workspace)
}

/// What one rule finds in a built package, the demo's retail root and the test stamps trusted, on 2026-06-01.
pub(crate) fn lint_package(
    rule: &str,
    name: &str,
    bytes: &[u8],
    image: Option<crate::image::ImageType>,
) -> Vec<String> {
    let options = ResolveOptions {
        image,
        ..ResolveOptions::default()
    };
    run(rule, &verified(&[(name, bytes)], &options))
}

/// The facts of files whose packages were looked into as by [`lint_package`].
pub(crate) fn verified<P: AsRef<str>, B: AsRef<[u8]>>(
    files: &[(P, B)],
    options: &ResolveOptions,
) -> Workspace {
    let in_memory = files
        .iter()
        .map(|(path, bytes)| (path.as_ref(), bytes.as_ref().to_vec()));
    let in_memory: Memory = in_memory.collect();
    let mut workspace = workspace_with(files, options);
    let roots: [&[u8]; 2] = [
        include_bytes!("../../testcerts/demo-retail-root.cer"),
        include_bytes!("../../testcerts/tsa-root.cer"),
    ];
    let anchors = roots
        .iter()
        .fold(signer::anchor::Anchors::built_in(), |anchors, root| {
            anchors.with(&Certificate::parse(root, 0).unwrap())
        });
    let options = signer::verify::VerifyOptions {
        at: time::macros::datetime!(2026-06-01 0:00 UTC),
        anchors: &anchors,
    };
    crate::verify::verify_cabinets(&in_memory, &mut workspace, options, None);
    workspace
}
