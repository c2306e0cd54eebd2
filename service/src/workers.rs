//! Threads for work that keeps one busy: as many as there are cores, and a line in front of them, first come, first
//! served.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;
use tracing::Span;

use crate::problem::{Problem, Slug};

/// The line and the threads.
pub(crate) struct Workers {
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
    longest: usize,
}

impl Workers {
    /// `threads` at work, and at most `longest` in line.
    pub(crate) fn new(threads: usize, longest: usize) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(threads)),
            waiting: AtomicUsize::new(0),
            longest,
        }
    }

    /// How many stand in line.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Waits for its turn, then lets a thread do the work. Once begun it is done even if nobody waits any more.
    ///
    /// # Errors
    /// [`Slug::Busy`] where the line is too long, [`Slug::Internal`] where the work broke down.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let place = Place::take(&self.waiting);
        if place.number > self.longest {
            let longest = self.longest;
            let problem = format_args!("{longest} requests stand in line already");
            return Err(Problem::because(Slug::Busy, problem).retry_after(5));
        }
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|_| Problem::new(Slug::Unavailable))?;
        drop(place);
        let span = Span::current();
        let done = tokio::task::spawn_blocking(move || {
            let done = span.in_scope(work);
            drop(permit);
            done
        });
        done.await.map_err(|error| Problem::internal(&error))
    }
}

/// A place in line; left when dropped, also by those that stop waiting.
struct Place<'a> {
    waiting: &'a AtomicUsize,
    number: usize,
}

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize) -> Self {
        let number = waiting.fetch_add(1, Ordering::Relaxed) + 1;
        Self { waiting, number }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_line_that_is_too_long_is_not_joined() {
        let workers = Arc::new(Workers::new(1, 1));
        let (free, blocked) = std::sync::mpsc::channel::<()>();
        let (begun, beginning) = tokio::sync::oneshot::channel();
        let first = tokio::spawn({
            let workers = Arc::clone(&workers);
            async move {
                let work = move || {
                    begun.send(()).ok();
                    blocked.recv().ok();
                };
                workers.run(work).await.is_ok()
            }
        });
        beginning.await.unwrap();
        let second = {
            let workers = Arc::clone(&workers);
            tokio::spawn(async move { workers.run(|| 2).await.ok() })
        };
        while workers.waiting() == 0 {
            tokio::task::yield_now().await;
        }
        assert!(workers.run(|| 3).await.is_err());
        free.send(()).unwrap();
        assert!(first.await.unwrap());
        assert_eq!(second.await.unwrap(), Some(2));
        assert_eq!(workers.waiting(), 0);
    }
}
