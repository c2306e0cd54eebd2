//! The work of one signature, which keeps a thread busy: look, judge, sign.

use std::io::{self, Read, Seek, Write};
use std::num::NonZeroUsize;

use formats::container::ffu::FullFlashUpdate;
use formats::container::{Container, Format};
use formats::error::ParseError;
use formats::patch::Patch;
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use signer::anchor::Purpose;
use signer::digest::hex;
use signer::full_flash::{FullFlashSignError, catalog_of, sign_catalog, verify_full_flash};
use signer::identity::Objection;
use signer::key::KeyError;
use signer::sign::{self, IfSigned, Job, SignError};
use signer::timestamp::Obtainer;
use signer::verify::VerifyOptions;
use time::OffsetDateTime;

use super::patch::{PatchForm, Side};
use crate::gate::{GateError, Judged};
use crate::profile::Profile;
use crate::state::Inner;
use crate::upload::Upload;

/// How a client wants a file signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manner {
    /// What becomes of a signature that is there.
    pub(crate) if_signed: Present,
    /// Whether images get a hash of every page.
    pub(crate) page_hashes: bool,
}

/// What becomes of a signature that is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Present {
    /// The new one takes its place.
    #[default]
    Replace,
    /// The new one is nested in it.
    Append,
    /// The file is not signed.
    Fail,
}

impl Present {
    fn if_signed(self) -> IfSigned {
        match self {
            Self::Replace => IfSigned::Replace,
            Self::Append => IfSigned::Append,
            Self::Fail => IfSigned::Fail,
        }
    }
}

/// A file that was signed.
pub(crate) struct Signed {
    /// What makes the signed file of the one that was sent.
    pub(crate) patch: PatchForm,
    /// What the linter said.
    pub(crate) judged: Judged,
    /// Format of the file.
    pub(crate) format: &'static str,
}

/// What became of a file.
pub(crate) enum Outcome {
    /// It was signed.
    Signed(Box<Signed>),
    /// It did not pass.
    Refused(Judged),
}

/// Why nothing was decided about a file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorkError {
    /// The file cannot be signed by anyone; the text says why.
    #[error("{0}")]
    File(String),
    /// The certificate must not sign now.
    #[error("{0}")]
    Objection(Objection),
    /// The key did not sign.
    #[error(transparent)]
    Key(KeyError),
    /// No server gave a time stamp.
    #[error("{0}")]
    Timestamp(String),
    /// The gate broke down.
    #[error("{0}")]
    Gate(String),
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<SignError> for WorkError {
    fn from(error: SignError) -> Self {
        match error {
            SignError::Key(error) => Self::Key(error),
            SignError::File(error) => Self::Io(error),
            error @ (SignError::Timestamp(_) | SignError::Attach(_)) => {
                Self::Timestamp(error.to_string())
            }
            error => Self::File(error.to_string()),
        }
    }
}

impl From<ParseError> for WorkError {
    fn from(error: ParseError) -> Self {
        Self::File(error.to_string())
    }
}

impl From<GateError> for WorkError {
    fn from(error: GateError) -> Self {
        match error {
            GateError::File(problem) => Self::File(problem),
            GateError::Io(error) => Self::Io(error),
            error @ GateError::Rule(..) => Self::Gate(error.to_string()),
        }
    }
}

impl From<FullFlashSignError> for WorkError {
    fn from(error: FullFlashSignError) -> Self {
        match error {
            FullFlashSignError::Sign(error) => error.into(),
            error => Self::File(error.to_string()),
        }
    }
}

/// A file by its first bytes.
enum Opened {
    Container(Container),
    FullFlash(Box<FullFlashUpdate>),
}

impl Opened {
    /// The format; `None` for a full flash update, which is no container.
    fn format(&self) -> Option<Format> {
        match self {
            Self::Container(container) => Some(container.format()),
            Self::FullFlash(_) => None,
        }
    }
}

/// Judges a file.
pub(crate) fn judge_upload(
    state: &Inner,
    profile: &Profile,
    upload: &Upload,
) -> Result<Judged, WorkError> {
    let opened = recognise(&mut upload.open()?)?;
    judge(
        state,
        profile,
        upload,
        &opened,
        state.setup.environment.now(),
    )
}

