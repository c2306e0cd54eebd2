//! `proofmark lint`: facts, rules, diagnostics; the exit code is the gate.

mod image;
mod mend;
mod report;
mod watch;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use lint::baseline::{self, Baseline};
use lint::cache::Cache;
use lint::diagnostic::Level;
use lint::earlier::Earlier;
use lint::engine::{GatherError, Outcome, gather, gather_again, judge, shipped};
use lint::explain;
use lint::facts::Workspace;
use lint::files::{Disk, Files};
use lint::full_flash::is_image;
use lint::image::ImageType;
use lint::nearest::nearest;
use lint::policy::Policies;
use lint::resolve::ResolveOptions;
use lint::verify::{verify_again, verify_cabinets};
use signer::anchor::Anchors;
use signer::verify::VerifyOptions;
use time::OffsetDateTime;

use crate::config::Config;
use crate::error::Error;
use crate::exit::Exit;
use crate::policies::{self, PolicyArgs};
use crate::progress::reading;
use crate::remote::{self, Remote, RemoteArgs};
use crate::trust::{self, MaterialArgs};
use crate::{instant, output};
use report::ReportArgs;

/// Judge workspaces, products, documents, packages and finished images by the policy of their image type.
#[derive(Debug, Args)]
pub(crate) struct LintArgs {
    /// Image type; auto takes it from ReleaseType and Product
    #[arg(long, value_enum, default_value_t)]
    image: Image,
    #[command(flatten)]
    policies: PolicyArgs,
    /// Findings that may wait; otherwise [lint] of proofmark.toml names them
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Let all findings of this run wait: write them to this file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["baseline", "fix", "diff"])]
    write_baseline: Option<PathBuf>,
    /// Value of a variable such as OEM_NAME, stronger than the workspace's
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
    define: Vec<(String, String)>,
    /// Folder of an earlier release, to compare versions, layouts and packages with
    #[arg(long, value_name = "DIR")]
    shipped: Option<PathBuf>,
    /// Workspace that a finished image was built from, to compare it with; a workspace among the paths does as well
    #[arg(long, value_name = "DIR")]
    workspace: Option<PathBuf>,
    /// Folder to keep in what was found in cabinets; who may write there decides what is found
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Certificate, PEM bundle or DER, at which chains may end besides the built-in anchors
    #[arg(long, value_name = "FILE")]
    root: Vec<PathBuf>,
    #[command(flatten)]
    material: MaterialArgs,
    /// Judge certificates as of this time instead of now
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    at: Option<OffsetDateTime>,
    /// Lowest level of a finding that makes the exit code 1
    #[arg(long, value_enum, default_value_t)]
    fail_on: FailOn,
    /// Mend what can be mended mechanically, then report what is left
    #[arg(long)]
    fix: bool,
    /// Print what --fix would change as a diff, and change nothing
    #[arg(long)]
    diff: bool,
    /// Count guesses among the fixes, with --fix or --diff
    #[arg(long)]
    unsafe_fixes: bool,
    /// Lint again whenever a file changes, until Ctrl-C
    #[arg(long, conflicts_with_all = ["fix", "diff"])]
    watch: bool,
    /// Print what this rule sees as JSON, and judge nothing; docs/facts.md describes it
    #[arg(long, value_name = "RULE", conflicts_with_all = ["fix", "diff", "watch"])]
    explain_facts: Option<String>,
    #[command(flatten)]
    remote: RemoteArgs,
    #[command(flatten)]
    report: ReportArgs,
    /// Workspace or product folders, documents, packages, full flash updates
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Image {
    #[default]
    Auto,
    Retail,
    Test,
    Mmos,
}

impl Image {
    /// The type, where it is said.
    fn declared(self) -> Option<ImageType> {
        match self {
            Self::Auto => None,
            Self::Retail => Some(ImageType::Retail),
            Self::Test => Some(ImageType::Test),
            Self::Mmos => Some(ImageType::Mmos),
        }
    }
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum FailOn {
    #[default]
    Error,
    Warning,
    Info,
    Never,
}

/// What is linted and how.
pub(crate) struct Request<'a> {
    pub(crate) paths: &'a [PathBuf],
    pub(crate) image: Option<ImageType>,
    pub(crate) defines: Vec<(String, String)>,
    pub(crate) shipped: Option<&'a Path>,
    pub(crate) workspace: Option<&'a Path>,
    pub(crate) cache: Option<&'a Path>,
    pub(crate) policies: &'a Policies,
    pub(crate) anchors: &'a Anchors,
    pub(crate) at: OffsetDateTime,
}

/// Runs the command.
pub(crate) fn run(arguments: &LintArgs, config: &Config) -> Result<Exit, Error> {
    match arguments.watch {
        true => watch::watch(arguments, config),
        false => once(arguments, config, None),
    }
}

