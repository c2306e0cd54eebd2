//! `proofmark package build`: packages from their definitions.

mod plan;
mod report;
mod sources;
mod state;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use clap::Args;
use formats::container::cab::Limits;
use formats::document::wm_xml::TWIN;
use lint::diagnostic::Level;
use lint::engine::judge;
use lint::facts::product::Arch;
use lint::policy::Policies;
use rayon::prelude::*;
use signer::anchor::Purpose;
use signer::digest::{DigestAlgorithm, hex};
use signer::identity::thumbprint;
use signer::package::{BuildOptions, Model, Terms, build};
use signer::sign::{IfSigned, Job};
use signer::timestamp::Obtainer;
use signer::verify::VerifyOptions;
use time::OffsetDateTime;
use time::macros::datetime;

use crate::allow::AllowArgs;
use crate::batch;
use crate::config::Config;
use crate::error::Error;
use crate::exit::Exit;
use crate::http::Network;
use crate::lint::variable;
use crate::profile::{self, KeyFiles};
use crate::progress::Progress;
use crate::timestamp::ServerArgs;
use crate::{ReportFormat, trust};
use plan::Planned;
use state::State;

/// The date of packages where SOURCE_DATE_EPOCH gives none.
const DATE: OffsetDateTime = datetime!(2000-01-01 0:00 UTC);

/// Rules whose cure is to sign what is in a package.
const SIGNED_HERE: [&str; 1] = ["unsigned-service-binary"];

/// Build packages from *.wm.xml, sign them and verify the result.
///
/// The definitions are linted first; an error stops the build. The same inputs, version and key give the same bytes,
/// dated by SOURCE_DATE_EPOCH, otherwise 2000-01-01. What has not changed since the last build is not built again.
/// No device has taken a package that was built so: docs/packages.md says what is known.
#[derive(Debug, Args)]
pub(super) struct BuildArgs {
    /// Folder for the packages
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Sign with this profile: test (built in), retail, or one of proofmark.toml; otherwise nothing is signed
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    #[command(flatten)]
    key_files: KeyFiles,
    /// Processor: arm, arm64, x86 or amd64; otherwise that of the Source-arm or other folder
    #[arg(long, value_name = "ARCH", value_parser = processor)]
    cpu: Option<Arch>,
    /// Version of the packages, four numbers
    #[arg(long, value_name = "A.B.C.D", default_value = "1.0.0.0", value_parser = version)]
    version: String,
    /// Value of a build variable such as OEMNAME, stronger than the workspace's
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
    define: Vec<(String, String)>,
    /// Do not compress (otherwise MSZIP)
    #[arg(long)]
    stored: bool,
    /// Packages that are built at the same time
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
    /// Certificate file, or folder of them: what is missing between the signer and its root is put into the signatures
    #[arg(long, value_name = "DIR|FILE", requires = "profile")]
    intermediates: Vec<PathBuf>,
    #[command(flatten)]
    servers: ServerArgs,
    #[command(flatten)]
    allow: AllowArgs,
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    /// Definitions, or folders that are searched for them
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
}

/// Reads a processor of the command line.
pub(crate) fn processor(word: &str) -> Result<Arch, String> {
    Arch::from_word(word).ok_or_else(|| "arm, arm64, x86 or amd64 is expected".to_owned())
}

/// Reads a version of the command line.
pub(crate) fn version(text: &str) -> Result<String, String> {
    let parts: Vec<_> = text.split('.').map(str::parse::<u16>).collect();
    // As written it becomes part of names, which must not differ by a zero or a sign.
    let again = parts
        .iter()
        .flatten()
        .map(u16::to_string)
        .collect::<Vec<_>>();
    match again.len() == 4 && again.join(".") == text {
        true => Ok(text.to_owned()),
        false => Err("four numbers from 0 to 65535 are expected, e.g. 1.0.0.0".to_owned()),
    }
}

/// The name that packages give a processor.
fn cpu_name(arch: Arch) -> &'static str {
    match arch {
        Arch::X64 => "amd64",
        other => other.as_str(),
    }
}

