//! The gate: what the linter says of a file before a key is used for it.
//!
//! A package and a full flash update are judged as they are; another file as the only one of a package. The signature that the file
//! has is left out: a new one takes its place.

use std::collections::BTreeMap;
use std::io::{self, Cursor};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use formats::container::Format;
use formats::container::cab::{Entry, PackError, Packing, pack};
use lint::diagnostic::{Level, Place};
use lint::engine::{Counts, Outcome, gather, judge};
use lint::facts::Workspace;
use lint::facts::signature::State as SignatureState;
use lint::files::{Files, Memory};
use lint::full_flash::{ImageOptions, is_image, read_image};
use lint::image::ImageType;
use lint::policy::Policies;
use lint::render::json;
use lint::resolve::ResolveOptions;
use lint::verify::verify_cabinets;
use signer::anchor::Anchors;
use signer::digest::{DigestAlgorithm, hex};
use signer::verify::VerifyOptions;
use time::macros::datetime;
use time::{Date, OffsetDateTime};

use crate::audit::PolicyVersion;
use crate::files::Folder;
use crate::upload::Upload;

/// The package that stands around a file that is none.
const AROUND: &str = "around.cab";

/// What the linter said.
#[derive(Clone)]
pub(crate) struct Judged {
    /// The report as JSON.
    pub(crate) report: Vec<u8>,
    /// Its SHA-256, hexadecimal.
    pub(crate) sha256: String,
    /// The policy.
    pub(crate) policy: PolicyVersion,
    /// Whether nothing weighs as an error.
    pub(crate) passes: bool,
    /// How many findings weigh as one.
    pub(crate) errors: usize,
}

