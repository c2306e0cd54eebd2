//! From files to documents: every file that may be an input is read once, in parallel.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Arc;

use formats::document::boot_configuration::BootConfiguration;
use formats::document::command_script::CommandScript;
use formats::document::customizations::Customizations;
use formats::document::device_layout::{DeviceLayout, OemDevicePlatform};
use formats::document::feature_manifest::FeatureManifest;
use formats::document::fm_file_list::FmFileList;
use formats::document::inf::Inf;
use formats::document::oem_input::OemInput;
use formats::document::product_settings::ProductSettings;
use formats::document::reg_file::RegFile;
use formats::document::si_policy::SiPolicyDocument;
use formats::document::workspace_settings::WorkspaceSettings;
use formats::document::{self, BEGINNING, Document, Other, Recognised};
use formats::source::Source;
use rayon::prelude::*;

use crate::diagnostic::Place;
use crate::discover::{Discovered, FoundFile};
use crate::earlier::Earlier;
use crate::facts::payload::{self, Beginning};
use crate::facts::{Definition, File, Misnamed, Unreadable, Workspace};
use crate::files::{self, Files};
use crate::resolve::TooMany;
use crate::security;
use crate::suppression::{self, Suppression};

/// Name ends of files that may be inputs; anything else is payload, of which the beginning is read at most.
const READ: &[&str] = &[".xml", ".reg", ".inf", ".cmd", ".bat"];

/// What was read, package definitions apart because they get a name of their own when they are resolved.
pub struct Documented {
    /// Everything but products and packages.
    pub workspace: Workspace,
    /// The package definitions, by path.
    pub definitions: Vec<Definition>,
}

/// How many files that may be inputs a workspace may have.
const MOST_CANDIDATES: usize = 300_000;
/// How many bytes they may have together: all of them are kept.
const MOST_BYTES: usize = 1 << 30;
/// How many bytes of a document are read: one more than is accepted tells the reader that there is more.
pub(crate) const LONGEST: usize = document::decode::SIZE_LIMIT.saturating_add(1);

/// Reads the files that may be inputs; what is known of a file from an earlier run is taken from there.
pub fn read(
    files: &dyn Files,
    discovered: &Discovered,
    mut earlier: Option<&mut Earlier>,
) -> Result<Documented, TooMany> {
    let found = discovered.files.iter();
    let found = found.filter(|file| is_candidate(&file.path));
    // What is longer than a document may be is not kept.
    let kept = |file: &FoundFile| usize::try_from(file.size).unwrap_or(LONGEST).min(LONGEST);
    let bytes = found.clone().map(kept).fold(0, usize::saturating_add);
    let candidates: Vec<&FoundFile> = found.collect();
    let root = &discovered.root;
    TooMany::check(root, "documents", candidates.len(), MOST_CANDIDATES)?;
    TooMany::check(root, "bytes of documents", bytes, MOST_BYTES)?;
    let known = earlier.as_deref();
    let pieces: Vec<io::Result<Piece>> = candidates
        .par_iter()
        .map(|file| match known.and_then(|known| known.piece(file)) {
            Some(piece) => Ok(piece),
            None => read_one(files, &file.path),
        })
        .collect();

    let mut documented = Documented {
        workspace: Workspace {
            root: discovered.root.clone(),
            targets: discovered.targets.iter().cloned().collect(),
            ..Workspace::default()
        },
        definitions: Vec::new(),
    };
    for file in &discovered.files {
        documented.workspace.tree.insert(&file.path, file.size);
    }
    documented.workspace.beginnings = beginnings(files, discovered);
    let paths = discovered.files.iter().map(|file| file.path.as_str());
    let workspace = &mut documented.workspace;
    let (security, left_out) = security::read(files, paths, &workspace.targets);
    workspace.security = security;
    let unreadable = &mut workspace.documents.unreadable;
    unreadable.extend(left_out);
    for (folder, problem) in &discovered.unlisted {
        unreadable.push(not_opened(
            folder,
            format!("the folder cannot be listed: {problem}"),
        ));
    }
    for (file, piece) in candidates.into_iter().zip(pieces) {
        match piece {
            Ok(piece) => {
                if let Some(earlier) = &mut earlier {
                    earlier.keep(file, &piece);
                }
                documented.add(piece);
            }
            Err(error) => {
                let problem = format!("the file cannot be read: {error}");
                let unreadable = &mut documented.workspace.documents.unreadable;
                unreadable.push(not_opened(&file.path, problem));
            }
        }
    }
    Ok(documented)
}

