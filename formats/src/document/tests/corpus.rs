//! The real files of the add-on kit. The numbers were counted with another XML parser.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::document::feature_manifest::Section;
use crate::document::{Document, Kind, Recognised, recognise};

/// All `*.xml` below the kit, with bytes; empty when the kit is not there.
fn kit() -> Vec<(PathBuf, Vec<u8>)> {
    let root = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../shared/corpus/addonkit"
    ));
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            println!("skipped: {} is not there", folder.display());
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "xml") {
                let bytes = std::fs::read(&path).unwrap();
                files.push((path, bytes));
            }
        }
    }
    files
}

fn read(kit: &[(PathBuf, Vec<u8>)]) -> Vec<(&Path, Recognised)> {
    let files = kit.iter();
    files
        .map(|(path, bytes)| (path.as_path(), recognise(&path.to_string_lossy(), bytes)))
        .collect()
}

#[test]
fn every_file_is_read_as_what_it_is() {
    let kit = kit();
    if kit.is_empty() {
        return;
    }
    let mut kinds = BTreeMap::new();
    for (path, recognised) in read(&kit) {
        let document = recognised.outcome.unwrap();
        assert_eq!(document.remarks().1, &[], "{}", path.display());
        if recognised.kind.is_some() {
            let text = recognised.source.text();
            let comments = document.remarks().0.len();
            assert_eq!(comments, text.matches("<!--").count(), "{}", path.display());
        }
        *kinds.entry(recognised.kind).or_insert(0) += 1;
    }
    let expected = BTreeMap::from([
        // Seven designer projects, the environment, and a task whose declaration lies.
        (None, 9),
        (Some(Kind::SiPolicy), 5),
        (Some(Kind::OemInput), 20),
        (Some(Kind::FeatureManifest), 8),
        (Some(Kind::FmFileList), 6),
        (Some(Kind::WmXml), 35),
        (Some(Kind::Customizations), 10),
        (Some(Kind::ProductSettings), 7),
        (Some(Kind::WorkspaceSettings), 1),
        (Some(Kind::DeviceLayout), 6),
        (Some(Kind::OemDevicePlatform), 5),
        (Some(Kind::BootConfiguration), 3),
    ]);
    assert_eq!(kinds, expected);
}

#[test]
fn the_parts_add_up() {
    let kit = kit();
    if kit.is_empty() {
        return;
    }
    let mut sums = BTreeMap::<&str, usize>::new();
    for (_, recognised) in read(&kit) {
        let mut add = |what, count| *sums.entry(what).or_default() += count;
        match recognised.outcome.unwrap() {
            Document::OemInput(input) => {
                add("Microsoft features", input.features.microsoft.items.len());
                add("OEM features", input.features.oem.items.len());
                add("AdditionalFMs", input.additional_fms.items.len());
                let release_type = input.release_type.unwrap().value;
                add("Production", usize::from(release_type == "Production"));
                add("Test", usize::from(release_type == "Test"));
            }
            Document::FeatureManifest(manifest) => {
                add("packages", manifest.packages.len());
                let ids = manifest.packages.iter();
                add("feature ids", ids.map(|p| p.feature_ids.items.len()).sum());
                add("conditional", manifest.conditional_features.len());
            }
            Document::FmFileList(list) => add("FMs", list.fms.len()),
            Document::WmXml(package) => {
                add("files", package.files.len());
                add("keys", package.registry.keys.len());
                add("values", package.registry.values.len());
                add("drivers", package.drivers.len());
                add("services", package.services.len());
                add("boot stores", package.bcd_stores.len());
            }
            Document::Customizations(package) => {
                add("settings", package.settings.len());
                add("apps", package.applications.len());
                add("root certificates", package.root_certificates.len());
                add("startup apps", package.startup_apps.len());
                add("startup tasks", package.startup_background_tasks.len());
            }
            Document::DeviceLayout(layout) => add("partitions", layout.partitions.len()),
            Document::BootConfiguration(boot) => add("boot elements", boot.elements.len()),
            _ => {}
        }
    }
    let expected = BTreeMap::from([
        ("Microsoft features", 532),
        ("OEM features", 104),
        ("AdditionalFMs", 71),
        ("Production", 10),
        ("Test", 10),
        ("packages", 151),
        ("feature ids", 66),
        ("conditional", 2),
        ("FMs", 9),
        ("files", 39),
        ("keys", 17),
        ("values", 26),
        ("drivers", 1),
        ("services", 1),
        ("boot stores", 3),
        ("settings", 32),
        ("apps", 2),
        ("root certificates", 2),
        ("startup apps", 1),
        ("startup tasks", 1),
        ("partitions", 77),
        ("boot elements", 23),
    ]);
    assert_eq!(sums, expected);
}

#[test]
fn values_and_places_of_real_files() {
    let kit = kit();
    if kit.is_empty() {
        return;
    }
    let mut seen = 0;
    for (path, recognised) in read(&kit) {
        let path = path.to_string_lossy();
        let source = &recognised.source;
        match recognised.outcome.unwrap() {
            Document::OemInput(input) if path.ends_with("SecureSample/RetailOEMInput.xml") => {
                seen += 1;
                let features = &input.features.microsoft;
                assert_eq!(features.items.len(), 7);
                let bertha = &features.items[6];
                assert_eq!(bertha.route, "OEMInput/Features/Microsoft/Feature[7]");
                assert_eq!(
                    source.slice(bertha.element),
                    "<Feature>IOT_BERTHA</Feature>"
                );
                assert_eq!(source.slice(bertha.text.span), "IOT_BERTHA");
                assert_eq!(source.line_column(bertha.element.start).line, 72);
                assert_eq!(input.soc.unwrap().value, "QC8016_R");
            }
            Document::FeatureManifest(manifest) if path.ends_with("QCDB410CFM.xml") => {
                seen += 1;
                assert_eq!(manifest.schema_version.unwrap().value, "1.2");
                let layouts: Vec<_> = manifest
                    .packages
                    .iter()
                    .filter(|p| p.section == Section::DeviceLayout)
                    .filter_map(|p| p.selector.as_ref().map(|s| s.value.as_str()))
                    .collect();
                assert_eq!(layouts, ["QC8016_R", "QC8016"]);
            }
            Document::WmXml(package) if path.ends_with("Security.Bitlocker.wm.xml") => {
                seen += 1;
                let blob = &package.registry.values[0];
                let Ok(crate::document::registry::RegistryData::Bytes(bytes)) = blob.data() else {
                    panic!("bytes expected");
                };
                // A property header, then the certificate of 0x449 bytes.
                assert_eq!(bytes.len(), 0x449 + 44);
                assert_eq!(
                    blob.canonical()
                        .unwrap()
                        .below(r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies"),
                    Some(concat!(
                        r"Microsoft\SystemCertificates\FVE\Certificates\",
                        "6393DE840630DE790DB6A4EB5A151CEF0CF070E9"
                    ))
                );
            }
            _ => {}
        }
    }
    assert_eq!(seen, 3);
}
