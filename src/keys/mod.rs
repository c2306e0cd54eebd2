//! `proofmark keys doctor`: what is on the tokens and in the cloud, what belongs together, what is missing.
//!
//! Each module runs in a process of its own, started for it: a module that crashes or hangs is then a line in the
//! report. A PIN is used for one token only, which the arguments or the profile name, and once.

mod cloud;
mod findings;
mod places;
mod text;

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use signer::key::pkcs11::{Login, ModuleSurvey, TokenChoice, fingerprint, survey};
use signer::process::{self, Limits};
use signer::public_key::PublicKey;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::ReportFormat;
use crate::config::Config;
use crate::error::Error;
use crate::exit::Exit;
use crate::holder::{Holder, Pkcs11Profile, certificates, read_pin};
use crate::output;
use crate::secret::Secret;
use cloud::CloudKey;
use findings::{Finding, Judge, Level, Looked, Wanted};

/// How long a module may take to list its tokens.
const TIME: Duration = Duration::from_secs(60);
/// Most bytes of what a module's process answers.
const MAX_ANSWER: usize = 16 << 20;

/// Look after signing keys.
#[derive(Debug, Args)]
pub(crate) struct KeysArgs {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    Doctor(DoctorArgs),
    #[command(hide = true)]
    Survey(SurveyArgs),
}

/// List PKCS#11 modules, tokens, keys and certificates, and the cloud keys of proofmark.toml; match them, and say what is missing.
#[derive(Debug, Args)]
struct DoctorArgs {
    /// PKCS#11 module to look at, alone; otherwise those in the usual places, and what proofmark.toml names
    #[arg(long, value_name = "FILE", conflicts_with = "profile")]
    module: Vec<PathBuf>,
    /// Look at what this profile of proofmark.toml needs
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Slot of the token to log in to
    #[arg(long, value_name = "NUMBER", conflicts_with = "profile")]
    slot: Option<u64>,
    /// Label of the token to log in to
    #[arg(long, value_name = "LABEL", conflicts_with = "profile")]
    token_label: Option<String>,
    /// Environment variable that holds the token's PIN
    #[arg(long, value_name = "NAME", conflicts_with = "profile")]
    pin_env: Option<String>,
    /// File whose first line is the token's PIN
    #[arg(long, value_name = "FILE", conflicts_with = "profile")]
    pin_file: Option<PathBuf>,
    /// Ask for the token's PIN on the terminal
    #[arg(long, conflicts_with = "profile")]
    pin_prompt: bool,
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
}

/// Survey one module and write what it holds as JSON; a PIN is read from standard input.
#[derive(Debug, Args)]
struct SurveyArgs {
    #[arg(long)]
    module: PathBuf,
    #[arg(long)]
    slot: Option<u64>,
    #[arg(long)]
    token_label: Option<String>,
    #[arg(long)]
    log_in: bool,
}

impl KeysArgs {
    /// Whether this is the doctor's helper, which needs no configuration and must not fail for one.
    pub(crate) fn is_survey(&self) -> bool {
        matches!(self.command, KeysCommand::Survey(_))
    }
}

/// Runs the command.
pub(crate) fn run(arguments: &KeysArgs, config: &Config) -> Result<Exit, Error> {
    match &arguments.command {
        KeysCommand::Doctor(arguments) => doctor(arguments, config),
        KeysCommand::Survey(arguments) => answer(arguments),
    }
}

/// What the doctor looks at.
struct Task {
    modules: Vec<PathBuf>,
    is_named: bool,
    token: TokenChoice,
    pin: Secret,
    wanted: Option<Wanted>,
    /// Profiles whose key is in the cloud.
    cloud: Vec<String>,
}

fn doctor(arguments: &DoctorArgs, config: &Config) -> Result<Exit, Error> {
    let task = match &arguments.profile {
        Some(name) => task_of_profile(config, name)?,
        None => task_of_arguments(arguments, config),
    };
    // A profile's token is always logged in to; one without a PIN may have a keypad.
    let is_login = task.pin != Secret::default() || task.wanted.is_some();
    if is_login && task.modules.len() != 1 {
        return Err(
            Error::new("a PIN is for one token, and there is more than one module")
                .hint("--module FILE names the module, --token-label LABEL the token"),
        );
    }
    let pin = match is_login {
        true => read_pin(&task.pin, task.token.label.as_deref())?,
        false => None,
    };
    let looked: Vec<Looked> = task
        .modules
        .into_iter()
        .map(|module| {
            let login = is_login.then_some((&task.token, pin.as_ref()));
            let (survey, error) = match ask(&module, login) {
                Ok(survey) => (Some(survey), None),
                Err(error) => (None, Some(error)),
            };
            Looked {
                module,
                survey,
                error,
            }
        })
        .collect();
    let judge = Judge {
        is_named: task.is_named,
        wanted: task.wanted.as_ref(),
        findings: Vec::new(),
    };
    // A profile whose key is in the cloud asks for no module.
    let mut findings = match task.cloud.is_empty() || arguments.profile.is_none() {
        true => judge.judge(&looked),
        false => Vec::new(),
    };
    let cloud = look_at_clouds(&task.cloud, config, &mut findings);
    output::result(&match arguments.format {
        ReportFormat::Text => text::report(&looked, &cloud, &findings),
        ReportFormat::Json => {
            let report = json!({ "modules": looked, "cloud": cloud, "findings": findings });
            format!("{report:#}\n")
        }
    })?;
    match findings
        .iter()
        .any(|finding| finding.level == Level::Problem)
    {
        true => Ok(Exit::Findings),
        false => Ok(Exit::Clean),
    }
}