/// One run; what earlier ones found out is taken from there.
fn once(
    arguments: &LintArgs,
    config: &Config,
    earlier: Option<&mut Earlier>,
) -> Result<Exit, Error> {
    if let Some(remote) = arguments.remote.service()? {
        let outcome = lint_remotely(arguments, &remote)?;
        return reported(arguments, &outcome);
    }
    let at = arguments.at.unwrap_or_else(OffsetDateTime::now_utc);
    let policies = policies(arguments, config, at)?;
    let anchors = trust::anchors(config, &arguments.root)?;
    let anchors = arguments.material.add_to(anchors)?;
    let request = Request {
        paths: &arguments.paths,
        image: arguments.image.declared(),
        defines: arguments.define.clone(),
        shipped: arguments.shipped.as_deref(),
        workspace: arguments.workspace.as_deref(),
        cache: arguments.cache.as_deref(),
        policies: &policies,
        anchors: &anchors,
        at,
    };
    if arguments.unsafe_fixes && !(arguments.fix || arguments.diff) {
        return Err(Error::new("--unsafe-fixes is for --fix or --diff"));
    }
    if let Some(rule) = &arguments.explain_facts {
        return explain_facts(rule, &request);
    }
    let outcome = if arguments.fix || arguments.diff {
        let mended = mend::mended(&request, arguments.unsafe_fixes)?;
        if arguments.diff {
            return mend::show(&mended);
        }
        mend::write(&mended)?;
        mended.outcome
    } else {
        match image::any(&request)? {
            // It has a bar of its own.
            true => lint_in(&Disk, &request, earlier)?,
            false => reading(&Disk, |files| lint_in(files, &request, earlier))?,
        }
    };
    reported(arguments, &outcome)
}

/// Lets a service judge, by its own policies and anchors.
fn lint_remotely(arguments: &LintArgs, remote: &Remote) -> Result<Outcome, Error> {
    remote::refuse(&[
        (arguments.policies.are_given(), "a policy"),
        (arguments.baseline.is_some(), "--baseline"),
        (arguments.write_baseline.is_some(), "--write-baseline"),
        (!arguments.define.is_empty(), "--define"),
        (arguments.shipped.is_some(), "--shipped"),
        (arguments.workspace.is_some(), "--workspace"),
        (arguments.cache.is_some(), "--cache"),
        (!arguments.root.is_empty(), "--root"),
        (
            arguments.material.is_given(),
            "--intermediates, --crl or --ocsp",
        ),
        (arguments.at.is_some(), "--at"),
        (arguments.fix || arguments.diff, "--fix or --diff"),
        (arguments.watch, "--watch"),
        (arguments.explain_facts.is_some(), "--explain-facts"),
        (arguments.report.shows_suppressed(), "--suppressed"),
    ])?;
    remote::lint::run(remote, &arguments.paths, arguments.image.declared())
}

/// Reports a result; the exit code is the gate.
fn reported(arguments: &LintArgs, outcome: &Outcome) -> Result<Exit, Error> {
    if outcome.is_of_nothing() && !arguments.watch {
        nothing_to_lint(&arguments.paths)?;
    }
    let level = match arguments.fail_on {
        FailOn::Error => Some(Level::Error),
        FailOn::Warning => Some(Level::Warning),
        FailOn::Info => Some(Level::Info),
        FailOn::Never => None,
    };
    if let Some(path) = &arguments.write_baseline {
        return write_baseline(path, outcome, level);
    }
    arguments.report.report(outcome, level)?;
    match level.is_some_and(|level| outcome.reaches(level)) {
        true => Ok(Exit::Findings),
        false => Ok(Exit::Clean),
    }
}

/// What is judged at all, for those who named something else.
const INPUTS: &str = "lint reads image inputs, feature manifests, package definitions, provisioning, layouts, boot settings, \
                      registry and INF files, command scripts, certificates, policies, and built packages (.cab)";

/// Tells of paths that hold nothing to judge. A folder without inputs is an error, because a gate that looks into the wrong
/// folder must not pass; a file may be one of many that changed.
fn nothing_to_lint(paths: &[PathBuf]) -> Result<(), Error> {
    match paths.iter().find(|path| path.is_dir()) {
        Some(folder) => {
            let folder = folder.display();
            Err(Error::new(format_args!("nothing to lint below {folder}")).hint(INPUTS))
        }
        None => {
            let paths: Vec<String> = paths
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            let is = if paths.len() == 1 { "is" } else { "are" };
            output::note(format_args!(
                "{} {is} nothing to lint: {INPUTS}",
                paths.join(", ")
            ));
            Ok(())
        }
    }
}

/// The error of paths that cannot be read, with what was probably meant.
pub(crate) fn unreadable(error: GatherError, paths: &[PathBuf]) -> Error {
    let missing = paths.iter().find(|path| !path.exists());
    let meant = missing.and_then(|path| {
        let name = path.file_name()?.to_str()?;
        let folder = path.parent().filter(|folder| folder.as_os_str() != "");
        let beside = std::fs::read_dir(folder.unwrap_or(Path::new("."))).ok()?;
        let names = beside.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let names: Vec<String> = names.collect();
        let near = nearest(name, names.iter().map(String::as_str))?;
        Some(path.with_file_name(near))
    });
    let error = Error::new(error);
    match meant {
        Some(meant) => error.hint(format_args!("did you mean {}?", meant.display())),
        None => error,
    }
}

