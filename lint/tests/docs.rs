//! `docs/rules/`: a page for every rule, an index, and what is not checked, all made of the rules and of
//! `catalogue.tsv`. `UPDATE_FINDINGS=1` writes them anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use lint::diagnostic::Level;
use lint::image::ImageType;
use lint::policy::CORE;
use lint::rule::{Input, RuleInfo};
use lint::rules::{self, ALL};

use crate::fixes::{self, Cure};

const CATALOGUE: &str = include_str!("catalogue.tsv");

/// The parts of the catalogue and their headings.
const SECTIONS: &[(&str, &str)] = &[
    ("identity", "Image identity and release type"),
    ("features", "Features against image type"),
    ("manifests", "Feature manifests and their lists"),
    ("definitions", "Package definitions and versions"),
    ("system", "Registry, services, boot settings, manufacturing"),
    ("signatures", "Signatures, catalogs and built packages"),
    ("security", "Code integrity, secure boot, BitLocker"),
    ("provisioning", "Provisioning and apps"),
    ("product", "Layouts, products, workspace"),
    ("image", "Finished images"),
    ("policy", "Policies"),
    ("other", "Beyond the documents"),
];

/// A defect that the documents name.
struct Known {
    section: &'static str,
    id: &'static str,
    fate: Fate,
}

