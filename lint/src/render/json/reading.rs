//! The report read back: what a service found becomes the result of a run here, with the texts that are here, so that it
//! can be shown in every form.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use formats::document::decode;
use formats::source::{LineColumn, Source, Span};
use serde::Deserialize;

use super::SCHEMA_VERSION;
use crate::diagnostic::{Applicability, DecidedBy, Diagnostic, Edit, Fix, Level, Place, Region};
use crate::engine::{Counts, Outcome, ProductSeen};
use crate::files::Files;
use crate::image::ImageType;
use crate::rules;

/// Largest text that is read to show the lines of a finding, in bytes.
const LONGEST_TEXT: u64 = 64 << 20;
/// Longest id of a rule, in bytes.
const LONGEST_ID: usize = 100;

/// Why bytes are no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// It is not JSON of this form.
    #[error("no report of the linter: {0}")]
    Malformed(#[from] serde_json::Error),
    /// It has another form than this version knows.
    #[error("a report of version {0}; this program knows version {SCHEMA_VERSION}")]
    Version(u32),
    /// A rule whose name no rule can have.
    #[error("no report of the linter: a rule has a name that no rule has")]
    Rule,
}

/// Where what was judged elsewhere is here.
pub struct Here<'a> {
    /// The files here.
    pub files: &'a dyn Files,
    /// What a file of the report is called here.
    pub name: &'a dyn Fn(&str) -> String,
    /// The folder of the workspace, as it is called here; empty for the current one, and for a file.
    pub root: &'a str,
}

#[derive(Deserialize)]
struct Form {
    schema_version: u32,
    products: Vec<ProductForm>,
    documents: usize,
    #[serde(default)]
    packages: usize,
    #[serde(default)]
    security_files: usize,
    #[serde(default)]
    suppressed: usize,
    diagnostics: Vec<FindingForm>,
}

#[derive(Deserialize)]
struct ProductForm {
    name: String,
    oem_input: String,
    image: Option<ImageType>,
    image_declared: bool,
    packages: usize,
}

#[derive(Deserialize)]
struct FindingForm {
    rule: String,
    level: Level,
    message: String,
    #[serde(flatten)]
    place: PlaceForm,
    help: Option<String>,
    related: Vec<RelatedForm>,
    fix: Option<FixForm>,
    decided_by: String,
}

#[derive(Deserialize)]
struct PlaceForm {
    file: String,
    route: Option<String>,
    line: Option<usize>,
    column: Option<usize>,
    end: Option<PositionForm>,
}

#[derive(Clone, Copy, Deserialize)]
struct PositionForm {
    line: usize,
    column: usize,
}

#[derive(Deserialize)]
struct RelatedForm {
    label: String,
    #[serde(flatten)]
    place: PlaceForm,
}

#[derive(Deserialize)]
struct FixForm {
    title: String,
    applicability: Applicability,
    file: String,
    edits: Vec<EditForm>,
}

#[derive(Deserialize)]
struct EditForm {
    line: usize,
    column: usize,
    end: PositionForm,
    text: String,
}

impl From<PositionForm> for LineColumn {
    fn from(PositionForm { line, column }: PositionForm) -> Self {
        Self { line, column }
    }
}

impl PlaceForm {
    /// First and last position, where the file has lines.
    fn ends(&self) -> Option<[LineColumn; 2]> {
        let (line, column) = (self.line?, self.column?);
        Some([LineColumn { line, column }, self.end?.into()])
    }
}

impl EditForm {
    fn ends(&self) -> [LineColumn; 2] {
        let (line, column) = (self.line, self.column);
        [LineColumn { line, column }, self.end.into()]
    }
}

/// Reads a report as the result of a run.
///
/// # Errors
/// Where it is none, or one of another version.
pub fn read(report: &[u8], here: &Here<'_>) -> Result<Outcome, ReportError> {
    let form: Form = serde_json::from_slice(report)?;
    if form.schema_version != SCHEMA_VERSION {
        return Err(ReportError::Version(form.schema_version));
    }
    let mut texts = Texts::of(&form.diagnostics, here);
    let diagnostics = form.diagnostics.into_iter();
    let diagnostics = diagnostics.map(|found| texts.diagnostic(found));
    let mut diagnostics = diagnostics.collect::<Result<Vec<_>, _>>()?;
    diagnostics.sort();
    let products = form.products.into_iter().map(|product| ProductSeen {
        name: product.name,
        oem_input: (here.name)(&product.oem_input),
        image: product.image,
        declared: product.image_declared,
        packages: product.packages,
    });
    Ok(Outcome {
        counts: Counts::of(&diagnostics),
        diagnostics,
        products: products.collect(),
        documents: form.documents,
        packages: form.packages,
        security_files: form.security_files,
        withheld: form.suppressed,
        sources: texts.sources.into_values().flatten().collect(),
        roots: vec![here.root.to_owned()],
        ..Outcome::default()
    })
}

