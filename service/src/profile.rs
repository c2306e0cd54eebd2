//! A profile that is ready to sign: key, manner, gate.

use std::fmt;

use signer::identity::Identity;
use signer::sign::SignOptions;
use signer::timestamp::Server;

use crate::config::ProfileConfig;

/// A profile that is ready to sign.
pub struct Profile {
    /// Key and certificates.
    pub identity: Identity,
    /// How files are signed.
    pub options: SignOptions,
    /// Time-stamping servers.
    pub servers: Vec<Server>,
    /// What a file must pass first.
    pub rules: ProfileConfig,
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Profile({})", self.identity.leaf().subject)
    }
}
