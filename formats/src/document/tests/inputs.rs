//! Image configurations, feature manifests and their lists.

use super::fixtures;
use crate::document::feature_manifest::{FeatureManifest, Section};
use crate::document::fm_file_list::FmFileList;
use crate::document::oem_input::{IMAGE_UPDATE, OemInput, ROOT};
use crate::document::parts::UnexpectedKind;
use crate::source::Source;

fn input(text: &str) -> (Source, OemInput) {
    let source = Source::new("OEMInput.xml", text, 0);
    let input = OemInput::parse(&source).unwrap();
    (source, input)
}

#[test]
fn an_image_configuration_has_its_values_and_places() {
    let (source, input) = input(fixtures::OEM_INPUT);
    assert!(input.root.is(ROOT, IMAGE_UPDATE));
    assert_eq!(input.description.unwrap().value, "Färöer board");
    let device = input.device.unwrap();
    assert_eq!(
        (device.value.as_str(), source.slice(device.span)),
        ("Board", "Board")
    );
    assert_eq!(source.line_column(device.span.start).line, 6);
    let languages = &input.supported_languages;
    assert!(languages.user_interface.texts().eq(["en-us", "fr-fr"]));
    assert!(languages.keyboard.is_present() && !languages.speech.is_present());
    assert!(
        input
            .additional_fms
            .texts()
            .eq([r"%BLD_DIR%\MergedFMs\BoardFM.xml"])
    );
    let microsoft = &input.features.microsoft;
    assert!(microsoft.texts().eq(["IOT_EFIESP", "IOT_UAP_OOBE"]));
    let second = &microsoft.items[1];
    assert_eq!(second.route, "OEMInput/Features/Microsoft/Feature[2]");
    assert_eq!(
        source.slice(second.element),
        "<Feature>IOT_UAP_OOBE</Feature>"
    );
    assert!(
        source
            .slice(microsoft.content.unwrap())
            .trim()
            .starts_with("<Feature>IOT_EFIESP")
    );
    let oem = &input.features.oem;
    assert_eq!(
        (oem.is_present(), oem.content, oem.items.len()),
        (true, None, 0)
    );
    assert_eq!(input.comments[0].text.value, " Feature>IOT_SSH</Feature ");
    assert_eq!(
        source.slice(input.comments[0].span),
        "<!-- Feature>IOT_SSH</Feature -->"
    );
    assert_eq!(
        (input.format_dpp, input.package_files.is_present()),
        (None, false)
    );
}

#[test]
fn line_ends_do_not_move_values_only_places() {
    let (_, plain) = input(fixtures::OEM_INPUT);
    let (source, windows) = input(&fixtures::OEM_INPUT.replace('\n', "\r\n"));
    let (plain, windows) = (plain.product.unwrap(), windows.product.unwrap());
    assert_eq!(plain.value, windows.value);
    assert_eq!(source.slice(windows.span), "Windows 10 IoT Core");
}

