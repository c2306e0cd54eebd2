//! Whether what came back is the file that was sent, with a signature.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use formats::container::Container;
use signer::identity::Identity;
use signer::output::write_patched;
use signer::sign::{IfSigned, Job, SignOptions, sign_file};

use crate::audit::sha256;
use crate::error::Error;

/// Bytes read at a time.
const READ_BUFFER: usize = 256 << 10;

/// Refuses `signed` where it is not `sent` but for its signature; `identity` is any that can sign.
pub(super) fn check(sent: &Path, signed: &Path, identity: &Identity) -> Result<(), Error> {
    let folder = tempfile::tempdir()?;
    let bare = |file: &Path| {
        let target = folder.path().join("bare");
        let removed = without_signature(file, &target);
        removed.map_err(|problem| Error::file(sent, problem))?;
        sha256(&target)
    };
    let expected = bare(signed)?;
    let plain = bare(sent)?;
    if plain == expected {
        return Ok(());
    }
    // Signing may leave more than a signature, such as the room for one in a cabinet: the same is done here.
    let again = folder.path().join("again");
    let options = SignOptions {
        allow_publisher_mismatch: true,
        ..SignOptions::default()
    };
    let job = Job {
        identity,
        options: &options,
        if_signed: IfSigned::Replace,
        stamping: None,
    };
    sign_file(sent, &again, job).map_err(|error| Error::file(sent, error))?;
    match bare(&again).is_ok_and(|digest| digest == expected) {
        true => Ok(()),
        false => Err(Error::file(
            sent,
            "what the service sent back is another file; nothing was written",
        )),
    }
}

fn without_signature(file: &Path, target: &Path) -> Result<(), String> {
    let words = |error: &dyn std::fmt::Display| error.to_string();
    let opened = File::open(file).map_err(|error| words(&error))?;
    let mut reader = BufReader::with_capacity(READ_BUFFER, opened);
    let container = Container::read(&mut reader).map_err(|error| words(&error))?;
    let patch = container
        .remove_signature(&mut reader)
        .map_err(|error| words(&error))?;
    write_patched(file, &patch.unwrap_or_default(), target).map_err(|error| words(&error))
}
