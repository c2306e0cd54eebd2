//! Where a log is: a folder, or a service.

use std::path::Path;

use service::audit::source::{Folder, Source};

use crate::error::Error;
use crate::remote::Remote;

/// A folder or a service.
pub(super) enum Place {
    Folder(Folder),
    Service(Box<Remote>),
}

impl Place {
    pub(super) fn new(given: &str, token_file: Option<&Path>) -> Result<Self, Error> {
        if given.contains("://") {
            let remote = Remote::new(given, token_file)?;
            return Ok(Self::Service(Box::new(remote)));
        }
        let path = Path::new(given);
        match path.join("checkpoint").is_file() {
            true => Ok(Self::Folder(Folder(path.to_owned()))),
            false => Err(Error::file(path, "no log is here: there is no file checkpoint")
                .hint("proofmark audit export writes one; the address of a service begins with https://")),
        }
    }
}

impl Source for Place {
    fn read(&self, path: &str, limit: u64) -> Result<Vec<u8>, String> {
        match self {
            Self::Folder(folder) => folder.read(path, limit),
            Self::Service(remote) => remote
                .get(&format!("/log/{path}"), limit)
                .map_err(|error| error.message().to_owned()),
        }
    }
}
