//! Keys that others hold: what profiles say about them, and the identity that comes of it.

mod cloud;
mod command;
mod pkcs11;

use std::path::Path;

use formats::certificate::Certificate;
use signer::identity::{Identity, read_certificates};

use crate::error::Error;

pub(crate) use cloud::{AwsProfile, AzureProfile, CloudProfile, GoogleProfile};
pub(crate) use command::CommandProfile;
pub(crate) use pkcs11::{Pkcs11Profile, read_pin};

/// Who holds a profile's key, where it is not in a file.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Holder<'a> {
    /// A token.
    Pkcs11(&'a Pkcs11Profile),
    /// A program.
    Command(&'a CommandProfile),
    /// A cloud service.
    Cloud(CloudProfile<'a>),
}

impl Holder<'_> {
    /// The identity that signs with the key.
    pub(crate) fn identity(self) -> Result<Identity, Error> {
        match self {
            Self::Pkcs11(profile) => profile.identity(),
            Self::Command(profile) => profile.identity(),
            Self::Cloud(profile) => profile.identity(),
        }
    }
}

/// The certificates of a file.
pub(crate) fn certificates(path: &Path) -> Result<Vec<Certificate>, Error> {
    let file = std::fs::read(path).map_err(|error| Error::file(path, error))?;
    read_certificates(&file).map_err(|error| Error::file(path, error))
}
