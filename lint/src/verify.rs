//! Verifies the cabinets of a workspace, so that rules can judge their signatures.

use std::io::BufReader;

use formats::container::Container;
use rayon::prelude::*;
use signer::verify::{Verification, VerifyOptions, verify};

use crate::facts::Workspace;
use crate::facts::signature::{Signature, State, Subject};
use crate::files::Files;

/// Bytes read at a time from a cabinet that is hashed.
const READ_BUFFER: usize = 256 << 10;

/// Verifies the cabinets that [`Workspace::cabs`] names, in parallel, and puts the records into
/// [`Workspace::signatures`]. What cannot be read becomes a record too.
pub fn verify_cabinets(files: &dyn Files, workspace: &mut Workspace, options: VerifyOptions<'_>) {
    let paths: Vec<String> = workspace
        .cabs()
        .iter()
        .map(|cab| cab.path.clone())
        .collect();
    let signatures = paths
        .par_iter()
        .flat_map_iter(|path| signatures(path, verify_file(files, path, options), options));
    workspace.signatures = signatures.collect();
    workspace.verified_at = Some(options.at);
}

fn verify_file(
    files: &dyn Files,
    path: &str,
    options: VerifyOptions<'_>,
) -> Result<Verification, String> {
    let file = files.open(path).map_err(|error| error.to_string())?;
    let mut input = BufReader::with_capacity(READ_BUFFER, file);
    let container = Container::read(&mut input).map_err(|error| error.to_string())?;
    verify(&container, &mut input, options).map_err(|error| error.to_string())
}

fn signatures(
    path: &str,
    result: Result<Verification, String>,
    options: VerifyOptions<'_>,
) -> Vec<Signature> {
    let states = match result {
        Err(problem) => vec![State::Unreadable(problem)],
        Ok(verification) if verification.signatures.is_empty() => vec![State::Unsigned],
        Ok(verification) => {
            let reports = verification.signatures.into_iter();
            reports
                .map(|report| State::Signed(Box::new(report)))
                .collect()
        }
    };
    let signature = |state| Signature {
        subject: Subject {
            file: path.to_owned(),
            member: None,
        },
        state,
        verified_at: options.at,
    };
    states.into_iter().map(signature).collect()
}