/// Prints what a rule sees of what a request names.
fn explain_facts(rule: &str, request: &Request<'_>) -> Result<Exit, Error> {
    let rule = explain::rule(rule, request.policies)
        .map_err(|error| Error::new(error).hint("`proofmark rules` lists all rules"))?;
    let workspaces = reading(&Disk, |files| gathered(files, request, None))?;
    output::result(&explain::facts_json(rule, &workspaces).map_err(Error::new)?)?;
    Ok(Exit::Clean)
}

/// Lints what a request names.
pub(crate) fn lint_in(
    files: &dyn Files,
    request: &Request<'_>,
    earlier: Option<&mut Earlier>,
) -> Result<Outcome, Error> {
    let outcome = judge(&gathered(files, request, earlier)?, request.policies);
    match outcome.failures.iter().next() {
        None => Ok(outcome),
        Some((rule, problem)) => Err(Error::new(format_args!("own rule {rule}: {problem}"))),
    }
}

/// The facts about what a request names, signatures included.
fn gathered(
    files: &dyn Files,
    request: &Request<'_>,
    mut earlier: Option<&mut Earlier>,
) -> Result<Vec<Workspace>, Error> {
    let paths = text_paths(request.paths)?;
    let (images, paths): (Vec<_>, Vec<_>) =
        paths.into_iter().partition(|path| is_image(files, path));
    let options = ResolveOptions {
        image: request.image,
        defines: request.defines.clone(),
    };
    let workspaces = match &mut earlier {
        Some(earlier) => gather_again(files, &paths, &options, earlier),
        None => gather(files, &paths, &options),
    };
    let mut workspaces = workspaces.map_err(|error| unreadable(error, request.paths))?;
    let verify = VerifyOptions {
        at: request.at,
        anchors: request.anchors,
    };
    let shipped = request.shipped.map(|folder| {
        let folder = policies::text(folder)?;
        let shipped = shipped(files, &folder, &options, verify).map_err(Error::new)?;
        Ok::<_, Error>(Arc::new(shipped))
    });
    let shipped = shipped.transpose()?;
    let cache = request.cache.map(|folder| {
        let failed = |error| Error::file(folder, error);
        Ok::<_, Error>((Cache::open(folder).map_err(failed)?, folder))
    });
    let cache = cache.transpose()?;
    for workspace in &mut workspaces {
        workspace.shipped = shipped.clone();
        let cache = cache.as_ref().map(|(cache, _)| cache);
        match &mut earlier {
            Some(earlier) => verify_again(files, workspace, verify, cache, earlier),
            None => verify_cabinets(files, workspace, verify, cache),
        }
    }
    if !images.is_empty() {
        let built_from =
            image::built_from(files, request.workspace, &workspaces, &options, verify)?;
        for path in images {
            let mut workspace = image::read(files, &path, &options, verify)?;
            workspace.built_from.clone_from(&built_from);
            workspaces.push(workspace);
        }
    } else if request.workspace.is_some() {
        return Err(Error::new(
            "--workspace is for finished images, and none is among the paths",
        ));
    }
    if let Some((cache, folder)) = &cache {
        cache.trim().map_err(|error| Error::file(folder, error))?;
    }
    Ok(workspaces)
}

/// Paths as the linter has them.
pub(crate) fn text_paths(paths: &[PathBuf]) -> Result<Vec<String>, Error> {
    paths.iter().map(|path| policies::text(path)).collect()
}

/// The policies in force and the findings that may wait.
fn policies(arguments: &LintArgs, config: &Config, at: OffsetDateTime) -> Result<Policies, Error> {
    let policies = &arguments.policies;
    let policies = policies.read(config, &arguments.paths, at.date())?;
    let baseline = arguments.baseline.clone().or_else(|| config.baseline());
    match baseline.filter(|_| arguments.write_baseline.is_none()) {
        None => Ok(policies),
        Some(path) => {
            let baseline = Baseline::read(&Disk, &policies::text(&policies::below_current(path))?)
                .map_err(Error::new)?;
            Ok(policies.with_baseline(baseline))
        }
    }
}

/// Writes the findings that may wait. What may not decides the exit code.
fn write_baseline(path: &Path, outcome: &Outcome, fails: Option<Level>) -> Result<Exit, Error> {
    let (text, count, left) = baseline::write(outcome);
    signer::output::write_bytes(path, text.as_bytes()).map_err(|error| Error::file(path, error))?;
    let path = path.display();
    output::note(format_args!("{path}: {count} findings may wait"));
    if left == 0 {
        return Ok(Exit::Clean);
    }
    output::note(format_args!(
        "{left} findings of rules that must never ship are not in it"
    ));
    Ok(match fails {
        Some(_) => Exit::Findings,
        None => Exit::Clean,
    })
}

/// `NAME=VALUE`.
pub(crate) fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("NAME=VALUE is expected".to_owned()),
    }
}
