//! The chunks of a full flash update, hashed on every core. Memory does not grow with the image.

use std::io::{self, Read, Seek, SeekFrom};
use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use formats::container::ffu::FullFlashUpdate;

use super::chunk_hash;

/// Bytes that a thread reads at a time, as far as whole chunks allow.
const READ_AHEAD: u64 = 2 << 20;
/// How many chunks that differ are named.
const NAMED: usize = 64;

/// The chunks that differ from the hash table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChunkReport {
    /// How many chunks there are.
    pub total: u64,
    /// How many differ.
    pub bad_count: u64,
    /// The first of those that differ, at most 64.
    pub bad: Vec<u64>,
}

/// Calls `each` with the number and the bytes of every chunk, from several threads at once and in no order.
fn each_chunk<R: Read + Seek>(
    update: &FullFlashUpdate,
    open: &(impl Fn() -> io::Result<R> + Sync),
    threads: NonZeroUsize,
    progress: &(impl Fn(u64) + Sync),
    each: &(impl Fn(u64, &[u8]) + Sync),
) -> io::Result<()> {
    let size = update.chunk_size().max(1);
    let total = update.chunk_count();
    let batch = READ_AHEAD.checked_div(size).unwrap_or_default().max(1);
    let next = AtomicU64::new(0);
    let work = || -> io::Result<()> {
        let mut input = open()?;
        let mut bytes = Vec::new();
        loop {
            let first = next.fetch_add(batch, Ordering::Relaxed);
            if first >= total {
                return Ok(());
            }
            let start = update.chunk(first).start;
            let last = first.saturating_add(batch.saturating_sub(1));
            let end = update.chunk(last).end;
            let length = end.saturating_sub(start);
            bytes.resize(usize::try_from(length).unwrap_or_default(), 0);
            input.seek(SeekFrom::Start(start))?;
            input.read_exact(&mut bytes)?;
            let chunks = bytes.chunks(usize::try_from(size).unwrap_or(usize::MAX));
            for (index, chunk) in (first..).zip(chunks) {
                each(index, chunk);
            }
            progress(length);
        }
    };
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads.get()).map(|_| scope.spawn(work)).collect();
        let mut result = work();
        for other in others {
            let other = other
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("a thread ended unexpectedly")));
            result = result.and(other);
        }
        result
    })
}

/// Compares every chunk with the hash table.
///
/// # Errors
/// Where the input cannot be read.
pub fn check_chunks<R: Read + Seek>(
    update: &FullFlashUpdate,
    open: &(impl Fn() -> io::Result<R> + Sync),
    threads: NonZeroUsize,
    progress: &(impl Fn(u64) + Sync),
) -> io::Result<ChunkReport> {
    let hashes: Vec<&[u8]> = update.hashes().collect();
    let bad = Mutex::new((0_u64, Vec::new()));
    each_chunk(update, open, threads, progress, &|index, bytes| {
        let stated = usize::try_from(index).ok().and_then(|i| hashes.get(i));
        if stated.is_some_and(|stated| **stated == chunk_hash(bytes)) {
            return;
        }
        if let Ok(mut bad) = bad.lock() {
            bad.0 = bad.0.saturating_add(1);
            bad.1.push(index);
            if bad.1.len() > NAMED.saturating_mul(4) {
                bad.1.sort_unstable();
                bad.1.truncate(NAMED);
            }
        }
    })?;
    let (bad_count, mut bad) = bad.into_inner().unwrap_or_default();
    bad.sort_unstable();
    bad.truncate(NAMED);
    Ok(ChunkReport {
        total: update.chunk_count(),
        bad_count,
        bad,
    })
}

