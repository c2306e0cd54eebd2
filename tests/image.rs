//! `proofmark image`: full flash updates made, signed, verified and damaged.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{folder, oracle, pem_files, proofmark, testcert};

#[path = "../formats/tests/tools/ffu_v2.rs"]
mod ffu_v2;

const TIME: &str = "--time 2026-01-01";

/// A folder with `disk.img` and its unsigned `image.ffu` in small chunks.
fn image(folder: &Path) {
    let mut disk = vec![0_u8; 300_000];
    for (i, byte) in disk.iter_mut().enumerate() {
        if !(60_000..200_000).contains(&i) {
            *byte = (i % 251) as u8;
        }
    }
    fs::write(folder.join("disk.img"), disk).unwrap();
    let create = "image create --out image.ffu --platform-id Contoso.Kiosk.One --block-size 4096";
    proofmark(folder, &format!("{create} {TIME} disk.img")).ended(0);
}

fn verification(folder: &Path, arguments: &str, code: i32) -> Value {
    let run = proofmark(folder, &format!("image verify --format json {arguments}")).ended(code);
    serde_json::from_str(&run.stdout).unwrap()
}

#[test]
fn signing_changes_no_chunk_and_verifies() {
    let folder = folder();
    let path = folder.path();
    image(path);
    let unsigned = verification(path, "image.ffu", 1);
    assert_eq!(
        (&unsigned["intact"], &unsigned["accepted"]),
        (&true.into(), &false.into())
    );
    verification(path, "--unsigned image.ffu", 0);
    proofmark(path, "image sign --profile test --out signed.ffu image.ffu").ended(0);
    let found = verification(path, "--require test signed.ffu", 0);
    assert_eq!(found["accepted"], true);
    assert_eq!(found["hash_table_algorithm"], "SHA-1");
    assert_eq!(found["catalog"]["class"], "own-test");
    verification(path, "--require retail signed.ffu", 1);
    let show = |name: &str| -> Value {
        let run = proofmark(path, &format!("image show --format json {name}")).ended(0);
        serde_json::from_str(&run.stdout).unwrap()
    };
    assert_eq!(show("image.ffu")["chunks"], show("signed.ffu")["chunks"]);
    assert_eq!(
        show("signed.ffu")["stores"][0]["platform_ids"][0],
        "Contoso.Kiosk.One"
    );
    let bytes = |name: &str| fs::read(path.join(name)).unwrap();
    let payload = |name: &str| {
        let record = show(name);
        let offset = record["stores"][0]["payload"]["offset"].as_u64().unwrap();
        bytes(name)[offset as usize..].to_vec()
    };
    assert!(payload("image.ffu") == payload("signed.ffu"));
    proofmark(path, "image sign --profile test --in-place signed.ffu").ended(0);
    verification(path, "--require test signed.ffu", 0);
}

