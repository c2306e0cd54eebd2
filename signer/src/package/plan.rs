//! What has to be done with a package, decided before anything is done.

use std::io::{self, Cursor};

use formats::container::cab::Limits;
use formats::container::cat::SubjectKind;
use formats::container::{Container, Format};

use super::contents::{Package, PackageFile};
use super::links::Links;
use super::refresh::{Listings, Subjects};
use super::skip::{self, Glob};
use super::{Act, Layer, PackageError, Row};
use crate::anchor::TrustClass;
use crate::app_package;
use crate::chain;
use crate::sign::Job;
use crate::verify::{Check, SignatureReport, Verification, VerifyOptions, verify};

/// How packages are signed again.
#[derive(Clone, Copy)]
pub struct Terms<'a> {
    /// Who signs, and how; [`Job::if_signed`] does not count.
    pub job: Job<'a>,
    /// When and against what the signatures that are there are judged.
    pub judge: VerifyOptions<'a>,
    /// Packages and files in them that stay as they are, besides HAL extensions.
    pub skip: &'a [Glob],
    /// Whether signatures of a better class than the new one, Microsoft's own, are replaced too.
    pub replace_better: bool,
    /// What reading a package may cost.
    pub limits: Limits,
    /// Whether to stop before anything is signed or written.
    pub plan_only: bool,
}

impl Terms<'_> {
    /// Why the signatures of a file stay, where they do.
    pub(super) fn reason_to_keep(&self, verification: &Verification) -> Option<String> {
        let first = verification.signatures.first()?;
        let identity = self.job.identity;
        let is_own = first
            .leaf
            .as_ref()
            .is_some_and(|leaf| leaf.der == identity.leaf().der)
            && (verification.format == Format::Appx
                || first.digest_algorithm == Some(self.job.options.digest))
            && (self.job.stamping.is_none() || first.timestamp.is_some());
        if is_own && verification.signatures.iter().all(is_sound) {
            return Some("it has this signature".to_owned());
        }
        let (leaf, others) = (identity.leaf(), identity.intermediates());
        let own = chain::classify(leaf, others, self.judge.anchors);
        let own = own.map(|anchor| anchor.class);
        let found = first.anchor().map(|anchor| anchor.class)?;
        let is_better = rank(Some(found)) > rank(own);
        (is_better && verification.holds() && !self.replace_better)
            .then(|| format!("its signature is of the class {found}"))
    }

    /// What is to be done with a file that has or gets a signature of its own.
    fn judge(&self, bytes: &[u8]) -> Result<(Act, Option<String>), PackageError> {
        let verification = verification(bytes, self.judge)?;
        if verification.signatures.is_empty() {
            return Ok((Act::Signed, None));
        }
        let reason = self.reason_to_keep(&verification);
        match reason.is_some() {
            true => Ok((Act::Kept, reason)),
            false => Ok((Act::Replaced, None)),
        }
    }
}

/// Signatures of a higher rank are worth more to a device.
fn rank(class: Option<TrustClass>) -> u8 {
    match class {
        Some(TrustClass::MicrosoftProduction) => 2,
        Some(TrustClass::Public | TrustClass::Named) => 1,
        _ => 0,
    }
}

/// Whether all that depends on bytes holds; whether the signer is trusted now is another question.
pub(super) fn is_sound(report: &SignatureReport) -> bool {
    let about_signer = [Check::Chain, Check::Usage, Check::Validity];
    let mut failures = report.failures();
    failures.all(|(check, ..)| about_signer.contains(&check))
}

/// Verifies a container in memory.
pub(super) fn verification(bytes: &[u8], options: VerifyOptions<'_>) -> io::Result<Verification> {
    let mut input = Cursor::new(bytes);
    let container = Container::read(&mut input).map_err(io::Error::other)?;
    verify(&container, &mut input, options)
}

/// The work on a package, in order.
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    /// What is done with the cabinet.
    pub(super) cabinet: Row,
    /// Whether the package is none of our business: it was to be passed over, or is signed better.
    pub(super) is_foreign: bool,
}

/// The work on one file.
pub(super) struct Step {
    pub(super) index: usize,
    pub(super) row: Row,
}

impl Plan {
    /// A package that stays as it is.
    pub(super) fn nothing(act: Act, reason: String) -> Self {
        Self {
            steps: Vec::new(),
            cabinet: row(Layer::Cabinet, "", (act, Some(reason))),
            is_foreign: true,
        }
    }

    pub(super) fn is_change(&self) -> bool {
        self.cabinet.act.is_change()
    }

    pub(super) fn rows(&self) -> Vec<Row> {
        let rows = self.steps.iter().map(|step| step.row.clone());
        rows.chain([self.cabinet.clone()]).collect()
    }
}

fn row(layer: Layer, member: &str, (act, reason): (Act, Option<String>)) -> Row {
    Row {
        layer,
        member: member.to_owned(),
        act,
        reason,
        timestamp: None,
    }
}

