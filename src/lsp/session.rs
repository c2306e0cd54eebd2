//! What is known between two messages: folders, open documents, and the last findings.

use std::collections::BTreeMap;
use std::path::PathBuf;

use formats::source::Source;
use lint::diagnostic::Diagnostic as Found;
use lint::earlier::Earlier;
use lint::engine::{Outcome, gather_again, judge};
use lint::facts::Workspace;
use lint::files::{Disk, Files, Kind, Overlay, is_below};
use lint::policy::Policies;
use lint::resolve::ResolveOptions;
use lint::verify::verify_again;
use lsp_types::{Diagnostic, InitializeParams, Uri, WorkspaceFolder};
use signer::anchor::Anchors;
use signer::verify::VerifyOptions;
use time::OffsetDateTime;

use super::places;
use crate::config::Config;
use crate::error::Error;
use crate::policies::PolicyArgs;
use crate::trust;

/// What has to be made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stale {
    Nothing,
    /// The text of open documents.
    Documents,
    /// Policies and signatures too.
    Everything,
}

/// A document that is open in the editor.
struct Buffer {
    uri: Uri,
    version: i32,
    text: String,
}

/// The findings of a file, to be sent.
pub(super) type Published = (Uri, Vec<Diagnostic>, Option<i32>);

pub(super) struct Session<'a> {
    config: &'a Config,
    policy: Option<PathBuf>,
    folders: Vec<String>,
    buffers: BTreeMap<String, Buffer>,
    stale: Stale,
    pub(super) policies: Policies,
    anchors: Anchors,
    /// What earlier runs found out about files that did not change since.
    earlier: Earlier,
    pub(super) workspaces: Vec<Workspace>,
    pub(super) outcome: Outcome,
    /// What was sent last, by path, where it was something.
    sent: BTreeMap<String, Vec<Diagnostic>>,
    /// The own rules that could not look, as was told last.
    told: BTreeMap<&'static str, String>,
}

impl<'a> Session<'a> {
    pub(super) fn new(
        policy: Option<PathBuf>,
        config: &'a Config,
        parameters: &InitializeParams,
    ) -> Result<Self, Error> {
        #[expect(deprecated, reason = "editors without workspace folders send the root")]
        let root = parameters.root_uri.as_ref();
        let folders = parameters.workspace_folders.iter().flatten();
        let mut folders: Vec<String> = folders
            .filter_map(|folder| places::path(&folder.uri))
            .collect();
        if folders.is_empty() {
            folders.extend(root.and_then(places::path));
        }
        Ok(Self {
            anchors: trust::anchors(config, &[])?,
            policies: Policies::built_in(),
            config,
            policy,
            folders,
            buffers: BTreeMap::new(),
            stale: Stale::Everything,
            earlier: Earlier::default(),
            workspaces: Vec::new(),
            outcome: Outcome::default(),
            sent: BTreeMap::new(),
            told: BTreeMap::new(),
        })
    }

    pub(super) fn is_stale(&self) -> bool {
        self.stale != Stale::Nothing
    }

    pub(super) fn mark(&mut self, stale: Stale) {
        self.stale = self.stale.max(stale);
    }

    pub(super) fn open(&mut self, uri: Uri, version: i32, text: String) {
        if let Some(path) = places::path(&uri) {
            let buffer = Buffer { uri, version, text };
            self.earlier.forget_path(&path);
            self.buffers.insert(path, buffer);
            self.mark(Stale::Documents);
        }
    }

    pub(super) fn change(&mut self, uri: &Uri, version: i32, text: String) {
        let Some(path) = places::path(uri) else {
            return;
        };
        if let Some(buffer) = self.buffers.get_mut(&path) {
            buffer.version = version;
            buffer.text = text;
            self.earlier.forget_path(&path);
            self.mark(Stale::Documents);
        }
    }

    pub(super) fn close(&mut self, uri: &Uri) {
        if let Some(path) = places::path(uri) {
            self.buffers.remove(&path);
            self.earlier.forget_path(&path);
            self.mark(Stale::Documents);
        }
    }

    pub(super) fn change_folders(
        &mut self,
        removed: &[WorkspaceFolder],
        added: &[WorkspaceFolder],
    ) {
        let path = |folder: &WorkspaceFolder| places::path(&folder.uri);
        let removed: Vec<String> = removed.iter().filter_map(path).collect();
        self.folders.retain(|folder| !removed.contains(folder));
        self.folders.extend(added.iter().filter_map(path));
        self.mark(Stale::Everything);
    }