/// Why nothing can be said of a file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GateError {
    /// The linter cannot look at it; the text says why.
    #[error("{0}")]
    File(String),
    /// A rule of the organisation broke down; without it the result is not to be trusted.
    #[error("own rule {0}: {1}")]
    Rule(&'static str, String),
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The policies of every type of image on a day.
pub(crate) struct Gatekeeper {
    policies: Policies,
    today: Mutex<Option<Today>>,
}

#[derive(Clone)]
struct Today {
    day: Date,
    policies: Arc<Policies>,
    versions: Arc<BTreeMap<ImageType, PolicyVersion>>,
}

impl Gatekeeper {
    pub(crate) fn new(policies: Policies) -> Self {
        Self {
            policies,
            today: Mutex::new(None),
        }
    }

    /// The policies as they are in force on a day.
    pub(crate) fn on(&self, day: Date) -> Arc<Policies> {
        self.of(day).policies
    }

    fn of(&self, day: Date) -> Today {
        let mut today = self.today.lock().unwrap_or_else(PoisonError::into_inner);
        match &*today {
            Some(known) if known.day == day => known.clone(),
            _ => {
                let policies = Arc::new(self.policies.clone().on(day));
                let versions = ImageType::ALL.iter();
                let versions = versions.map(|image| (*image, version(&policies, *image)));
                let new = Today {
                    day,
                    versions: Arc::new(versions.collect()),
                    policies,
                };
                today.insert(new).clone()
            }
        }
    }

    /// Judges a file by the policy of a type of image. A full flash update has no `format`.
    pub(crate) fn judge(
        &self,
        upload: &Upload,
        format: Option<Format>,
        image: ImageType,
        anchors: &Anchors,
        at: OffsetDateTime,
    ) -> Result<Judged, GateError> {
        let today = self.of(at.date());
        let policies = &*today.policies;
        let outcome = match format {
            None => {
                let files = alone(upload)?;
                let update = std::slice::from_ref(&upload.name);
                let workspaces = facts(&*files, update, Some(image), anchors, at)?;
                without_own_catalog(judge(&workspaces, policies))
            }
            Some(Format::Cabinet) => {
                let (files, name) = as_package(upload)?;
                let package = std::slice::from_ref(&name);
                let workspaces = facts(&*files, package, Some(image), anchors, at)?;
                judge(&without_own_signature(workspaces, None), policies)
            }
            Some(_) => {
                let files = wrap(upload)?;
                let workspaces = facts(&*files, &[AROUND.to_owned()], Some(image), anchors, at)?;
                let workspaces = without_own_signature(workspaces, Some(&upload.name));
                of_member(judge(&workspaces, policies), &upload.name)
            }
        };
        if let Some((rule, problem)) = outcome.failures.iter().next() {
            return Err(GateError::Rule(rule, problem.clone()));
        }
        // A key is used for what was looked at, and for nothing else.
        if outcome.is_of_nothing() {
            let problem = "the linter finds nothing in it that it could judge";
            return Err(GateError::File(problem.to_owned()));
        }
        let mut report = Vec::new();
        json::render(&outcome, &mut report)?;
        Ok(Judged {
            sha256: hex(&DigestAlgorithm::Sha256.of(&report)),
            report,
            policy: (today.versions.get(&image).cloned())
                .unwrap_or_else(|| version(policies, image)),
            passes: !outcome.reaches(Level::Error),
            errors: outcome.counts.errors,
        })
    }
}

/// What is known of paths, signatures included.
pub(crate) fn facts(
    files: &dyn Files,
    paths: &[String],
    image: Option<ImageType>,
    anchors: &Anchors,
    at: OffsetDateTime,
) -> Result<Vec<Workspace>, GateError> {
    let verify = VerifyOptions { at, anchors };
    let options = ResolveOptions {
        image,
        ..ResolveOptions::default()
    };
    let read = |path: &String| {
        let options = ImageOptions {
            resolve: &options,
            verify,
            // The other threads are for other requests.
            threads: NonZeroUsize::MIN,
            progress: &|_| (),
        };
        let image = read_image(files, path, options);
        image.map_err(|error| GateError::File(error.to_string()))
    };
    let is_image = |path: &&String| is_image(files, path);
    let (images, paths): (Vec<&String>, Vec<&String>) = paths.iter().partition(is_image);
    let images = images
        .into_iter()
        .map(read)
        .collect::<Result<Vec<_>, _>>()?;
    let paths: Vec<String> = paths.into_iter().cloned().collect();
    let gathered = gather(files, &paths, &options);
    let mut workspaces = gathered.map_err(|error| GateError::File(error.to_string()))?;
    for workspace in &mut workspaces {
        verify_cabinets(files, workspace, verify, None);
    }
    workspaces.extend(images);
    Ok(workspaces)
}

/// Takes out what is said of the signature that makes room: that of the package, or that of the one file in it.
fn without_own_signature(mut workspaces: Vec<Workspace>, member: Option<&str>) -> Vec<Workspace> {
    for workspace in &mut workspaces {
        workspace.signatures.retain(|signature| {
            let of_package = signature.subject.member.is_none();
            let of_member = member.is_some() && signature.subject.member.as_deref() == member;
            let is_unreadable = matches!(signature.state, SignatureState::Unreadable(_));
            is_unreadable || !(of_package || of_member)
        });
    }
    workspaces
}

/// The rule about the signature of an image's catalog.
const OWN_CATALOG: &str = "image-catalog-unverified";

/// Takes out what is said of the signature of an image, which makes room.
fn without_own_catalog(mut outcome: Outcome) -> Outcome {
    outcome
        .diagnostics
        .retain(|found| found.rule != OWN_CATALOG);
    outcome.counts = Counts::of(&outcome.diagnostics);
    outcome
}

/// A tree with nothing but the file.
fn alone(upload: &Upload) -> io::Result<Box<dyn Files>> {
    Ok(match upload.small() {
        Some(bytes) => in_memory(&upload.name, bytes),
        None => Box::new(Folder::new(&upload.own_folder()?)),
    })
}

fn in_memory(name: &str, bytes: &[u8]) -> Box<dyn Files> {
    let mut files = Memory::default();
    files.insert(name, bytes.to_vec());
    Box::new(files)
}

/// How packages are called, which is how the linter knows them among other files.
const PACKAGES: [&str; 2] = [".cab", ".spkg"];

/// A tree with nothing but the file, and the name under which it is judged as a package: whatever the client calls it, it is
/// one.
fn as_package(upload: &Upload) -> io::Result<(Box<dyn Files>, String)> {
    let name = upload.name.to_ascii_lowercase();
    if PACKAGES.iter().any(|end| name.ends_with(end)) {
        return Ok((alone(upload)?, upload.name.clone()));
    }
    let name = format!("{}.cab", upload.name);
    if let Some(bytes) = upload.small() {
        return Ok((in_memory(&name, bytes), name));
    }
    let folder = upload.work_folder()?.join("package");
    std::fs::create_dir(&folder)?;
    std::fs::hard_link(upload.path()?, folder.join(&name))?;
    Ok((Box::new(Folder::new(&folder)), name))
}

/// A tree with nothing but a package of the file.
fn wrap(upload: &Upload) -> Result<Box<dyn Files>, GateError> {
    let entry = Entry {
        name: upload.name.clone(),
        size: upload.size,
        timestamp: datetime!(1980-01-01 00:00),
        attribs: 0,
        data: &mut upload.open()?,
    };
    let unpacked = |error: PackError| GateError::File(error.to_string());
    if upload.small().is_some() {
        let around = Cursor::new(Vec::new());
        let around = pack(vec![entry], Packing::default(), around).map_err(unpacked)?;
        return Ok(in_memory(AROUND, around.get_ref()));
    }
    let folder = upload.work_folder()?.join("around");
    std::fs::create_dir(&folder)?;
    let around = std::fs::File::create_new(folder.join(AROUND))?;
    pack(vec![entry], Packing::default(), around).map_err(unpacked)?;
    Ok(Box::new(Folder::new(&folder)))
}

/// What was found about the one file of a package and not about the package, as if it stood alone.
fn of_member(mut outcome: Outcome, member: &str) -> Outcome {
    outcome.diagnostics.retain_mut(|found| {
        let rest = found.primary.route().strip_prefix(member);
        let rest = rest.and_then(|rest| match rest {
            "" => Some(""),
            rest => rest.strip_prefix(": "),
        });
        let place = rest.map(|rest| Place::binary(member, rest));
        let is_about = place.is_some();
        found.primary = place.unwrap_or_else(|| found.primary.clone());
        is_about
    });
    outcome.counts = Counts::of(&outcome.diagnostics);
    outcome
}

/// What tells this policy from every other: the texts, the levels, and the rules that this version has.
pub(crate) fn version(policies: &Policies, image: ImageType) -> PolicyVersion {
    let mut text = format!("proofmark {}\n", env!("CARGO_PKG_VERSION"));
    for configured in policies.rules_for(Some(image)).iter() {
        text.push_str(&format!("{} {}\n", configured.info.id, configured.level));
    }
    for source in policies.sources() {
        text.push_str(&format!("{} {}\n", source.text().len(), source.text()));
    }
    PolicyVersion {
        image: image.as_str().to_owned(),
        sha256: hex(&DigestAlgorithm::Sha256.of(text.as_bytes())),
    }
}
