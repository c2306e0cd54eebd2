//! The three reserve sizes at bytes 36 to 40, which no digest covers: they must fit what the digest does cover.

use std::io::{Read, Seek};

use super::directory::Folder;
use super::header::Header;
use super::input::Input;
use crate::cursor::Cursor;
use crate::error::ParseError;

/// Bytes of a CFFOLDER without its reserve.
const CFFOLDER: u64 = 8;
/// Bytes of a CFDATA without its reserve and data.
const CFDATA: u64 = 8;

/// Where the sizes contradict `coffFiles`, `coffCabStart` or `cbCabinet`. The blocks are followed only where they are
/// said to have a reserve, so that a large cabinet of the usual kind is not read for this.
pub(super) fn faults<R: Read + Seek>(
    input: &mut Input<R>,
    header: &Header,
    folders: &[Folder],
) -> Result<Vec<ParseError>, ParseError> {
    let mut faults = Vec::new();
    let step = CFFOLDER.saturating_add(u64::from(header.cb_cf_folder));
    let table = folders.first().map_or(0, |folder| folder.offset);
    let end = table.saturating_add(step.saturating_mul(folders.len() as u64));
    if end != u64::from(header.coff_files) {
        faults.push(ParseError::invalid(
            "CFHEADER",
            "cbCFHeader",
            36,
            format_args!("reserves that put the end of the folders at {end}"),
            format_args!("{} (coffFiles)", header.coff_files),
        ));
    }
    if header.cb_cf_data > 0 {
        faults.extend(block_fault(input, header, folders)?);
    }
    Ok(faults)
}

/// Follows every block from the first folder's start; the last one must end with the cabinet.
fn block_fault<R: Read + Seek>(
    input: &mut Input<R>,
    header: &Header,
    folders: &[Folder],
) -> Result<Option<ParseError>, ParseError> {
    let mut ends: Vec<u64> = folders
        .iter()
        .skip(1)
        .map(|f| u64::from(f.coff_cab_start))
        .collect();
    ends.push(u64::from(header.cb_cabinet));
    for (folder, expected) in folders.iter().zip(ends) {
        let mut offset = u64::from(folder.coff_cab_start);
        for _ in 0..folder.c_cf_data {
            let mut block = Vec::new();
            input.seek("CFDATA", "csum", offset)?;
            input.append("CFDATA", "csum", CFDATA as usize, &mut block)?;
            let mut cursor = Cursor::new("CFDATA", &block, offset);
            cursor.u32("csum")?;
            let cb_data = cursor.u16("cbData")?;
            offset = offset
                .saturating_add(CFDATA)
                .saturating_add(u64::from(header.cb_cf_data))
                .saturating_add(u64::from(cb_data));
        }
        if offset != expected {
            return Ok(Some(ParseError::invalid(
                "CFHEADER",
                "cbCFData",
                39,
                format_args!("a reserve that puts the end of a folder's blocks at {offset}"),
                expected,
            )));
        }
    }
    Ok(None)
}
