//! The forms in which `lint` reports, and where they go.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use lint::diagnostic::Level;
use lint::engine::Outcome;
use lint::render::sarif::SarifOptions;
use lint::render::text::TextStyle;
use lint::render::{Repository, github, gitlab, html, json, junit, sarif, text};

use crate::error::Error;
use crate::output;

/// How a result is reported.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Write the result to this file, whole or not at all, instead of to stdout
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write the result in another form to a file as well; may be given several times
    #[arg(long = "report", value_name = "FORM=FILE", value_parser = form_and_file)]
    reports: Vec<(Format, PathBuf)>,
    /// What tells these SARIF results from others of the same commit
    #[arg(long, value_name = "NAME", default_value = "proofmark-lint")]
    category: String,
    /// Write into SARIF also what comments or the baseline keep from being reported, as suppressed; GitHub shows it all the same
    #[arg(long)]
    suppressed: bool,
}

/// Form of the result of `lint`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    #[default]
    Text,
    /// For programs; docs/json.md describes it
    Json,
    /// SARIF 2.1.0, for GitHub code scanning and others
    Sarif,
    /// JUnit XML
    Junit,
    /// Annotations of GitHub Actions
    Github,
    /// GitLab Code Quality
    Gitlab,
    /// One web page that needs nothing else
    Html,
}

impl ReportArgs {
    /// Reports a result; `fails` is the level that makes the exit code 1.
    pub(crate) fn report(&self, outcome: &Outcome, fails: Option<Level>) -> Result<(), Error> {
        let report = self.render(self.format, outcome, fails)?;
        for (format, path) in &self.reports {
            write(path, &self.render(*format, outcome, fails)?)?;
        }
        match &self.output {
            None => output::result(&report)?,
            Some(path) => {
                write(path, &report)?;
                let summary = text::summary(outcome);
                output::note(format_args!("{}: {summary}", path.display()));
            }
        }
        Ok(())
    }

    /// Whether suppressed findings are asked for.
    pub(crate) fn shows_suppressed(&self) -> bool {
        self.suppressed
    }

    /// The files that are written.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        let reports = self.reports.iter().map(|(_, path)| path);
        reports.chain(&self.output).map(PathBuf::as_path)
    }

    fn render(
        &self,
        format: Format,
        outcome: &Outcome,
        fails: Option<Level>,
    ) -> Result<String, Error> {
        let mut report = String::new();
        let mut bytes = Vec::new();
        match format {
            Format::Text => {
                let style = TextStyle {
                    colour: self.output.is_none() && format == self.format && output::colour(),
                    ..TextStyle::default()
                };
                text::render(outcome, style, &mut report).map_err(Error::new)?;
            }
            Format::Json => json::render(outcome, &mut bytes)?,
            Format::Sarif => {
                let options = SarifOptions {
                    repository: &repository()?,
                    category: &self.category,
                    suppressed: self.suppressed,
                };
                sarif::render(outcome, &options, &mut bytes)?;
            }
            Format::Junit => report = junit::render(outcome, fails),
            Format::Github => {
                github::render(outcome, &repository()?, &mut report).map_err(Error::new)?;
            }
            Format::Gitlab => gitlab::render(outcome, &repository()?, &mut bytes)?,
            Format::Html => report = html::render(outcome),
        }
        // JSON is UTF-8.
        report.push_str(&String::from_utf8_lossy(&bytes));
        Ok(report)
    }
}

fn write(path: &Path, report: &str) -> Result<(), Error> {
    signer::output::write_bytes(path, report.as_bytes()).map_err(|error| Error::file(path, error))
}

fn form_and_file(text: &str) -> Result<(Format, PathBuf), String> {
    let (form, file) = text.split_once('=').ok_or("FORM=FILE is expected")?;
    if file.is_empty() {
        return Err("FORM=FILE is expected".to_owned());
    }
    let format = Format::from_str(form, false).map_err(|_| {
        let forms = Format::value_variants().iter();
        let names = forms.filter_map(|form| Some(form.to_possible_value()?.get_name().to_owned()));
        format!(
            "there is no form `{form}`; there are {}",
            names.collect::<Vec<_>>().join(", ")
        )
    })?;
    Ok((format, PathBuf::from(file)))
}

/// The current folder, and the nearest one at or above it that is the root of a repository; itself where none is.
fn repository() -> Result<Repository, Error> {
    let folder = std::env::current_dir()?;
    let root = folder.ancestors().find(|above| above.join(".git").exists());
    let text = |path: &Path| {
        let text = path.to_string_lossy();
        text.replace(std::path::MAIN_SEPARATOR, "/")
    };
    Ok(Repository {
        root: text(root.unwrap_or(&folder)),
        folder: text(&folder),
    })
}