/// The hash table as it should be, made from the chunks.
///
/// # Errors
/// Where the input cannot be read.
pub fn hash_chunks<R: Read + Seek>(
    update: &FullFlashUpdate,
    open: &(impl Fn() -> io::Result<R> + Sync),
    threads: NonZeroUsize,
    progress: &(impl Fn(u64) + Sync),
) -> io::Result<Vec<u8>> {
    let count = usize::try_from(update.chunk_count()).map_err(io::Error::other)?;
    let table = Mutex::new(vec![[0; 32]; count]);
    each_chunk(update, open, threads, progress, &|index, bytes| {
        let hash = chunk_hash(bytes);
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        if let Ok(mut table) = table.lock()
            && let Some(place) = table.get_mut(index)
        {
            *place = hash;
        }
    })?;
    Ok(table.into_inner().unwrap_or_default().concat())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::sync::atomic::AtomicUsize;

    use formats::container::ffu::{Layout, build};

    use super::*;

    /// An update without a catalog, with a payload of so many chunks of 4 KiB.
    fn update_of(chunks: usize) -> Vec<u8> {
        let mut disk = vec![0x5a; chunks * 4096];
        for (number, chunk) in disk.chunks_mut(4096).enumerate() {
            chunk[..8].copy_from_slice(&number.to_le_bytes());
        }
        let layout = Layout {
            block_size: 4096,
            platform_ids: vec!["A.B.C".to_owned()],
            manifest: String::new(),
        };
        let mut output = Cursor::new(Vec::new());
        let catalog = |_: &[u8]| Ok(Vec::new());
        build(
            &mut Cursor::new(disk),
            &layout,
            &chunk_hash,
            &catalog,
            &mut output,
        )
        .unwrap();
        output.into_inner()
    }

    /// Notes how much is asked for at a time, and altogether.
    struct Counting<'a> {
        input: Cursor<&'a [u8]>,
        largest: &'a AtomicUsize,
        sum: &'a AtomicUsize,
    }

    impl Read for Counting<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.largest.fetch_max(buffer.len(), Ordering::Relaxed);
            let read = self.input.read(buffer)?;
            self.sum.fetch_add(read, Ordering::Relaxed);
            Ok(read)
        }
    }

    impl Seek for Counting<'_> {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.input.seek(to)
        }
    }

    /// Buffers do not grow with the image, there is one for each thread, and every chunk is read once.
    #[test]
    fn memory_is_flat() {
        for chunks in [300, 3000] {
            let bytes = update_of(chunks);
            let update = FullFlashUpdate::read(&mut Cursor::new(&bytes)).unwrap();
            let [opened, largest, sum] = [const { AtomicUsize::new(0) }; 3];
            let open = || {
                opened.fetch_add(1, Ordering::Relaxed);
                Ok(Counting {
                    input: Cursor::new(bytes.as_slice()),
                    largest: &largest,
                    sum: &sum,
                })
            };
            let threads = NonZeroUsize::new(3).unwrap();
            let report = check_chunks(&update, &open, threads, &|_| ()).unwrap();
            assert_eq!((report.bad_count, report.total), (0, update.chunk_count()));
            assert_eq!(opened.load(Ordering::Relaxed), 3);
            assert!(largest.load(Ordering::Relaxed) as u64 <= READ_AHEAD);
            let hashed = update.file_length() - update.image_offset();
            assert_eq!(
                sum.load(Ordering::Relaxed) as u64,
                hashed,
                "{chunks} chunks"
            );
        }
    }

    #[test]
    fn only_the_first_chunks_that_differ_are_named() {
        let mut bytes = update_of(400);
        let update = FullFlashUpdate::read(&mut Cursor::new(&bytes)).unwrap();
        let start = update.stores()[0].payload.start as usize;
        for chunk in bytes[start..].chunks_mut(4096) {
            chunk[9] ^= 1;
        }
        let open = || Ok(Cursor::new(bytes.as_slice()));
        let threads = NonZeroUsize::new(2).unwrap();
        let report = check_chunks(&update, &open, threads, &|_| ()).unwrap();
        assert_eq!(report.bad_count, 400);
        let first = update.chunk_count() - 400;
        assert_eq!(report.bad, (first..first + 64).collect::<Vec<_>>());
    }
}
