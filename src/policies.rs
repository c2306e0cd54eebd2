//! Which policies are in force: the organisation's by name, the project's by its place.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;
use lint::files::Disk;
use lint::policy::{Policies, Standing};
use time::Date;

use crate::config::Config;
use crate::error::Error;

/// The file of a project's policy, looked for beside the linted files and above them.
pub(crate) const PROJECT: &str = "proofmark-policy.toml";

/// Policies above the built-in ones.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct PolicyArgs {
    /// Policy of your organisation, stronger than the built-in ones; otherwise [lint] of proofmark.toml names it
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Policy of the project, stronger than the organisation's; otherwise the nearest proofmark-policy.toml
    #[arg(long, value_name = "FILE", conflicts_with = "no_project_policy")]
    project_policy: Option<PathBuf>,
    /// Folder of own rules in Rego
    #[arg(long, value_name = "DIR")]
    rules: Vec<PathBuf>,
    /// Do not look for a policy of the project
    #[arg(long)]
    no_project_policy: bool,
}

impl PolicyArgs {
    /// Those of a program that is told the organisation's policy alone.
    pub(crate) fn of_organisation(policy: Option<PathBuf>) -> Self {
        Self {
            policy,
            ..Self::default()
        }
    }

    /// Whether the command line says anything about policies.
    pub(crate) fn are_given(&self) -> bool {
        self.named().next().is_some() || !self.rules.is_empty() || self.no_project_policy
    }

    /// The policies that the command line names.
    pub(crate) fn named(&self) -> impl Iterator<Item = &PathBuf> {
        self.policy.iter().chain(&self.project_policy)
    }

    /// Reads the policies that are in force for these paths on a day.
    pub(crate) fn read(
        &self,
        config: &Config,
        paths: &[PathBuf],
        today: Date,
    ) -> Result<Policies, Error> {
        let mut policies = Policies::built_in().on(today);
        for folder in &self.rules {
            let added = policies.add_own_rules(&Disk, &text(folder)?);
            added.map_err(Error::new)?;
        }
        let organisation = self.policy.clone().or_else(|| config.policy());
        if let Some(path) = organisation {
            add(&mut policies, &below_current(path), Standing::Organisation)?;
        }
        let project = match (&self.project_policy, self.no_project_policy) {
            (Some(path), _) => Some(path.clone()),
            (None, true) => None,
            (None, false) => nearest(paths)?,
        };
        if let Some(path) = project {
            add(&mut policies, &path, Standing::Project)?;
        }
        Ok(policies)
    }
}

/// A path below the current folder as one would write it there.
pub(crate) fn below_current(path: PathBuf) -> PathBuf {
    let current = std::env::current_dir();
    let below = current.and_then(|current| {
        let below = path.strip_prefix(current);
        below.map(Path::to_owned).map_err(std::io::Error::other)
    });
    below.unwrap_or(path)
}

/// Adds the policy of a file.
pub(crate) fn add(policies: &mut Policies, path: &Path, standing: Standing) -> Result<(), Error> {
    policies
        .add_file(&Disk, &text(path)?, standing)
        .map_err(Error::new)
}

/// A path as the linter writes paths.
pub(crate) fn text(path: &Path) -> Result<String, Error> {
    let text = path.to_str();
    let text = text.ok_or_else(|| Error::file(path, "the path is not Unicode"))?;
    Ok(text.replace(std::path::MAIN_SEPARATOR, "/"))
}

/// The policy of the project that all paths belong to: the nearest file at or above each.
fn nearest(paths: &[PathBuf]) -> Result<Option<PathBuf>, Error> {
    let current = std::env::current_dir()?;
    let current = current.canonicalize().unwrap_or(current);
    // What is not there is told when it is linted.
    let there = paths.iter().filter_map(|path| path.canonicalize().ok());
    let found: BTreeSet<Option<PathBuf>> = there
        .map(|path| {
            let folders = path.ancestors().map(|folder| folder.join(PROJECT));
            let file = folders.into_iter().find(|file| file.is_file())?;
            let below = file.strip_prefix(&current).map(Path::to_owned);
            Some(below.unwrap_or(file))
        })
        .collect();
    let mut files = found.iter().flatten();
    match (files.next(), files.next()) {
        (Some(one), Some(other)) => {
            let (one, other) = (one.display(), other.display());
            let problem = format_args!("the paths belong to two projects, of {one} and {other}");
            Err(Error::new(problem).hint("lint them apart, or say which with --project-policy"))
        }
        (one, _) => Ok(one.cloned()),
    }
}
