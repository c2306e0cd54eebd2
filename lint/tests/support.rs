//! Lints a folder as the command line does, at a fixed time.

use std::path::{Path, PathBuf};

use lint::engine::{Outcome, gather, judge};
use lint::files::Disk;
use lint::image::ImageType;
use lint::policy::Policies;
use lint::resolve::ResolveOptions;
use lint::verify::verify_cabinets;
use signer::anchor::Anchors;
use signer::clock::parse_rfc3339;
use signer::verify::VerifyOptions;

pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What a fixture's `options` file says (its `policy.toml` is read as well), one `name value` a line: `image retail`, `define OEM_NAME=Fjordlight`.
pub(crate) fn options(folder: &Path) -> ResolveOptions {
    let mut options = ResolveOptions::default();
    let text = std::fs::read_to_string(folder.join("options")).unwrap_or_default();
    for line in text.lines() {
        match line
            .split_once(' ')
            .expect("an option has a name and a value")
        {
            ("image", image) => options.image = Some(ImageType::from_word(image).unwrap()),
            ("define", define) => {
                let (name, value) = define.split_once('=').unwrap();
                options.defines.push((name.to_owned(), value.to_owned()));
            }
            (other, _) => panic!("there is no option {other}"),
        }
    }
    options
}

pub(crate) fn lint(folder: &Path, options: &ResolveOptions) -> Outcome {
    let path = folder.to_str().unwrap().to_owned();
    let mut workspaces = gather(&Disk, &[path], options).unwrap();
    let anchors = Anchors::built_in();
    let at = parse_rfc3339("2026-06-01").unwrap();
    for workspace in &mut workspaces {
        verify_cabinets(
            &Disk,
            workspace,
            VerifyOptions {
                at,
                anchors: &anchors,
            },
        );
    }
    let policy = folder.join("policy.toml");
    let policies = if policy.exists() {
        Policies::with_file(&Disk, policy.to_str().unwrap()).unwrap()
    } else {
        Policies::built_in()
    };
    judge(&workspaces, &policies)
}

/// One line per finding, paths relative to the folder.
pub(crate) fn findings(folder: &Path, outcome: &Outcome) -> String {
    let prefix = format!("{}/", folder.display());
    let lines = outcome.diagnostics.iter().map(|found| {
        let line = format!(
            "{} {} {}: {}\n",
            found.level, found.rule, found.primary, found.message
        );
        line.replace(&prefix, "")
    });
    lines.collect()
}