    /// The text of a file that something was found in or that belongs to a workspace.
    pub(super) fn source(&self, path: &str) -> Option<&Source> {
        self.outcome.sources.get(path).map(AsRef::as_ref)
    }

    /// The findings of a file.
    pub(super) fn findings(&self, path: &str) -> impl Iterator<Item = &Found> {
        let findings = self.outcome.diagnostics.iter();
        findings.filter(move |found| found.primary.file() == path)
    }

    /// The own rules that could not look, each with the reason, where that was not told yet.
    pub(super) fn new_failures(&mut self) -> Vec<String> {
        let failures = &self.outcome.failures;
        let new = failures
            .iter()
            .filter(|(rule, problem)| self.told.get(*rule) != Some(*problem));
        let messages = new.map(|(rule, problem)| format!("own rule {rule}: {problem}"));
        let messages = messages.collect();
        self.told.clone_from(failures);
        messages
    }

    /// How the editor calls a file.
    pub(super) fn uri(&self, path: &str) -> Option<Uri> {
        match self.buffers.get(path) {
            Some(buffer) => Some(buffer.uri.clone()),
            None => places::uri(path),
        }
    }

    /// The policies in force today. Folders of several projects are judged by the organisation's alone.
    fn read_policies(&self) -> Result<Policies, Error> {
        let arguments = PolicyArgs::of_organisation(self.policy.clone());
        let paths = paths(&self.folders, &self.buffers);
        let paths: Vec<PathBuf> = match paths.as_slice() {
            [one] => vec![PathBuf::from(one)],
            _ => Vec::new(),
        };
        arguments.read(self.config, &paths, OffsetDateTime::now_utc().date())
    }

    /// Makes the findings anew; gives those of every file whose findings are others than were sent.
    pub(super) fn refresh(&mut self) -> Result<Vec<Published>, Error> {
        let stale = std::mem::replace(&mut self.stale, Stale::Nothing);
        let mut files = Overlay::new(&Disk);
        for (path, buffer) in &self.buffers {
            files.change(path, places::encoded(path, &buffer.text));
        }
        if stale == Stale::Everything {
            self.earlier = Earlier::default();
            self.policies = self.read_policies()?;
            self.anchors = trust::anchors(self.config, &[])?;
        }
        let options = ResolveOptions::default();
        let earlier = &mut self.earlier;
        let paths = paths(&self.folders, &self.buffers);
        let mut workspaces = gather_again(&files, &paths, &options, earlier).map_err(Error::new)?;
        for workspace in &mut workspaces {
            let verify = VerifyOptions {
                at: OffsetDateTime::now_utc(),
                anchors: &self.anchors,
            };
            verify_again(&files, workspace, verify, None, earlier);
        }
        self.outcome = judge(&workspaces, &self.policies);
        self.workspaces = workspaces;
        Ok(self.changes())
    }

    fn changes(&mut self) -> Vec<Published> {
        let mut now: BTreeMap<String, Vec<Diagnostic>> = BTreeMap::new();
        for found in &self.outcome.diagnostics {
            let file = now.entry(found.primary.file().to_owned()).or_default();
            file.push(places::diagnostic(self, found));
        }
        let last = std::mem::take(&mut self.sent);
        let cleared = last.keys().filter(|path| !now.contains_key(*path));
        let cleared = cleared.map(|path| (path.as_str(), &[][..]));
        let changed = now
            .iter()
            .filter(|(path, all)| last.get(*path) != Some(all));
        let changed = changed.map(|(path, all)| (path.as_str(), all.as_slice()));
        let published = changed.chain(cleared).filter_map(|(path, diagnostics)| {
            let version = self.buffers.get(path).map(|buffer| buffer.version);
            Some((self.uri(path)?, diagnostics.to_vec(), version))
        });
        let published = published.collect();
        self.sent = now;
        published
    }
}

/// The folders of the editor, and what is open outside of them.
fn paths(folders: &[String], buffers: &BTreeMap<String, Buffer>) -> Vec<String> {
    let is_there = |path: &&String| Disk.kind(path).is_ok();
    let is_alone = |path: &&String| !folders.iter().any(|folder| is_below(path, folder));
    let is_file = |path: &&String| Disk.kind(path).is_ok_and(|kind| kind == Kind::File);
    let alone = buffers.keys().filter(is_alone).filter(is_file);
    let folders = folders.iter().filter(is_there);
    folders.chain(alone).cloned().collect()
}
