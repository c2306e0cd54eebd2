//! Choosing findings by level, rule and file, in style rules alone.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::{safe, shown};
use crate::diagnostic::{Diagnostic, Level};
use crate::files::folder_of;

/// Entries of a list; more files than that are chosen by folder, and more folders not at all.
const MOST_ENTRIES: usize = 300;

/// What there is to choose from.
pub(super) struct Filter<'a> {
    levels: BTreeMap<Level, usize>,
    rules: BTreeMap<&'a str, Entry>,
    files: BTreeMap<&'a str, Entry>,
    /// Whether `files` are folders.
    by_folder: bool,
}

/// An entry of a list: its number in the style rules, and how many findings it has.
struct Entry {
    number: usize,
    findings: usize,
}

impl<'a> Filter<'a> {
    pub(super) fn of(kept: &[&'a Diagnostic]) -> Self {
        let mut levels = BTreeMap::new();
        for found in kept {
            *levels.entry(found.level).or_insert(0) += 1;
        }
        let files = entries(kept.iter().map(|found| found.primary.file()));
        let by_folder = files.len() > MOST_ENTRIES;
        let files = match by_folder {
            false => files,
            true => entries(kept.iter().map(|found| folder_of(found.primary.file()))),
        };
        Self {
            levels,
            rules: entries(kept.iter().map(|found| found.rule)),
            files,
            by_folder,
        }
    }

    fn file_entry(&self, found: &Diagnostic) -> Option<&Entry> {
        let file = found.primary.file();
        self.files.get(match self.by_folder {
            true => folder_of(file),
            false => file,
        })
    }

    /// The classes by which a finding is chosen.
    pub(super) fn classes(&self, found: &Diagnostic) -> String {
        let number = |entry: Option<&Entry>| entry.map_or(0, |entry| entry.number);
        let rule = number(self.rules.get(found.rule));
        format!("r{rule} f{}", number(self.file_entry(found)))
    }

    /// The style rules: an unticked level hides its findings, a chosen entry all that do not have its class.
    pub(super) fn style(&self) -> String {
        let mut style = String::new();
        for level in self.levels.keys() {
            style.push_str(&format!(
                "body:has(#level-{level}:not(:checked)) .finding.{level}{{display:none}}\n"
            ));
        }
        for (letter, entries) in [('r', &self.rules), ('f', &self.files)] {
            for entry in entries.values().filter(|_| is_choice(entries)) {
                let class = format!("{letter}{}", entry.number);
                style.push_str(&format!(
                    "body:has(#{class}:checked) .finding:not(.{class}){{display:none}}\n"
                ));
            }
        }
        style
    }

    /// The form. Nothing is sent; the browser takes every choice back by itself.
    pub(super) fn form(&self) -> Markup {
        if self.levels.is_empty() {
            return html! {};
        }
        let of_files = if self.by_folder { "Folder" } else { "File" };
        html! {
            form.filter aria-label="Filter" autocomplete="off" {
                fieldset {
                    legend { "Level" }
                    @for (level, count) in self.levels.iter().rev() {
                        label {
                            input type="checkbox" id=(format!("level-{level}")) checked;
                            span { (level) " (" (count) ")" }
                        }
                    }
                }
                (choice("Rule", 'r', &self.rules))
                (choice(of_files, 'f', &self.files))
                button type="reset" { "Show all" }
            }
        }
    }
}

fn choice(name: &str, letter: char, entries: &BTreeMap<&str, Entry>) -> Markup {
    html! {
        @if is_choice(entries) {
            label.choice {
                span.name { (name) }
                select {
                    option { "all" }
                    @for (text, entry) in entries {
                        option id=(format!("{letter}{}", entry.number)) {
                            @if text.is_empty() { "." } @else { (shown(&safe(text))) }
                            " (" (entry.findings) ")"
                        }
                    }
                }
            }
        }
    }
}

fn is_choice(entries: &BTreeMap<&str, Entry>) -> bool {
    (2..=MOST_ENTRIES).contains(&entries.len())
}

fn entries<'a>(names: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, Entry> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    let numbered = counts.into_iter().enumerate();
    numbered
        .map(|(number, (name, findings))| (name, Entry { number, findings }))
        .collect()
}
