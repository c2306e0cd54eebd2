//! When certificates end: those that files are signed with, and that of TLS.

use formats::certificate::Certificate;
use signer::clock::rfc3339;
use time::OffsetDateTime;

use crate::profile::Profile;
use crate::state::Inner;

/// How near the end of a certificate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nearness {
    /// It has ended.
    Ended,
    /// So many whole days are left, no more than are warned of.
    Soon(i64),
    /// So many whole days are left.
    Far(i64),
}

impl Nearness {
    /// How near an end is; at most `warned` days before it is soon.
    pub(crate) fn of(end: OffsetDateTime, now: OffsetDateTime, warned: u32) -> Self {
        match (end - now).whole_days() {
            _ if end < now => Self::Ended,
            days if days <= i64::from(warned) => Self::Soon(days),
            days => Self::Far(days),
        }
    }
}

/// The certificates that a profile signs with, that of its key first.
pub(crate) fn chain(profile: &Profile) -> impl Iterator<Item = &Certificate> {
    std::iter::once(profile.identity.leaf()).chain(profile.identity.intermediates())
}

/// When the first of them ends.
pub(crate) fn end(profile: &Profile) -> Option<OffsetDateTime> {
    chain(profile)
        .map(|certificate| certificate.not_after)
        .min()
}

/// Writes a line for every certificate that has ended or soon will.
pub(crate) fn warn(state: &Inner) {
    for (name, profile) in &state.setup.profiles {
        for certificate in chain(profile) {
            warn_of(state, &format!("profile {name}"), certificate);
        }
    }
    for certificate in &state.tls_certificates {
        warn_of(state, "TLS", certificate);
    }
}

fn warn_of(state: &Inner, used_for: &str, certificate: &Certificate) {
    let now = state.setup.environment.now();
    let warned = state.setup.config.expiry_warning;
    let (subject, end) = (&certificate.subject, rfc3339(certificate.not_after));
    match Nearness::of(certificate.not_after, now, warned) {
        Nearness::Far(_) => {}
        Nearness::Soon(days) => {
            tracing::warn!(used_for, %subject, end, days, "a certificate ends soon");
        }
        Nearness::Ended => tracing::error!(used_for, %subject, end, "a certificate has ended"),
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;
    use time::macros::datetime;

    use super::*;

    #[test]
    fn an_end_is_far_then_soon_then_past() {
        let end = datetime!(2026-03-01 12:00 UTC);
        let at = |before: Duration| Nearness::of(end, end - before, 30);
        assert_eq!(at(Duration::days(31)), Nearness::Far(31));
        assert_eq!(
            at(Duration::days(31) - Duration::SECOND),
            Nearness::Soon(30)
        );
        assert_eq!(at(Duration::HOUR), Nearness::Soon(0));
        assert_eq!(at(Duration::ZERO), Nearness::Soon(0));
        assert_eq!(at(-Duration::SECOND), Nearness::Ended);
        assert_eq!(
            Nearness::of(end, end - Duration::days(1), 0),
            Nearness::Far(1)
        );
    }
}
