use formats::document::feature_manifest::Section;

use super::*;
use crate::facts::product::{FeatureMatch, ManifestLookup};
use crate::testing::{feature_manifest, oem_input, wm_xml, workspace, workspace_with};

const INPUT: &str = "Source-arm/Products/A/RetailOEMInput.xml";

/// A workspace with one product, manifests for two processors, two package definitions and a built cabinet.
fn files() -> Vec<(String, String)> {
    let package = |name: &str, feature: &str| {
        format!(
            "<PackageFile Path=\"%PKGBLD_DIR%\" Name=\"%OEM_NAME%.Test.{name}.cab\">\
             <FeatureIDs><FeatureID>{feature}</FeatureID></FeatureIDs></PackageFile>"
        )
    };
    let features = |packages: &str| format!("<Features><OEM>{packages}</OEM></Features>");
    let layout = "<DeviceLayoutPackages><PackageFile SOC=\"QC\" Name=\"V.Layout.cab\"/>\
                  <PackageFile SOC=\"Other\" Name=\"V.Other.cab\"/></DeviceLayoutPackages>";
    let oem_fm = feature_manifest(&features(&package("One", "ONE")));
    let common_fm = feature_manifest(&format!(
        "<BasePackages><PackageFile Name=\"%OEM_NAME%.Test.Base.cab\"/></BasePackages>{layout}{}",
        features(&package("Two", "TWO")),
    ));
    let input = oem_input(
        "<SOC>QC</SOC><ReleaseType>Production</ReleaseType><AdditionalFMs>\
         <AdditionalFM>%BLD_DIR%\\MergedFMs\\OEMFM.xml</AdditionalFM>\
         <AdditionalFM>%BLD_DIR%\\MergedFMs\\oemcommonfm.xml</AdditionalFM>\
         <AdditionalFM>%BLD_DIR%\\MergedFMs\\GoneFM.xml</AdditionalFM>\
         <AdditionalFM>%AKROOT%\\FMFiles\\arm\\KitFM.xml</AdditionalFM></AdditionalFMs>\
         <Features><OEM><Feature>ONE</Feature><Feature>two</Feature><Feature>NONE</Feature></OEM></Features>",
    );
    let settings = "<IoTWorkspace><Config><OemName>Fabrikam</OemName></Config></IoTWorkspace>";
    let product = "<IoTProductSettings><Name>A</Name><Arch>arm</Arch></IoTProductSettings>";
    let own = [
        (INPUT, input),
        ("Source-arm/Products/A/ASettings.xml", product.to_owned()),
        (
            "Source-arm/Products/A/prov/customizations.xml",
            "<WindowsCustomizations/>".into(),
        ),
        ("IoTWorkspace.xml", settings.to_owned()),
        ("Source-arm/Packages/OEMFM.xml", oem_fm.clone()),
        ("Source-x64/Packages/OEMFM.xml", oem_fm),
        ("Common/Packages/OEMCommonFM.xml", common_fm),
        (
            "Common/Packages/Test.Two/Test.Two.wm.xml",
            wm_xml("Two", ""),
        ),
        (
            "Source-arm/Packages/Test.One/Test.One.wm.xml",
            wm_xml("One", ""),
        ),
        (
            "Source-x64/Packages/Test.One/Test.One.wm.xml",
            wm_xml("One", ""),
        ),
        (
            "Common/Packages/Test.Two/DeviceLayout.xml",
            "<DeviceLayout/>".into(),
        ),
        (
            "Common/Packages/Test.Three/Test.Three.wm.xml",
            wm_xml("Three", ""),
        ),
        ("Build/x64/pkgs/Fabrikam.Test.One.cab", "x64".into()),
        ("Build/arm/pkgs/fabrikam.test.one.cab", "arm".into()),
    ];
    own.map(|(path, text)| (path.to_owned(), text)).into()
}

