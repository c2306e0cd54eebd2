//! Sessions: one per thread that signs at the same time, all under one login.
//!
//! A PKCS#11 session carries one operation at a time and must not be used by two threads. Threads take a session from
//! the pool and put it back; a new one is opened when all are taken, until the token has no more
//! (`CKR_SESSION_COUNT`), from when on threads wait. A module that cannot lock gets one session.

use std::sync::{Condvar, Mutex};

use cryptoki::context::Pkcs11;
use cryptoki::error::{Error, RvError};
use cryptoki::session::Session;
use cryptoki::slot::Slot;

use super::error::Pkcs11Error;

/// Most sessions that are opened.
const MAX_SESSIONS: usize = 64;

/// Why there is no result.
pub(super) enum PoolError {
    /// There is no session.
    Session(Pkcs11Error),
    /// What was to be done with it failed.
    Work(Error),
}

pub(super) struct Pool {
    context: Pkcs11,
    slot: Slot,
    token: String,
    state: Mutex<State>,
    returned: Condvar,
}

struct State {
    free: Vec<Session>,
    /// Sessions that exist, free or taken.
    open: usize,
    limit: usize,
}

impl Pool {
    /// A pool that begins with the session of the login.
    pub(super) fn new(
        context: Pkcs11,
        slot: Slot,
        token: &str,
        first: Session,
        is_threaded: bool,
    ) -> Self {
        Self {
            context,
            slot,
            token: token.to_owned(),
            state: Mutex::new(State {
                free: vec![first],
                open: 1,
                limit: if is_threaded { MAX_SESSIONS } else { 1 },
            }),
            returned: Condvar::new(),
        }
    }

    /// Runs `work` with a session of its own.
    pub(super) fn with<T>(
        &self,
        work: impl FnOnce(&Session) -> Result<T, Error>,
    ) -> Result<T, PoolError> {
        let session = self.take().map_err(PoolError::Session)?;
        let result = work(&session);
        self.put_back(session, result.as_ref().err())
            .map_err(PoolError::Session)?;
        result.map_err(PoolError::Work)
    }

    /// Forgets its sessions: the library was started again, and closing them might close those of others.
    pub(super) fn abandon(&self) {
        if let Ok(mut state) = self.state.lock() {
            state.free.drain(..).for_each(std::mem::forget);
        }
    }

    fn take(&self) -> Result<Session, Pkcs11Error> {
        let mut state = self.state.lock().map_err(|_| self.lost())?;
        loop {
            if let Some(session) = state.free.pop() {
                return Ok(session);
            }
            if state.open < state.limit {
                match self.context.open_ro_session(self.slot) {
                    Ok(session) => {
                        state.open = state.open.saturating_add(1);
                        return Ok(session);
                    }
                    Err(Error::Pkcs11(RvError::SessionCount, _)) if state.open > 0 => {
                        state.limit = state.open;
                    }
                    Err(error) => return Err(self.failed(&error)),
                }
            } else {
                state = self.returned.wait(state).map_err(|_| self.lost())?;
            }
        }
    }

    fn put_back(&self, session: Session, error: Option<&Error>) -> Result<(), Pkcs11Error> {
        let mut state = self.state.lock().map_err(|_| self.lost())?;
        // After any other failure the session is as good as before: a failed call ends its operation.
        let is_gone = matches!(
            error,
            Some(Error::Pkcs11(
                RvError::SessionHandleInvalid
                    | RvError::SessionClosed
                    | RvError::DeviceRemoved
                    | RvError::TokenNotPresent,
                _
            ))
        );
        match is_gone {
            true => state.open = state.open.saturating_sub(1),
            false => state.free.push(session),
        }
        self.returned.notify_one();
        Ok(())
    }

    fn failed(&self, error: &Error) -> Pkcs11Error {
        Pkcs11Error::call(&format!("token {}", self.token), error)
    }

    fn lost(&self) -> Pkcs11Error {
        let token = self.token.clone();
        Pkcs11Error::SessionsLost { token }
    }
}
