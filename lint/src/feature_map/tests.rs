use super::*;
use crate::facts::product::Arch;
use crate::testing::{WORKSPACE, fm_file_list, oem_input, oem_manifest, wm_xml, workspace};

const LIST: &str = r#"<FM ID="OEMFM" Path="$(FMDirectory)\OEMFM.xml" ReleaseType="Production" OwnerName="OEM_NAME" OwnerType="OEM" CPUType="ARM"/>"#;

/// Two products: one selects `A` and what nobody defines, one the Microsoft feature `M`.
fn files(entries: &[(&str, &str)]) -> Vec<(&'static str, String)> {
    let fms = "<AdditionalFMs><AdditionalFM>OEMFM.xml</AdditionalFM></AdditionalFMs>";
    let one = "<Features><OEM><Feature>a</Feature><Feature>GONE</Feature></OEM></Features>";
    let two = "<Features><Microsoft><Feature>M</Feature></Microsoft></Features>";
    vec![
        (WORKSPACE.0, WORKSPACE.1.to_owned()),
        (
            "Source-arm/Products/One/RetailOEMInput.xml",
            oem_input(&format!("{fms}{one}")),
        ),
        (
            "Source-arm/Products/Two/TestOEMInput.xml",
            oem_input(&format!("{fms}{two}")),
        ),
        ("Source-arm/Packages/OEMFM.xml", oem_manifest(entries)),
        ("Source-arm/Packages/OEMFMFileList.xml", fm_file_list(LIST)),
        ("Source-arm/Packages/A/A.wm.xml", wm_xml("A", "")),
        ("Common/Packages/LonelyFM.xml", oem_manifest(&[])),
    ]
}

const ENTRIES: [(&str, &str); 4] = [
    ("%OEM_NAME%.Test.A", "A"),
    ("%OEM_NAME%.Test.B", "A"),
    ("%OEM_NAME%.Test.B", "UNUSED"),
    ("Fjord.Test.C", "C"),
];

#[test]
fn the_map_has_what_is_there_what_is_missing_and_what_is_unused() {
    let mut files = files(&ENTRIES);
    files.push(("Build/arm/pkgs/Fjord.Test.C.cab", String::new()));
    let map = FeatureMap::of(&[workspace(&files)]);
    let [lonely, manifest] = map.manifests.as_slice() else {
        panic!("{:?}", map.manifests);
    };
    assert!(lonely.listed_by.is_empty());
    assert_eq!(manifest.id.as_deref(), Some("OEMFM"));
    let states = manifest.groups.iter().map(|group| {
        let states = group.packages.iter().map(|package| package.state);
        (group.value.as_str(), states.collect::<Vec<_>>())
    });
    use PackageState::{Built, Defined, Missing};
    assert_eq!(
        states.collect::<Vec<_>>(),
        [
            ("A", vec![Defined, Missing]),
            ("UNUSED", vec![Missing]),
            ("C", vec![Built])
        ]
    );
    // `UNUSED` brings what `A` brings too.
    let unused = map.unused().flat_map(|(_, groups)| groups);
    let unused = unused.map(|group| group.value.as_str());
    assert_eq!(unused.collect::<Vec<_>>(), ["C"]);
    let missing = map
        .missing_features()
        .map(|(product, feature)| (product.name.as_str(), feature.id.as_str()));
    assert_eq!(missing.collect::<Vec<_>>(), [("One", "GONE")]);
    let missing = map.missing_packages().flat_map(|(_, names)| names);
    assert_eq!(missing.collect::<Vec<_>>(), ["Fjord.Test.B.cab"]);
    let table = map.table();
    assert_eq!(
        table,
        "feature  manifest   package                     products\n\
         A        OEMFM.xml  Fjord.Test.A.cab            One\n\
         \x20                   Fjord.Test.B.cab (missing)\n\
         UNUSED   OEMFM.xml  Fjord.Test.B.cab (missing)  -\n\
         C        OEMFM.xml  Fjord.Test.C.cab            -\n\
         \n\
         missing  feature GONE: Source-arm/Products/One/RetailOEMInput.xml selects it, and no manifest that it lists defines it\n\
         missing  package Fjord.Test.B.cab: Source-arm/Packages/OEMFM.xml names what has neither definition nor cabinet\n\
         unused   manifest Common/Packages/LonelyFM.xml: no product lists it\n\
         unused   feature C: Source-arm/Packages/OEMFM.xml defines what no product selects\n\
         3 features, 3 packages, 2 products; 2 missing, 2 unused\n"
    );
    let json: serde_json::Value = serde_json::from_str(&map.json().unwrap()).unwrap();
    assert_eq!(json["manifests"][1]["groups"][0]["by"], "oem-feature");
    assert_eq!(json["products"][0]["features"][1]["state"], "missing");
}

