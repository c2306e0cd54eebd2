//! From a file and an answer to the signed file.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use formats::container::Container;

use super::DetachedError;
use super::answer::Answer;
use super::request::{SigningRequest, fingerprint};
use crate::sign::{Action, IfSigned, Insertion, READ_BUFFER, SignError, Signed, digest_of};
use crate::timestamp::Obtainer;

/// Puts the signature of `answer`, which was made for `request`, into the file `source` and writes the result to
/// `target`, which may be the same file. With a plain signature the result is what signing here would have written.
///
/// # Errors
/// Where the file is not the one of the request, the request does not follow from the file, or the answer is not by the
/// certificate of the request over its bytes; `target` is what it was then.
pub fn attach(
    source: &Path,
    target: &Path,
    request: &SigningRequest,
    answer: &[u8],
    stamping: Option<&Obtainer<'_>>,
) -> Result<Signed, DetachedError> {
    let public = request.public_key()?;
    let answer = Answer::read(answer, public.kind())?;
    let mut input = BufReader::with_capacity(READ_BUFFER, File::open(source)?);
    let (size, sha256) = fingerprint(&mut input)?;
    if (size, &sha256) != (request.size, &request.sha256) {
        return Err(DetachedError::other_file(request, size, &sha256));
    }
    let container = Container::read(&mut input).map_err(SignError::from)?;
    let if_signed = match request.action {
        Action::Appended => IfSigned::Append,
        Action::Signed | Action::Replaced | Action::Skipped => IfSigned::Replace,
    };
    let action = Action::on(&container, if_signed)?;
    let format = container.format();
    if (action, format.name()) != (request.action, &request.format)
        || digest_of(&container, &request.options) != request.options.digest
    {
        return Err(DetachedError::OtherAttributes);
    }
    let insertion = Insertion {
        source,
        target,
        leaf: request.certificates.leaf(),
        options: &request.options,
        placement: action.placement(),
        stamping,
    };
    let timestamp = insertion.write(&container, &mut input, |draft| {
        match draft.to_be_signed() == request.signed_attributes {
            true => answer.cms(draft, request, &public),
            false => Err(DetachedError::OtherAttributes),
        }
    })?;
    Ok(Signed {
        format,
        digest: request.options.digest,
        action,
        timestamp,
    })
}
