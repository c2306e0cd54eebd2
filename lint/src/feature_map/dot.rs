//! The map as a drawing for Graphviz: products, features, packages, from left to right. What is unused is dashed, what is
//! missing red.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{FeatureMap, FeatureState, PackageState};
use crate::render::shown;

impl FeatureMap {
    /// The map in the DOT language.
    pub fn dot(&self) -> String {
        let mut drawing = Drawing::default();
        drawing.line("digraph features {");
        drawing.line("  rankdir=LR;");
        drawing.line("  node [fontname=\"sans-serif\"];");
        for product in &self.products {
            let label = format!("{}\n{}", product.name, product.oem_input);
            drawing.node(("product", &product.oem_input), &label, "shape=box");
            for feature in &product.features {
                // What is defined is drawn with its manifest.
                if feature.state == FeatureState::Missing {
                    let id = format!("missing {}", feature.id.to_lowercase());
                    let style = "shape=ellipse, color=red, fontcolor=red";
                    let label = format!("{}\nnot defined", feature.id);
                    let node = drawing.node(("feature", &id), &label, style);
                    drawing.edge(("product", &product.oem_input), node);
                }
            }
        }
        for (manifest, group) in self.groups() {
            let is_unused = group.by.is_feature() && group.selected_by.is_empty();
            let key = format!(
                "{}\n{:?} {}",
                manifest.path,
                group.by,
                group.value.to_lowercase()
            );
            let style = match is_unused {
                true => "shape=ellipse, style=dashed",
                false => "shape=ellipse",
            };
            let label = format!("{}\n{}", group.label(), manifest.path);
            let node = drawing.node(("feature", &key), &label, style);
            for product in &group.selected_by {
                drawing.edge(("product", product), node);
            }
            for package in &group.packages {
                let style = match package.state {
                    PackageState::Built | PackageState::Defined => "shape=component",
                    PackageState::Elsewhere => "shape=component, style=dotted",
                    PackageState::Missing => "shape=component, color=red, fontcolor=red",
                };
                let name = package.name.to_lowercase();
                let package = drawing.node(("package", &name), &package.name, style);
                drawing.line(&format!("  n{node} -> n{package};"));
            }
        }
        drawing.line("}");
        drawing.text
    }
}

#[derive(Default)]
struct Drawing {
    text: String,
    nodes: BTreeMap<(&'static str, String), usize>,
}

impl Drawing {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// The number of a node, which is drawn the first time it is named.
    fn node(&mut self, (kind, key): (&'static str, &str), label: &str, style: &str) -> usize {
        let next = self.nodes.len();
        let number = *self.nodes.entry((kind, key.to_owned())).or_insert(next);
        if number == next {
            let label = quoted(label);
            // Writing into a string does not fail.
            let _ = writeln!(self.text, "  n{number} [label={label}, {style}];");
        }
        number
    }

    fn edge(&mut self, (kind, key): (&'static str, &str), to: usize) {
        if let Some(from) = self.nodes.get(&(kind, key.to_owned())) {
            let line = format!("  n{from} -> n{to};");
            self.line(&line);
        }
    }
}

/// A label; lines of it are separated by `\n`.
fn quoted(label: &str) -> String {
    let lines = label.split('\n').map(|line| {
        let line = shown(line);
        line.replace('\\', "\\\\").replace('"', "\\\"")
    });
    format!("\"{}\"", lines.collect::<Vec<_>>().join("\\n"))
}
