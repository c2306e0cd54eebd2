//! Archives that two readers could take for two packages, that lie, or that would cost too much.

use std::io::Cursor;

use formats::container::appx::{MAX_CENTRAL_DIRECTORY, MAX_PART, Package};

use crate::builder::{RawFile, RawPackage, Style, stored_blocks};
use crate::support::{PUBLISHER, SHA_256, STYLES, package, read, refused, signed};

fn first_fault(bytes: &[u8]) -> String {
    let package = read(bytes);
    let fault = package.canonical_faults().first();
    let fault = fault.map(ToString::to_string).unwrap_or_default();
    let refusal = package.prepare().unwrap_err().to_string();
    assert_eq!(fault, refusal, "a fault is a reason not to sign");
    fault
}

#[test]
fn names_that_windows_takes_for_one_are_refused() {
    for other in ["App.exe", "app.EXE", "%41pp.exe", "Assets\\my logo.png"] {
        let mut package = package(Style::MakeAppx);
        let file = RawFile::new(other, *b"another", Style::MakeAppx);
        package.files.insert(0, file);
        let message = refused(&package.bytes());
        assert!(message.contains("a second time"), "{other}: {message}");
    }
    for other in [
        "appxsignature.p7x",
        "AppxSignature%2Ep7x",
        "APPXMETADATA/CodeIntegrity.cat",
    ] {
        let mut package = package(Style::MakeAppx);
        package
            .files
            .insert(0, RawFile::new(other, *b"x", Style::MakeAppx));
        let message = refused(&package.bytes());
        assert!(message.contains("usual spelling"), "{other}: {message}");
    }
}

#[test]
fn every_byte_belongs_to_something() {
    for style in STYLES {
        for index in 0..6 {
            let mut package = package(style);
            package.files[index].gap = b"PK\x03\x04 hidden".to_vec();
            let fault = first_fault(&package.bytes());
            let named = fault.contains("belong to no file") || fault.contains("behind the data");
            assert!(named, "{index}: {fault}");
        }
        let mut between = package(style);
        between.gap = vec![0; 8];
        assert!(refused(&between.bytes()).contains("central directory"));
        let mut comment = package(style);
        comment.comment = b"hello".to_vec();
        assert!(refused(&comment.bytes()).contains("without comment"));
        let mut appended = package(style).bytes();
        appended.push(0);
        assert!(refused(&appended).contains("22 bytes before the end"));
    }
}

#[test]
fn records_that_share_bytes_are_refused() {
    // The second header leads into the first record.
    let raw = package(Style::Plain);
    let mut bytes = raw.bytes();
    let name = b"Assets/My%20Logo.png";
    let header = bytes.windows(name.len()).rposition(|w| w == name).unwrap() - 46;
    bytes[header + 42..header + 46].copy_from_slice(&0u32.to_le_bytes());
    assert!(refused(&bytes).contains("compressed size"));
    bytes[header + 42..header + 46].copy_from_slice(&40u32.to_le_bytes());
    assert!(refused(&bytes).contains("compressed size"));
    let beyond = bytes.len() as u32;
    bytes[header + 42..header + 46].copy_from_slice(&beyond.to_le_bytes());
    assert!(Package::read(&mut Cursor::new(&bytes)).is_err());
    let mut blurred = package(Style::Plain).bytes();
    blurred[0] = b'Q';
    assert!(refused(&blurred).contains("something else (App.exe)"));
}

#[test]
fn what_is_said_twice_is_said_the_same_way() {
    let mut renamed = package(Style::Plain);
    renamed.file("App.exe").local_name = Some("Bpp.exe".to_owned());
    assert!(first_fault(&renamed.bytes()).contains("file name"));
    let mut order = package(Style::MakeAppx);
    order.order = Some(vec![1, 0, 2, 3, 4, 5]);
    assert!(first_fault(&order.bytes()).contains("another order"));
    let mut missing = package(Style::MakeAppx);
    missing.order = Some(vec![0, 2, 3, 4, 5]);
    let fault = first_fault(&missing.bytes());
    assert!(fault.contains("behind the data"), "{fault}");
    let mut short = package(Style::MakeAppx);
    short.file("App.exe").descriptor = 12;
    assert!(first_fault(&short.bytes()).contains("data descriptor"));
    let raw = package(Style::Plain).bytes();
    for (field, at) in [
        ("version needed", 4),
        ("general purpose flags", 7),
        ("compression method", 8),
        ("last modification", 10),
        ("compressed size", 14),
    ] {
        let mut bytes = raw.clone();
        bytes[at] ^= 8;
        let fault = first_fault(&bytes);
        assert!(fault.contains(field), "{field}: {fault}");
    }
}