/// What finds a defect.
enum Fate {
    /// The rule of that name.
    Rule,
    /// A rule of another name.
    By(&'static str),
    /// Nothing, for this reason.
    Not(&'static str),
}

fn catalogue() -> Vec<Known> {
    let lines = CATALOGUE.lines().filter(|line| !line.starts_with('#'));
    let known = lines.map(|line| {
        let columns: Vec<&str> = line.split('\t').collect();
        let [section, id, fate, text] = columns.as_slice() else {
            panic!("catalogue.tsv: not four columns: {line}");
        };
        let fate = match *fate {
            // A new rule needs no change of the list.
            _ if rules::find(id).is_some() => Fate::Rule,
            "rule" => Fate::Rule,
            "by" => Fate::By(text),
            "not" => Fate::Not(text),
            other => panic!("catalogue.tsv: there is no fate {other}"),
        };
        Known { section, id, fate }
    });
    known.collect()
}

fn section_of(info: &RuleInfo, catalogue: &[Known]) -> &'static str {
    let known = catalogue.iter().find(|known| known.id == info.id);
    let by = || {
        let mut named = catalogue.iter();
        named.find(|known| matches!(known.fate, Fate::By(rule) if rule == info.id))
    };
    match known.or_else(by) {
        Some(known) => known.section,
        None if info.input == Input::Policy => "policy",
        None if info.input == Input::Image => "image",
        None => "other",
    }
}

fn images(info: &RuleInfo) -> String {
    let words = info.images.iter().map(|image| image.as_str());
    match info.images.len() == ImageType::ALL.len() {
        true => "all".to_owned(),
        false => words.collect::<Vec<_>>().join(", "),
    }
}

fn page(info: &RuleInfo) -> String {
    let (summary, rest) = {
        let manual = info.manual();
        let (summary, rest) = manual.split_once('\n').unwrap_or((manual.as_str(), ""));
        (summary.trim().to_owned(), rest.trim().to_owned())
    };
    let core = match CORE.contains(&info.id) {
        true => ", a core rule: no organisation lowers it",
        false => "",
    };
    let mut page = format!("# {}\n\n{summary}.\n\n", info.id);
    let _ = write!(
        page,
        "| | |\n|---|---|\n| level | {}{core} |\n| images | {} |\n| input | {} |\n| authority | {} |\n| clause | {} |\n\
         | since | {} |\n",
        info.level,
        images(info),
        info.input,
        info.authority,
        info.clause,
        info.since,
    );
    let fix = match fixes::cures().get(info.id) {
        Some(Cure::Safe) => Some("`--fix` mends it".to_owned()),
        Some(Cure::Guess) => Some("`--unsafe-fixes` mends it, a guess".to_owned()),
        Some(Cure::None(reason)) => Some(format!("none: {reason}")),
        None => None,
    };
    if let Some(fix) = fix {
        let _ = writeln!(page, "| fix | {fix} |");
    }
    for parameter in info.parameters {
        let doc: Vec<&str> = parameter.doc.lines().map(str::trim).collect();
        let _ = writeln!(
            page,
            "| parameter `{}` | {} |",
            parameter.key(),
            doc.join(" ").trim()
        );
    }
    let _ = write!(page, "\n{rest}\n");
    page
}

fn link(id: &str) -> String {
    format!("[`{id}`]({id}.md)")
}

fn index(catalogue: &[Known]) -> String {
    let mut out = format!(
        "# Rules\n\nThe {} rules by what they are about, by image type, by input and by level. A page is what `proofmark \
         explain RULE` prints.\n[What is not checked](not-checked.md), and why. Pages are made of the rules: see \
         [CONTRIBUTING](../../CONTRIBUTING.md).\n",
        ALL.len()
    );
    for (section, heading) in SECTIONS {
        let rules = ALL
            .iter()
            .filter(|info| section_of(info, catalogue) == *section);
        let rows: Vec<String> = rules
            .map(|info| {
                let (images, level) = (images(info), info.level);
                format!(
                    "| {} | {level} | {images} | {} |\n",
                    link(info.id),
                    info.summary()
                )
            })
            .collect();
        if !rows.is_empty() {
            let _ = write!(
                out,
                "\n## {heading}\n\n| rule | level | images | finds |\n|---|---|---|---|\n{}",
                rows.concat()
            );
        }
    }
    out.push_str("\n## By image type\n\nRules for every image type are left out.\n");
    for image in ImageType::ALL {
        let is_for = |info: &&&RuleInfo| {
            info.images.contains(image) && info.images.len() < ImageType::ALL.len()
        };
        list(&mut out, image.as_str(), ALL.iter().filter(is_for).copied());
    }
    out.push_str("\n## By input\n");
    let inputs: BTreeSet<Input> = ALL.iter().map(|info| info.input).collect();
    for input in inputs {
        let of_input = ALL.iter().filter(|info| info.input == input);
        list(&mut out, input.as_str(), of_input.copied());
    }
    out.push_str("\n## By level\n");
    for level in [Level::Error, Level::Warning, Level::Info] {
        let of_level = ALL.iter().filter(|info| info.level == level);
        list(&mut out, level.as_str(), of_level.copied());
    }
    out
}

fn list(out: &mut String, heading: &str, rules: impl Iterator<Item = &'static RuleInfo>) {
    let links: Vec<String> = rules.map(|info| link(info.id)).collect();
    let _ = write!(
        out,
        "\n**{heading}** ({}): {}\n",
        links.len(),
        links.join(", ")
    );
}

fn not_checked(catalogue: &[Known]) -> String {
    let mut out = String::from(
        "# What is not checked, and what goes by another name\n\nThe documents and the add-on kit name more defects than \
         there are rules. These are found by a rule of another name:\n\n| defect | found by |\n|---|---|\n",
    );
    for known in catalogue {
        if let Fate::By(rule) = known.fate {
            let _ = writeln!(out, "| `{}` | {} |", known.id, link(rule));
        }
    }
    out.push_str(
        "\nThese are not looked for. Most need something that the inputs of an image do not hold: a device, or facts that \
         nobody published.\n\n| defect | why not |\n|---|---|\n",
    );
    for known in catalogue {
        if let Fate::Not(reason) = known.fate {
            let _ = writeln!(out, "| `{}` | {reason} |", known.id);
        }
    }
    out
}

#[test]
fn every_known_defect_is_a_rule_or_has_a_reason_not_to_be() {
    let catalogue = catalogue();
    let ids: BTreeSet<&str> = catalogue.iter().map(|known| known.id).collect();
    assert_eq!(ids.len(), catalogue.len(), "an identifier stands twice");
    let mut wrong = Vec::new();
    for known in &catalogue {
        let (id, is_rule) = (known.id, rules::find(known.id).is_some());
        match known.fate {
            Fate::Rule if !is_rule => wrong.push(format!("{id}: there is no such rule")),
            Fate::By(rule) if rules::find(rule).is_none() => {
                wrong.push(format!("{id}: there is no rule {rule}"))
            }
            Fate::Not(reason) if reason.len() < 30 => wrong.push(format!("{id}: no reason")),
            _ => {}
        }
        let is_section = SECTIONS
            .iter()
            .any(|(section, _)| *section == known.section);
        assert!(is_section, "{id}: there is no section {}", known.section);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_pages_are_those_of_the_rules() {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/rules"));
    let catalogue = catalogue();
    let mut wanted: BTreeMap<String, String> = BTreeMap::new();
    wanted.insert("README.md".into(), index(&catalogue));
    wanted.insert("not-checked.md".into(), not_checked(&catalogue));
    wanted.extend(
        ALL.iter()
            .map(|info| (format!("{}.md", info.id), page(info))),
    );
    let files = fs::read_dir(&folder).into_iter().flatten();
    let there: BTreeMap<String, String> = files
        .map(|entry| {
            let entry = entry.unwrap();
            let text = fs::read_to_string(entry.path()).unwrap();
            (entry.file_name().into_string().unwrap(), text)
        })
        .collect();
    if std::env::var_os("UPDATE_FINDINGS").is_some() {
        fs::create_dir_all(&folder).unwrap();
        for name in there.keys().filter(|name| !wanted.contains_key(*name)) {
            fs::remove_file(folder.join(name)).unwrap();
        }
        for (name, text) in wanted
            .iter()
            .filter(|(name, text)| there.get(*name) != Some(text))
        {
            fs::write(folder.join(name), text).unwrap();
        }
        return;
    }
    let names: BTreeSet<&String> = there.keys().chain(wanted.keys()).collect();
    let stale: Vec<_> = names
        .into_iter()
        .filter(|name| there.get(*name) != wanted.get(*name))
        .collect();
    assert!(
        stale.is_empty(),
        "docs/rules is stale, write it with UPDATE_FINDINGS=1 cargo test -p proofmark-lint: {stale:?}"
    );
}