fn judge(
    state: &Inner,
    profile: &Profile,
    upload: &Upload,
    opened: &Opened,
    now: OffsetDateTime,
) -> Result<Judged, WorkError> {
    let _judging = tracing::info_span!("gate").entered();
    let image = profile.rules.gate.image();
    let anchors = &state.setup.anchors;
    Ok(state
        .gate
        .judge(upload, opened.format(), image, anchors, now)?)
}

/// Judges a file, and signs it if it passes.
pub(crate) fn work(
    state: &Inner,
    profile: &Profile,
    upload: &Upload,
    manner: Manner,
) -> Result<Outcome, WorkError> {
    let now = state.setup.environment.now();
    let mut input = upload.open()?;
    let opened = recognise(&mut input)?;
    let judged = judge(state, profile, upload, &opened, now)?;
    if !judged.passes {
        return Ok(Outcome::Refused(judged));
    }
    let format = opened.format();
    let anchors = &state.setup.anchors;
    let purpose = match format {
        Some(Format::SiPolicy) => Purpose::Policy,
        _ => Purpose::Code,
    };
    if let Some(objection) = profile.objection(now, anchors, purpose) {
        return Err(WorkError::Objection(objection));
    }
    let environment = &*state.setup.environment;
    let servers = profile.servers.as_ref();
    let obtainer = servers.map(|servers| Obtainer::new(servers, anchors, environment));
    let mut options = profile.options.clone();
    options.page_hashes = manner.page_hashes;
    let job = Job {
        identity: &profile.identity,
        options: &options,
        if_signed: manner.if_signed.if_signed(),
        stamping: obtainer.as_ref(),
    };
    let signing = tracing::info_span!("key").entered();
    let patch = match &opened {
        Opened::Container(container) => sign::sign_patch(container, &mut input, job)?.0,
        Opened::FullFlash(update) => full_flash(state, upload, update, job, now)?,
    };
    drop(signing);
    let output = digest_of(&patch, &mut input)?;
    let input = Side {
        sha256: upload.sha256.clone(),
        size: upload.size,
    };
    Ok(Outcome::Signed(Box::new(Signed {
        patch: PatchForm::new(&patch, input, output),
        judged,
        format: format.map_or("ffu", Format::name),
    })))
}

fn recognise(input: &mut (impl Read + Seek)) -> Result<Opened, WorkError> {
    let mut magic = Vec::new();
    input.by_ref().take(64).read_to_end(&mut magic)?;
    if FullFlashUpdate::is_magic(&magic) {
        let update = FullFlashUpdate::read(input)?;
        return Ok(Opened::FullFlash(Box::new(update)));
    }
    match Container::read(input)? {
        Container::EfiVariable(_) => Err(WorkError::File(
            "new content of a secure-boot variable is not signed here".to_owned(),
        )),
        container => Ok(Opened::Container(container)),
    }
}

/// Signs the catalog of an image whose chunks are what its hash table says.
fn full_flash(
    state: &Inner,
    upload: &Upload,
    update: &FullFlashUpdate,
    job: Job<'_>,
    now: OffsetDateTime,
) -> Result<Patch, WorkError> {
    let options = VerifyOptions {
        at: now,
        anchors: &state.setup.anchors,
    };
    let one = NonZeroUsize::MIN;
    let found = verify_full_flash(update, &|| upload.open(), one, &|_| (), options)?;
    if found.structure.is_failure() || found.chunks.is_failure() {
        let problem = "its chunks are not what its hash table says";
        return Err(WorkError::File(problem.to_owned()));
    }
    let catalog = match found.hash_table.is_failure() {
        false => update.catalog().to_vec(),
        true => catalog_of(update.hash_table(), now)
            .map_err(|error| WorkError::File(error.to_string()))?,
    };
    let (catalog, _) = sign_catalog(&catalog, update.hash_table(), job)?;
    Ok(update.replace_security(&catalog, update.hash_table())?)
}

/// SHA-256 and length of what a patch makes.
fn digest_of(patch: &Patch, input: &mut (impl Read + Seek)) -> io::Result<Side> {
    struct Sink {
        hash: Context,
        size: u64,
    }
    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.hash.update(bytes);
            self.size = self.size.saturating_add(bytes.len() as u64);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut sink = Sink {
        hash: Context::new(&SHA256),
        size: 0,
    };
    patch.apply(input, &mut sink)?;
    Ok(Side {
        sha256: hex(sink.hash.finish().as_ref()),
        size: sink.size,
    })
}
