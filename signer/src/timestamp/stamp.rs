//! Time-stamping the signature of a file that was signed before.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::Path;

use formats::container::{Container, Format};
use formats::patch::Patch;

use super::attach::{Existing, Stampable, attach};
use super::obtain::{Obtained, Obtainer};
use crate::clock::rfc3339;
use crate::output::write_patched;
use crate::sign::{READ_BUFFER, SignError};
use crate::verify::{self, Check, Outcome, VerifyOptions};

/// Puts a time stamp on the first signature of the file `source` and writes the result to `target`, which may be the
/// same file. Returns its format and the stamp.
///
/// # Errors
/// As [`stamp`], and whatever writing reports; `target` is what it was then.
pub fn stamp_file(
    source: &Path,
    target: &Path,
    obtainer: &Obtainer<'_>,
    existing: Existing,
) -> Result<(Format, Obtained), SignError> {
    let mut input = BufReader::with_capacity(READ_BUFFER, File::open(source)?);
    let container = Container::read(&mut input)?;
    let (patch, obtained) = stamp(&container, &mut input, obtainer, existing)?;
    drop(input);
    write_patched(source, &patch, target)?;
    Ok((container.format(), obtained))
}

/// Makes the patch that puts a time stamp on the first signature of `input`, which was read as `container`.
///
/// # Errors
/// Where there is no signature, where a time stamp could not help it any more, or where no server gives one.
pub fn stamp(
    container: &Container,
    input: &mut (impl Read + Seek),
    obtainer: &Obtainer<'_>,
    existing: Existing,
) -> Result<(Patch, Obtained), SignError> {
    let Some(signature) = container.signature() else {
        let message = format!("the {} is not signed", container.format());
        return Err(SignError::NotStampable(message));
    };
    // Whoever keeps a stamp learns that there is one before anything else is judged.
    Stampable::read(signature.der, existing)?;
    check_worth(container, input, obtainer)?;
    let (cms, obtained) = add_stamp(signature.der, obtainer, existing)?;
    Ok((container.amend(&cms, input)?, obtained))
}

/// A signature with a time stamp that was obtained for it.
pub(crate) fn add_stamp(
    cms: &[u8],
    obtainer: &Obtainer<'_>,
    existing: Existing,
) -> Result<(Vec<u8>, Obtained), SignError> {
    let obtained = obtainer.obtain(&Stampable::read(cms, existing)?)?;
    Ok((attach(cms, &obtained.stamp, existing)?, obtained))
}

/// A signature that does not hold, or whose certificate has expired, is not made better by a stamp of today; taking
/// an older stamp away from it would even make it worse.
fn check_worth(
    container: &Container,
    input: &mut (impl Read + Seek),
    obtainer: &Obtainer<'_>,
) -> Result<(), SignError> {
    let options = VerifyOptions {
        at: obtainer.now(),
        anchors: obtainer.anchors(),
    };
    let verification = verify::verify(container, input, options)?;
    let Some(report) = verification.signatures.first() else {
        return Ok(());
    };
    for check in [Check::Structure, Check::Digest, Check::Signature] {
        if let Some(Outcome::Failed(_, message)) = report.outcome(check) {
            let message = format!("the signature does not hold: {message}");
            return Err(SignError::NotStampable(message));
        }
    }
    match &report.leaf {
        Some(leaf) if leaf.not_after < options.at => Err(SignError::NotStampable(format!(
            "the certificate of {} expired on {}, and a time stamp of today comes too late for its signature",
            leaf.subject,
            rfc3339(leaf.not_after)
        ))),
        _ => Ok(()),
    }
}