#[test]
fn counts_and_disks_of_the_end_record_are_checked() {
    for style in STYLES {
        let raw = package(style).bytes();
        let change = |at: usize, value: u8| {
            let mut bytes = raw.clone();
            let place = bytes.len() - at;
            bytes[place] = value;
            refused(&bytes)
        };
        assert!(change(18, 1).contains("several disks"));
        assert!(!change(14, 2).is_empty());
        assert!(!change(12, 2).is_empty());
        assert!(!change(10, 2).is_empty());
        assert!(!change(6, 2).is_empty());
        if style == Style::MakeAppx {
            // Zip64 record and locator, every byte of them.
            for at in 23..22 + 20 + 56 + 1 {
                let is_version = (22 + 20 + 56 - 15..=22 + 20 + 56 - 12).contains(&at);
                let mut bytes = raw.clone();
                let place = bytes.len() - at;
                bytes[place] ^= 0x10;
                let is_read = Package::read(&mut Cursor::new(&bytes)).is_ok();
                assert_eq!(is_read, is_version, "{at}");
            }
        }
    }
}

#[test]
fn foreign_features_are_refused_by_name() {
    let mut encrypted = package(Style::Plain);
    encrypted.file("App.exe").flags = 1;
    assert!(refused(&encrypted.bytes()).contains("an encrypted file (App.exe)"));
    let mut method = package(Style::Plain);
    method.file("App.exe").method = 12;
    assert!(refused(&method.bytes()).contains("compression method 12"));
    let mut masked = package(Style::Plain);
    masked.file("App.exe").flags = 1 << 13;
    assert!(refused(&masked.bytes()).contains("masked"));
}

#[test]
fn archives_that_are_no_packages_say_what_they_miss() {
    let without = |name: &str| {
        let mut package = package(Style::MakeAppx);
        package.files.retain(|file| file.name != name);
        refused(&package.bytes())
    };
    for name in [
        "[Content_Types].xml",
        "AppxBlockMap.xml",
        "AppxManifest.xml",
    ] {
        assert!(without(name).contains(&format!("no {name}")), "{name}");
    }
    let with = |name: &str, content: &str| {
        let mut package = package(Style::MakeAppx);
        package.files.retain(|file| file.name != name);
        package
            .files
            .push(RawFile::new(name, content, Style::MakeAppx));
        refused(&package.bytes())
    };
    let map = "AppxBlockMap.xml";
    assert!(with(map, "<BlockMap HashMethod='md5'/>").contains("found md5"));
    assert!(with(map, "<BlockMap>").contains("never closed"));
    assert!(with(map, "<!DOCTYPE x><BlockMap/>").contains("document type"));
    assert!(with(map, "<Other/>").contains("the root is Other"));
    let manifest = "AppxManifest.xml";
    assert!(with(manifest, "<Package/>").contains("none or several Identity"));
    assert!(
        with(manifest, "<Package><Identity Name='a'/></Package>").contains("without Publisher")
    );
    let bundle = "<Bundle><Identity Name='a' Publisher='CN=a'/></Bundle>";
    assert!(with(manifest, bundle).contains("other kind"));
    assert!(
        with("AppxMetadata/AppxBundleManifest.xml", bundle)
            .contains("of a package and of a bundle")
    );
    let types = "[Content_Types].xml";
    for (content, what) in [
        ("<Types/>", "no content type at all"),
        ("<a/>", "the root is a"),
        (
            "<Types><Override PartName='/appxsignature.p7x' ContentType='text/xml'/></Types>",
            "another type of the signature",
        ),
    ] {
        let mut package = package(Style::MakeAppx);
        package.file(types).content = content.into();
        let message = read(&package.bytes()).prepare().unwrap_err().to_string();
        assert!(message.contains(what), "{message}");
    }
    assert!(with("AppxSignature.p7x", "PKCY").contains("expected PKCX"));
}

/// Deflate of `size` zeros, a thousandth as long.
fn bomb(size: usize) -> Vec<u8> {
    let mut deflate = flate2::Compress::new(flate2::Compression::best(), false);
    let mut data = Vec::with_capacity(size / 500 + 100);
    let zeros = vec![0; size];
    let finish = flate2::FlushCompress::Finish;
    deflate.compress_vec(&zeros, &mut data, finish).unwrap();
    assert!(data.len() * 500 < size);
    data
}

