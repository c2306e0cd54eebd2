//! Manifests of finished packages: every shape that occurs, and places that are exact.

use crate::document::package_manifest::{DigestForm, ManifestKind, PackageManifest};
use crate::source::Source;

fn read(kind: ManifestKind, text: &str) -> (Source, PackageManifest) {
    let source = Source::new("m", text, 0);
    let manifest = PackageManifest::parse(kind, &source).unwrap();
    (source, manifest)
}

#[test]
fn kinds_are_told_by_their_paths() {
    let cases = [
        ("update.mum", Some(ManifestKind::Update)),
        ("MAN.DSM.XML", Some(ManifestKind::Dsm)),
        ("arm_a.manifest", Some(ManifestKind::Component)),
        ("arm_a/windows/b.manifest", None),
        ("arm_a/update.mum", None),
        ("update.cat", None),
    ];
    for (path, kind) in cases {
        assert_eq!(ManifestKind::of_path(path), kind, "{path}");
    }
}

#[test]
fn a_mum_gives_sizes_hashes_and_identity() {
    let hash = "0123456789ABCDEF".repeat(4);
    let text = format!(
        "<m:assembly xmlns:m='urn:schemas-microsoft-com:asm.v3'>\
         <m:assemblyIdentity name='A.B' version='1.0.0.0' language='neutral'/>\
         <m:package targetPartition='MainOS'><m:customInformation>\
         <m:phoneInformation phoneRelease='Test' phoneOwnerType='OEM' phoneOwner=''/>\
         <m:file cabpath='\\a\\b&amp;c' size='12' staged='7' compressed='6' hash='{hash}'/>\
         <m:file name='no path'/></m:customInformation></m:package></m:assembly>"
    );
    let (source, manifest) = read(ManifestKind::Update, &text);
    let [file] = manifest.files.as_slice() else {
        panic!("{:?}", manifest.files);
    };
    assert_eq!(file.path.value, "a/b&c");
    assert_eq!(source.slice(file.path.span), "\\a\\b&amp;c");
    let digest = file.digest.as_ref().unwrap();
    assert_eq!(digest.form, Some(DigestForm::UpperHex));
    assert_eq!(DigestForm::UpperHex.write(&digest.bytes), hash);
    assert_eq!(source.slice(digest.text.span), hash);
    assert_eq!(source.slice(file.size.as_ref().unwrap().span), "12");
    let others = file.other_sizes.iter().map(|size| source.slice(size.span));
    assert_eq!(others.collect::<Vec<_>>(), ["7", "6"]);
    let identity = &manifest.identity;
    assert_eq!(identity.name.as_deref(), Some("A.B"));
    assert_eq!(identity.release_type.as_deref(), Some("Test"));
    assert_eq!(identity.partition.as_deref(), Some("MainOS"));
    assert_eq!(identity.owner, None);
}

#[test]
fn a_component_gives_the_digest_inside_its_file() {
    let digest = DigestForm::Base64.write(&[0xfb; 32]);
    let text = format!(
        "<assembly><file name='windows\\x.dll'><hash><DigestValue>\r\n  {digest} \n</DigestValue></hash></file>\
         <file name='none'/><file name='odd'><hash><DigestValue>???</DigestValue></hash></file></assembly>"
    );
    let (source, manifest) = read(ManifestKind::Component, &text);
    let stated = manifest.files[0].digest.as_ref().unwrap();
    assert_eq!(stated.form, Some(DigestForm::Base64));
    assert_eq!(stated.bytes, [0xfb; 32]);
    assert_eq!(source.slice(stated.text.span), digest);
    assert_eq!(manifest.files[1].digest, None);
    let odd = manifest.files[2].digest.as_ref().unwrap();
    assert_eq!((odd.form, odd.text.value.as_str()), (None, "???"));
}

#[test]
fn a_dsm_gives_elements_as_others_give_attributes() {
    let text = "<Package><Identity><Owner>C</Owner><Component>D</Component>\
                <Version Major='1' Minor='2' QFE='3' Build='4'/></Identity>\
                <ReleaseType>Production</ReleaseType><CpuType>ARM</CpuType><Files><FileEntry>\
                <CabPath>1_x.dll</CabPath><FileSize>5</FileSize><StagedFileSize>5</StagedFileSize>\
                </FileEntry></Files></Package>";
    let (source, manifest) = read(ManifestKind::Dsm, text);
    assert_eq!(manifest.identity.name.as_deref(), Some("C.D"));
    assert_eq!(manifest.identity.version.as_deref(), Some("1.2.3.4"));
    assert_eq!(manifest.identity.architecture.as_deref(), Some("ARM"));
    let [file] = manifest.files.as_slice() else {
        panic!("{:?}", manifest.files);
    };
    assert_eq!(file.path.value, "1_x.dll");
    assert_eq!(source.slice(file.size.as_ref().unwrap().span), "5");
    assert_eq!(file.other_sizes.len(), 1);
}

#[test]
fn no_text_is_too_odd_for_a_place() {
    let whole = "<Package><FileEntry CabPath='é'><Hash>é</Hash><FileSize> </FileSize></FileEntry></Package>";
    let ends = whole.char_indices().map(|(end, _)| end);
    for end in ends.chain([whole.len()]) {
        for kind in [
            ManifestKind::Update,
            ManifestKind::Component,
            ManifestKind::Dsm,
        ] {
            let source = Source::new("m", &whole[..end], 0);
            if let Ok(manifest) = PackageManifest::parse(kind, &source) {
                assert_eq!(end, whole.len());
                assert_eq!(manifest.files.len(), usize::from(kind == ManifestKind::Dsm));
            }
        }
    }
}