#[test]
fn a_drawing_keeps_what_files_say_inside_its_labels() {
    let hostile = "A\"]; n0 -> n0 [label=\"";
    let map = FeatureMap::of(&[workspace(&files(&[("X", &hostile.replace('"', "&quot;"))]))]);
    let dot = map.dot();
    assert!(
        dot.contains(r#"label="A\"]; n0 -> n0 [label=\"\n"#),
        "{dot}"
    );
    assert!(dot.contains("style=dashed") && dot.contains("color=red"));
}

fn merged(files: &[(&str, String)], defines: &[(&str, &str)]) -> MergedManifest {
    let release = Release {
        version: "10.0.3.0".to_owned(),
        arch: Some(Arch::Arm),
        defines: defines
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect(),
    };
    let mut merged = merge(&[workspace(files)], &release);
    assert_eq!(merged.len(), 1);
    merged.remove(0)
}

#[test]
fn merging_fills_in_version_owner_and_identifiers() {
    let mut files = files(&[("%OEM_NAME%.Test.A", "A")]);
    let manifest = &mut files[3].1;
    *manifest = manifest.replace(
        "<PackageFile",
        "<PackageFile FeatureIdentifierPackage=\"true\"",
    );
    let one = merged(&files, &[("PKGBLD_DIR", r"C:\pkgs")]);
    assert_eq!(
        (one.name.as_str(), one.arch),
        ("OEMFM.xml", Some(Arch::Arm))
    );
    let text = one.text.unwrap();
    for part in [
        r#"<?xml version="1.0" encoding="utf-8"?>"#,
        r#"<FeatureManifest Revision="1" SchemaVersion="1.2" ReleaseType="Production" OwnerType="OEM" ID="OEMFM" OwnerName="Fjord" OSVersion="10.0.3.0" xmlns="#,
        r#"<PackageFile Path="C:\pkgs" ID="Fjord.Test.A" Name="Fjord.Test.A.cab">"#,
        "without feature identifier packages",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    // What was merged is a manifest again, and is not merged twice.
    files[3].1 = text;
    assert_eq!(merged(&files, &[]).text, Err(MergeError::Merged));
}

#[test]
fn what_images_cannot_be_made_of_is_not_merged() {
    let text = |files: &[(&str, String)]| merged(files, &[]).text;
    let missing = text(&files(&[("Fjord.Test.B", "B")]));
    assert_eq!(
        missing,
        Err(MergeError::MissingPackage("Fjord.Test.B.cab".to_owned()))
    );
    let mut nameless = files(&[]);
    nameless[0].1 = "<IoTWorkspace/>".to_owned();
    assert_eq!(text(&nameless), Err(MergeError::NoOwner));
    let mut gone = files(&[]);
    gone[3].0 = "Source-arm/Packages/OtherFM.xml";
    assert_eq!(
        text(&gone),
        Err(MergeError::NoManifest("OEMFM.xml".to_owned()))
    );
    let mut incomplete = files(&[]);
    incomplete[4].1 = fm_file_list(&LIST.replace("ID=\"OEMFM\"", ""));
    assert_eq!(text(&incomplete), Err(MergeError::Incomplete("ID")));
}
