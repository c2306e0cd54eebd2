//! What is checked of the revocation of a signer's certificates, and of those of its time stamp.

use time::OffsetDateTime;

use super::{Check, FailureKind, SignatureReport, VerifyOptions};
use crate::clock::rfc3339;
use crate::revocation::{Finding, Verdict};

impl SignatureReport {
    /// Judges both chains. `counts` is the time at which the signer's certificates must be valid.
    pub(super) fn check_revocation(&mut self, options: VerifyOptions<'_>, counts: OffsetDateTime) {
        let data = options.anchors.revocation();
        if data.is_empty() {
            self.skip(
                Check::Revocation,
                "no revocation list or response was given",
            );
            return;
        }
        let Some(chain) = &self.chain else {
            self.skip(Check::Revocation, "there is no chain");
            return;
        };
        self.revocation = data.judge(chain, counts, options.at);
        if let Some(stamp) = &self.timestamp {
            let findings = data.judge(&stamp.chain, stamp.time, options.at);
            self.revocation.extend(findings);
        }
        if let Some(message) = self.revocation.iter().find_map(failure) {
            self.fail(Check::Revocation, FailureKind::Revoked, message);
            return;
        }
        let is_known = |finding: &Finding| finding.verdict != Verdict::Unknown;
        let known = self.revocation.iter().filter(|f| is_known(f)).count();
        match known {
            0 => self.skip(
                Check::Revocation,
                "the lists and responses tell nothing of these certificates",
            ),
            _ if known < self.revocation.len() => {
                self.skip(
                    Check::Revocation,
                    "the lists and responses tell of some of the certificates only",
                );
            }
            _ => self.pass(Check::Revocation),
        }
    }
}

fn failure(finding: &Finding) -> Option<String> {
    let subject = &finding.subject;
    match &finding.verdict {
        Verdict::Revoked(revoked) => Some(format!(
            "the certificate of {subject} was revoked on {} ({})",
            rfc3339(revoked.since),
            revoked.reason
        )),
        Verdict::Compromised(revoked) => Some(format!(
            "the certificate of {subject} was revoked on {} for {}: nothing says since when others have had the key",
            rfc3339(revoked.since),
            revoked.reason
        )),
        Verdict::Good | Verdict::RevokedLater(_) | Verdict::Unknown => None,
    }
}