#[test]
fn names_are_case_sensitive_and_odd_parts_are_told() {
    let (source, input) = input(
        "<OEMInput><soc>A</soc><SOC>B</SOC><SOC>C</SOC><SV/><ReleaseType a='1'>Test<b/></ReleaseType>\
         <Features><OEM><feature>x</feature></OEM><OEM><Feature>Y</Feature></OEM></Features></OEMInput>",
    );
    assert!(!input.root.is(ROOT, IMAGE_UPDATE));
    assert_eq!(input.soc.unwrap().value, "B");
    assert_eq!(input.sv.unwrap().value, "");
    assert_eq!(input.release_type.unwrap().value, "Test");
    assert!(input.features.oem.texts().eq(["Y"]));
    let found: Vec<_> = input
        .unexpected
        .iter()
        .map(|u| (u.kind, source.slice(u.name.span), u.parent.as_str()))
        .collect();
    let expected = [
        (UnexpectedKind::Element, "soc", "OEMInput"),
        (UnexpectedKind::Repeated, "SOC", "OEMInput"),
        (UnexpectedKind::Attribute, "a", "OEMInput/ReleaseType"),
        (UnexpectedKind::Element, "b", "OEMInput/ReleaseType"),
        (
            UnexpectedKind::Element,
            "feature",
            "OEMInput/Features/OEM[1]",
        ),
        (UnexpectedKind::Repeated, "OEM", "OEMInput/Features"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn an_element_of_another_namespace_is_not_ours() {
    let (_, input) = input("<o:OEMInput xmlns:o='urn:a'><SOC>A</SOC><o:SOC>B</o:SOC></o:OEMInput>");
    assert_eq!(input.soc.unwrap().value, "B");
    assert_eq!(input.root.namespace.as_deref(), Some("urn:a"));
    assert_eq!(input.unexpected.len(), 1);
}

#[test]
fn a_feature_manifest_has_sections_features_and_groups() {
    let source = Source::new("FM.xml", fixtures::FEATURE_MANIFEST, 0);
    let manifest = FeatureManifest::parse(&source).unwrap();
    assert_eq!(manifest.schema_version.as_ref().unwrap().value, "1.2");
    let found: Vec<_> = manifest
        .packages
        .iter()
        .map(|p| (p.section, p.selector.as_ref().map(|s| s.value.as_str())))
        .collect();
    let expected = [
        (Section::Base, None),
        (Section::Release, Some("Test")),
        (Section::DeviceLayout, Some("Board")),
        (Section::OemDevicePlatform, Some("Board")),
        (Section::BootLocale, None),
        (Section::OemFeatures, None),
        (Section::OemFeatures, None),
    ];
    assert_eq!(found, expected);
    let ids = manifest.feature_ids(Section::OemFeatures);
    let ids: Vec<_> = ids
        .map(|(package, id)| {
            (
                package.name.as_ref().unwrap().value.as_str(),
                id.text.value.as_str(),
            )
        })
        .collect();
    assert_eq!(
        ids,
        [("a.cab", "UEFI_A"), ("a.cab", "UEFI"), ("b.cab", "UEFI_B")]
    );
    let package = &manifest.packages[5];
    assert_eq!(package.route, "FeatureManifest/Features/OEM/PackageFile[1]");
    let internal = package.attribute("FeatureIdentifierPackage").unwrap();
    assert_eq!(source.slice(internal.value.span), "true");
    let [group, nested] = &manifest.feature_groups[..] else {
        panic!("two groups expected");
    };
    assert!(group.oem && group.feature_ids.texts().eq(["UEFI_A", "UEFI_B"]));
    assert_eq!(group.constraint.as_ref().unwrap().value, "OneAndOnlyOne");
    assert_eq!(nested.parent, Some(0));
    assert_eq!(
        manifest.conditional_features[0]
            .feature_id
            .as_ref()
            .unwrap()
            .value,
        "OEM_UEFI"
    );
}

#[test]
fn an_unknown_package_attribute_is_told() {
    let source = Source::new(
        "FM.xml",
        "<FeatureManifest><SVPackages><PackageFile name='a' SV='x'/></SVPackages></FeatureManifest>",
        0,
    );
    let manifest = FeatureManifest::parse(&source).unwrap();
    let package = &manifest.packages[0];
    assert_eq!(
        (package.section, package.name.as_ref()),
        (Section::Sv, None)
    );
    assert_eq!(package.attributes.len(), 2);
    assert_eq!(manifest.unexpected[0].name.value, "name");
}

#[test]
fn a_list_of_manifests_has_its_manifests() {
    let source = Source::new("FMFileList.xml", fixtures::FM_FILE_LIST, 0);
    let list = FmFileList::parse(&source).unwrap();
    assert_eq!(list.product.unwrap().value, "IoTUAP");
    assert_eq!(list.is_build_feature_enabled.unwrap().value, "true");
    assert_eq!(list.fms.len(), 2);
    assert_eq!(list.fms[0].cpu_type.as_ref().unwrap().value, "ARM64");
    assert_eq!(list.fms[1].route, "FMCollectionManifest/FMs/FM[2]");
    let release_type = list.fms[1].release_type.as_ref().unwrap();
    assert_eq!(source.slice(release_type.span), "Test");
    assert_eq!(list.fms[1].critical, None);
    assert!(list.supported_resolutions.texts().eq(["1024x768"]));
    assert!(list.supported_locales.texts().eq(["en-US"]));
}
