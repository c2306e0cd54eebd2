//! The time at which the certificates of a signature must be valid.

use formats::certificate::Certificate;
use time::OffsetDateTime;

use crate::chain;
use crate::timestamp::{Timestamp, TimestampError};

/// The time that counts, and why it does.
#[derive(Debug, Clone, Copy)]
pub(super) struct TimeThatCounts {
    pub(super) time: OffsetDateTime,
    /// In words, for messages.
    pub(super) whence: &'static str,
}

impl TimeThatCounts {
    /// The time of a time stamp that holds, `at` where there is none, and `at` for a signer whose certificate says
    /// that its signatures end with it.
    pub(super) fn of(
        leaf: Option<&Certificate>,
        stamp: &Result<Option<Timestamp>, TimestampError>,
        at: OffsetDateTime,
    ) -> Self {
        match stamp {
            Ok(Some(_)) if leaf.is_some_and(chain::is_lifetime_signing) => Self {
                time: at,
                whence: "the time of verification, as no time stamp extends a certificate for lifetime signing",
            },
            Ok(Some(stamp)) => Self {
                time: stamp.time,
                whence: "the time stamp's time",
            },
            _ => Self {
                time: at,
                whence: "the time of verification, as there is no valid time stamp",
            },
        }
    }
}
