//! `proofmark sign --remote --by-digest`: the file stays here, its digest goes to the service, and the signature that comes
//! back is put in here.

use std::path::Path;

use signer::detached::{DetachedError, attach, extract};
use signer::digest::{DigestAlgorithm, hex};
use signer::identity::read_certificates;
use signer::sign::{IfSigned, SignOptions};
use signer::signer_certificates::SignerCertificates;
use signer::timestamp::Obtainer;

use super::answer::{Checks, folder_of};
use super::{Remote, encoded};
use crate::error::Error;
use crate::http::Sent;
use crate::sign::explain;

/// Largest signature that is taken, in bytes.
const MAX_SIGNATURE: u64 = 64 << 10;

/// How files are signed of which the service sees the digest alone.
pub(crate) struct ByDigest<'a> {
    /// Of the profile, as the service has it.
    pub(crate) certificates: SignerCertificates,
    pub(crate) options: SignOptions,
    pub(crate) if_signed: IfSigned,
    pub(crate) stamping: Option<&'a Obtainer<'a>>,
}

/// The certificates of a profile, where the service signs digests with it.
pub(crate) fn certificates(remote: &Remote, profile: &str) -> Result<SignerCertificates, Error> {
    let profiles = remote.get_json("/v1/profiles")?;
    let mut profiles = profiles.as_array().into_iter().flatten();
    let found = profiles.find(|found| found["name"] == profile);
    let found = found.ok_or_else(|| {
        Error::new(format_args!(
            "the service has no profile '{profile}' for you"
        ))
    })?;
    if found["approvals"] != 0 {
        return Err(Error::new(format_args!(
            "profile '{profile}' signs no digests: people have to agree to its files"
        ))
        .hint("`proofmark request` asks them"));
    }
    if found["digest_signing"] != true {
        return Err(Error::new(format_args!(
            "profile '{profile}' signs no digests: its policy looks into the files"
        ))
        .hint("leave --by-digest out, so that the files go to the service"));
    }
    let of_profile = |problem: &dyn std::fmt::Display| {
        Error::new(format_args!(
            "the certificate of profile '{profile}': {problem}"
        ))
    };
    let pem = found["certificates"].as_str().unwrap_or_default();
    let certificates = read_certificates(pem.as_bytes()).map_err(|error| of_profile(&error))?;
    match certificates.split_first() {
        Some((leaf, _)) => Ok(SignerCertificates::new(leaf.clone(), &certificates)),
        None => Err(of_profile(&"the service does not say which it is")),
    }
}

impl ByDigest<'_> {
    /// Signs a file, and says which entry of the log tells of it.
    pub(super) fn sign(
        &self,
        checks: &Checks<'_>,
        profile: &str,
        input: &Path,
        output: &Path,
    ) -> Result<Option<u64>, Error> {
        let explained = |error: DetachedError| match error {
            DetachedError::Sign(error) => explain(input, error),
            error => Error::file(input, error),
        };
        let extracted = extract(input, &self.certificates, &self.options, self.if_signed);
        let Some(extracted) = extracted.map_err(explained)? else {
            return Err(Error::file(input, "it is signed already"));
        };
        let mut request = extracted.request;
        request.options.stamp_policies = self.stamping.is_some();
        let text = request.write().map_err(explained)?;
        let path = format!("/v1/sign-digest?profile={}", encoded(profile));
        let headers = [("content-type", "application/json")];
        let answer = checks
            .remote
            .ask(&path, &headers, Sent::Bytes(text.as_bytes()))?;
        let mut answer = match checks.remote.sort(answer)? {
            Ok(answer) => answer,
            Err(refusal) => return Err(Error::file(input, refusal.in_words())),
        };
        let signature = answer.bytes(MAX_SIGNATURE);
        let signature = signature.map_err(|error| checks.remote.failed(&error))?;
        // Beside its target, so that it can take its place in one step.
        let folder = tempfile::tempdir_in(folder_of(output));
        let folder = folder.map_err(|error| Error::file(output, error))?;
        let signed = folder.path().join("signed");
        attach(input, &signed, &request, &signature, self.stamping).map_err(explained)?;
        checks.verify(input, &signed)?;
        let index = checks.logged(input, &answer, |entry| {
            let made = hex(&DigestAlgorithm::Sha256.of(&signature));
            let input = hex(&request.sha256);
            let is = |subject: Option<service::audit::Subject>, digest: &str| {
                subject.is_some_and(|subject| subject.sha256 == digest)
            };
            Ok(is(entry.input, &input) && is(entry.output, &made))
        })?;
        std::fs::rename(&signed, output).map_err(|error| Error::file(output, error))?;
        Ok(index)
    }
}
