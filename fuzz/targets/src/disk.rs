//! Partition tables: GPT with its backup, MBR with its chain of extended records.

use std::io::{Cursor, Read};

use formats::disk::{Part, PartitionTable};

use crate::bytes::sparse;

/// Most partitions that a table may be read to have: the entries of a GPT that are read.
const MOST: usize = 8192;

pub(crate) fn run(input: &[u8]) {
    let disk = sparse(input);
    for sector in [512, 4096] {
        let Ok(mut table) = PartitionTable::read(&mut Cursor::new(&disk), sector) else {
            continue;
        };
        assert!(table.partitions.len() <= MOST, "a table has an end");
        table.name_in_order(&["EFIESP", "MainOS", "Data"]);
        for partition in &table.partitions {
            let mut bytes = Vec::new();
            Part::new(Cursor::new(&disk), partition)
                .take(1 << 16)
                .read_to_end(&mut bytes)
                .expect("a partition is read up to the end of its disk");
            assert!(bytes.len() as u64 <= partition.length);
        }
    }
}