/// The texts that findings stand in, as they are here, and the bytes of the positions in them.
struct Texts<'a> {
    here: &'a Here<'a>,
    /// By the name in the report; nothing where the text is not here.
    sources: BTreeMap<String, Option<Arc<Source>>>,
    positions: BTreeMap<String, BTreeMap<LineColumn, usize>>,
    /// The ids of rules that this program does not have.
    own: BTreeSet<&'static str>,
}

impl<'a> Texts<'a> {
    fn of(findings: &[FindingForm], here: &'a Here<'a>) -> Self {
        let mut asked: BTreeMap<&str, BTreeSet<LineColumn>> = BTreeMap::new();
        for found in findings {
            let related = found.related.iter().map(|related| &related.place);
            for place in std::iter::once(&found.place).chain(related) {
                let ends = place.ends().into_iter().flatten();
                asked.entry(&place.file).or_default().extend(ends);
            }
            if let Some(fix) = &found.fix {
                let ends = fix.edits.iter().flat_map(EditForm::ends);
                asked.entry(&fix.file).or_default().extend(ends);
            }
        }
        let mut texts = Self {
            here,
            sources: BTreeMap::new(),
            positions: BTreeMap::new(),
            own: BTreeSet::new(),
        };
        for (file, positions) in asked {
            // A file without lines is not looked at.
            let source = (!positions.is_empty()).then(|| text(here, file)).flatten();
            if let Some(source) = &source {
                let found = bytes_of(source, &positions);
                texts.positions.insert(file.to_owned(), found);
            }
            texts.sources.insert(file.to_owned(), source);
        }
        texts
    }

    fn span(&self, file: &str, [start, end]: [LineColumn; 2]) -> Option<Span> {
        let positions = self.positions.get(file)?;
        Some(Span {
            start: *positions.get(&start)?,
            end: *positions.get(&end)?,
        })
    }

    fn place(&self, form: PlaceForm) -> Place {
        let name = (self.here.name)(&form.file);
        let route = form.route.clone().unwrap_or_default();
        match form.ends() {
            None => Place::binary(name, route),
            Some(ends) => {
                let region = Region {
                    span: self.span(&form.file, ends).unwrap_or_default(),
                    start: ends[0],
                    end: ends[1],
                };
                Place::located(name, route, region)
            }
        }
    }

    fn fix(&self, form: FixForm) -> Option<Fix> {
        let edits = form.edits.into_iter().map(|edit| {
            Some(Edit {
                span: self.span(&form.file, edit.ends())?,
                text: edit.text,
            })
        });
        Some(Fix {
            edits: edits.collect::<Option<_>>()?,
            title: form.title,
            applicability: form.applicability,
            file: (self.here.name)(&form.file).into(),
        })
    }

    fn diagnostic(&mut self, form: FindingForm) -> Result<Diagnostic, ReportError> {
        let related = form.related.into_iter();
        let related = related.map(|related| (self.place(related.place), related.label));
        Ok(Diagnostic {
            related: related.collect(),
            primary: self.place(form.place),
            fix: form.fix.and_then(|fix| self.fix(fix)),
            rule: self.rule(&form.rule)?,
            message: form.message,
            level: form.level,
            help: form.help,
            decided_by: decided_by(&form.decided_by),
        })
    }

    /// The id of a rule; that of an organisation's own rule is kept, once, as long as the program runs.
    fn rule(&mut self, id: &str) -> Result<&'static str, ReportError> {
        if let Some(info) = rules::find(id) {
            return Ok(info.id);
        }
        if let Some(known) = self.own.get(id) {
            return Ok(known);
        }
        let is_good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'/');
        if id.is_empty() || id.len() > LONGEST_ID || !id.bytes().all(is_good) {
            return Err(ReportError::Rule);
        }
        let kept: &'static str = Box::leak(id.to_owned().into_boxed_str());
        self.own.insert(kept);
        Ok(kept)
    }
}

/// A text as it is here.
fn text(here: &Here<'_>, file: &str) -> Option<Arc<Source>> {
    let name = (here.name)(file);
    let bytes = here.files.read(&name, LONGEST_TEXT).ok()?;
    let source = decode::decode(&name, &bytes).ok()?;
    Some(Arc::new(source))
}

/// The bytes of many positions of one text, which is read once. A position past the end of a line gives that end.
fn bytes_of(source: &Source, asked: &BTreeSet<LineColumn>) -> BTreeMap<LineColumn, usize> {
    let mut known = BTreeMap::new();
    let mut last = (LineColumn { line: 0, column: 1 }, 0);
    for &position in asked {
        let line = source.line(position.line);
        // In the line of the position before, counting goes on from there.
        let (column, from) = match last {
            (before, byte) if before.line == position.line => (before.column, byte),
            _ => (1, line.start),
        };
        let rest = source.text().get(from..line.end).unwrap_or_default();
        let skipped = position.column.saturating_sub(column);
        let ahead = rest.char_indices().nth(skipped);
        let ahead = ahead.map_or(rest.len(), |(at, _)| at);
        let byte = from.saturating_add(ahead);
        known.insert(position, byte);
        last = (position, byte);
    }
    known
}

