//! `proofmark.toml`: signing profiles and named roots.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lint::nearest::nearest;
use serde::Deserialize;

use crate::error::Error;
use crate::holder::{
    AwsProfile, AzureProfile, CloudProfile, CommandProfile, GoogleProfile, Holder, Pkcs11Profile,
};

/// The file's name, looked for in the current folder and those above it.
const NAME: &str = "proofmark.toml";

/// A configuration and the folder that its paths are relative to.
#[derive(Debug, Default)]
pub(crate) struct Config {
    folder: PathBuf,
    file: File,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    profile: BTreeMap<String, Profile>,
    #[serde(default)]
    trust: Trust,
    #[serde(default)]
    lint: Lint,
    service: Option<service::config::Config>,
}

/// `[lint]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lint {
    /// The organisation's policy.
    policy: Option<PathBuf>,
    /// Findings that may wait.
    baseline: Option<PathBuf>,
}

/// `[trust]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Trust {
    /// Certificates, PEM or DER, at which chains may end besides the built-in anchors.
    #[serde(default)]
    roots: Vec<PathBuf>,
    /// Certificate files, or folders of them, from which gaps in chains are filled.
    #[serde(default)]
    intermediates: Vec<PathBuf>,
}

/// What kind of image a profile signs for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// Test images: test certificates are welcome.
    Test,
    /// Retail images: test and published certificates are refused.
    Retail,
}

/// `[profile.NAME]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Profile {
    /// `retail` unless the profile is called `test`.
    pub(crate) kind: Option<Kind>,
    /// A PKCS#12 file.
    pub(crate) pfx: Option<PathBuf>,
    /// A certificate file, PEM bundle or DER, that goes with `key`.
    pub(crate) certificate: Option<PathBuf>,
    /// A private key file, PEM or DER.
    pub(crate) key: Option<PathBuf>,
    /// Environment variable that holds the password.
    pub(crate) password_env: Option<String>,
    /// File whose first line is the password.
    pub(crate) password_file: Option<PathBuf>,
    /// A key on a PKCS#11 token.
    pub(crate) pkcs11: Option<Pkcs11Profile>,
    /// A key that a program reaches.
    pub(crate) command: Option<CommandProfile>,
    /// A key in AWS KMS.
    pub(crate) aws_kms: Option<AwsProfile>,
    /// A key in Azure Key Vault.
    pub(crate) azure_key_vault: Option<AzureProfile>,
    /// A key in Google Cloud KMS.
    pub(crate) google_cloud_kms: Option<GoogleProfile>,
    /// `sha256`, `sha384` or `sha512`.
    pub(crate) digest: Option<String>,
    /// Program name in the signature.
    pub(crate) program_name: Option<String>,
    /// Address in the signature.
    pub(crate) more_info: Option<String>,
    /// Time-stamping servers, RFC 3161, in the order in which they are asked.
    #[serde(default)]
    pub(crate) timestamp: Vec<String>,
    /// Time-stamping servers of the legacy protocol, asked after the others.
    #[serde(default)]
    pub(crate) timestamp_legacy: Vec<String>,
}

impl Profile {
    /// Those who hold its key; more than one is a mistake.
    pub(crate) fn holders(&self) -> Vec<Holder<'_>> {
        let token = self.pkcs11.as_ref().map(Holder::Pkcs11);
        let program = self.command.as_ref().map(Holder::Command);
        let aws = self.aws_kms.as_ref().map(CloudProfile::Aws);
        let azure = self.azure_key_vault.as_ref().map(CloudProfile::Azure);
        let google = self.google_cloud_kms.as_ref().map(CloudProfile::Google);
        let services = [aws, azure, google]
            .into_iter()
            .flatten()
            .map(Holder::Cloud);
        token.into_iter().chain(program).chain(services).collect()
    }

    /// Forgets where its key is.
    pub(crate) fn forget_key(&mut self) {
        self.pfx = None;
        self.certificate = None;
        self.key = None;
        self.password_env = None;
        self.password_file = None;
        self.pkcs11 = None;
        self.command = None;
        self.aws_kms = None;
        self.azure_key_vault = None;
        self.google_cloud_kms = None;
    }
}

/// The word that was probably meant by one that is not known: the message names it, then those that are.
fn meant(message: &str) -> Option<&str> {
    let is_about_word =
        message.starts_with("unknown field") || message.starts_with("unknown variant");
    let mut words = message.split('`').skip(1).step_by(2);
    let word = words.next().filter(|_| is_about_word)?;
    nearest(word, words)
}

impl Config {
    /// The given file, or the nearest `proofmark.toml`, or nothing.
    pub(crate) fn find(given: Option<&Path>) -> Result<Self, Error> {
        if let Some(path) = given {
            return Self::read(path);
        }
        let current = std::env::current_dir()?;
        match current
            .ancestors()
            .map(|folder| folder.join(NAME))
            .find(|path| path.is_file())
        {
            Some(path) => Self::read(&path),
            None => Ok(Self::default()),
        }
    }

    fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|error| Error::file(path, error))?;
        let file = toml::from_str(&text).map_err(|error| {
            let hint = match meant(error.message()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => {
                    "examples/proofmark.toml and `proofmark serve --print-config` show the keys"
                        .to_owned()
                }
            };
            Error::file(path, error).hint(hint)
        })?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        Ok(Self { folder, file })
    }

    /// A profile by name, its paths made relative to the current folder.
    pub(crate) fn profile(&self, name: &str) -> Option<Profile> {
        let mut profile = self.file.profile.get(name)?.clone();
        for path in [
            &mut profile.pfx,
            &mut profile.certificate,
            &mut profile.key,
            &mut profile.password_file,
        ] {
            *path = path.take().map(|path| self.folder.join(path));
        }
        if let Some(pkcs11) = &mut profile.pkcs11 {
            pkcs11.relative_to(&self.folder);
        }
        if let Some(command) = &mut profile.command {
            command.relative_to(&self.folder);
        }
        if let Some(aws) = &mut profile.aws_kms {
            aws.relative_to(&self.folder);
        }
        if let Some(azure) = &mut profile.azure_key_vault {
            azure.relative_to(&self.folder);
        }
        if let Some(google) = &mut profile.google_cloud_kms {
            google.relative_to(&self.folder);
        }
        Some(profile)
    }

    /// The names of the profiles.
    pub(crate) fn profile_names(&self) -> impl Iterator<Item = &str> {
        self.file.profile.keys().map(String::as_str)
    }

    /// What the service does.
    pub(crate) fn service(&self) -> service::config::Config {
        let mut service = self.file.service.clone().unwrap_or_default();
        service.relative_to(&self.folder);
        service
    }

    /// The organisation's policy.
    pub(crate) fn policy(&self) -> Option<PathBuf> {
        let path = self.file.lint.policy.as_ref()?;
        Some(self.folder.join(path))
    }

    /// The baseline of findings that may wait.
    pub(crate) fn baseline(&self) -> Option<PathBuf> {
        let path = self.file.lint.baseline.as_ref()?;
        Some(self.folder.join(path))
    }

    /// The named roots' files.
    pub(crate) fn roots(&self) -> impl Iterator<Item = PathBuf> + '_ {
        self.file
            .trust
            .roots
            .iter()
            .map(|path| self.folder.join(path))
    }

    /// The files and folders of intermediates.
    pub(crate) fn intermediates(&self) -> impl Iterator<Item = PathBuf> + '_ {
        self.file
            .trust
            .intermediates
            .iter()
            .map(|path| self.folder.join(path))
    }
}
