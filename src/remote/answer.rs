//! What comes back is not taken on trust: a signed file takes the place of another once it was verified here.

use std::fs::File;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use formats::container::Container;
use lint::render::verification::{self, Detail, FileRecord, Requirement};
use service::audit::Entry;
use service::audit::note::VerifierKey;
use service::audit::proof::Proof;
use signer::anchor::Anchors;
use signer::digest::hex;
use signer::identity::Identity;
use signer::verify::{VerifyOptions, verify};
use time::OffsetDateTime;

use super::{Remote, same_content};
use crate::audit;
use crate::error::Error;
use crate::http::Answer;

/// Largest signed file that is taken, in bytes, above the length of the file that was sent.
const MOST_ADDED: u64 = 64 << 20;
/// Largest entry or proof, in bytes.
const MAX_ENTRY: u64 = 128 << 10;
/// Bytes read at a time from a file that is verified.
const READ_BUFFER: usize = 256 << 10;

/// What a signature must be besides right.
#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    /// Public key of the service's log, or a file with it: no signature is taken without the proof that it was logged
    #[arg(long, value_name = "KEY|FILE", requires = "remote")]
    log_key: Option<String>,
}

impl LogArgs {
    /// The key, where one is given.
    pub(crate) fn key(&self) -> Result<Option<VerifierKey>, Error> {
        self.log_key.as_deref().map(audit::key).transpose()
    }
}

/// How what comes back is judged.
pub(crate) struct Checks<'a> {
    pub(crate) remote: &'a Remote,
    pub(crate) anchors: &'a Anchors,
    /// The log in which the signatures must be.
    pub(crate) log_key: Option<&'a VerifierKey>,
    /// Any identity, to sign for comparison.
    pub(crate) identity: &'a Identity,
}

impl Checks<'_> {
    /// Puts the signed file of an answer in the place of `output`, if it is `input` with a signature that holds. The number
    /// of the entry that tells of it, where the service says so.
    pub(super) fn take(
        &self,
        input: &Path,
        output: &Path,
        mut answer: Answer,
    ) -> Result<Option<u64>, Error> {
        let metadata = std::fs::metadata(input).map_err(|error| Error::file(input, error))?;
        // Beside its target, so that it can take its place in one step.
        let temporary = tempfile::NamedTempFile::new_in(folder_of(output));
        let mut temporary = temporary.map_err(|error| Error::file(output, error))?;
        answer
            .copy_to(
                temporary.as_file_mut(),
                metadata.len().saturating_add(MOST_ADDED),
            )
            .map_err(|error| self.remote.failed(&error))?;
        let written = temporary.flush();
        written.map_err(|error| Error::file(output, error))?;
        self.verify(input, temporary.path())?;
        same_content::check(input, temporary.path(), self.identity)?;
        let index = self.logged(input, &answer, |entry| {
            let digest = hex(&audit::sha256(temporary.path())?);
            Ok(entry.output.is_some_and(|output| output.sha256 == digest))
        })?;
        let put = || {
            let file = temporary.as_file();
            file.set_permissions(metadata.permissions())?;
            file.sync_all()?;
            temporary.persist(output).map_err(|error| error.error)
        };
        put().map_err(|error| Error::file(output, error))?;
        Ok(index)
    }

    /// Every signature of what came back must hold.
    pub(super) fn verify(&self, input: &Path, signed: &Path) -> Result<(), Error> {
        let file = File::open(signed).map_err(|error| Error::file(signed, error))?;
        let mut reader = BufReader::with_capacity(READ_BUFFER, file);
        let container = Container::read(&mut reader).map_err(|error| {
            Error::file(input, format_args!("the answer of the service: {error}"))
        })?;
        let options = VerifyOptions {
            at: OffsetDateTime::now_utc(),
            anchors: self.anchors,
        };
        let verification = verify(&container, &mut reader, options);
        let record = FileRecord::new(
            input.display().to_string(),
            verification.map_err(|error| error.to_string()),
            Requirement {
                class: None,
                signatures: verification::SignatureRequirement::All,
            },
        );
        match record.is_accepted() {
            true => Ok(()),
            false => Err(Error::file(
                input,
                format_args!(
                    "what the service sent back does not verify; nothing was written\n{}",
                    verification::text(&[record], Detail::Outcomes, false).trim_end()
                ),
            )
            .hint("--root FILE names the root of your own certificates")),
        }
    }

    /// The number of the entry that an answer tells of; it must be in the log and about this where the log's key is known.
    pub(super) fn logged(
        &self,
        input: &Path,
        answer: &Answer,
        is_about_this: impl FnOnce(Entry) -> Result<bool, Error>,
    ) -> Result<Option<u64>, Error> {
        let index = answer
            .header("proofmark-entry")
            .and_then(|index| index.parse().ok());
        let Some(key) = self.log_key else {
            return Ok(index);
        };
        let refused = |why: &dyn std::fmt::Display| {
            Error::file(
                input,
                format_args!("the signature is not in the log: {why}; nothing was written"),
            )
        };
        let index: u64 = index.ok_or_else(|| refused(&"the service names no entry"))?;
        let get = |what| self.remote.get(&format!("/log/{what}/{index}"), MAX_ENTRY);
        let (entry, proof) = (get("entry")?, get("proof")?);
        let proof = String::from_utf8_lossy(&proof);
        let proof = Proof::parse(&proof).map_err(|error| refused(&error))?;
        proof.verify(&entry, key).map_err(|error| refused(&error))?;
        let entry = Entry::parse(&entry).map_err(|error| refused(&error))?;
        match is_about_this(entry)? {
            true => Ok(Some(proof.index)),
            false => Err(refused(&"the entry is about another file")),
        }
    }
}

/// The folder in which a file is.
pub(super) fn folder_of(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    folder.unwrap_or(Path::new(".")).to_owned()
}
