//! Every shape of cabinet that a signer meets.

use crate::support::{Raw, RawFolder, corpus, noise};

/// Names and bytes of cabinets that can be signed. Each must come back byte for byte when the signature goes.
pub(crate) fn all() -> Vec<(String, Vec<u8>)> {
    let mut shapes: Vec<(String, Vec<u8>)> = made()
        .into_iter()
        .map(|(name, raw)| (name.to_owned(), raw.bytes()))
        .collect();
    for name in [
        "dummy.cab",
        "sample1.cab",
        "sample2-disk1.cab",
        "sample2-disk2.cab",
        "sample3.cab",
        "sample4.cab",
        "unsigned.ex_",
    ] {
        if let Some(bytes) = corpus(name) {
            shapes.push((name.to_owned(), bytes));
        }
    }
    shapes
}

fn made() -> Vec<(&'static str, Raw)> {
    let plain = Raw::stored(&[("a.txt", b"hello"), (r"b\c.bin", &noise(70_000, 1))]);
    let with = |change: &dyn Fn(&mut Raw)| {
        let mut raw = plain.clone();
        change(&mut raw);
        raw
    };
    let two_folders = |raw: &mut Raw| {
        raw.folders.push(RawFolder {
            reserve: b"second".to_vec(),
            blocks: vec![(b"more".to_vec(), 4)],
            ..RawFolder::default()
        });
    };
    vec![
        ("plain", plain.clone()),
        ("two folders", with(&two_folders)),
        (
            "reserve of 6144",
            with(&|raw| raw.reserve = Some((vec![0; 6144], 0, 0))),
        ),
        (
            "folder reserve",
            with(&|raw| {
                two_folders(raw);
                raw.reserve = Some((Vec::new(), 128, 0));
            }),
        ),
        (
            "data reserve",
            with(&|raw| raw.reserve = Some((Vec::new(), 0, 7))),
        ),
        (
            "all reserves",
            with(&|raw| raw.reserve = Some((vec![0; 300], 3, 5))),
        ),
        (
            "first of a set",
            with(&|raw| {
                raw.set_id = 1815;
                raw.next = Some(("disk2.cab", "Disk 2"));
            }),
        ),
        (
            "second of a set",
            with(&|raw| {
                raw.set_id = 1815;
                raw.i_cabinet = 1;
                raw.prev = Some(("disk1.cab", "Disk 1"));
                raw.next = Some(("disk3.cab", "Disk 3"));
            }),
        ),
    ]
}
