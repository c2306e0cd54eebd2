//! `lint --fix`: what is written, and that nothing else is.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Run, corpus, oracle, proofmark, repository};

fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let below = path.strip_prefix(folder).unwrap().to_owned();
                found.insert(below, fs::read(path).unwrap());
            }
        }
    }
    found
}

pub(crate) fn copy(from: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, bytes) in files(from) {
        let to = folder.path().join(path);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, bytes).unwrap();
    }
    folder
}

/// Errors, warnings and infos of a report.
fn counts(run: &Run) -> [u64; 3] {
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    ["error", "warning", "info"].map(|level| report["counts"][level].as_u64().unwrap())
}

fn lint(folder: &Path, options: &str) -> Run {
    let run = proofmark(
        folder,
        &format!("lint --at 2026-06-01 --format json {options} ."),
    );
    assert!(matches!(run.code, Some(0 | 1)), "{}", run.stderr);
    run
}

/// Mends a folder and holds what `--fix` promises: `--diff` tells the same, every other file stays, every finding of
/// `--fix` is cured, a second run changes nothing.
fn mend(folder: &Path, options: &str) -> BTreeMap<PathBuf, Vec<u8>> {
    let before = files(folder);
    let found = counts(&lint(folder, ""));
    let shown = proofmark(folder, &format!("lint --at 2026-06-01 --diff {options} ."));
    assert_eq!(files(folder), before, "--diff wrote something");
    let run = lint(folder, &format!("--fix {options}"));
    let after = files(folder);
    let mended: BTreeMap<_, _> = after
        .iter()
        .filter(|(path, bytes)| before.get(*path) != Some(*bytes))
        .map(|(path, bytes)| (path.clone(), bytes.clone()))
        .collect();
    assert_eq!(shown.code, Some(i32::from(!mended.is_empty())));
    assert_eq!(before.len(), after.len(), "a file came or went");
    for path in mended.keys() {
        let path = path.to_str().unwrap();
        assert!(shown.stdout.contains(&format!("--- {path}\n")), "{path}");
        assert!(run.stderr.contains(&format!("fixed: {path}:")), "{path}");
    }
    let left = counts(&run);
    let fixed = run
        .stderr
        .lines()
        .filter(|line| line.starts_with("fixed: "));
    assert!(fixed.count() > 0 || mended.is_empty());
    assert!(left.iter().sum::<u64>() < found.iter().sum() || mended.is_empty());
    assert!(left[0] <= found[0], "{left:?} after {found:?}");

    let again = lint(folder, &format!("--fix {options}"));
    assert_eq!(files(folder), after, "{}", again.stderr);
    assert_eq!(counts(&again), left);

    // Another tool makes the same files from the diff, where all of them are UTF-8.
    let utf_8 = mended
        .values()
        .all(|bytes| std::str::from_utf8(bytes).is_ok());
    let other = tempfile::tempdir().unwrap();
    for (path, bytes) in &before {
        let to = other.path().join(path);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, bytes).unwrap();
    }
    let diff = tempfile::NamedTempFile::new().unwrap();
    fs::write(diff.path(), &shown.stdout).unwrap();
    let line = format!("patch --silent --binary -p0 -i {}", diff.path().display());
    if utf_8 && let Some(run) = oracle(other.path(), &line) {
        run.ended(0);
        assert_eq!(files(other.path()), after);
    }
    mended
}

#[test]
fn the_add_on_kit_is_mended_and_then_stays() {
    let Some(kit) = corpus("addonkit") else {
        return;
    };
    let folder = copy(&kit);
    let errors = counts(&lint(folder.path(), ""))[0];
    let before = files(folder.path());
    let mended = mend(folder.path(), "");
    assert!(mended.len() >= 12, "{:?}", mended.keys());
    let after = lint(folder.path(), "");
    assert!(counts(&after)[0] + 50 <= errors, "{:?}", counts(&after));
    for cured in [
        "dev-feature-in-retail",
        "required-feature-missing",
        "test-missing-testsigning",
    ] {
        assert!(!after.stdout.contains(&format!("\"{cured}\"")), "{cured}");
    }
    for (path, bytes) in mended {
        // Comments and byte-order marks are there as before, and every line end.
        let before = &before[&path];
        let mark = |bytes: &[u8]| bytes.starts_with(b"\xef\xbb\xbf");
        assert_eq!(mark(&bytes), mark(before), "{path:?}");
        let bare = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).replace("\r\n", "");
            text.contains('\n')
        };
        assert!(bare(before) || !bare(&bytes), "{path:?}");
        let comments = |bytes: &[u8]| String::from_utf8_lossy(bytes).matches("<!--").count();
        assert!(comments(&bytes) >= comments(before), "{path:?}");
    }
}

