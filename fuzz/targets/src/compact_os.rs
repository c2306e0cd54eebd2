//! Chunks as CompactOS compresses them: the first byte chooses how, two more the length of the content.

use formats::file_system::Compression;

pub(crate) fn run(input: &[u8]) {
    let [how, low, high, chunk @ ..] = input else {
        return;
    };
    let how = match how % 4 {
        0 => Compression::Xpress4K,
        1 => Compression::Lzx,
        2 => Compression::Xpress8K,
        _ => Compression::Xpress16K,
    };
    let length = usize::from(u16::from_le_bytes([*low, *high])) + 1;
    let expanded = how.expand(chunk, length.min(how.chunk_size() as usize));
    if let Ok(bytes) = expanded {
        assert_eq!(bytes.len(), length.min(how.chunk_size() as usize));
    }
}
