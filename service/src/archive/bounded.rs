//! A reader that gives so many bytes and then fails: what unpacks an archive may hold as much in memory as it reads.

use std::cell::Cell;
use std::io::{self, Read, Seek, SeekFrom};
use std::rc::Rc;

/// How many bytes may still be read.
#[derive(Debug, Clone)]
pub(super) struct Budget(Rc<Cell<u64>>);

impl Budget {
    pub(super) fn new(bytes: u64) -> Self {
        Self(Rc::new(Cell::new(bytes)))
    }

    /// From now on as much as there is.
    pub(super) fn lift(&self) {
        self.0.set(u64::MAX);
    }

    pub(super) fn is_used_up(&self) -> bool {
        self.0.get() == 0
    }
}

/// A reader with a budget.
pub(super) struct Bounded<R> {
    inner: R,
    budget: Budget,
}

impl<R> Bounded<R> {
    pub(super) fn new(inner: R, budget: &Budget) -> Self {
        let budget = budget.clone();
        Self { inner, budget }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.budget.0.get();
        if left == 0 && !buffer.is_empty() {
            return Err(io::Error::other("the archive is longer than is accepted"));
        }
        let most = usize::try_from(left).unwrap_or(usize::MAX);
        let end = buffer.len().min(most);
        let read = self.inner.read(buffer.get_mut(..end).unwrap_or_default())?;
        self.budget.0.set(left.saturating_sub(read as u64));
        Ok(read)
    }
}

impl<R: Seek> Seek for Bounded<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}
