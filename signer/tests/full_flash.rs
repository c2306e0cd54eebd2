//! Full flash updates: signed, verified, and damaged in every byte.

use std::io::Cursor;
use std::num::NonZeroUsize;

use formats::container::ffu::{FullFlashUpdate, Layout, build};
use signer::anchor::Anchors;
use signer::digest::DigestAlgorithm;
use signer::full_flash::{catalog_of, verify_full_flash};
use signer::verify::VerifyOptions;

use crate::support::{identity, now, signed};

/// A signed update in chunks of 1 KiB.
fn update() -> Vec<u8> {
    let layout = Layout {
        block_size: 1024,
        platform_ids: vec!["Contoso.Kiosk.One".to_owned()],
        manifest: "[FullFlash]\r\nDevicePlatformId0 = Contoso.Kiosk.One\r\n".to_owned(),
    };
    let hash = |bytes: &[u8]| DigestAlgorithm::Sha256.of(bytes).try_into().unwrap();
    let catalog = |table: &[u8]| Ok(catalog_of(table, now()).unwrap());
    let mut disk = Cursor::new((0..2048_u32).map(|i| i as u8 | 1).collect::<Vec<u8>>());
    let mut output = Cursor::new(Vec::new());
    build(&mut disk, &layout, &hash, &catalog, &mut output).unwrap();
    let unsigned = output.into_inner();
    let update = FullFlashUpdate::read(&mut Cursor::new(&unsigned)).unwrap();
    let catalog = signed(update.catalog(), &identity("oem"));
    let patch = update
        .replace_security(&catalog, update.hash_table())
        .unwrap();
    let mut output = Vec::new();
    patch
        .apply(&mut Cursor::new(&unsigned), &mut output)
        .unwrap();
    output
}

/// Whether the update is intact, with every signature holding.
fn holds(bytes: &[u8]) -> bool {
    let Ok(update) = FullFlashUpdate::read(&mut Cursor::new(bytes)) else {
        return false;
    };
    let anchors = Anchors::built_in();
    let options = VerifyOptions {
        at: now(),
        anchors: &anchors,
    };
    let open = || Ok(Cursor::new(bytes));
    let found = verify_full_flash(&update, &open, NonZeroUsize::MIN, &|_| (), options).unwrap();
    found.holds()
}

#[test]
fn a_flipped_bit_in_any_byte_is_noticed() {
    let bytes = update();
    assert!(holds(&bytes));
    let mut changed = bytes.clone();
    let mut unnoticed = Vec::new();
    for position in 0..bytes.len() {
        changed[position] ^= 1 << (position % 8);
        if holds(&changed) {
            unnoticed.push(position);
        }
        changed[position] = bytes[position];
    }
    assert_eq!(unnoticed, [0; 0]);
    assert!(!holds(&bytes[..bytes.len() - 1]));
    assert!(!holds(&[bytes.as_slice(), &[0; 1024]].concat()));
}