const RETAIL: &str = "Source-arm/Products/Kiosk/RetailOEMInput.xml";

/// A copy of the example with defects in its retail product.
fn defects() -> tempfile::TempDir {
    let folder = copy(&repository().join("examples/workspace"));
    let path = folder.path().join(RETAIL);
    let text = fs::read_to_string(&path).unwrap();
    let text = text.replacen(
        "<Feature>",
        "<Feature>IOT_BERTHA</Feature>\n      <Feature>IOT_SIREP</Feature>\n      <Feature>",
        1,
    );
    let text = text.replace(">Production<", ">production<");
    fs::write(path, text).unwrap();
    folder
}

#[test]
fn defects_of_the_example_are_mended_and_it_is_clean_again() {
    let folder = defects();
    let clean = fs::read_to_string(repository().join("examples/workspace").join(RETAIL)).unwrap();
    let mended = mend(folder.path(), "");
    assert_eq!(mended.len(), 1);
    let text = fs::read_to_string(folder.path().join(RETAIL)).unwrap();
    let off = |id: &str| format!("<!-- Feature>{id}</Feature -->\n      ");
    assert_eq!(
        text.replace(&off("IOT_BERTHA"), "")
            .replace(&off("IOT_SIREP"), ""),
        clean
    );
}

#[test]
fn wide_files_with_marks_keep_their_encoding() {
    let folder = defects();
    let path = folder.path().join(RETAIL);
    let text = fs::read_to_string(&path).unwrap();
    let declaration = text.find("?>").map_or(0, |end| end + 2);
    let text = format!(
        "\u{feff}<?xml version=\"1.0\" encoding=\"utf-16\"?>{}",
        &text[declaration..]
    );
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    fs::write(&path, &wide).unwrap();
    mend(folder.path(), "");
    let after = fs::read(&path).unwrap();
    assert!(after.starts_with(b"\xfe\xff\0<\0?"));
    let units: Vec<u16> = after
        .chunks(2)
        .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
        .collect();
    let after = String::from_utf16(&units).unwrap();
    let off = |text: &str, id: &str| {
        text.replace(
            &format!("<Feature>{id}</Feature>"),
            &format!("<!-- Feature>{id}</Feature -->"),
        )
    };
    let wanted =
        off(&off(&text, "IOT_BERTHA"), "IOT_SIREP").replace(">production<", ">Production<");
    assert_eq!(after, wanted);
}

#[cfg(unix)]
#[test]
fn a_read_only_file_is_not_replaced_and_a_link_stays_a_link() {
    use std::os::unix::fs::PermissionsExt;
    let folder = defects();
    let path = folder.path().join(RETAIL);
    let target = folder.path().join("real.txt");
    fs::rename(&path, &target).unwrap();
    std::os::unix::fs::symlink(&target, &path).unwrap();
    let before = fs::read(&target).unwrap();
    fs::set_permissions(&target, fs::Permissions::from_mode(0o444)).unwrap();
    let run = proofmark(folder.path(), "lint --fix .").ended(2);
    assert!(run.stderr.contains("read-only"), "{}", run.stderr);
    assert_eq!(fs::read(&target).unwrap(), before);
    fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).unwrap();
    proofmark(folder.path(), "lint --fix --fail-on never .").ended(0);
    assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
    assert_ne!(fs::read(&target).unwrap(), before);
    let mode = fs::metadata(&target).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
}

#[test]
fn guesses_need_a_word_and_the_word_needs_fix_or_diff() {
    let folder = defects();
    let run = proofmark(folder.path(), "lint --unsafe-fixes .").ended(2);
    assert!(run.stderr.contains("--unsafe-fixes is for --fix or --diff"));
}
