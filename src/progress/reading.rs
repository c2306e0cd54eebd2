//! How much a run that finds its files itself has read: a line on stderr where a person watches.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use lint::files::{Entry, Files, Kind, ReadSeek};

/// Runs that end sooner show nothing.
const PATIENCE: Duration = Duration::from_millis(500);
const TICK: Duration = Duration::from_millis(100);

/// Files that are counted when they are opened and read.
struct Counted<'a> {
    files: &'a dyn Files,
    opened: AtomicU64,
    bytes: AtomicU64,
}

impl<'a> Counted<'a> {
    fn new(files: &'a dyn Files) -> Self {
        Self {
            files,
            opened: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        }
    }

    fn message(&self) -> String {
        let opened = HumanCount(self.opened.load(Ordering::Relaxed));
        let bytes = HumanBytes(self.bytes.load(Ordering::Relaxed));
        format!("{opened} files read, {bytes}")
    }
}

/// Does `work` with the files, and meanwhile says on a terminal how much of them was read.
pub(crate) fn reading<T: Send>(files: &dyn Files, work: impl FnOnce(&dyn Files) -> T + Send) -> T {
    if !super::is_watched() {
        return work(files);
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let counted = Counted::new(files);
    let style = ProgressStyle::with_template("{spinner} {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    let result = std::thread::scope(|scope| {
        let waiting = std::thread::current();
        let counted = &counted;
        let working = scope.spawn(move || {
            let result = work(counted);
            waiting.unpark();
            result
        });
        let mut waited = Duration::ZERO;
        while !working.is_finished() {
            std::thread::park_timeout(TICK);
            waited = waited.saturating_add(TICK);
            if waited >= PATIENCE {
                bar.set_message(counted.message());
                bar.tick();
            }
        }
        working.join()
    });
    bar.finish_and_clear();
    match result {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

impl Files for Counted<'_> {
    fn kind(&self, path: &str) -> io::Result<Kind> {
        self.files.kind(path)
    }

    fn list(&self, folder: &str) -> io::Result<Vec<Entry>> {
        self.files.list(folder)
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn ReadSeek + '_>> {
        let file = self.files.open(path)?;
        self.opened.fetch_add(1, Ordering::Relaxed);
        let bytes = &self.bytes;
        Ok(Box::new(CountedFile { file, bytes }))
    }

    fn canonical(&self, path: &str) -> io::Result<String> {
        self.files.canonical(path)
    }
}

struct CountedFile<'a> {
    file: Box<dyn ReadSeek + 'a>,
    bytes: &'a AtomicU64,
}

impl Read for CountedFile<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.bytes.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

impl Seek for CountedFile<'_> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.file.seek(position)
    }
}

#[cfg(test)]
mod tests {
    use lint::files::Memory;

    use super::*;

    #[test]
    fn what_is_opened_and_read_is_counted() {
        let files: Memory = [("a", "one"), ("b", "three")].into_iter().collect();
        let counted = Counted::new(&files);
        assert_eq!(counted.read("a", 2).unwrap(), b"on");
        assert_eq!(counted.read("b", 10).unwrap(), b"three");
        assert!(counted.open("c").is_err());
        assert_eq!(counted.message(), "2 files read, 7 B");
    }

    #[test]
    fn the_result_is_that_of_the_work() {
        let files: Memory = [("a", "one")].into_iter().collect();
        assert_eq!(reading(&files, |files| files.read("a", 9).unwrap()), b"one");
    }
}