#[test]
fn manifests_are_found_by_name_for_the_processor_of_the_product() {
    let workspace = workspace(&files());
    let product = &workspace.products[0];
    assert_eq!(product.name, "A");
    assert_eq!(product.image, Some(ImageType::Retail));
    assert_eq!(product.arch, Some(Arch::Arm));
    let paths: Vec<_> = product.manifest_files().map(|file| file.path()).collect();
    assert_eq!(
        paths,
        [
            "Source-arm/Packages/OEMFM.xml",
            "Common/Packages/OEMCommonFM.xml"
        ]
    );
    assert!(matches!(
        product.manifests[2].found,
        ManifestLookup::Missing
    ));
    assert!(matches!(
        product.manifests[3].found,
        ManifestLookup::Outside
    ));
    assert!(!product.manifests_complete());
    assert_eq!(product.known_feature("TWO"), FeatureMatch::Exact);
    assert_eq!(
        product.known_feature("two"),
        FeatureMatch::OtherCase("TWO".into())
    );
    assert_eq!(product.known_feature("NONE"), FeatureMatch::None);
}

#[test]
fn the_merged_manifest_is_closer_than_its_source() {
    let mut files = files();
    let merged = feature_manifest("<BasePackages/>");
    files.push(("Build/arm/MergedFMs/OEMFM.xml".into(), merged.clone()));
    files.push(("Build/x64/MergedFMs/OEMCommonFM.xml".into(), merged.clone()));
    files.push(("Build/arm/InputFMs/OEMCommonFM.xml".into(), merged));
    let workspace = workspace(&files);
    let paths: Vec<_> = workspace.products[0]
        .manifest_files()
        .map(|file| file.path())
        .collect();
    assert_eq!(
        paths,
        [
            "Build/arm/MergedFMs/OEMFM.xml",
            "Build/arm/InputFMs/OEMCommonFM.xml"
        ]
    );
}

#[test]
fn two_manifests_that_are_equally_close_are_both_told_of() {
    let mut files = files();
    files.push(("Source-arm/BSP/B/OEMFM.xml".into(), feature_manifest("")));
    let workspace = workspace(&files);
    let ManifestLookup::Found(first, others) = &workspace.products[0].manifests[0].found else {
        panic!("not found");
    };
    assert_eq!(first.path(), "Source-arm/BSP/B/OEMFM.xml");
    assert_eq!(others[0].path(), "Source-arm/Packages/OEMFM.xml");
}

#[test]
fn packages_come_from_sections_and_features_with_definition_and_cabinet() {
    let workspace = workspace(&files());
    let selected: Vec<_> = workspace.products[0]
        .packages
        .iter()
        .map(|selected| {
            let definition = selected
                .package
                .as_ref()
                .map(|package| package.definition.path());
            let cab = selected.cab.as_ref().map(|cab| cab.path.as_str());
            let features: Vec<_> = selected
                .selected_by
                .iter()
                .map(|item| item.text.value.as_str())
                .collect();
            (selected.file_name.as_str(), definition, cab, features)
        })
        .collect();
    let one = "Source-arm/Packages/Test.One/Test.One.wm.xml";
    let two = "Common/Packages/Test.Two/Test.Two.wm.xml";
    let cab = "Build/arm/pkgs/fabrikam.test.one.cab";
    assert_eq!(
        selected,
        [
            ("Fabrikam.Test.One.cab", Some(one), Some(cab), vec!["ONE"]),
            ("Fabrikam.Test.Base.cab", None, None, vec![]),
            ("V.Layout.cab", None, None, vec![]),
            ("Fabrikam.Test.Two.cab", Some(two), None, vec!["two"]),
        ],
    );
    let cabs: Vec<_> = workspace
        .packages
        .iter()
        .map(|package| package.cab.is_some())
        .collect();
    assert_eq!(cabs, [false, false, true, true]);
}

