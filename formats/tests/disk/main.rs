//! Partition tables: those that sgdisk and sfdisk make, and damaged ones.

use std::io::{Cursor, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use formats::disk::{Part, PartitionTable, PartitionType, Scheme};
use formats::guid::Guid;

const ESP: &str = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B";
const DATA: &str = "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7";
const LENGTH: u64 = 8 << 20;

/// Runs a tool over an empty disk; `None` where it is missing and the user said that this is allowed.
fn made_by(tool: &str, arguments: &[&str], script: &str) -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk.img");
    std::fs::File::create(&disk)
        .unwrap()
        .set_len(LENGTH)
        .unwrap();
    let place = ["/usr/sbin", "/sbin"].map(|f| Path::new(f).join(tool));
    let program = place
        .iter()
        .find(|p| p.exists())
        .map_or(Path::new(tool), |p| p);
    let mut command = Command::new(program);
    command.args(arguments).arg(&disk).stdin(Stdio::piped());
    let mut child = match command.stdout(Stdio::null()).spawn() {
        Ok(child) => child,
        Err(error) if std::env::var_os("PROOFMARK_SKIP_ORACLES").is_some_and(|v| v == "1") => {
            println!("skipped: {tool}: {error}");
            return None;
        }
        Err(error) => panic!("{tool}: {error}; ./test installs it"),
    };
    child
        .stdin
        .take()
        .unwrap()
        .write_all(script.as_bytes())
        .unwrap();
    assert!(child.wait().unwrap().success(), "{tool}");
    Some(std::fs::read(&disk).unwrap())
}

fn gpt() -> Option<Vec<u8>> {
    let esp = format!("1:{ESP}");
    let data = format!("3:{DATA}");
    let arguments = [
        "-o",
        "-a",
        "8",
        "-n",
        "1:64:+1M",
        "-t",
        &esp,
        "-c",
        "1:EFIESP",
        "-n",
        "3:4096:+2M",
        "-t",
        &data,
        "-c",
        "3:MainOS",
    ];
    made_by("sgdisk", &arguments, "")
}

fn mbr() -> Option<Vec<u8>> {
    let script = "label: dos\nunit: sectors\n\
        1: start=64, size=1000, type=0c\n2: start=1100, size=500, type=7\n\
        4: start=2048, size=12000, type=f\n5: start=2112, size=1000, type=7\n6: start=4096, size=800, type=4d\n";
    made_by("sfdisk", &["--quiet", "--no-reread"], script)
}

fn read(disk: &[u8]) -> PartitionTable {
    PartitionTable::read(&mut Cursor::new(disk), 512).unwrap()
}

#[test]
fn what_sgdisk_writes_is_read() {
    let Some(disk) = gpt() else { return };
    let table = read(&disk);
    assert_eq!(
        (table.scheme, table.faults.as_slice()),
        (Scheme::Gpt, [].as_slice())
    );
    let found: Vec<_> = table
        .partitions
        .iter()
        .map(|p| (p.number, p.name.as_str(), p.start, p.length))
        .collect();
    assert_eq!(
        found,
        [
            (1, "EFIESP", 64 * 512, 1 << 20),
            (3, "MainOS", 4096 * 512, 2 << 20)
        ]
    );
    let kind = |text| PartitionType::Gpt(Guid::parse(text).unwrap());
    assert_eq!(table.partitions[0].kind, kind(ESP));
    assert_eq!(table.partitions[1].kind, kind(DATA));
}

#[test]
fn what_sfdisk_writes_is_read_and_named_in_order() {
    let Some(disk) = mbr() else { return };
    let mut table = read(&disk);
    assert_eq!(
        (table.scheme, table.faults.as_slice()),
        (Scheme::Mbr, [].as_slice())
    );
    let found: Vec<_> = table
        .partitions
        .iter()
        .map(|p| (p.number, p.kind, p.start / 512, p.length / 512))
        .collect();
    let expected = [
        (1, 0x0c, 64, 1000),
        (2, 7, 1100, 500),
        (5, 7, 2112, 1000),
        (6, 0x4d, 4096, 800),
    ];
    assert_eq!(
        found,
        expected.map(|(number, kind, start, count)| (
            number,
            PartitionType::Mbr(kind),
            start,
            count
        ))
    );
    table.name_in_order(&["EFIESP", "MainOS", "Data", "BOOT"]);
    let names: Vec<_> = table.partitions.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(
        (names.as_slice(), table.faults.len()),
        (["EFIESP", "MainOS", "Data", "BOOT"].as_slice(), 0)
    );
    let mut table = read(&disk);
    table.name_in_order(&["EFIESP", "MainOS"]);
    assert!(table.partitions.iter().all(|p| p.name.is_empty()));
    assert!(
        table.faults[0]
            .to_string()
            .contains("4 partitions, expected 2, which the manifest names")
    );
}

