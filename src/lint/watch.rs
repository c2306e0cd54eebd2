//! `proofmark lint --watch`: lints again whenever a file changes.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use lint::discover::{discover, is_skipped};
use lint::earlier::Earlier;
use lint::files::Disk;
use notify::{Event, RecursiveMode, Watcher};

use super::{LintArgs, once, text_paths};
use crate::config::Config;
use crate::error::Error;
use crate::exit::Exit;
use crate::output;

/// How long nothing may change before files are read again.
const QUIET: Duration = Duration::from_millis(200);
/// How many changes may follow each other before files are read again all the same.
const MOST_CHANGES: usize = 10_000;

/// Clears the screen and what was scrolled off it.
const CLEAR: &str = "\x1b[2J\x1b[3J\x1b[H";

/// Lints, and again after every change, until the user ends it.
pub(super) fn watch(arguments: &LintArgs, config: &Config) -> Result<Exit, Error> {
    let (sender, events) = channel();
    let mut watcher = notify::recommended_watcher(sender).map_err(Error::new)?;
    let watched = Watched::of(arguments)?;
    for folder in &watched.folders {
        let mode = RecursiveMode::Recursive;
        watcher
            .watch(folder, mode)
            .map_err(|error| Error::file(folder, error))?;
    }
    for file in &watched.files {
        let folder = file.parent().unwrap_or(Path::new("/"));
        let mode = RecursiveMode::NonRecursive;
        watcher
            .watch(folder, mode)
            .map_err(|error| Error::file(folder, error))?;
    }
    let mut earlier = Earlier::default();
    loop {
        if io::stdout().is_terminal() {
            output::result(CLEAR)?;
        }
        // Half a file may just be on disk: what is wrong now may be right after the next change.
        if let Err(error) = once(arguments, config, Some(&mut earlier)) {
            output::note(format_args!("error: {error}"));
        }
        if io::stderr().is_terminal() {
            output::note("waiting for changes; Ctrl-C ends");
        }
        match watched.wait(&events)? {
            Changed::Anything => earlier = Earlier::default(),
            Changed::Named(names) => names.iter().for_each(|name| earlier.forget(name)),
        }
    }
}

/// The folders and files whose changes count.
struct Watched {
    folders: Vec<PathBuf>,
    /// Policies and the like, which may be elsewhere.
    files: Vec<PathBuf>,
    /// What the run itself writes.
    written: Vec<PathBuf>,
}

impl Watched {
    fn of(arguments: &LintArgs) -> Result<Self, Error> {
        let paths = text_paths(&arguments.paths)?;
        let mut folders = Vec::new();
        for discovered in discover(&Disk, &paths).map_err(Error::new)? {
            // A document that is read alone is watched with its neighbours, of which any may become a workspace file.
            let alone = match (discovered.files.as_slice(), discovered.targets.as_slice()) {
                ([file], [target]) if file.path == *target => Path::new(target).parent(),
                _ => None,
            };
            let root = alone.unwrap_or(Path::new(&discovered.root));
            folders.push(canonical(root)?);
        }
        folders.sort();
        folders.dedup();
        let files = arguments.policies.named();
        let files = files
            .map(|file| canonical(file))
            .collect::<Result<_, _>>()?;
        let written = arguments.report.files().filter_map(|file| {
            let folder = canonical(file.parent()?).ok()?;
            Some(folder.join(file.file_name()?))
        });
        Ok(Self {
            folders,
            files,
            written: written.collect(),
        })
    }

    /// Waits for a change that counts, and then until nothing changes for a moment. Gives what changed, whether it counts
    /// or not.
    fn wait(&self, events: &Receiver<notify::Result<Event>>) -> Result<Changed, Error> {
        let gone = || Error::new("changes of files are not reported any more");
        let mut changed = Changed::Named(BTreeSet::new());
        loop {
            let event = events.recv().map_err(|_| gone())?;
            changed.add(&event);
            if self.counts(&event) {
                break;
            }
        }
        for _ in 0..MOST_CHANGES {
            match events.recv_timeout(QUIET) {
                Ok(event) => changed.add(&event),
                Err(_) => break,
            }
        }
        Ok(changed)
    }

    fn counts(&self, event: &notify::Result<Event>) -> bool {
        match event {
            // Some may have been missed.
            Err(_) => true,
            Ok(event) if event.kind.is_access() => false,
            Ok(event) => event.paths.iter().any(|path| self.is_input(path)),
        }
    }

    fn is_input(&self, path: &Path) -> bool {
        if self.written.iter().any(|written| written == path) {
            return false;
        }
        let below = |folder: &PathBuf| {
            let inside = path.strip_prefix(folder).ok()?;
            let mut names = inside.iter().map(|name| name.to_string_lossy());
            Some(!names.any(|name| is_skipped(&name)))
        };
        self.files.iter().any(|file| file == path)
            || self.folders.iter().filter_map(below).any(|is| is)
    }
}

/// What changed since the last run.
enum Changed {
    /// Files and folders of these names.
    Named(BTreeSet<String>),
    /// Nobody knows.
    Anything,
}

impl Changed {
    fn add(&mut self, event: &notify::Result<Event>) {
        if event.as_ref().is_ok_and(|event| event.kind.is_access()) {
            return;
        }
        let names = event.as_ref().ok().filter(|event| !event.need_rescan());
        let names = names.and_then(|event| {
            let names = event.paths.iter();
            let names = names.map(|path| Some(path.file_name()?.to_str()?.to_owned()));
            names.collect::<Option<Vec<String>>>()
        });
        match (self, names) {
            (Self::Named(known), Some(names)) => known.extend(names),
            (changed, _) => *changed = Self::Anything,
        }
    }
}

fn canonical(path: &Path) -> Result<PathBuf, Error> {
    let path = if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    };
    fs::canonicalize(path).map_err(|error| Error::file(path, error))
}
