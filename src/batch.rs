//! Runs over many files that each wait for something: the disk, a token, a server.

use rayon::ThreadPoolBuilder;

/// Threads per core. While one file is on its way to the disk or waits for its signature, others are worked on; flushes
/// that meet are also one for the file system.
const PER_CORE: usize = 8;
/// Most threads, so that no token or server is overrun.
const MOST: usize = 64;

/// Runs `work`, whose parallel iterators then have more threads than there are cores.
pub(crate) fn waiting<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = cores.saturating_mul(PER_CORE).min(MOST);
    match ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool.install(work),
        // A system that gives no more threads has those of the common pool.
        Err(_) => work(),
    }
}