#[test]
fn a_part_is_its_bytes_and_no_more() {
    let Some(mut disk) = mbr() else { return };
    let table = read(&disk);
    let second = &table.partitions[1];
    let range = second.start as usize..(second.start + second.length) as usize;
    disk[range.clone()].fill(7);
    let mut found = Vec::new();
    Part::new(Cursor::new(&disk), second)
        .read_to_end(&mut found)
        .unwrap();
    assert!(found == disk[range]);
}

#[test]
fn damage_of_a_gpt_is_a_fault_and_the_backup_helps() {
    let Some(disk) = gpt() else { return };
    let fault = |change: &dyn Fn(&mut Vec<u8>)| -> String {
        let mut changed = disk.clone();
        change(&mut changed);
        let table = read(&changed);
        assert_eq!(table.partitions.len(), 2);
        let text: Vec<_> = table.faults.iter().map(ToString::to_string).collect();
        text.join("\n")
    };
    assert!(fault(&|d| d[512 + 57] ^= 1).contains("GPT_HEADER.HeaderCRC32 at offset 528"));
    assert!(
        fault(&|d| d[1024 + 60] ^= 1).contains("GPT_HEADER.PartitionEntryArrayCRC32 at offset 600")
    );
    assert!(fault(&|d| d[512] = 0).contains("GPT_HEADER.Signature at offset 512"));
    assert!(fault(&|d| d[450] = 7).contains("MBR.OSType at offset 450"));
    assert!(fault(&|d| d[510] = 0).contains("MBR.Signature at offset 510"));
    let last = disk.len() - 512;
    assert!(fault(&|d| d[last] = 0).contains(&format!("GPT_HEADER.Signature at offset {last}")));
    assert!(fault(&|d| d.truncate(last)).contains("GPT_HEADER.AlternateLBA at offset 544"));
    let overlap = fault(&|d| d[1024 + 256 + 32..][..8].copy_from_slice(&70_u64.to_le_bytes()));
    assert!(
        overlap.contains("partition 3 from byte 35840, expected a start behind partition 1"),
        "{overlap}"
    );
    let mut neither = disk.clone();
    neither[512] = 0;
    neither[last] = 0;
    assert!(PartitionTable::read(&mut Cursor::new(&neither), 512).is_err());
}

#[test]
fn a_chain_that_bites_its_tail_ends() {
    let Some(mut disk) = mbr() else { return };
    // The second slot of the second record leads to the first.
    let record = disk[2048 * 512 + 446 + 16 + 8..][..4].try_into().unwrap();
    let second = (2048 + u32::from_le_bytes(record) as usize) * 512;
    disk[second + 446 + 16 + 4] = 5;
    let table = read(&disk);
    assert_eq!(table.partitions.len(), 4);
    assert!(
        table.faults[0]
            .to_string()
            .contains("EBR.chain at offset 1048576"),
        "{:?}",
        table.faults
    );
    disk[second + 511] = 0;
    assert!(read(&disk).faults[0].to_string().contains("EBR.Signature"));
}

#[test]
fn cut_and_flipped_tables_are_survived() {
    let (Some(gpt), Some(mbr)) = (gpt(), mbr()) else {
        return;
    };
    for disk in [&gpt, &mbr] {
        for length in (0..4096).chain((4096..2 << 20).step_by(65_521)) {
            PartitionTable::read(&mut Cursor::new(&disk[..length]), 512).ok();
        }
        let mut noticed = 0;
        let whole = read(disk);
        let mut changed = Cursor::new(disk.clone());
        for position in (440..2048).chain(2048 * 512 + 446..2049 * 512) {
            for bit in 0..8 {
                changed.get_mut()[position] ^= 1 << bit;
                let table = PartitionTable::read(&mut changed, 512);
                noticed += u32::from(table.is_err() || table.is_ok_and(|t| t != whole));
                changed.get_mut()[position] ^= 1 << bit;
            }
        }
        assert!(noticed > 400, "{noticed}");
    }
    // Of a GPT every bit of header and entries is noticed.
    let mut changed = gpt.clone();
    for position in 512..604 {
        changed[position] ^= 1;
        assert!(!read(&changed).faults.is_empty(), "{position}");
        changed[position] ^= 1;
    }
}