fn look_at_clouds(
    profiles: &[String],
    config: &Config,
    findings: &mut Vec<Finding>,
) -> Vec<CloudKey> {
    let now = OffsetDateTime::now_utc();
    let mut looked = Vec::new();
    for name in profiles {
        let profile = config.profile(name).unwrap_or_default();
        for holder in profile.holders() {
            if let Holder::Cloud(cloud) = holder {
                looked.push(cloud::look(name, cloud, now, findings));
            }
        }
    }
    looked
}

fn task_of_arguments(arguments: &DoctorArgs, config: &Config) -> Task {
    let modules = match arguments.module.is_empty() {
        false => arguments.module.clone(),
        true => {
            let configured = config.profile_names().filter_map(|name| {
                let profile = config.profile(name)?;
                Some(profile.pkcs11?.module)
            });
            places::distinct(configured.chain(places::modules()))
        }
    };
    let is_cloud = |holder: &Holder<'_>| matches!(holder, Holder::Cloud(_));
    let cloud = match arguments.module.is_empty() {
        false => Vec::new(),
        true => {
            let names = config.profile_names().filter(|name| {
                let profile = config.profile(name).unwrap_or_default();
                profile.holders().iter().any(is_cloud)
            });
            names.map(str::to_owned).collect()
        }
    };
    Task {
        modules,
        is_named: !arguments.module.is_empty(),
        token: TokenChoice {
            slot: arguments.slot,
            label: arguments.token_label.clone(),
        },
        pin: Secret {
            env: arguments.pin_env.clone(),
            file: arguments.pin_file.clone(),
            is_prompted: arguments.pin_prompt,
        },
        wanted: None,
        cloud,
    }
}

fn task_of_profile(config: &Config, name: &str) -> Result<Task, Error> {
    let profile = config
        .profile(name)
        .ok_or_else(|| Error::new(format_args!("proofmark.toml has no profile '{name}'")))?;
    let pkcs11 = match profile.holders()[..] {
        [Holder::Pkcs11(pkcs11)] => pkcs11,
        [Holder::Cloud(_)] => {
            return Ok(Task {
                modules: Vec::new(),
                is_named: true,
                token: TokenChoice::default(),
                pin: Secret::default(),
                wanted: None,
                cloud: vec![name.to_owned()],
            });
        }
        _ => {
            return Err(Error::new(format_args!(
                "the key of profile '{name}' is neither on a PKCS#11 token nor in the cloud"
            )));
        }
    };
    Ok(Task {
        modules: vec![pkcs11.module.clone()],
        is_named: true,
        token: pkcs11.token(),
        pin: pkcs11.pin(),
        wanted: Some(wanted(pkcs11)?),
        cloud: Vec::new(),
    })
}

fn wanted(profile: &Pkcs11Profile) -> Result<Wanted, Error> {
    let token = profile.token();
    let key = profile.key()?;
    let file = profile.certificate().map(|path| {
        let keys = certificates(path)?.into_iter().filter_map(|certificate| {
            let public = PublicKey::from_spki(&certificate.public_key).ok()?;
            Some(fingerprint(&public))
        });
        Ok::<_, Error>((path.to_owned(), keys.collect()))
    });
    Ok(Wanted {
        slot: token.slot,
        token: token.label,
        label: key.label,
        id: key.id.map(|id| signer::digest::hex(&id)),
        file: file.transpose()?,
    })
}

/// Has a module surveyed by a process of its own.
fn ask(
    module: &Path,
    login: Option<(&TokenChoice, Option<&Zeroizing<String>>)>,
) -> Result<ModuleSurvey, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command.args(["keys", "survey", "--module"]).arg(module);
    let mut input = Zeroizing::new(String::new());
    if let Some((token, pin)) = login {
        command.arg("--log-in");
        if let Some(slot) = token.slot {
            command.args(["--slot", &slot.to_string()]);
        }
        if let Some(label) = &token.label {
            command.args(["--token-label", label]);
        }
        if let Some(pin) = pin {
            input.push_str(pin);
        }
    }
    let limits = Limits {
        time: TIME,
        output: MAX_ANSWER,
    };
    let output = process::run(&mut command, input.as_bytes(), limits)
        .map_err(|error| format!("the module broke down: {error}"))?;
    // A module may print on its own account; the answer is the last line.
    let text = String::from_utf8_lossy(&output);
    let line = text.trim_end().lines().next_back().unwrap_or_default();
    let answer: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    match answer.get("error").and_then(Value::as_str) {
        Some(error) => Err(error.to_owned()),
        None => serde_json::from_value(answer).map_err(|error| error.to_string()),
    }
}

/// The other end of [`ask`].
fn answer(arguments: &SurveyArgs) -> Result<Exit, Error> {
    let login = match arguments.log_in {
        false => None,
        true => {
            let mut pin = Zeroizing::new(String::new());
            std::io::stdin().read_to_string(&mut pin)?;
            Some(Login {
                token: TokenChoice {
                    slot: arguments.slot,
                    label: arguments.token_label.clone(),
                },
                pin: (!pin.is_empty()).then_some(pin),
            })
        }
    };
    let answer = match survey(&arguments.module, login, OffsetDateTime::now_utc()) {
        Ok(survey) => json!(survey),
        Err(error) => json!({ "error": error.to_string() }),
    };
    output::result(&format!("\n{answer}\n"))?;
    Ok(Exit::Clean)
}