/// Plans the work on `package`, whose cabinet has been verified. `name` is its file name.
pub(super) fn plan(
    package: &Package,
    links: &Links,
    name: &str,
    cabinet: &Verification,
    terms: &Terms<'_>,
) -> Result<Plan, PackageError> {
    if let Some(reason) = skip::reason(name, terms.skip) {
        return Ok(Plan::nothing(Act::Skipped, reason.to_owned()));
    }
    let kept = terms.reason_to_keep(cabinet);
    if let Some(reason) = kept.clone().filter(|_| !is_own(cabinet, terms)) {
        return Ok(Plan::nothing(Act::Kept, reason));
    }
    let subjects = Subjects::of(&package.files)
        .map_err(|error| PackageError::member(Layer::Catalog, "", error))?;
    let mut planner = Planner {
        subjects: &subjects,
        terms,
        changed: vec![false; package.files.len()],
        steps: Vec::new(),
    };
    let mut catalogs = Vec::new();
    for (index, file) in package.files.iter().enumerate() {
        match file.format()? {
            Some(Format::Pe) => planner.image(index, file)?,
            Some(Format::Appx) => planner.app(index, file)?,
            Some(Format::Catalog) if Some(index) != links.catalog => catalogs.push((index, file)),
            _ => {}
        }
    }
    for (index, file) in catalogs {
        planner.catalog(index, file, false)?;
    }
    for manifest in &links.manifests {
        let mut targets = manifest.targets.iter().flatten();
        if targets.any(|target| planner.is_changed(*target))
            && let Some(file) = package.files.get(manifest.index)
        {
            let row = row(manifest.layer(), &file.path, (Act::Refreshed, None));
            planner.step(manifest.index, row);
        }
    }
    if let Some(index) = links.catalog
        && let Some(file) = package.files.get(index)
    {
        planner.catalog(index, file, true)?;
    }
    let is_changed = planner.changed.contains(&true);
    let act = match kept.filter(|_| !is_changed) {
        Some(reason) => (Act::Kept, Some(reason)),
        None if cabinet.signatures.is_empty() => (Act::Signed, None),
        None => (Act::Replaced, None),
    };
    Ok(Plan {
        steps: planner.steps,
        cabinet: row(Layer::Cabinet, "", act),
        is_foreign: false,
    })
}

/// Whether the first signature is by the key that is to sign.
fn is_own(verification: &Verification, terms: &Terms<'_>) -> bool {
    let first = verification.signatures.first();
    let leaf = first.and_then(|signature| signature.leaf.as_ref());
    leaf.is_some_and(|leaf| leaf.der == terms.job.identity.leaf().der)
}

struct Planner<'a> {
    subjects: &'a Subjects<'a>,
    terms: &'a Terms<'a>,
    changed: Vec<bool>,
    steps: Vec<Step>,
}

impl Planner<'_> {
    fn is_changed(&self, index: usize) -> bool {
        self.changed.get(index) == Some(&true)
    }

    fn step(&mut self, index: usize, row: Row) {
        if let Some(changed) = self.changed.get_mut(index) {
            *changed = row.act.is_change();
        }
        self.steps.push(Step { index, row });
    }

    fn image(&mut self, index: usize, file: &PackageFile) -> Result<(), PackageError> {
        let act = match skip::reason(&file.path, self.terms.skip) {
            Some(reason) => (Act::Skipped, Some(reason.to_owned())),
            None => self.terms.judge(&file.bytes)?,
        };
        self.step(index, row(Layer::Image, &file.path, act));
        Ok(())
    }

    /// An app package is signed only by its publisher: Windows refuses it otherwise.
    fn app(&mut self, index: usize, file: &PackageFile) -> Result<(), PackageError> {
        let mut act = match skip::reason(&file.path, self.terms.skip) {
            Some(reason) => (Act::Skipped, Some(reason.to_owned())),
            None => self.terms.judge(&file.bytes)?,
        };
        let publisher = self.foreign_publisher(file)?;
        if let Some(publisher) = publisher.filter(|_| act.0.is_change()) {
            act = (Act::Skipped, Some(format!("its publisher is {publisher}")));
        }
        self.step(index, row(Layer::App, &file.path, act));
        Ok(())
    }

    /// The publisher of an app package, where it is another one than the signer.
    fn foreign_publisher(&self, file: &PackageFile) -> Result<Option<String>, PackageError> {
        let problem = |error| PackageError::member(Layer::App, &file.path, error);
        let container = Container::read(&mut Cursor::new(&file.bytes)).map_err(problem)?;
        let Container::Appx(package) = container else {
            return Ok(None);
        };
        let publisher = package.prepare().map_err(problem)?.publisher().to_owned();
        let job = self.terms.job;
        let is_own = job.options.allow_publisher_mismatch
            || app_package::is_publisher(&publisher, &job.identity.leaf().subject);
        Ok((!is_own).then_some(publisher))
    }

    /// A catalog among the payload is signed only where a file that it lists changes.
    fn catalog(
        &mut self,
        index: usize,
        file: &PackageFile,
        is_of_package: bool,
    ) -> Result<(), PackageError> {
        let listings = Listings::read(&file.bytes, self.subjects)
            .map_err(|error| PackageError::member(Layer::Catalog, &file.path, error))?;
        let listed = listings.listed();
        let mut changed = listed.iter().filter(|(target, _)| self.is_changed(*target));
        let is_concerned = changed.clone().next().is_some();
        if !is_of_package && !is_concerned {
            return Ok(());
        }
        let (mut act, mut reason) = self.terms.judge(&file.bytes)?;
        // Signing does not change what is hashed of an image.
        if act == Act::Kept && changed.any(|(_, kind)| *kind != SubjectKind::Pe) {
            (act, reason) = (Act::Replaced, None);
        }
        self.step(index, row(Layer::Catalog, &file.path, (act, reason)));
        Ok(())
    }
}