/// What became of one definition.
struct Row {
    definition: String,
    name: String,
    architecture: String,
    output: PathBuf,
    files: usize,
    /// What in it no published package shows.
    inferred: Vec<String>,
    result: Result<Done, Error>,
}

impl Row {
    /// The name of the cabinet without `.cab`.
    fn cabinet(&self) -> String {
        let stem = self.output.file_stem();
        stem.unwrap_or_default().to_string_lossy().into_owned()
    }
}

/// A package that is there now.
struct Done {
    is_unchanged: bool,
    inputs: String,
    sha256: String,
}

/// Runs the command.
pub(super) fn run(arguments: &BuildArgs, config: &Config) -> Result<Exit, Error> {
    let options = BuildOptions {
        date: date()?,
        compressed: !arguments.stored,
    };
    let mut ready = match &arguments.profile {
        Some(name) => Some(profile::load(config, name, &arguments.key_files)?),
        None => None,
    };
    let anchors = trust::anchors(config, &arguments.servers.root)?;
    let anchors = trust::with_intermediates(anchors, &arguments.intermediates)?;
    let now = OffsetDateTime::now_utc();
    let mut servers = None;
    if let Some(ready) = &mut ready {
        ready.identity.complete(anchors.intermediates().all(), now);
        let allowed = arguments.allow.names();
        profile::check(ready, &allowed, now, &anchors, Purpose::Code)?;
        servers = arguments
            .servers
            .choose(std::mem::take(&mut ready.servers))?;
    }
    let plan = plan::plan(arguments)?;
    let outcome = judge(&plan.workspaces, &Policies::built_in());
    // Programs that are not signed yet are signed here.
    let is_mended = |rule: &str| ready.is_some() && SIGNED_HERE.contains(&rule);
    let mut errors = outcome
        .diagnostics
        .iter()
        .filter(|found| found.level == Level::Error);
    if errors.any(|found| !is_mended(found.rule)) {
        report::findings(&outcome, arguments.format)?;
        return Ok(Exit::Findings);
    }
    let network = Network::new();
    let obtainer = servers
        .as_ref()
        .map(|servers| Obtainer::new(servers, &anchors, &network));
    let terms = ready.as_ref().map(|ready| Terms {
        job: Job {
            identity: &ready.identity,
            options: &ready.options,
            if_signed: IfSigned::Replace,
            stamping: obtainer.as_ref(),
        },
        judge: VerifyOptions {
            at: now,
            anchors: &anchors,
        },
        skip: &[],
        replace_better: false,
        limits: Limits::default(),
        plan_only: false,
    });
    let signer = ready.as_ref().map_or(String::new(), |ready| {
        let above = ready.identity.intermediates().iter();
        let chain = [ready.identity.leaf()].into_iter().chain(above);
        let chain: Vec<String> = chain.map(thumbprint).collect();
        let stamped = obtainer.is_some();
        format!("{chain:?} {:?} {stamped}", ready.options)
    });
    let settings = format!("{} {options:?} {signer}", env!("CARGO_PKG_VERSION"));
    let out = &arguments.out;
    if out.is_file() {
        return Err(Error::file(
            out,
            "it is a file, and packages go into a folder",
        ));
    }
    std::fs::create_dir_all(out).map_err(|error| Error::file(out, error))?;
    let mut state = State::read(&arguments.out);
    let builder = Builder {
        arguments,
        options,
        terms: terms.as_ref(),
        settings,
        state: &state,
        names: names(&plan.packages),
        progress: Progress::new("building packages", plan.packages.len()),
    };
    let work = || {
        let packages = plan.packages.par_iter();
        packages
            .flat_map_iter(|planned| builder.rows(planned))
            .collect()
    };
    let rows: Vec<Row> = match arguments.jobs {
        Some(jobs) => rayon::ThreadPoolBuilder::new()
            .num_threads(jobs.into())
            .build()
            .map_err(Error::new)?
            .install(work),
        None => batch::waiting(work),
    };
    drop(builder);
    for row in &rows {
        if let Ok(done) = &row.result {
            state.set(&row.cabinet(), &done.inputs, &done.sha256);
        }
    }
    state.write(&arguments.out)?;
    report::rows(&rows, arguments.format, terms.is_some())?;
    match rows.iter().any(|row| row.result.is_err()) {
        true => Ok(Exit::CouldNotRun),
        false => Ok(Exit::Clean),
    }
}

