//! Full flash updates of version 2, which nothing here writes otherwise.

/// An update without a catalog, with a store for every disk; `block` is a multiple of 1024, `hash` makes the hashes of chunks.
pub(crate) fn version_2(
    block: usize,
    manifest: &str,
    disks: &[Vec<u8>],
    hash: &dyn Fn(&[u8]) -> [u8; 32],
) -> Vec<u8> {
    let numbers = |numbers: &[usize]| -> Vec<u8> {
        let numbers = numbers.iter().map(|number| *number as u32);
        numbers.flat_map(u32::to_le_bytes).collect()
    };
    let padded = |parts: &[&[u8]]| {
        let mut bytes = parts.concat();
        bytes.resize(bytes.len().next_multiple_of(block), 0);
        bytes
    };
    let kib = block / 1024;
    let mut image = padded(&[
        &numbers(&[24]),
        b"ImageFlash  ",
        &numbers(&[manifest.len(), kib]),
        manifest.as_bytes(),
    ]);
    let mut payload = Vec::new();
    for (index, disk) in disks.iter().enumerate() {
        let blocks = disk.chunks(block).enumerate();
        let used: Vec<_> = blocks.filter(|(_, b)| b.iter().any(|b| *b != 0)).collect();
        let descriptors: Vec<u8> = used
            .iter()
            .flat_map(|(at, _)| numbers(&[1, 1, 0, *at]))
            .collect();
        let mut ids = b"A.B.C".to_vec();
        ids.resize(192, 0);
        let path: Vec<u8> = "VenHw".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let count = used.len();
        let shorts = |shorts: &[usize]| -> Vec<u8> {
            let shorts = shorts.iter().map(|short| *short as u16);
            shorts.flat_map(u16::to_le_bytes).collect()
        };
        image.extend(padded(&[
            &numbers(&[0]),
            &shorts(&[2, 0, 2, 0]),
            &ids,
            &numbers(&[block, count, descriptors.len(), 0, 0, 0, 0, 0, 0, 0, count]),
            &shorts(&[disks.len(), index + 1]),
            &((count * block) as u64).to_le_bytes(),
            &shorts(&[path.len() / 2]),
            &path,
            &descriptors,
        ]));
        payload.extend(used.iter().flat_map(|(_, block)| padded(&[block])));
    }
    image.extend(payload);
    let table: Vec<u8> = image.chunks(block).flat_map(hash).collect();
    let front = padded(&[
        &numbers(&[32]),
        b"SignedImage ",
        &numbers(&[kib, 0x800c, 0, table.len()]),
        &table,
    ]);
    [front, image].concat()
}