/// `default`, or file and line of a policy.
fn decided_by(text: &str) -> DecidedBy {
    if text == "default" {
        return DecidedBy::Rule;
    }
    let place = text.rsplit_once(':').and_then(|(file, line)| {
        let start = LineColumn {
            line: line.parse().ok()?,
            column: 1,
        };
        let region = Region {
            span: Span::default(),
            start,
            end: start,
        };
        Some(Place::located(file, "", region))
    });
    DecidedBy::Policy(place.unwrap_or_else(|| Place::binary(text, "")))
}

impl Outcome {
    /// Adds what another run found.
    pub fn add(&mut self, other: Self) {
        self.diagnostics.extend(other.diagnostics);
        self.diagnostics.sort();
        self.diagnostics.dedup();
        self.counts = Counts::of(&self.diagnostics);
        self.suppressed.extend(other.suppressed);
        self.withheld = self.withheld.saturating_add(other.withheld);
        self.failures.extend(other.failures);
        for source in other.sources.iter() {
            self.sources.insert(Arc::clone(source));
        }
        self.products.extend(other.products);
        self.products.sort_by(|a, b| a.oem_input.cmp(&b.oem_input));
        for (count, more) in [
            (&mut self.documents, other.documents),
            (&mut self.packages, other.packages),
            (&mut self.security_files, other.security_files),
        ] {
            *count = count.saturating_add(more);
        }
        self.roots.extend(other.roots);
    }
}

#[cfg(test)]
mod tests {
    use super::super::render;
    use super::*;
    use crate::engine::{gather, judge};
    use crate::files::Memory;
    use crate::policy::Policies;
    use crate::render::text;
    use crate::resolve::ResolveOptions;
    use crate::testing::{WORKSPACE, oem_input};

    fn rendered(outcome: &Outcome) -> (String, Vec<u8>) {
        let (mut shown, mut json) = (String::new(), Vec::new());
        text::render(outcome, text::TextStyle::default(), &mut shown).unwrap();
        render(outcome, &mut json).unwrap();
        (shown, json)
    }

    #[test]
    fn what_was_found_elsewhere_is_shown_as_if_it_was_found_here() {
        let input =
            oem_input("\r\n <SOC>ä</SOC><ReleaseType>test</ReleaseType>\n<Product>x</Product>");
        let files = |folder: &str| -> Memory {
            let (name, workspace) = WORKSPACE;
            let texts = [
                (format!("{folder}{name}"), workspace),
                (format!("{folder}A/TestOEMInput.xml"), &input),
            ];
            let texts = texts.iter();
            texts.map(|(path, text)| (path.as_str(), *text)).collect()
        };
        let run = |files: &Memory, path: &str| {
            let gathered = gather(files, &[path.to_owned()], &ResolveOptions::default());
            judge(&gathered.unwrap(), &Policies::built_in())
        };
        let there = run(&files(""), ".");
        assert!(there.diagnostics.iter().any(|found| found.fix.is_some()));
        let local = files("work/ws/");
        let here = run(&local, "work/ws");
        let name = |file: &str| format!("work/ws/{file}");
        let read = read(
            &rendered(&there).1,
            &Here {
                files: &local,
                name: &name,
                root: "work/ws",
            },
        );
        let read = read.unwrap();
        let ((text, json), (expected, expected_json)) = (rendered(&read), rendered(&here));
        assert_eq!(text, expected);
        assert_eq!(
            String::from_utf8_lossy(&json),
            String::from_utf8_lossy(&expected_json)
        );
    }

    #[test]
    fn what_is_no_report_is_refused_and_texts_that_are_not_here_are_not_missed() {
        let nothing: Memory = [("x", "")].into_iter().collect();
        let here = Here {
            files: &nothing,
            name: &|file| file.to_owned(),
            root: "",
        };
        let report = |rule: &str, version: u32| {
            let end = serde_json::json!({ "line": 7, "column": 4 });
            let found = serde_json::json!({
                "rule": rule, "level": "error", "message": "m", "file": "a.xml", "route": null,
                "line": 7, "column": 2, "end": end, "help": null, "related": [], "fix": null,
                "decided_by": "policy.toml:3", "later": 1,
            });
            let report = serde_json::json!({
                "schema_version": version, "products": [], "documents": 1, "diagnostics": [found],
            });
            report.to_string()
        };
        let outcome = read(report("own/rule", 1).as_bytes(), &here).unwrap();
        assert_eq!(outcome.diagnostics[0].primary.to_string(), "a.xml:7:2");
        assert_eq!(outcome.counts.errors, 1);
        let (text, _) = rendered(&outcome);
        assert!(text.contains("at: a.xml:7:2"), "{text}");
        assert!(text.contains("policy: error by policy.toml:3"), "{text}");
        let refused = |report: &str| read(report.as_bytes(), &here).unwrap_err().to_string();
        assert!(refused(&report("x\u{1b}", 1)).contains("no rule has"));
        assert!(refused(&report("x", 2)).contains("version 2"));
        assert!(refused("[]").contains("no report"));
    }
}