#[test]
fn what_belongs_to_a_product_is_seen_with_its_image_type_and_the_rest_apart() {
    use crate::facts::Facts;
    let workspace = workspace(&files());
    let retail = Facts::of(&workspace, Some(ImageType::Retail), &[]);
    let names = |facts: &Facts<'_>| -> Vec<String> {
        facts
            .packages
            .iter()
            .map(|package| package.definition.path().to_owned())
            .collect()
    };
    assert_eq!(retail.products.len(), 1);
    assert_eq!(retail.documents.customizations.len(), 1);
    assert_eq!(retail.documents.device_layouts.len(), 1);
    assert_eq!(
        names(&retail),
        [
            "Common/Packages/Test.Two/Test.Two.wm.xml",
            "Source-arm/Packages/Test.One/Test.One.wm.xml",
        ],
    );
    let rest = Facts::of(&workspace, None, &[]);
    assert!(rest.products.is_empty() && rest.documents.customizations.is_empty());
    assert_eq!(
        names(&rest),
        [
            "Common/Packages/Test.Three/Test.Three.wm.xml",
            "Source-x64/Packages/Test.One/Test.One.wm.xml",
        ],
    );
    assert!(
        Facts::of(&workspace, Some(ImageType::Test), &[])
            .packages
            .is_empty()
    );
}

#[test]
fn a_package_that_is_asked_for_alone_is_judged_by_the_products_that_select_it() {
    use crate::facts::Facts;
    let mut workspace = workspace(&files());
    workspace.targets = [String::from("Common/Packages/Test.Two")]
        .into_iter()
        .collect();
    let retail = Facts::of(&workspace, Some(ImageType::Retail), &[]);
    assert!(retail.products.is_empty());
    assert_eq!(retail.packages.len(), 1);
    assert!(Facts::of(&workspace, None, &[]).packages.is_empty());
}

#[test]
fn the_user_decides_image_type_and_variables() {
    let options = ResolveOptions {
        image: Some(ImageType::Mmos),
        defines: vec![("oem_name".into(), "Contoso".into())],
    };
    let workspace = workspace_with(&files(), &options);
    let product = &workspace.products[0];
    assert_eq!(
        (product.image, product.declared),
        (Some(ImageType::Mmos), Some(ImageType::Mmos))
    );
    assert_eq!(product.packages[0].file_name, "Contoso.Test.One.cab");
    assert!(product.packages[0].package.is_some());
}

#[test]
fn without_a_workspace_nothing_is_missing() {
    let files: Vec<_> = files()
        .into_iter()
        .filter(|(path, _)| path == INPUT)
        .collect();
    assert!(!workspace(&files).products[0].in_workspace);
}

#[test]
fn a_manifest_that_cannot_be_read_is_not_missing_and_told_of_with_the_product() {
    let mut files = files();
    files.retain(|(path, _)| path != "Source-arm/Packages/OEMFM.xml");
    files.push((
        "Source-arm/Packages/OEMFM.xml".into(),
        "<FeatureManifest>".into(),
    ));
    let mut workspace = workspace(&files);
    workspace.targets = [String::from("Source-arm/Products")].into_iter().collect();
    let found = &workspace.products[0].manifests[0].found;
    assert!(matches!(found, ManifestLookup::Unreadable(_)), "{found:?}");
    let found = crate::testing::run("document-not-well-formed", &workspace);
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn more_manifests_than_any_product_has_are_refused() {
    let fms = "<AdditionalFM>x</AdditionalFM>".repeat(MOST_MANIFESTS + 1);
    let input = oem_input(&format!("<AdditionalFMs>{fms}</AdditionalFMs>"));
    let files: crate::files::Memory = [("OEMInput.xml", input)].into_iter().collect();
    let gathered = crate::engine::gather(&files, &[".".into()], &ResolveOptions::default());
    assert_eq!(
        gathered.unwrap_err().to_string(),
        "OEMInput.xml: 257 manifests, the limit is 256"
    );
}

#[test]
fn cabinets_of_the_products_and_those_asked_for_are_to_be_verified() {
    let mut workspace = workspace(&files());
    let paths = |workspace: &Workspace| -> Vec<String> {
        workspace
            .cabs()
            .into_iter()
            .map(|cab| cab.path.clone())
            .collect()
    };
    assert_eq!(paths(&workspace).len(), 2);
    workspace.targets = [String::from("Source-arm")].into_iter().collect();
    assert_eq!(paths(&workspace), ["Build/arm/pkgs/fabrikam.test.one.cab"]);
    let cab = String::from("Build/x64/pkgs/Fabrikam.Test.One.cab");
    workspace.targets = [cab].into_iter().collect();
    assert_eq!(paths(&workspace), ["Build/x64/pkgs/Fabrikam.Test.One.cab"]);
}

#[test]
fn a_declared_image_type_is_also_that_of_what_belongs_to_no_product() {
    use crate::facts::Facts;
    let options = ResolveOptions {
        image: Some(ImageType::Retail),
        defines: Vec::new(),
    };
    let workspace = workspace_with(&[("a.wm.xml", wm_xml("A", ""))], &options);
    assert_eq!(
        Facts::of(&workspace, Some(ImageType::Retail), &[])
            .packages
            .len(),
        1
    );
    assert!(Facts::of(&workspace, None, &[]).packages.is_empty());
}

/// The published sample workspace, where it is there.
fn sample_workspace(path: &str) -> Option<Workspace> {
    let root = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../shared/corpus/addonkit/Workspace"
    );
    if !std::path::Path::new(root).is_dir() {
        println!("skipped: {root} is not there");
        return None;
    }
    let paths = [format!("{root}{path}")];
    let gathered = crate::engine::gather(&crate::files::Disk, &paths, &ResolveOptions::default());
    let mut workspaces = gathered.unwrap();
    assert_eq!(workspaces.len(), 1);
    Some(workspaces.remove(0))
}

