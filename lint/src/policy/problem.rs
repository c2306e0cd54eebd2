//! What has no effect in a policy, a suppression or a baseline, or must not have one; the rules about policies tell of it.

use crate::diagnostic::Place;

/// Something in a policy that has no effect, or must not have one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyProblem {
    /// Which kind of thing.
    pub kind: PolicyProblemKind,
    /// Where it stands.
    pub place: Place,
    /// What was found against what was wanted.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// The kinds of [`PolicyProblem`]; there is a rule for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PolicyProblemKind {
    /// A rule, section or key that does not exist.
    UnknownEntry,
    /// A level that is no level, or a parameter of the wrong type.
    InvalidValue,
    /// A line that has no effect.
    UnusedEntry,
    /// A rule of [`CORE`](super::CORE) would be lowered.
    LoweredCoreRule,
    /// An entry is past its last day.
    ExpiredEntry,
    /// A rule is lowered and nobody says why.
    MissingReason,
    /// A suppression cannot be understood.
    MalformedSuppression,
    /// A suppression is past its last day.
    ExpiredSuppression,
    /// A suppression suppresses nothing.
    UnusedSuppression,
    /// A suppression names a rule of [`CORE`](super::CORE).
    SuppressedCoreRule,
    /// The finding of a baseline's entry is gone.
    StaleBaseline,
    /// A baseline has a finding of a rule of [`CORE`](super::CORE).
    BaselinedCoreRule,
}
