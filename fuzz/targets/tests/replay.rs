//! Every file of the corpus goes through its target, and the lists of targets agree.

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

/// Bytes that the corpus may have, so that it stays what a repository can carry.
const MOST: u64 = 2 << 20;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn names_in(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

#[test]
fn every_input_of_the_corpus_is_survived() {
    let mut failed = Vec::new();
    for target in targets::names() {
        let folder = fuzz().join("corpus").join(target);
        for name in names_in(&folder) {
            let input = fs::read(folder.join(&name)).unwrap();
            if catch_unwind(|| targets::run(target, &input)).is_err() {
                failed.push(format!("{target}/{name}"));
            }
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn every_target_has_a_program_a_dictionary_and_a_corpus() {
    let known: BTreeSet<String> = targets::names().map(str::to_owned).collect();
    assert_eq!(names_in(&fuzz().join("corpus")), known);
    let with = |ending: &str| {
        known
            .iter()
            .map(|name| format!("{name}.{ending}"))
            .collect()
    };
    let programs: BTreeSet<String> = with("rs");
    assert_eq!(names_in(&fuzz().join("fuzz_targets")), programs);
    let dictionaries: BTreeSet<String> = with("dict");
    assert_eq!(names_in(&fuzz().join("dictionaries")), dictionaries);
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    for name in &known {
        assert!(
            manifest.contains(&format!("{{ name = \"{name}\"")),
            "{name}"
        );
    }
}

#[test]
fn the_corpus_is_small() {
    let mut total = 0;
    for target in targets::names() {
        let folder = fuzz().join("corpus").join(target);
        let names = names_in(&folder);
        assert!(names.len() >= 3, "{target} has almost no corpus");
        let sizes = names
            .iter()
            .map(|name| fs::metadata(folder.join(name)).unwrap().len());
        total += sizes.sum::<u64>();
    }
    assert!(total <= MOST, "{total} bytes");
}