impl Earlier {
    fn piece(&self, file: &FoundFile) -> Option<Piece> {
        let (size, piece) = self.pieces.get(&file.path)?;
        (*size == file.size).then(|| piece.clone())
    }

    fn keep(&mut self, file: &FoundFile, piece: &Piece) {
        let piece = (file.size, piece.clone());
        self.pieces.insert(file.path.clone(), piece);
    }
}

/// How payload files begin; one that cannot be opened is left out.
fn beginnings(files: &dyn Files, discovered: &Discovered) -> BTreeMap<String, Beginning> {
    let paths = discovered.files.iter().map(|file| file.path.as_str());
    let wanted: Vec<&str> = paths.filter(|path| payload::is_wanted(path)).collect();
    let read = wanted.par_iter().filter_map(|path| {
        let bytes = files.read(path, payload::LENGTH).ok()?;
        Some(((*path).to_owned(), Beginning::of(&bytes)))
    });
    read.collect()
}

fn is_candidate(path: &str) -> bool {
    let name = files::name_of(path).to_ascii_lowercase();
    READ.iter().any(|end| name.ends_with(end))
}

/// Reads a file; of payload its beginning alone.
fn read_one(files: &dyn Files, path: &str) -> io::Result<Piece> {
    let mut file = files.open(path)?;
    let mut bytes = Vec::with_capacity(BEGINNING);
    let mut beginning = file.by_ref().take(BEGINNING as u64);
    let length = beginning.read_to_end(&mut bytes)?;
    if document::is_payload(path, &bytes) {
        return Ok(Piece::default());
    }
    if length == BEGINNING {
        let rest = LONGEST.saturating_sub(length);
        file.take(rest as u64).read_to_end(&mut bytes)?;
    }
    Ok(Piece::of(document::recognise(path, &bytes)))
}

fn not_opened(path: &str, problem: String) -> Unreadable {
    Unreadable {
        place: Place::binary(path, ""),
        kind: None,
        problem,
    }
}

impl Documented {
    /// Puts a document where documents of its kind are.
    pub(crate) fn put(&mut self, recognised: Recognised) {
        self.add(Piece::of(recognised));
    }

    fn add(&mut self, piece: Piece) {
        let Some(piece) = piece.0 else {
            return;
        };
        let Inputs {
            document,
            suppressions,
            source,
        } = Arc::unwrap_or_clone(piece);
        let documents = &mut self.workspace.documents;
        match document {
            InputDocument::OemInput(file) => documents.oem_inputs.push(file),
            InputDocument::FeatureManifest(file) => documents.manifests.push(file),
            InputDocument::FmFileList(file) => documents.fm_file_lists.push(file),
            InputDocument::Definition(definition) => self.definitions.push(definition),
            InputDocument::RegFile(file) => documents.reg_files.push(file),
            InputDocument::Customizations(file) => documents.customizations.push(file),
            InputDocument::ProductSettings(file) => documents.product_settings.push(file),
            InputDocument::WorkspaceSettings(file) => documents.workspace_settings.push(file),
            InputDocument::DeviceLayout(file) => documents.device_layouts.push(file),
            InputDocument::OemDevicePlatform(file) => documents.device_platforms.push(file),
            InputDocument::BootConfiguration(file) => documents.boot_configurations.push(file),
            InputDocument::Inf(file) => documents.infs.push(file),
            InputDocument::CommandScript(file) => documents.scripts.push(file),
            InputDocument::SiPolicy(file) => documents.si_policies.push(file),
            InputDocument::Misnamed(file) => documents.misnamed.push(file),
            InputDocument::Unreadable(file) => documents.unreadable.push(file),
        }
        self.workspace.suppressions.extend(suppressions);
        self.workspace.sources.push(source);
    }
}

