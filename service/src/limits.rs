//! How much one principal may ask for: so many requests a minute, so many at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::problem::{Problem, Slug};

/// Principals that are remembered; idle ones are forgotten first.
const MOST_KNOWN: usize = 10_000;

/// The limits, and who has used how much of them.
pub(crate) struct Limits {
    /// Requests a minute in the long run, which is also how many may come at once.
    per_minute: u32,
    /// Requests at the same time.
    at_once: u32,
    known: Mutex<HashMap<String, Used>>,
}

#[derive(Debug, Clone, Copy)]
struct Used {
    /// Requests that may still come, as of `at`.
    left: f64,
    at: Duration,
    running: u32,
}

/// The right to one request; given back when dropped.
pub(crate) struct Ticket {
    limits: Arc<Limits>,
    principal: String,
}

impl Limits {
    pub(crate) fn new(per_minute: u32, at_once: u32) -> Self {
        Self {
            per_minute,
            at_once,
            known: Mutex::default(),
        }
    }

    /// Lets a request of a principal in; `now` is time since some fixed moment.
    ///
    /// # Errors
    /// [`Slug::TooMany`], with the seconds after which it may come again.
    pub(crate) fn admit(
        self: &Arc<Self>,
        principal: &str,
        now: Duration,
    ) -> Result<Ticket, Problem> {
        let most = f64::from(self.per_minute);
        let per_second = most / 60.0;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_KNOWN && !known.contains_key(principal) {
            known.retain(|_, used| {
                let idle = now.saturating_sub(used.at).as_secs_f64();
                used.running > 0 || used.left + idle * per_second < most
            });
        }
        let fresh = Used {
            left: most,
            at: now,
            running: 0,
        };
        let used = known.entry(principal.to_owned()).or_insert(fresh);
        let since = now.saturating_sub(used.at).as_secs_f64();
        used.left = (used.left + since * per_second).min(most);
        used.at = now;
        if used.left < 1.0 {
            let seconds = ((1.0 - used.left) / per_second).ceil();
            let problem = format_args!("at most {} requests a minute", self.per_minute);
            // A minute at most: there is at least one request a minute.
            return Err(Problem::because(Slug::TooMany, problem).retry_after(seconds as u32));
        }
        if used.running >= self.at_once {
            let problem = format_args!("at most {} requests at once", self.at_once);
            return Err(Problem::because(Slug::TooMany, problem).retry_after(1));
        }
        used.left -= 1.0;
        used.running += 1;
        Ok(Ticket {
            limits: Arc::clone(self),
            principal: principal.to_owned(),
        })
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut known = self
            .limits
            .known
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(used) = known.get_mut(&self.principal) {
            used.running = used.running.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_principal_does_not_take_the_place_of_another() {
        let limits = Arc::new(Limits::new(3, 2));
        let at = Duration::from_secs;
        let first = limits.admit("a", at(0)).unwrap();
        let _second = limits.admit("a", at(0)).unwrap();
        assert!(limits.admit("a", at(0)).is_err(), "two run at once");
        drop(first);
        let _third = limits.admit("a", at(0)).unwrap();
        assert!(limits.admit("b", at(0)).is_ok());
        drop(_second);
        assert!(limits.admit("a", at(0)).is_err(), "three in this minute");
        assert!(limits.admit("a", at(20)).is_ok());
        assert!(limits.admit("a", at(21)).is_err());
        assert!(
            limits.admit("a", at(21) - at(5)).is_err(),
            "a clock that jumps back gives nothing"
        );
    }
}