#[test]
fn the_published_samples_resolve() {
    let Some(workspace) = sample_workspace("") else {
        return;
    };
    assert_eq!(workspace.documents.unreadable, []);
    let of_type = |image| {
        workspace
            .products
            .iter()
            .filter(|product| product.image == image)
            .count()
    };
    assert_eq!(
        of_type(Some(ImageType::Retail)),
        of_type(Some(ImageType::Test))
    );
    assert_eq!(of_type(None), 0);
    for product in &workspace.products {
        assert_eq!(
            product.arch,
            Some(Arch::Arm),
            "{}",
            product.oem_input.path()
        );
        for manifest in &product.manifests {
            let reference = &manifest.reference.text.value;
            match &manifest.found {
                ManifestLookup::Found(_, others) => assert!(others.is_empty(), "{reference}"),
                ManifestLookup::Missing => {
                    assert!(reference.ends_with("RPi2FM.xml"), "{reference}")
                }
                ManifestLookup::Unreadable(place) => panic!("{place}"),
                ManifestLookup::Outside => {
                    assert!(reference.starts_with("%AKROOT%"), "{reference}")
                }
            }
        }
        // Those of the kit's own manifests are all defined in the workspace.
        for selected in &product.packages {
            let is_own = ["OEMFM.xml", "OEMCommonFM.xml"].contains(&selected.manifest.name());
            assert!(
                !is_own || selected.package.is_some(),
                "{}",
                selected.file_name
            );
        }
    }
}

#[test]
fn one_published_sample_brings_its_workspace() {
    let Some(workspace) = sample_workspace("/Source-arm/Products/SecureSample/RetailOEMInput.xml")
    else {
        return;
    };
    let asked = workspace
        .products
        .iter()
        .filter(|product| workspace.is_target(product.oem_input.path()));
    let products: Vec<_> = asked.collect();
    assert_eq!(products.len(), 1);
    let packages = &products[0].packages;
    let of = |section| {
        packages
            .iter()
            .filter(|selected| selected.entry.section == section)
            .count()
    };
    assert_eq!(of(Section::DeviceLayout), 1);
    assert_eq!(of(Section::OemDevicePlatform), 1);
    let guard = packages
        .iter()
        .find(|selected| selected.file_name == "Contoso.Security.DeviceGuard.cab");
    assert_eq!(guard.unwrap().selected_by[0].text.value, "SEC_DEVICEGUARD");
    assert!(products[0].customizations.iter().any(|file| {
        file.path()
            .ends_with("SecureSample/prov/customizations.xml")
    }));
    assert_eq!(
        products[0].settings.as_ref().unwrap().name(),
        "SecureSampleSettings.xml"
    );
}
