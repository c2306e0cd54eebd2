//! How a chain was found: every certificate that was considered, where it came from, and why it was not taken.

use crate::anchor::TrustClass;

/// Most candidates that are recorded of one search.
pub(super) const MAX_CANDIDATES: usize = 256;

/// The search for a chain as a tree, written down from the signer on: a candidate stands below the certificate that
/// it might have issued, one level deeper.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Explanation {
    /// In the order of the search; the first is the signer.
    pub candidates: Vec<Candidate>,
    /// Candidates that are not recorded: beyond 256, or beyond what the search may cost.
    pub omitted: usize,
}

impl Explanation {
    pub(super) fn omit(&mut self, count: usize) {
        self.omitted = self.omitted.saturating_add(count);
    }
}

/// A certificate that was considered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// How many certificates stand between it and the signer, plus one; 0 for the signer.
    pub depth: usize,
    /// Its subject.
    pub subject: String,
    /// SHA-1 in lower-case hexadecimal, by which Windows names it.
    pub thumbprint: String,
    /// Where it came from.
    pub source: Source,
    /// What became of it.
    pub verdict: Verdict,
}

/// Where a certificate came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// It made the signature.
    Signer,
    /// The file that was signed.
    Embedded,
    /// The intermediates that the user named.
    Folder,
    /// The list of anchors.
    Anchor(TrustClass),
}

impl Source {
    /// The name that reports use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Signer => "signer",
            Self::Embedded => "embedded",
            Self::Folder => "folder",
            Self::Anchor(_) => "anchor",
        }
    }
}

/// What became of a candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is in the chain.
    Used,
    /// It issued the certificate below, and what was found above it was not taken.
    Followed,
    /// It is not in the chain.
    Dropped(Reason),
}

/// Why a candidate is not in the chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Right name, wrong key.
    #[error("its key did not sign the certificate below")]
    Signature,
    /// Right name, another key identifier than the certificate below asks for, and the wrong key.
    #[error("its key identifier is another, and its key did not sign the certificate below")]
    KeyIdentifier,
    /// It looks like the missing issuer, and its name is encoded differently.
    #[error("its name is not, byte for byte, the issuer's name in the certificate below")]
    Name,
    /// Its key, or the signature below, is of a kind that is not implemented.
    #[error("{0}")]
    Algorithm(String),
    /// It, or the chain through it, is not valid at the time that counts.
    #[error("{0}")]
    Validity(String),
    /// The anchor is not for this purpose.
    #[error("{0}")]
    Usage(String),
    /// It, or the chain through it, breaks a rule for certificate authorities.
    #[error("{0}")]
    Constraint(String),
    /// Nothing leads from it to an anchor.
    #[error("no way on: {0}")]
    DeadEnd(String),
    /// The path is as long as one may be.
    #[error("the path is too long")]
    Depth,
    /// The search was given up before.
    #[error("too many candidates, the search was given up")]
    Budget,
    /// A chain was found that is at least as good.
    #[error("another chain was taken")]
    NotNeeded,
}

impl Reason {
    /// The name that reports use.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::KeyIdentifier => "key-identifier",
            Self::Name => "name",
            Self::Algorithm(_) => "algorithm",
            Self::Validity(_) => "validity",
            Self::Usage(_) => "usage",
            Self::Constraint(_) => "constraint",
            Self::DeadEnd(_) => "dead-end",
            Self::Depth => "depth",
            Self::Budget => "budget",
            Self::NotNeeded => "not-needed",
        }
    }
}
