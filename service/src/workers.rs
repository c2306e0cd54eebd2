//! Threads for work that keeps one busy: as many as there are cores, and a line in front of them, first come, first
//! served.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rayon::{ThreadPool, ThreadPoolBuilder};
use tokio::sync::{Semaphore, oneshot};
use tracing::Span;

use crate::problem::{Problem, Slug};

/// The line and the threads.
pub(crate) struct Workers {
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
    longest: usize,
    /// Threads for small work, by themselves: to spread it over others costs more than it gains.
    alone: Arc<Mutex<Vec<Arc<ThreadPool>>>>,
}

impl Workers {
    /// `threads` at work, and at most `longest` in line.
    pub(crate) fn new(threads: usize, longest: usize) -> Self {
        let alone = (0..threads).map(|_| ThreadPoolBuilder::new().num_threads(1).build());
        Self {
            // Where the system gives no more threads, small work is done as large work is.
            alone: Arc::new(Mutex::new(
                alone.filter_map(Result::ok).map(Arc::new).collect(),
            )),
            permits: Arc::new(Semaphore::new(threads)),
            waiting: AtomicUsize::new(0),
            longest,
        }
    }

    /// How many stand in line.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Waits for its turn, then lets a thread do the work, which may spread it. Once begun it is done even if nobody waits any
    /// more.
    ///
    /// # Errors
    /// [`Slug::Busy`] where the line is too long, [`Slug::Internal`] where the work broke down.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let permit = self.turn().await?;
        let span = Span::current();
        let done = tokio::task::spawn_blocking(move || {
            let done = span.in_scope(work);
            drop(permit);
            done
        });
        done.await.map_err(|error| Problem::internal(&error))
    }

    /// The same for work that is done sooner than it is spread.
    ///
    /// # Errors
    /// As [`Workers::run`].
    pub(crate) async fn run_small<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let permit = self.turn().await?;
        let Some(pool) = lock(&self.alone).pop() else {
            drop(permit);
            return self.run(work).await;
        };
        let (told, done) = oneshot::channel();
        let (lent, home) = (Arc::clone(&pool), Arc::clone(&self.alone));
        let span = Span::current();
        pool.spawn(move || {
            // What breaks down here would end the process.
            let worked = catch_unwind(AssertUnwindSafe(|| span.in_scope(work))).ok();
            // The thread is there for whoever has the next turn.
            lock(&home).push(lent);
            drop(permit);
            told.send(worked).ok();
        });
        let broken = || Problem::internal(&"work broke down");
        done.await.ok().flatten().ok_or_else(broken)
    }

    async fn turn(&self) -> Result<tokio::sync::OwnedSemaphorePermit, Problem> {
        let place = Place::take(&self.waiting);
        if place.number > self.longest {
            let longest = self.longest;
            let problem = format_args!("{longest} requests stand in line already");
            return Err(Problem::because(Slug::Busy, problem).retry_after(5));
        }
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        permit.map_err(|_| Problem::new(Slug::Unavailable))
    }
}

fn lock(pools: &Mutex<Vec<Arc<ThreadPool>>>) -> MutexGuard<'_, Vec<Arc<ThreadPool>>> {
    pools.lock().unwrap_or_else(PoisonError::into_inner)
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
    async fn small_work_that_breaks_down_takes_no_thread_with_it() {
        let workers = Workers::new(1, 10);
        for round in 0..5 {
            let broken = workers.run_small(|| -> u32 { panic!("broken") }).await;
            assert!(broken.is_err());
            let spread = workers.run_small(rayon::current_num_threads).await;
            assert_eq!(spread.ok(), Some(1), "{round}");
        }
        let large = workers.run(rayon::current_num_threads).await;
        assert!(large.is_ok());
        assert_eq!(workers.waiting(), 0);
    }

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