#[test]
fn osslsigncode_verifies_the_extracted_catalog_and_signs_it() {
    let folder = folder();
    let path = folder.path();
    image(path);
    if pem_files(path, "oem").is_none() {
        return;
    }
    proofmark(path, "image sign --profile test --out signed.ffu image.ffu").ended(0);
    proofmark(path, "image extract-catalog --out signed.cat signed.ffu").ended(0);
    let verify = "osslsigncode verify -ignore-crl -CAfile ca.pem -in signed.cat";
    let Some(run) = oracle(path, verify) else {
        return;
    };
    run.ended(0);
    proofmark(path, "image extract-catalog --out unsigned.cat image.ffu").ended(0);
    let sign = "osslsigncode sign -certs chain.pem -key key.pem -in unsigned.cat -out theirs.cat";
    oracle(path, sign).unwrap().ended(0);
    proofmark(
        path,
        "image sign --catalog theirs.cat --out theirs.ffu image.ffu",
    )
    .ended(0);
    verification(path, "--require test theirs.ffu", 0);
    let run = proofmark(
        path,
        "image sign --catalog unsigned.cat --out x.ffu image.ffu",
    )
    .ended(2);
    assert!(
        run.stderr.contains("the catalog is not signed"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_flipped_bit_anywhere_is_noticed() {
    let folder = folder();
    let path = folder.path();
    image(path);
    proofmark(path, "image sign --profile test --out signed.ffu image.ffu").ended(0);
    let bytes = fs::read(path.join("signed.ffu")).unwrap();
    // A prime step visits every part: headers, catalog, table, padding, manifest, store, payload.
    for position in (0..bytes.len()).step_by(1201).chain(0..32) {
        let mut changed = bytes.clone();
        changed[position] ^= 1 << (position % 8);
        fs::write(path.join("changed.ffu"), changed).unwrap();
        let run = proofmark(path, "image verify changed.ffu");
        assert!(
            matches!(run.code, Some(1 | 2)),
            "offset {position}: {}",
            run.stdout
        );
    }
}

#[test]
fn a_change_is_refused_until_the_table_is_made_anew() {
    let folder = folder();
    let path = folder.path();
    image(path);
    let mut bytes = fs::read(path.join("image.ffu")).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(path.join("image.ffu"), &bytes).unwrap();
    let found = verification(path, "--unsigned image.ffu", 1);
    assert_eq!(found["bad_chunks"], 1);
    let run = proofmark(path, "image sign --profile test --in-place image.ffu").ended(2);
    assert!(
        run.stderr.contains("image hash makes the table anew"),
        "{}",
        run.stderr
    );
    assert!(
        fs::read(path.join("image.ffu")).unwrap() == bytes,
        "it is as it was"
    );
    let run = proofmark(path, &format!("image hash --in-place {TIME} image.ffu")).ended(0);
    assert!(run.stdout.contains("(1 of "), "{}", run.stdout);
    proofmark(path, "image sign --profile test --in-place image.ffu").ended(0);
    verification(path, "--require test image.ffu", 0);
}

#[test]
fn other_files_are_told_apart() {
    let folder = folder();
    let path = folder.path();
    image(path);
    let run = proofmark(path, "verify image.ffu").ended(1);
    assert!(run.stdout.contains("proofmark image"), "{}", run.stdout);
    let bytes = fs::read(path.join("image.ffu")).unwrap();
    fs::write(path.join("cut.ffu"), &bytes[..5000]).unwrap();
    for (name, problem) in [
        ("plain.cab", "SignedImage"),
        ("disk.img", "hint: image create makes"),
        ("cut.ffu", "hint: it ends too early"),
        (".", "a folder; a full flash update"),
        ("nothing.ffu", "No such file"),
    ] {
        let run = proofmark(path, &format!("image show {name}")).ended(2);
        assert!(run.stderr.contains(problem), "{}", run.stderr);
    }
    let retail = format!(
        "image sign --profile retail --pfx {} --out x.ffu image.ffu",
        testcert("oem.pfx").display()
    );
    let run = proofmark(path, &retail).ended(2);
    assert!(run.stderr.contains("refused"), "{}", run.stderr);
    assert!(!path.join("x.ffu").exists());
}

/// Partitions with FAT and NTFS that public tools make, in an image: `image.ffu`. `label` is `gpt` or `dos`.
fn image_with_files(folder: &Path, label: &str) -> Option<()> {
    let script = "mkdir -p tree/Windows/System32 && seq 1 9000 > tree/Windows/System32/ntoskrnl.exe
        truncate -s 4M esp && mkfs.fat -F 16 -s 1 esp >/dev/null && seq 1 5000 > BCD
        mmd -i esp ::/EFI && mcopy -i esp BCD ::/EFI/
        truncate -s 8M main && mkntfs -F -Q -q -c 4096 -s 512 -p 0 -H 0 -S 0 main >/dev/null
        wimcapture tree tree.wim --compress=none --no-acls >/dev/null && wimapply tree.wim 1 main >/dev/null
        truncate -s 16M inside.img && sfdisk --quiet --no-reread inside.img < table
        dd if=esp of=inside.img bs=512 seek=2048 conv=notrunc status=none
        dd if=main of=inside.img bs=512 seek=12288 conv=notrunc status=none";
    let (first, second) = match label {
        "gpt" => (
            "U, name=EFIESP",
            "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7, name=MainOS",
        ),
        _ => ("c", "7"),
    };
    let table = format!(
        "label: {label}\nunit: sectors\nstart=2048, size=8192, type={first}\n\
         start=12288, size=16384, type={second}\n"
    );
    fs::write(folder.join("table"), table).unwrap();
    fs::write(
        folder.join("make"),
        format!("set -e\nPATH=$PATH:/usr/sbin:/sbin\n{script}\n"),
    )
    .unwrap();
    let run = oracle(folder, "sh make")?;
    if run.code == Some(127) && std::env::var_os("PROOFMARK_SKIP_ORACLES").is_some() {
        println!("skipped: {}", run.stderr);
        return None;
    }
    run.ended(0);
    let manifest = "[FullFlash]\r\nVersion = 2.0\r\nDevicePlatformId0 = A.B.C\r\n[Store]\r\nSectorSize = 512\r\n\
        MinSectorCount = 32768\r\n[Partition]\r\nName = EFIESP\r\n[Partition]\r\nName = MainOS\r\n";
    fs::write(folder.join("manifest"), manifest).unwrap();
    let create = "image create --out image.ffu --platform-id A.B.C --manifest manifest";
    proofmark(folder, &format!("{create} {TIME} inside.img")).ended(0);
    Some(())
}

#[test]
fn files_inside_are_listed_and_written() {
    for label in ["gpt", "dos"] {
        let folder = folder();
        let path = folder.path();
        if image_with_files(path, label).is_none() {
            return;
        }
        let run = proofmark(path, "image ls --format json image.ffu").ended(0);
        let found: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(found["partitions"][0]["name"], "EFIESP");
        assert_eq!(found["partitions"][1]["name"], "MainOS");
        assert_eq!(found["partitions"][1]["start"], 12288 * 512);
        assert_eq!(found["partitions"][0]["file_system"], "FAT");
        assert_eq!(found["partitions"][1]["file_system"], "NTFS");
        let list = "image ls --format json image.ffu mainos:windows\\SYSTEM32";
        let found: Value = serde_json::from_str(&proofmark(path, list).ended(0).stdout).unwrap();
        assert_eq!(found["file_system"], "NTFS");
        assert_eq!(found["entries"][0]["name"], "ntoskrnl.exe");
        let run = proofmark(path, "image ls image.ffu EFIESP").ended(0);
        assert_eq!(run.stdout, "     directory  EFI\\\n");
        let run = proofmark(path, "image cat image.ffu EFIESP:efi/bcd").ended(0);
        assert!(run.stdout == fs::read_to_string(path.join("BCD")).unwrap());
        let cat = "image cat --out kernel image.ffu 2:Windows/System32/ntoskrnl.exe";
        proofmark(path, cat).ended(0);
        let expected = fs::read(path.join("tree/Windows/System32/ntoskrnl.exe")).unwrap();
        assert!(fs::read(path.join("kernel")).unwrap() == expected);
        for (target, problem) in [
            (
                "Main:x",
                "it has no partition Main\n  hint: it has EFIESP, MainOS",
            ),
            ("MainOS:Windows/x", "Windows/x: is not there"),
            ("MainOS:Windows", "Windows: is a directory"),
            ("MainOS", "a partition is named and no file in it"),
        ] {
            let run = proofmark(path, &format!("image cat image.ffu {target}")).ended(2);
            assert!(run.stderr.contains(problem), "{}", run.stderr);
        }
    }
}

/// A store may be a disk without partitions, such as firmware: the others are listed, and it is said.
#[test]
fn a_store_without_a_table_hides_no_other() {
    let folder = folder();
    let path = folder.path();
    if image_with_files(path, "gpt").is_none() {
        return;
    }
    let disk = fs::read(path.join("inside.img")).unwrap();
    let manifest = "[FullFlash]\r\nVersion = 2.0\r\nDevicePlatformId0 = A.B.C\r\n[Store]\r\nSectorSize = 512\r\n\
        MinSectorCount = 32768\r\n[Store]\r\nSectorSize = 512\r\nMinSectorCount = 256\r\n";
    let write = |name: &str, disks: &[Vec<u8>]| {
        let image = ffu_v2::version_2(131_072, manifest, disks, &|_| [0; 32]);
        fs::write(path.join(name), image).unwrap();
    };
    write("both.ffu", &[disk, vec![1; 131_072]]);
    let run = proofmark(path, "image ls both.ffu").ended(1);
    assert!(run.stdout.contains("MainOS"), "{}", run.stdout);
    let said = "contradiction: the disk of store 2: MBR.BootIndicator at offset 446";
    assert!(run.stdout.contains(said), "{}", run.stdout);
    let run = proofmark(
        path,
        "image cat both.ffu MainOS:Windows/System32/ntoskrnl.exe",
    )
    .ended(0);
    assert!(run.stdout.starts_with("1\n2\n3\n"));
    write("none.ffu", &[vec![1; 131_072], vec![2; 131_072]]);
    let run = proofmark(path, "image ls none.ffu").ended(2);
    assert!(run.stderr.contains("the disk of store 1"), "{}", run.stderr);
}

/// What hides its files is said by name, where partitions are listed and where one is opened.
#[test]
fn bitlocker_and_storage_spaces_are_said() {
    let folder = folder();
    let path = folder.path();
    if image_with_files(path, "gpt").is_none() {
        return;
    }
    let mut disk = fs::read(path.join("inside.img")).unwrap();
    disk[2048 * 512 + 3..][..8].copy_from_slice(b"-FVE-FS-");
    fs::write(path.join("inside.img"), &disk).unwrap();
    let pool = "sgdisk -t 2:E75CAF8F-F680-4CEE-AFA3-B001E56EFC2D inside.img";
    fs::write(
        path.join("pool"),
        format!("PATH=$PATH:/usr/sbin:/sbin\n{pool}\n"),
    )
    .unwrap();
    oracle(path, "sh pool").unwrap().ended(0);
    let create = "image create --out image.ffu --platform-id A.B.C --manifest manifest";
    proofmark(path, &format!("{create} {TIME} inside.img")).ended(0);
    let run = proofmark(path, "image ls image.ffu").ended(0);
    let kinds: Vec<&str> = run
        .stdout
        .lines()
        .filter_map(|line| line.rsplit("  ").next())
        .collect();
    assert_eq!(kinds, ["BitLocker", "Storage Spaces"], "{}", run.stdout);
    for (partition, problem) in [
        ("EFIESP", "a volume with BitLocker is not supported"),
        ("MainOS", "Storage Spaces are not supported"),
    ] {
        let run = proofmark(path, &format!("image ls image.ffu {partition}")).ended(2);
        assert!(run.stderr.contains(problem), "{}", run.stderr);
    }
}
