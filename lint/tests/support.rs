//! Lints a folder as the command line does, at a fixed time.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use formats::certificate::Certificate;
use lint::baseline::Baseline;
use lint::engine::{Outcome, gather, judge, shipped};
use lint::facts::Workspace;
use lint::files::{Disk, Memory};
use lint::full_flash::{ImageOptions, read_image};
use lint::image::ImageType;
use lint::policy::Policies;
use lint::resolve::ResolveOptions;
use lint::verify::verify_cabinets;
use signer::anchor::Anchors;
use signer::clock::parse_rfc3339;
use signer::verify::VerifyOptions;

use crate::images;

pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The lines of a fixture's `options` file: name and value.
fn settings(folder: &Path) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(folder.join("options")).unwrap_or_default();
    let lines = text.lines().map(|line| {
        let (name, value) = line
            .split_once(' ')
            .expect("an option has a name and a value");
        (name.to_owned(), value.to_owned())
    });
    lines.collect()
}

/// What the `options` of a fixture say: `image retail`, `define OEM_NAME=Fjordlight`. Its `policy.toml` and `baseline.json`
/// are read as well.
pub(crate) fn options(folder: &Path) -> ResolveOptions {
    let mut options = ResolveOptions::default();
    for (name, value) in settings(folder) {
        match name.as_str() {
            "image" => options.image = Some(ImageType::from_word(&value).unwrap()),
            "define" => {
                let (name, value) = value.split_once('=').unwrap();
                options.defines.push((name.to_owned(), value.to_owned()));
            }
            "shipped" | "root" => {}
            other => panic!("there is no option {other}"),
        }
    }
    options
}

/// The built-in anchors and the certificates of `testcerts/` that the `options` of a fixture name: `root demo-retail-root`.
fn anchors(folder: &Path) -> Anchors {
    let options = settings(folder).into_iter();
    let roots = options.filter(|(name, _)| name == "root");
    roots.fold(Anchors::built_in(), |anchors, (_, name)| {
        let file = repository().join(format!("testcerts/{name}.cer"));
        let root = Certificate::parse(&std::fs::read(file).unwrap(), 0).unwrap();
        anchors.with(&root)
    })
}

/// The day on which fixtures are judged.
const DAY: &str = "2026-06-01";

/// What is known of a folder. With an option `shipped before`, the folder `before` in it is the earlier release and `now` is
/// what is linted.
pub(crate) fn workspaces(folder: &Path, options: &ResolveOptions) -> Vec<Workspace> {
    let mut settings = settings(folder).into_iter();
    let earlier = settings.find(|(name, _)| name == "shipped");
    let linted = match earlier {
        Some(_) => folder.join("now"),
        None => folder.to_owned(),
    };
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let anchors = anchors(folder);
    let verify = VerifyOptions {
        at: parse_rfc3339(DAY).unwrap(),
        anchors: &anchors,
    };
    if let Some(image) = images::image(folder) {
        return vec![finished(image, &folder.join("workspace"), options, verify)];
    }
    let mut workspaces = gather(&Disk, &[text(&linted)], options).unwrap();
    let earlier = earlier.map(|(_, name)| {
        let earlier = shipped(&Disk, &text(&folder.join(name)), options, verify);
        Arc::new(earlier.unwrap())
    });
    for workspace in &mut workspaces {
        workspace.shipped = earlier.clone();
        verify_cabinets(&Disk, workspace, verify, None);
    }
    workspaces
}

/// Lints a folder by its `policy.toml`, where it has one.
pub(crate) fn lint(folder: &Path, options: &ResolveOptions) -> Outcome {
    let policy = folder.join("policy.toml");
    let mut policies = if policy.exists() {
        Policies::with_file(&Disk, policy.to_str().unwrap()).unwrap()
    } else {
        Policies::built_in()
    };
    let baseline = folder.join("baseline.json");
    if baseline.exists() {
        let baseline = Baseline::read(&Disk, baseline.to_str().unwrap()).unwrap();
        policies = policies.with_baseline(baseline);
    }
    let day = parse_rfc3339(DAY).unwrap().date();
    judge(&workspaces(folder, options), &policies.on(day))
}

/// A finished image, with the workspace that it was built from where there is one.
fn finished(
    image: Vec<u8>,
    workspace: &Path,
    options: &ResolveOptions,
    verify: VerifyOptions<'_>,
) -> Workspace {
    let files: Memory = [(images::IMAGE, image)].into_iter().collect();
    let how = ImageOptions {
        resolve: options,
        verify,
        threads: NonZeroUsize::MIN,
        progress: &|_| {},
    };
    let mut finished = read_image(&files, images::IMAGE, how).unwrap();
    if workspace.exists() {
        let path = workspace.to_str().unwrap().to_owned();
        let mut found = gather(&Disk, &[path], options).unwrap().remove(0);
        verify_cabinets(&Disk, &mut found, verify, None);
        finished.built_from = Some(Arc::new(found));
    }
    finished
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
