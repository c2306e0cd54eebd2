//! From files to documents: every file that may be an input is read once, in parallel.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use formats::document::{self, Document, Recognised};
use formats::source::Source;
use rayon::prelude::*;

use crate::diagnostic::Place;
use crate::discover::{Discovered, FoundFile};
use crate::facts::payload::{self, Beginning};
use crate::facts::{Definition, Documents, File, Misnamed, Unreadable, Workspace};
use crate::files::{self, Files};
use crate::resolve::TooMany;
use crate::security;
use crate::suppression;

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
const LONGEST: usize = document::decode::SIZE_LIMIT.saturating_add(1);

/// Reads the files that may be inputs.
pub fn read(files: &dyn Files, discovered: &Discovered) -> Result<Documented, TooMany> {
    let found = discovered.files.iter();
    let found = found.filter(|file| is_candidate(&file.path));
    // What is longer than a document may be is not kept.
    let kept = |file: &FoundFile| usize::try_from(file.size).unwrap_or(LONGEST).min(LONGEST);
    let bytes = found.clone().map(kept).fold(0, usize::saturating_add);
    let candidates: Vec<&str> = found.map(|file| file.path.as_str()).collect();
    let root = &discovered.root;
    TooMany::check(root, "documents", candidates.len(), MOST_CANDIDATES)?;
    TooMany::check(root, "bytes of documents", bytes, MOST_BYTES)?;
    let outcomes: Vec<_> = candidates
        .par_iter()
        .map(|path| read_one(files, path))
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
    documented.workspace.security = security::read(files, paths);
    let unreadable = &mut documented.workspace.documents.unreadable;
    for (folder, problem) in &discovered.unlisted {
        unreadable.push(not_opened(
            folder,
            format!("the folder cannot be listed: {problem}"),
        ));
    }
    for (path, outcome) in candidates.into_iter().zip(outcomes) {
        match outcome {
            Ok(recognised) => documented.add(recognised),
            Err(error) => {
                let problem = format!("the file cannot be read: {error}");
                let unreadable = &mut documented.workspace.documents.unreadable;
                unreadable.push(not_opened(path, problem));
            }
        }
    }
    Ok(documented)
}

/// How payload files begin; one that cannot be opened is left out.
fn beginnings(files: &dyn Files, discovered: &Discovered) -> BTreeMap<String, Beginning> {
    let paths = discovered.files.iter().map(|file| file.path.as_str());
    let wanted: Vec<&str> = paths
        .filter(|path| payload::is_wanted(path))
        .take(MOST_CANDIDATES)
        .collect();
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

fn read_one(files: &dyn Files, path: &str) -> io::Result<Recognised> {
    let bytes = files.read(path, LONGEST as u64)?;
    Ok(document::recognise(path, &bytes))
}

fn not_opened(path: &str, problem: String) -> Unreadable {
    Unreadable {
        place: Place::binary(path, ""),
        kind: None,
        problem,
    }
}

impl Documented {
    fn add(&mut self, recognised: Recognised) {
        let Recognised {
            source,
            kind,
            outcome,
        } = recognised;
        let documents = &mut self.workspace.documents;
        let source = Arc::new(source);
        match outcome {
            Ok(Document::Other(other)) => {
                let (Some(claimed), Some(root)) = (other.claimed, other.root) else {
                    return;
                };
                documents.misnamed.push(Misnamed {
                    source: source.clone(),
                    claimed,
                    root,
                });
            }
            Ok(document) => {
                let suppressions = suppression::suppressions(&source, &document);
                self.workspace.suppressions.extend(suppressions);
                add_document(documents, &mut self.definitions, &source, document);
            }
            Err(error) if kind.is_some() => documents.unreadable.push(Unreadable {
                place: Place::text(&source, error.span, ""),
                kind,
                problem: error.to_string(),
            }),
            Err(_) => return,
        }
        self.workspace.sources.push(source);
    }
}

fn add_document(
    documents: &mut Documents,
    definitions: &mut Vec<Definition>,
    source: &Arc<Source>,
    document: Document,
) {
    fn file<T>(source: &Arc<Source>, document: T) -> Arc<File<T>> {
        Arc::new(File {
            source: source.clone(),
            document,
        })
    }
    match document {
        Document::OemInput(document) => documents.oem_inputs.push(file(source, *document)),
        Document::FeatureManifest(document) => documents.manifests.push(file(source, *document)),
        Document::FmFileList(document) => documents.fm_file_lists.push(file(source, *document)),
        Document::WmXml(document) => definitions.push(Definition::Wm(file(source, *document))),
        Document::PkgXml(document) => definitions.push(Definition::Pkg(file(source, *document))),
        Document::RegFile(document) => documents.reg_files.push(file(source, *document)),
        Document::Customizations(document) => {
            documents.customizations.push(file(source, *document));
        }
        Document::ProductSettings(document) => {
            documents.product_settings.push(file(source, *document));
        }
        Document::WorkspaceSettings(document) => {
            documents.workspace_settings.push(file(source, *document));
        }
        Document::DeviceLayout(document) => documents.device_layouts.push(file(source, *document)),
        Document::OemDevicePlatform(document) => {
            documents.device_platforms.push(file(source, *document));
        }
        Document::BootConfiguration(document) => {
            documents.boot_configurations.push(file(source, *document));
        }
        Document::Inf(document) => documents.infs.push(file(source, *document)),
        Document::CommandScript(document) => documents.scripts.push(file(source, *document)),
        Document::SiPolicy(document) => documents.si_policies.push(file(source, *document)),
        Document::Other(_) => {}
    }
}
