//! Time stamps on a signature: RFC 3161 tokens and the legacy countersignature.
//!
//! ```text
//! obtain    asks servers in turn, over an environment that the caller brings      -> bytes of a reply
//! request   what is asked, and whether a reply answers it                         -> Stamp
//! stamp     both for a file that is signed                                        -> patch
//! attach    puts a stamp among the unsigned attributes of a signature             -> CMS
//! verify    judges the stamp of a signature that is there
//! ```

mod attach;
mod obtain;
mod reply;
mod request;
mod stamp;
mod tst_info;
mod verify;

use formats::error::ParseError;
use formats::oid::{self, Oid};
use time::OffsetDateTime;

use crate::chain::Chain;
use crate::digest::DigestAlgorithm;

pub use attach::{AttachError, Existing, Stampable, attach};
pub use obtain::{Failure, ObtainError, Obtained, Obtainer, Problem, Server, Servers};
pub use reply::ReplyError;
pub(crate) use reply::describe as describe_body;
pub use request::{Request, Stamp};
pub(crate) use stamp::add_stamp;
pub use stamp::{stamp, stamp_file};
pub use verify::{verify, verify_token};

/// Which protocol made a time stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// An RFC 3161 token.
    Rfc3161,
    /// A PKCS#9 countersignature.
    Legacy,
}

impl Protocol {
    /// The name that reports use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rfc3161 => "RFC 3161",
            Self::Legacy => "legacy",
        }
    }

    /// The unsigned attribute that carries its stamps.
    fn attribute(self) -> Oid<'static> {
        match self {
            Self::Rfc3161 => oid::RFC3161_TOKEN,
            Self::Legacy => oid::COUNTERSIGNATURE,
        }
    }

    /// The protocol whose stamps an unsigned attribute carries.
    fn of_attribute(kind: Oid<'_>) -> Option<Self> {
        let both = [Self::Rfc3161, Self::Legacy];
        both.into_iter()
            .find(|protocol| protocol.attribute() == kind)
    }
}

/// A time stamp that holds.
#[derive(Debug, Clone)]
pub struct Timestamp {
    /// When the signature existed.
    pub time: OffsetDateTime,
    /// Which protocol made it.
    pub protocol: Protocol,
    /// The authority's digest algorithm.
    pub digest: DigestAlgorithm,
    /// The authority's chain.
    pub chain: Chain,
}

/// Why a time stamp does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimestampError {
    /// It cannot be read.
    #[error(transparent)]
    Malformed(#[from] ParseError),
    /// It does not fit the signature, or its own signature does not hold.
    #[error("{0}")]
    Invalid(String),
    /// The authority's chain ends at no anchor.
    #[error("{0}")]
    UnknownChain(String),
}

fn invalid(message: impl Into<String>) -> TimestampError {
    TimestampError::Invalid(message.into())
}
