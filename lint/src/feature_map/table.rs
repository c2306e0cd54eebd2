//! The map for people: one line for each package of a feature, then what is missing and unused.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::{FeatureMap, Group, MappedManifest, PackageState, SelectedBy};
use crate::files::name_of;
use crate::render::shown;

/// How many names a line about what is missing or unused has.
const NAMED: usize = 4;
/// Where nothing selects a group.
const NOBODY: &str = "-";

impl SelectedBy {
    /// How a group of this kind is called.
    fn label(self, value: &str) -> String {
        match self {
            Self::MicrosoftFeature | Self::OemFeature => value.to_owned(),
            Self::EveryImage => "(every image)".to_owned(),
            Self::TestImage => "(test images)".to_owned(),
            Self::Soc => format!("(SOC {value})"),
            Self::Device => format!("(Device {value})"),
            Self::Sv => format!("(SV {value})"),
            Self::ReleaseType => format!("(ReleaseType {value})"),
            Self::Language => format!("(language {value})"),
        }
    }
}

impl Group {
    /// What selects it, in a few words.
    pub(super) fn label(&self) -> String {
        self.by.label(&self.value)
    }
}

impl FeatureMap {
    /// The map as text.
    pub fn table(&self) -> String {
        let products = Products::new(self);
        let mut rows = vec![["feature", "manifest", "package", "products"].map(str::to_owned)];
        for (manifest, group) in self.groups() {
            let mut cells = [
                group.label(),
                name_of(&manifest.path).to_owned(),
                String::new(),
                products.label(group, manifest),
            ];
            for package in &group.packages {
                let [.., name, _] = &mut cells;
                *name = match package.state {
                    PackageState::Built | PackageState::Defined => package.name.clone(),
                    PackageState::Elsewhere => format!("{} (elsewhere)", package.name),
                    PackageState::Missing => format!("{} (missing)", package.name),
                };
                rows.push(cells.clone().map(|cell| shown(&cell)));
                // What the line above says is not said again.
                cells = Default::default();
            }
        }
        let mut text = String::new();
        if rows.len() > 1 {
            text = columns(&rows);
        }
        self.add_problems(&mut text);
        text
    }

    /// Says what is missing and unused, and how much there is.
    fn add_problems(&self, text: &mut String) {
        let mut lines = Vec::new();
        for product in &self.products {
            let lists = &product.oem_input;
            for manifest in &product.missing_manifests {
                lines.push(format!("missing  manifest {manifest}: {lists} lists it"));
            }
        }
        for (product, feature) in self.missing_features() {
            lines.push(format!(
                "missing  feature {}: {} selects it, and no manifest that it lists defines it",
                feature.id, product.oem_input
            ));
        }
        let (mut missing, mut unused) = (lines.len(), 0_usize);
        for (manifest, names) in self.missing_packages() {
            missing = missing.saturating_add(names.len());
            let (names, path) = (named("package", &names), &manifest.path);
            lines.push(format!(
                "missing  {names}: {path} names what has neither definition nor cabinet"
            ));
        }
        for manifest in &self.manifests {
            if manifest.listed_by.is_empty() {
                unused = unused.saturating_add(1);
                let path = &manifest.path;
                lines.push(format!("unused   manifest {path}: no product lists it"));
            }
        }
        for (manifest, groups) in self.unused() {
            if manifest.listed_by.is_empty() {
                continue;
            }
            unused = unused.saturating_add(groups.len());
            let ids: Vec<&str> = groups.iter().map(|group| group.value.as_str()).collect();
            let (names, path) = (named("feature", &ids), &manifest.path);
            lines.push(format!(
                "unused   {names}: {path} defines what no product selects"
            ));
        }
        if !lines.is_empty() && !text.is_empty() {
            text.push('\n');
        }
        let features = self.groups().filter(|(_, group)| group.by.is_feature());
        let packages = self.groups().flat_map(|(_, group)| &group.packages);
        let packages: BTreeSet<_> = packages
            .map(|package| package.name.to_lowercase())
            .collect();
        lines.push(format!(
            "{} features, {} packages, {} products; {missing} missing, {unused} unused",
            features.count(),
            packages.len(),
            self.products.len()
        ));
        for line in lines {
            // Writing into a string does not fail.
            let _ = writeln!(text, "{}", shown(&line));
        }
    }
}

/// Up to `NAMED` names, and how many more there are.
fn named(what: &str, names: &[&str]) -> String {
    let shown = names.get(..NAMED.min(names.len())).unwrap_or_default();
    let shown = shown.join(", ");
    let what = match names.len() {
        1 => what.to_owned(),
        _ => format!("{what}s"),
    };
    match names.len().saturating_sub(NAMED) {
        0 => format!("{what} {shown}"),
        more => format!("{what} {shown} and {more} more"),
    }
}

fn columns(rows: &[[String; 4]]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths = [width(0), width(1), width(2)];
    let mut text = String::new();
    for [feature, manifest, package, products] in rows {
        let [a, b, c] = widths;
        let line = format!("{feature:a$}  {manifest:b$}  {package:c$}  {products}");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Products by their names, each with its documents.
struct Products<'a> {
    documents: BTreeMap<&'a str, (&'a str, &'a str)>,
}

impl<'a> Products<'a> {
    fn new(map: &'a FeatureMap) -> Self {
        let products = map.products.iter();
        let documents = products.map(|product| {
            let path = product.oem_input.as_str();
            (path, (product.name.as_str(), name_of(path)))
        });
        Self {
            documents: documents.collect(),
        }
    }

    /// The products that select a group: by name where each image of theirs that lists the manifest does, otherwise
    /// with the images.
    fn label(&self, group: &Group, manifest: &MappedManifest) -> String {
        let mut names: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut totals: BTreeMap<&str, usize> = BTreeMap::new();
        for path in &manifest.listed_by {
            let Some((name, document)) = self.documents.get(path.as_str()) else {
                continue;
            };
            let total = totals.entry(name).or_default();
            *total = total.saturating_add(1);
            if group.selected_by.contains(path) {
                names.entry(name).or_default().push(image_of(document));
            }
        }
        let labels =
            names.iter().map(
                |(name, images)| match totals.get(name) == Some(&images.len()) {
                    true => (*name).to_owned(),
                    false => format!("{name} ({})", images.join(", ")),
                },
            );
        match labels.collect::<Vec<_>>().join(", ") {
            labels if labels.is_empty() => NOBODY.to_owned(),
            labels => labels,
        }
    }
}

/// `Retail` of `RetailOEMInput.xml`.
fn image_of(document: &str) -> &str {
    match document.strip_suffix("OEMInput.xml") {
        Some(start) if !start.is_empty() => start,
        _ => document,
    }
}
