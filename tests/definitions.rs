//! Workspaces with package definitions, and what is built of them.

use std::fs;
use std::path::Path;

use crate::cbs;
use crate::support::{proofmark, repository};

/// The example workspace, with the provisioning packages that the kit would have made.
pub(crate) fn workspace() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(
        &repository().join("examples/workspace"),
        &folder.path().join("w"),
    );
    let made = folder.path().join("w/Build/arm/ppkgs");
    fs::create_dir_all(&made).unwrap();
    for name in ["KioskProv.ppkg", "KioskProv.cat"] {
        fs::write(made.join(name), format!("not really {name}")).unwrap();
    }
    folder
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => {
                fs::copy(entry.path(), target).unwrap();
            }
        }
    }
}

/// The cabinets of a folder, by name.
pub(crate) fn cabinets(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let cabinets = entries.filter(|path| path.extension().is_some_and(|end| end == "cab"));
    let mut cabinets: Vec<_> = cabinets
        .map(|path| {
            (
                path.file_name().unwrap().to_string_lossy().into_owned(),
                fs::read(&path).unwrap(),
            )
        })
        .collect();
    cabinets.sort();
    cabinets
}

pub(crate) fn definition(name: &str, body: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="utf-8"?>
<identity xmlns="urn:Microsoft.CompPlat/ManifestSchema.v1.00" owner="Contoso" namespace="Kiosk" name="{name}" legacyName="Contoso.Kiosk.{name}">
  <onecorePackageInfo targetPartition="MainOS" releaseType="Production" ownerType="OEM" />
  {body}
</identity>
"#
    )
}

/// Adds the definitions below a folder, sorted.
pub(crate) fn find_definitions(root: &Path, folder: &str) -> Vec<String> {
    let mut entries: Vec<_> = fs::read_dir(root.join(folder))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    let found = entries.iter().flat_map(|entry| {
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        match entry.file_type().unwrap().is_dir() {
            true => find_definitions(root, &path),
            false if path.ends_with(".wm.xml") => vec![path],
            false => Vec::new(),
        }
    });
    found.collect()
}

/// What a definition names and the kit would have made; programs are some without a signature, catalogs signed ones.
pub(crate) fn make_sources(root: &Path, definition: &str, arch: &str) {
    let definition = root.join(definition);
    let text = fs::read_to_string(&definition).unwrap();
    let workspace = root.join("w").display().to_string();
    for source in text.split("source=\"").skip(1) {
        let source = source.split_once('"').unwrap().0.replace('\\', "/");
        let source = source
            .replace("$(BLDDIR)", &format!("{workspace}/Build/{arch}"))
            .replace("$(PRJDIR)", &format!("{workspace}/Source-{arch}"))
            .replace("$(PROD)", "Sample");
        let path = definition.parent().unwrap().join(source);
        if path.exists() {
            continue;
        }
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let end = path
            .extension()
            .and_then(|end| end.to_str())
            .unwrap_or_default();
        let made = format!("made for {}", path.display());
        match end {
            "exe" | "dll" | "sys" | "efi" => fs::write(&path, cbs::image()).unwrap(),
            "cat" => {
                let listed = tempfile::tempdir().unwrap();
                fs::write(listed.path().join("listed"), made).unwrap();
                let (out, folder) = (path.display(), listed.path().display());
                proofmark(
                    root,
                    &format!("catalog create --profile test --out {out} {folder}"),
                )
                .ended(0);
            }
            _ => fs::write(&path, made).unwrap(),
        }
    }
}