/// What one file adds to a workspace; payload adds nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Piece(Option<Arc<Inputs>>);

/// A file that is an input, or means to be one.
#[derive(Debug, Clone)]
struct Inputs {
    document: InputDocument,
    suppressions: Vec<Suppression>,
    source: Arc<Source>,
}

/// What such a file is.
#[derive(Debug, Clone)]
enum InputDocument {
    OemInput(Arc<File<OemInput>>),
    FeatureManifest(Arc<File<FeatureManifest>>),
    FmFileList(Arc<File<FmFileList>>),
    Definition(Definition),
    RegFile(Arc<File<RegFile>>),
    Customizations(Arc<File<Customizations>>),
    ProductSettings(Arc<File<ProductSettings>>),
    WorkspaceSettings(Arc<File<WorkspaceSettings>>),
    DeviceLayout(Arc<File<DeviceLayout>>),
    OemDevicePlatform(Arc<File<OemDevicePlatform>>),
    BootConfiguration(Arc<File<BootConfiguration>>),
    Inf(Arc<File<Inf>>),
    CommandScript(Arc<File<CommandScript>>),
    SiPolicy(Arc<File<SiPolicyDocument>>),
    Misnamed(Misnamed),
    Unreadable(Unreadable),
}

impl Piece {
    fn of(recognised: Recognised) -> Self {
        let Recognised {
            source,
            kind,
            outcome,
        } = recognised;
        let source = Arc::new(source);
        let mut suppressions = Vec::new();
        let document = match outcome {
            Ok(Document::Other(Other {
                root: Some(root),
                claimed: Some(claimed),
            })) => Some(InputDocument::Misnamed(Misnamed {
                source: source.clone(),
                claimed,
                root,
            })),
            Ok(document) => {
                suppressions = suppression::suppressions(&source, &document);
                InputDocument::of(&source, document)
            }
            Err(error) if kind.is_some() => Some(InputDocument::Unreadable(Unreadable {
                place: Place::text(&source, error.span, ""),
                kind,
                problem: error.to_string(),
            })),
            Err(_) => None,
        };
        Self(document.map(|document| {
            Arc::new(Inputs {
                document,
                suppressions,
                source,
            })
        }))
    }
}

impl InputDocument {
    /// `None` for payload.
    fn of(source: &Arc<Source>, document: Document) -> Option<Self> {
        fn file<T>(source: &Arc<Source>, document: T) -> Arc<File<T>> {
            Arc::new(File {
                source: source.clone(),
                document,
            })
        }
        Some(match document {
            Document::OemInput(found) => Self::OemInput(file(source, *found)),
            Document::FeatureManifest(found) => Self::FeatureManifest(file(source, *found)),
            Document::FmFileList(found) => Self::FmFileList(file(source, *found)),
            Document::WmXml(found) => Self::Definition(Definition::Wm(file(source, *found))),
            Document::PkgXml(found) => Self::Definition(Definition::Pkg(file(source, *found))),
            Document::RegFile(found) => Self::RegFile(file(source, *found)),
            Document::Customizations(found) => Self::Customizations(file(source, *found)),
            Document::ProductSettings(found) => Self::ProductSettings(file(source, *found)),
            Document::WorkspaceSettings(found) => Self::WorkspaceSettings(file(source, *found)),
            Document::DeviceLayout(found) => Self::DeviceLayout(file(source, *found)),
            Document::OemDevicePlatform(found) => Self::OemDevicePlatform(file(source, *found)),
            Document::BootConfiguration(found) => Self::BootConfiguration(file(source, *found)),
            Document::Inf(found) => Self::Inf(file(source, *found)),
            Document::CommandScript(found) => Self::CommandScript(file(source, *found)),
            Document::SiPolicy(found) => Self::SiPolicy(file(source, *found)),
            Document::Other(_) => return None,
        })
    }
}