#[test]
fn parts_that_expand_to_more_than_they_say_are_refused() {
    let data = bomb(64 << 20);
    for name in [
        "[Content_Types].xml",
        "AppxBlockMap.xml",
        "AppxManifest.xml",
    ] {
        for size in [100, MAX_PART, 64 << 20, u64::MAX] {
            let mut package = package(Style::MakeAppx);
            let file = package.file(name);
            file.data = Some(data.clone());
            file.size = Some(size);
            let message = refused(&package.bytes());
            let expected = match size > MAX_PART {
                true => "over the limit",
                false => "as the central directory states",
            };
            assert!(message.contains(expected), "{name} {size}: {message}");
        }
    }
}

#[test]
fn files_are_expanded_up_to_their_size_only() {
    for (data, size, what) in [
        (bomb(64 << 20), 1000, "at least 65536 bytes"),
        (stored_blocks(b"abc"), 4, "3 bytes"),
        (stored_blocks(b"abc")[..6].to_vec(), 3, "do not end"),
        (
            [stored_blocks(b"abc"), vec![0]].concat(),
            3,
            "1 bytes behind",
        ),
        (vec![7, 7, 7], 3, "cannot be expanded"),
    ] {
        let mut package = package(Style::MakeAppx);
        let file = package.file("Assets/My%20Logo.png");
        file.content = b"abc".to_vec();
        file.data = Some(data);
        file.size = Some(size);
        let bytes = package.bytes();
        let package = read(&bytes);
        let file = package.files().nth(1).unwrap();
        let mut given = 0;
        let error = file
            .each_block(&mut Cursor::new(&bytes), |block| given += block.len())
            .unwrap_err();
        assert!(error.to_string().contains(what), "{what}: {error}");
        assert!(given as u64 <= size);
    }
    let mut package = package(Style::MakeAppx);
    package.file("App.exe").crc_32 = Some(1);
    let bytes = package.bytes();
    let package = read(&bytes);
    let file = package.files().next().unwrap();
    let error = file.each_block(&mut Cursor::new(&bytes), |_| ());
    assert!(error.unwrap_err().to_string().contains("CRC-32"));
}

#[test]
fn sizes_that_lie_cost_nothing() {
    // An end record that claims a central directory of 4 GiB, of all the file, of too much.
    let raw = package(Style::Plain).bytes();
    for (size, offset) in [
        (u32::MAX - 1, 0),
        (0, raw.len() as u32 - 22),
        (raw.len() as u32 - 22, 0),
        (0xFFFF_FFF0, 0x20),
    ] {
        let mut bytes = raw.clone();
        let at = bytes.len() - 10;
        bytes[at..at + 4].copy_from_slice(&size.to_le_bytes());
        bytes[at + 4..at + 8].copy_from_slice(&offset.to_le_bytes());
        assert!(Package::read(&mut Cursor::new(&bytes)).is_err());
    }
    let mut large = vec![0; MAX_CENTRAL_DIRECTORY as usize + 1];
    large[..4].copy_from_slice(b"PK\x03\x04");
    large.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    large.extend((MAX_CENTRAL_DIRECTORY as u32 + 1).to_le_bytes());
    large.extend([0; 6]);
    assert!(refused(&large).contains("over the limit"));
}

/// Extra fields that claim more than is there, and zip64 fields that hold too much, too little, or come twice.
#[test]
fn extra_fields_are_bounded() {
    for (extra, what) in [
        (&[9, 0, 9, 0, 1][..], "needs 9 bytes"),
        (&[9][..], "needs 2 bytes"),
        (
            &[1, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0][..],
            "0 values of 8 bytes",
        ),
        (&[1, 0, 0, 0, 1, 0, 0, 0][..], "found two"),
    ] {
        let mut package = package(Style::Plain);
        package.file("App.exe").extra = extra.to_vec();
        let message = refused(&package.bytes());
        assert!(message.contains(what), "{what}: {message}");
    }
    let mut unknown = package(Style::Plain);
    unknown.file("App.exe").extra = vec![0x55, 0x54, 1, 0, 7];
    assert_eq!(read(&unknown.bytes()).canonical_faults(), []);
}

#[test]
fn a_cut_or_changed_package_is_read_or_refused_without_harm() {
    for style in STYLES {
        let bytes = signed(&RawPackage::tiny(PUBLISHER, style, SHA_256).bytes());
        for length in 0..bytes.len() {
            assert!(Package::read(&mut Cursor::new(&bytes[..length])).is_err());
        }
        for at in 0..bytes.len() {
            for value in [0x00, 0x01, 0x7F, 0x80, 0xFF] {
                let mut changed = bytes.clone();
                changed[at] = value;
                let mut input = Cursor::new(&changed);
                if let Ok(package) = Package::read(&mut input) {
                    package.prepare().ok();
                    package.remove_signature().ok();
                    package.digest_parts();
                    for file in package.files() {
                        file.each_block(&mut input, |_| ()).ok();
                    }
                }
            }
        }
    }
}
