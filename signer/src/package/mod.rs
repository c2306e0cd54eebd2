//! Packages: cabinets whose files vouch for each other. Shown, and signed again from the inside out.
//!
//! Images are signed first, because everything else states their digests; then catalogs among the payload, component
//! manifests, the manifest of the package, its catalog, and the cabinet. What has to be done is planned before anything
//! is done, and the result is verified as a whole before it takes its name.

mod build;
mod check;
mod contents;
mod diff;
mod links;
mod plan;
mod refresh;
mod resign;
mod skip;
mod survey;

use std::fmt;
use std::io;

use formats::container::cab::PackError;
use formats::error::ParseError;

use crate::sign::SignError;
use crate::timestamp::Obtained;

pub use build::{
    BuildOptions, Built, DefinitionError, MAX_FILES, Model, ModelFile, ModelKey, ModelValue,
    Target, build, model, twin,
};
pub use contents::{Package, PackageFile};
pub use diff::{Comparable, Difference, Part, diff};
pub use links::{Examination, LinkFault, link_fault};
pub use plan::Terms;
pub use resign::resign;
pub use skip::Glob;
pub use survey::{Survey, SurveyedFile, SurveyedService, survey};

/// A layer of a package, from the inside out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// A PE image.
    Image,
    /// An app package.
    App,
    /// A digest in a component manifest, and the manifest.
    Digest,
    /// A size or hash in the manifest of the package, and the manifest.
    Hash,
    /// An entry of the package's catalog.
    Listing,
    /// A catalog.
    Catalog,
    /// The cabinet.
    Cabinet,
}

impl Layer {
    /// The name that reports use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::App => "app",
            Self::Digest => "component-manifest",
            Self::Hash => "package-manifest",
            Self::Listing => "catalog-entry",
            Self::Catalog => "catalog",
            Self::Cabinet => "cabinet",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Image => "PE image",
            Self::App => "app package",
            Self::Digest => "component manifest",
            Self::Hash => "package manifest",
            Self::Listing => "catalog entry",
            Self::Catalog => "catalog",
            Self::Cabinet => "cabinet",
        })
    }
}

/// A link of a package that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which link.
    pub layer: Layer,
    /// The file that it is about; empty where it is about the package.
    pub member: String,
    /// What is wrong, with values.
    pub reason: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.layer)?;
        if !self.member.is_empty() {
            write!(f, " {}", self.member)?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// Why a package was left as it was.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// The cabinet cannot be read or rebuilt.
    #[error("cabinet: {0}")]
    Cabinet(#[source] ParseError),
    /// Something about one of its files.
    #[error("{0}")]
    Member(Fault),
    /// Links that do not hold, before anything was done; at least one.
    #[error("the package is damaged: {}", listed(.0))]
    Damaged(Vec<Fault>),
    /// What was made does not hold; at least one.
    #[error("the result does not verify: {}", listed(.0))]
    NotVerified(Vec<Fault>),
    /// A file in it was not signed.
    #[error("{layer} {member}: {error}")]
    Sign {
        /// Its layer.
        layer: Layer,
        /// Its path; empty for the cabinet.
        member: String,
        /// Why.
        error: SignError,
    },
    /// The cabinet cannot hold the result.
    #[error("cabinet: {0}")]
    Pack(#[from] PackError),
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] io::Error),
}

impl PackageError {
    /// An error about a file of the package.
    pub(crate) fn member(layer: Layer, member: &str, problem: impl fmt::Display) -> Self {
        Self::Member(Fault {
            layer,
            member: member.to_owned(),
            reason: problem.to_string(),
        })
    }
}

/// Most faults that a message lists.
const LISTED_FAULTS: usize = 20;

fn listed(faults: &[Fault]) -> String {
    let shown = faults.iter().take(LISTED_FAULTS).map(Fault::to_string);
    let text = shown.collect::<Vec<_>>().join("; ");
    match faults.len().saturating_sub(LISTED_FAULTS) {
        0 => text,
        more => format!("{text}; and {more} more"),
    }
}

/// What is done with a file of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// It is unsigned and is signed.
    Signed,
    /// Its signatures make room for a new one.
    Replaced,
    /// It gets new sizes and digests.
    Refreshed,
    /// It stays as it is.
    Kept,
    /// It stays as it is because it was to be passed over.
    Skipped,
}

impl Act {
    /// The name that reports use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Signed => "signed",
            Self::Replaced => "replaced",
            Self::Refreshed => "refreshed",
            Self::Kept => "kept",
            Self::Skipped => "skipped",
        }
    }

    /// Whether the file becomes another one.
    pub fn is_change(self) -> bool {
        matches!(self, Self::Signed | Self::Replaced | Self::Refreshed)
    }
}

/// One file of a package and what is done with it; rows stand in the order of the work.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its layer.
    pub layer: Layer,
    /// Its path; empty for the cabinet.
    pub member: String,
    /// What is done.
    pub act: Act,
    /// Why it stays as it is, where it does.
    pub reason: Option<String>,
    /// The time stamp that it got, where one was asked for.
    pub timestamp: Option<Obtained>,
}

/// What became of a package, or would under [`Terms::plan_only`].
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Its files that are signed or state digests, the cabinet last.
    pub rows: Vec<Row>,
}

impl Outcome {
    /// `replaced` or `signed` where the package changed, `kept` or `skipped` where it did not.
    pub fn act(&self) -> Act {
        self.rows.last().map_or(Act::Kept, |row| row.act)
    }
}
