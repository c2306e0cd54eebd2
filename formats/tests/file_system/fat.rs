//! FAT, beside mtools.

use crate::shell::shell;
use crate::support::{content, everything, on_disk, open, survive};

const TREE: &str = "mkdir -p tree/EFI/Microsoft/Boot tree/many
    seq 1 30000 > tree/EFI/Microsoft/Boot/BCD
    : > tree/empty
    printf x > 'tree/A rather long name, ÜÄ.txt'
    printf y > tree/lower.txt
    for i in $(seq 1 90); do printf '%s' $i > \"tree/many/another long name, number $i\"; done";

/// A volume of so many bytes with the tree, and the tree.
fn volume(options: &str, size: &str) -> Option<(tempfile::TempDir, Vec<u8>)> {
    let folder = tempfile::tempdir().unwrap();
    let script = format!(
        "{TREE}
        truncate -s {size} volume
        mkfs.fat {options} -n VOLUME volume >/dev/null
        mcopy -s -i volume tree/* ::/
        mdel -i volume ::/lower.txt
        mcopy -i volume tree/lower.txt ::/"
    );
    shell(folder.path(), &script)?;
    let bytes = std::fs::read(folder.path().join("volume")).unwrap();
    Some((folder, bytes))
}

#[test]
fn the_three_widths_are_read() {
    for (options, size) in [
        ("-F 12 -s 8", "8M"),
        ("-F 16 -s 1", "8M"),
        ("-F 32 -s 1", "40M"),
    ] {
        let Some((folder, volume)) = volume(options, size) else {
            return;
        };
        let expected = on_disk(&folder.path().join("tree"));
        assert_eq!(expected.len(), 94);
        assert!(everything(&volume) == expected, "{options}");
        let upper = content(&volume, "efi\\MICROSOFT/boot\\bcd").unwrap();
        let theirs = shell(folder.path(), "mtype -i volume ::/EFI/Microsoft/Boot/BCD").unwrap();
        assert!(upper == theirs, "{options}");
        assert_eq!(
            content(&volume, "a RATHER long name, üä.txt").unwrap(),
            b"x"
        );
        assert!(open(&volume).find("EFI\\nothing").unwrap().is_none());
        assert!(open(&volume).find("empty\\x").is_err());
    }
}

#[test]
fn chains_that_lie_are_errors() {
    let Some((_folder, volume)) = volume("-F 16 -s 1", "8M") else {
        return;
    };
    let table = u16::from_le_bytes([volume[14], volume[15]]) as usize * 512;
    let boot = "EFI/Microsoft/Boot/BCD";
    let good = content(&volume, boot).unwrap();
    let chained = |value: Option<u16>| {
        let mut changed = volume.clone();
        // Somewhere in the long chain of the file, whose clusters follow each other.
        let entry = (10..2000).find(|i| {
            (0..300).all(|k| {
                let at = table + 2 * (i + k);
                u16::from_le_bytes([volume[at], volume[at + 1]]) as usize == i + k + 1
            })
        });
        let entry = entry.unwrap();
        let at = table + 2 * (entry + 40);
        let value = value.unwrap_or(entry as u16 + 5);
        changed[at..at + 2].copy_from_slice(&value.to_le_bytes());
        content(&changed, boot)
    };
    assert!(good.len() > 160_000);
    assert!(
        chained(Some(0xffff))
            .unwrap_err()
            .contains("expected the file's")
    );
    assert!(chained(Some(0)).unwrap_err().contains("found cluster 0"));
    assert!(
        chained(Some(0xfff0))
            .unwrap_err()
            .contains("found cluster 65520")
    );
    let back = chained(None).unwrap_err();
    assert!(
        back.contains("clusters twice") || back.contains("without end"),
        "{back}"
    );
}

#[test]
fn cut_and_flipped_volumes_are_survived() {
    let Some((_folder, volume)) = volume("-F 12 -s 8", "2M") else {
        return;
    };
    assert!(survive(&volume) > 100_000);
    for length in (0..1024).chain((1024..volume.len()).step_by(50_021)) {
        survive(&volume[..length]);
    }
    let mut changed = volume.clone();
    for position in (0..512).chain((512..40_000).step_by(37)) {
        let bit = 1 << (position % 8);
        changed[position] ^= bit;
        survive(&changed);
        changed[position] ^= bit;
    }
}
