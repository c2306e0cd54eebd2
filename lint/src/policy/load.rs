//! Reads policies from files, each with those that it extends and the own rules that it names.

use std::sync::Arc;

use formats::source::Source;

use super::ready::Ready;
use super::{BUILT_IN, Policies, Standing, read};
use crate::diagnostic::Place;
use crate::files::{self, Files};
use crate::own::{self, OwnRuleError};

/// Longest policy that is read, in bytes.
const LONGEST: u64 = 128 * 1024;
/// Longest chain of `extends`.
const DEEPEST: usize = 8;
/// How many files a policy may be made of.
const MOST_FILES: usize = 64;

/// A policy that cannot be used at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// The file cannot be read.
    #[error("policy {path} cannot be read: {problem}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        problem: String,
    },
    /// The file is not TOML.
    #[error("{place}: {problem}")]
    NotToml {
        /// Where it stops being TOML.
        place: Box<Place>,
        /// What is wrong there.
        problem: String,
    },
    /// An own rule that the policy names cannot be used.
    #[error(transparent)]
    OwnRule(#[from] OwnRuleError),
    /// `extends` comes back to a file, or goes on and on.
    #[error("policy {path} extends itself, or is {DEEPEST} files away, or one of {MOST_FILES}")]
    EndlessExtends {
        /// The file that should not have been read again.
        path: String,
    },
}

impl Policies {
    /// The built-in policies and the organisation's policy in the file `path`, with the files it extends.
    pub fn with_file(files: &dyn Files, path: &str) -> Result<Self, PolicyError> {
        let mut policies = Self::built_in();
        policies.add_file(files, path, Standing::Organisation)?;
        Ok(policies)
    }

    /// Adds a policy above those that are there, with the files it extends.
    pub fn add_file(
        &mut self,
        files: &dyn Files,
        path: &str,
        standing: Standing,
    ) -> Result<(), PolicyError> {
        self.load(files, path, standing, &mut Vec::new(), &mut 0)
    }

    fn load(
        &mut self,
        files: &dyn Files,
        path: &str,
        standing: Standing,
        below: &mut Vec<String>,
        count: &mut usize,
    ) -> Result<(), PolicyError> {
        let canonical = files.canonical(path);
        let canonical = canonical.map_err(|error| unreadable(path, error.to_string()))?;
        *count = count.saturating_add(1);
        if below.contains(&canonical) || below.len() >= DEEPEST || *count > MOST_FILES {
            let path = path.to_owned();
            return Err(PolicyError::EndlessExtends { path });
        }
        let source = Arc::new(read_source(files, path)?);
        below.push(canonical);
        for extended in read::extends(&source)? {
            match BUILT_IN
                .iter()
                .find(|(image, ..)| image.as_str() == extended)
            {
                Some((_, name, text)) => {
                    let source = Arc::new(Source::new(*name, *text, 0));
                    let document = read::document(&source, Standing::BuiltIn, None, &self.rules)?;
                    self.add_document(document);
                }
                None => {
                    let extended = files::join(files::folder_of(path), &extended);
                    self.load(files, &extended, standing, below, count)?;
                }
            }
        }
        below.pop();
        for folder in read::own_rules(&source)? {
            self.add_own_rules(files, &files::join(files::folder_of(path), &folder))?;
        }
        let document = read::document(&source, standing, None, &self.rules)?;
        self.add_document(document);
        Ok(())
    }

    /// Adds the own rules in a folder; policies that are read afterwards can speak about them.
    pub fn add_own_rules(&mut self, files: &dyn Files, folder: &str) -> Result<(), OwnRuleError> {
        self.ready = Ready::default();
        for rule in own::load(files, folder)? {
            if self.own.insert(rule.info.id, rule.clone()).is_none() {
                self.rules.push(rule.info);
            }
        }
        self.rules.sort_by_key(|info| info.id);
        Ok(())
    }

    pub(super) fn add_document(&mut self, document: read::Document) {
        self.ready = Ready::default();
        self.layers.push(document.layer);
        for problem in document.problems {
            // A file that two others extend is read twice.
            if !self.problems.contains(&problem) {
                self.problems.push(problem);
            }
        }
    }
}

fn unreadable(path: &str, problem: String) -> PolicyError {
    PolicyError::Unreadable {
        path: path.to_owned(),
        problem,
    }
}

fn read_source(files: &dyn Files, path: &str) -> Result<Source, PolicyError> {
    let bytes = files.read(path, LONGEST.saturating_add(1));
    let bytes = bytes.map_err(|error| unreadable(path, error.to_string()))?;
    if bytes.len() as u64 > LONGEST {
        return Err(unreadable(path, format!("more than {LONGEST} bytes")));
    }
    let (bytes, bom) = match bytes.strip_prefix(b"\xEF\xBB\xBF") {
        Some(rest) => (rest, 3),
        None => (bytes.as_slice(), 0),
    };
    let text = std::str::from_utf8(bytes);
    let text = text.map_err(|error| unreadable(path, format!("not UTF-8: {error}")))?;
    Ok(Source::new(path, text, bom))
}
