//! What is read of a package.

use std::io::Cursor;

use formats::container::appx::{HashMethod, PackageKind};

use crate::builder::{RawPackage, SHA512};
use crate::support::{PUBLISHER, SHA_256, STYLES, corpus, package, read, sha_256};

#[test]
fn packages_and_bundles_describe_themselves() {
    for style in STYLES {
        let package = read(&package(style).bytes());
        assert_eq!(package.kind(), PackageKind::Package);
        assert_eq!(package.hash_method(), HashMethod::Sha256);
        assert_eq!(package.identity().name, "a.b");
        assert_eq!(package.identity().publisher, PUBLISHER);
        assert!(package.signature().is_none());
        assert_eq!(package.canonical_faults(), []);
        let names: Vec<_> = package.files().map(|file| file.name()).collect();
        let listed = [
            "App.exe",
            "Assets\\My Logo.png",
            "empty.txt",
            "AppxManifest.xml",
        ];
        assert_eq!(names, listed);
        let hash = crate::builder::Hash {
            uri: SHA512,
            ..SHA_256
        };
        let bundle = read(&RawPackage::bundle(PUBLISHER, style, hash).bytes());
        assert_eq!(bundle.kind(), PackageKind::Bundle);
        assert_eq!(bundle.hash_method(), HashMethod::Sha512);
        let names: Vec<_> = bundle.files().map(|file| file.name()).collect();
        assert_eq!(names, ["AppxMetadata\\AppxBundleManifest.xml"]);
    }
}

/// Every block of every file has the hash that the block map says.
#[test]
fn files_are_expanded_in_blocks() {
    for style in STYLES {
        let bytes = package(style).bytes();
        let package = read(&bytes);
        let map = package.block_map().unwrap();
        for (file, listed) in package.files().zip(&map.files) {
            assert_eq!(file.name(), listed.name);
            assert_eq!(file.size(), listed.size);
            assert_eq!(file.local_header_size(), listed.lfh_size);
            let mut hashes = Vec::new();
            file.each_block(&mut Cursor::new(&bytes), |block| {
                hashes.push(crate::builder::base64(&sha_256(block)));
            })
            .unwrap();
            assert_eq!(hashes, listed.blocks);
        }
    }
}

#[test]
fn real_packages_are_read() {
    let expected = [
        ("minimal.msix", PackageKind::Package, HashMethod::Sha512, 3),
        (
            "minimal.appxbundle",
            PackageKind::Bundle,
            HashMethod::Sha512,
            1,
        ),
        (
            "minimal-signed-by-signtool.msix",
            PackageKind::Package,
            HashMethod::Sha256,
            5,
        ),
        (
            "unsigned.256appx",
            PackageKind::Package,
            HashMethod::Sha256,
            4,
        ),
    ];
    for (name, kind, method, files) in expected {
        let Some(bytes) = corpus(name) else { return };
        let package = read(&bytes);
        assert_eq!(package.kind(), kind, "{name}");
        assert_eq!(package.hash_method(), method, "{name}");
        assert_eq!(package.files().count(), files, "{name}");
        assert_eq!(package.canonical_faults(), [], "{name}");
        assert_eq!(package.signature().is_some(), name.contains("signtool"));
        for file in package.files() {
            file.each_block(&mut Cursor::new(&bytes), |_| ()).unwrap();
        }
    }
}

#[test]
fn the_builder_computes_as_others_do() {
    assert_eq!(crate::builder::crc_32(b"123456789"), 0xCBF4_3926);
    assert_eq!(
        crate::builder::base64(b"any carnal pleas"),
        "YW55IGNhcm5hbCBwbGVhcw=="
    );
}