/// The date of everything in a package.
fn date() -> Result<OffsetDateTime, Error> {
    let Some(text) = std::env::var_os("SOURCE_DATE_EPOCH") else {
        return Ok(DATE);
    };
    let seconds = text.to_str().and_then(|text| text.parse::<i64>().ok());
    let date = seconds.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    let date = date.filter(|date| (1980..=2049).contains(&date.year()));
    date.ok_or_else(|| Error::new("SOURCE_DATE_EPOCH is no number of seconds from 1980 to 2049"))
}

/// How many definitions make the cabinet of each name, in small letters.
fn names(packages: &[Planned]) -> HashMap<String, usize> {
    let mut names = HashMap::new();
    for package in packages {
        let twin = package.has_twin.then_some(TWIN);
        for end in [""].into_iter().chain(twin) {
            let name = format!("{}{end}", package.name);
            *names.entry(name.to_lowercase()).or_default() += 1;
        }
    }
    names
}

struct Builder<'a> {
    arguments: &'a BuildArgs,
    options: BuildOptions,
    terms: Option<&'a Terms<'a>>,
    /// What a package depends on besides its model.
    settings: String,
    state: &'a State,
    names: HashMap<String, usize>,
    progress: Progress,
}

impl Builder<'_> {
    /// A row for the package, and one for its twin where it has one.
    fn rows(&self, planned: &Planned) -> Vec<Row> {
        let rows = match planned.models(&self.arguments.version) {
            Ok(models) => models
                .iter()
                .map(|model| self.row(planned, model))
                .collect(),
            Err(error) => vec![Row {
                definition: planned.definition.clone(),
                name: planned.name.clone(),
                architecture: planned.architecture(),
                output: self.arguments.out.join(format!("{}.cab", planned.name)),
                files: 0,
                inferred: Vec::new(),
                result: Err(error),
            }],
        };
        self.progress.step();
        rows
    }

    fn row(&self, planned: &Planned, model: &Model) -> Row {
        let cabinet = model.cabinet();
        let output = self.arguments.out.join(format!("{cabinet}.cab"));
        let makers = self.names.get(&cabinet.to_lowercase()).copied();
        let result = match makers > Some(1) {
            true => {
                let problem = format!("several definitions make {cabinet}.cab");
                Err(Error::new(format!("{}: {problem}", planned.definition))
                    .hint("build them into folders of their own, or choose with --cpu"))
            }
            false => self.build(planned, model, &output),
        };
        Row {
            definition: planned.definition.clone(),
            name: model.name.clone(),
            architecture: model.architecture.clone(),
            output,
            files: model.files.len(),
            inferred: model.inferred(),
            result,
        }
    }

    fn build(&self, planned: &Planned, model: &Model, output: &Path) -> Result<Done, Error> {
        let inputs = [&model.digest(), self.settings.as_bytes()].concat();
        let inputs = hex(&DigestAlgorithm::Sha256.of(&inputs));
        if let Some(sha256) = self.state.unchanged(&model.cabinet(), &inputs, output) {
            return Ok(Done {
                is_unchanged: true,
                inputs,
                sha256,
            });
        }
        let built = build(model, self.options, self.terms)
            .map_err(|error| Error::new(format!("{}: {error}", planned.definition)))?;
        signer::output::write_bytes(output, &built.bytes)
            .map_err(|error| Error::file(output, error))?;
        Ok(Done {
            is_unchanged: false,
            inputs,
            sha256: hex(&DigestAlgorithm::Sha256.of(&built.bytes)),
        })
    }
}
