//! From a profile's name to an identity that may sign.

use std::path::{Path, PathBuf};

use clap::Args;
use signer::anchor::{Anchors, Purpose};
use signer::cms::Attributes;
use signer::digest::DigestAlgorithm;
use signer::identity::{Identity, Objection};
use signer::sign::SignOptions;
use signer::signer_certificates::SignerCertificates;
use signer::timestamp::Server;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::config::{Config, Kind, Profile};
use crate::error::Error;
use crate::holder::{self, Holder};
use crate::secret::Secret;
use crate::{output, timestamp};

/// The built-in test identity; its key is public (see `testcerts/README.md`).
const TEST_PFX: &[u8] = include_bytes!("../testcerts/oem.pfx");

/// Where keys come from when the command line says so.
#[derive(Debug, Default, Clone, Args)]
pub(crate) struct KeyFiles {
    /// PKCS#12 file with key and certificates
    #[arg(long, value_name = "FILE", requires = "profile", conflicts_with_all = ["cert", "key"])]
    pub(crate) pfx: Option<PathBuf>,
    /// Certificate file, PEM bundle or DER
    #[arg(long, value_name = "FILE", requires_all = ["profile", "key"])]
    pub(crate) cert: Option<PathBuf>,
    /// Private key file, PEM or DER
    #[arg(long, value_name = "FILE", requires_all = ["profile", "cert"])]
    pub(crate) key: Option<PathBuf>,
    /// Environment variable that holds the password of the key
    #[arg(long, value_name = "NAME", requires = "profile")]
    pub(crate) password_env: Option<String>,
    /// File whose first line is the password of the key
    #[arg(long, value_name = "FILE", requires = "profile")]
    pub(crate) password_file: Option<PathBuf>,
}

/// A profile that is ready to sign.
pub(crate) struct Ready {
    pub(crate) identity: Identity,
    pub(crate) options: SignOptions,
    pub(crate) kind: Kind,
    /// Time-stamping servers of the profile.
    pub(crate) servers: Vec<Server>,
}

/// Loads a profile's identity; key files of the command line win over those of the profile.
pub(crate) fn load(config: &Config, name: &str, given: &KeyFiles) -> Result<Ready, Error> {
    let mut profile = find(config, name)?;
    if given.pfx.is_some() || given.key.is_some() || given.cert.is_some() {
        profile.forget_key();
        profile.pfx.clone_from(&given.pfx);
        profile.certificate.clone_from(&given.cert);
        profile.key.clone_from(&given.key);
    }
    profile.password_env = given.password_env.clone().or(profile.password_env);
    profile.password_file = given.password_file.clone().or(profile.password_file);
    Ok(Ready {
        servers: servers(&profile),
        identity: identity(name, &profile)?,
        kind: kind(name, &profile),
        options: options(profile)?,
    })
}

/// A profile whose key is somewhere else.
pub(crate) struct Keyless {
    /// Who signs, where the profile or the command line says so.
    pub(crate) certificates: Option<SignerCertificates>,
    pub(crate) options: SignOptions,
    pub(crate) kind: Kind,
    /// Time-stamping servers of the profile.
    pub(crate) servers: Vec<Server>,
}

/// Loads a profile without looking at its key; a certificate file of the command line wins over that of the profile.
pub(crate) fn load_without_key(
    config: &Config,
    name: &str,
    certificate: Option<PathBuf>,
) -> Result<Keyless, Error> {
    let profile = find(config, name)?;
    let of_holder = match profile.holders().as_slice() {
        [Holder::Pkcs11(token)] => token.certificate().map(Path::to_owned),
        [Holder::Command(program)] => Some(program.certificate().to_owned()),
        [Holder::Cloud(service)] => Some(service.certificate().to_owned()),
        _ => None,
    };
    let path = certificate.or(profile.certificate.clone()).or(of_holder);
    let certificates = match path {
        Some(path) => {
            let certificates = SignerCertificates::of_file(&holder::certificates(&path)?);
            Some(certificates.map_err(|error| Error::file(&path, error))?)
        }
        None if name == "test" && profile.pfx.is_none() => {
            Some(test_identity()?.certificates().clone())
        }
        None => None,
    };
    Ok(Keyless {
        certificates,
        servers: servers(&profile),
        kind: kind(name, &profile),
        options: options(profile)?,
    })
}

fn kind(name: &str, profile: &Profile) -> Kind {
    profile.kind.unwrap_or(match name {
        "test" => Kind::Test,
        _ => Kind::Retail,
    })
}

fn options(profile: Profile) -> Result<SignOptions, Error> {
    Ok(SignOptions {
        digest: digest(profile.digest.as_deref().unwrap_or("sha256"))?,
        attributes: Attributes {
            program_name: profile.program_name,
            more_info: profile.more_info,
            signing_time: None,
        },
        ..SignOptions::default()
    })
}

/// The profile of that name, an empty one for those that need not be configured.
fn find(config: &Config, name: &str) -> Result<Profile, Error> {
    let configured = config.profile(name);
    let is_known = configured.is_some() || matches!(name, "test" | "retail");
    if !is_known {
        let mut known: Vec<&str> = config.profile_names().chain(["retail", "test"]).collect();
        known.sort_unstable();
        known.dedup();
        return Err(Error::new(format_args!("there is no profile '{name}'"))
            .hint(format_args!("known profiles: {}", known.join(", "))));
    }
    Ok(configured.unwrap_or_default())
}

/// The time-stamping servers of a profile, without loading its key.
pub(crate) fn named_servers(config: &Config, name: &str) -> Result<Vec<Server>, Error> {
    Ok(servers(&find(config, name)?))
}

fn servers(profile: &Profile) -> Vec<Server> {
    timestamp::servers(&profile.timestamp, &profile.timestamp_legacy)
}

/// A digest by the name that options and profiles use.
pub(crate) fn digest(name: &str) -> Result<DigestAlgorithm, Error> {
    match name {
        "sha256" => Ok(DigestAlgorithm::Sha256),
        "sha384" => Ok(DigestAlgorithm::Sha384),
        "sha512" => Ok(DigestAlgorithm::Sha512),
        other => Err(Error::new(format_args!("there is no digest '{other}'"))
            .hint("sha256, sha384 and sha512 can be used")),
    }
}

/// Refuses an identity that must not sign now for this kind of image; `purpose` is what it is to sign.
pub(crate) fn check(
    ready: &Ready,
    allowed: &[&str],
    now: OffsetDateTime,
    anchors: &Anchors,
    purpose: Purpose,
) -> Result<(), Error> {
    check_certificates(
        ready.identity.certificates(),
        ready.kind,
        allowed,
        (now, purpose),
        anchors,
    )
}

/// Refuses certificates that must not sign now, and for this, for this kind of image.
pub(crate) fn check_certificates(
    certificates: &SignerCertificates,
    kind: Kind,
    allowed: &[&str],
    (now, purpose): (OffsetDateTime, Purpose),
    anchors: &Anchors,
) -> Result<(), Error> {
    let objections = certificates.objections(now, anchors, purpose);
    let stands = |objection: &&Objection| {
        let of_test = matches!(
            objection,
            Objection::TestCertificate { .. } | Objection::PublishedKey { .. }
        );
        !(allowed.contains(&objection.name()) || of_test && kind == Kind::Test)
    };
    if let Some(objection) = objections.iter().find(stands) {
        return Err(
            Error::new(format_args!("refused: {objection}")).hint(format_args!(
                "--allow-{} signs all the same",
                objection.name()
            )),
        );
    }
    if let Some(issuer) = certificates.missing_issuer(anchors) {
        let subject = &certificates.leaf().subject;
        output::note(format_args!(
            "note: the certificate of {issuer} is missing between {subject} and a known root, and signatures without it \
             do not verify; --intermediates adds it, --root names an own root"
        ));
    }
    Ok(())
}

fn identity(name: &str, profile: &Profile) -> Result<Identity, Error> {
    let has_files = profile.pfx.is_some() || profile.certificate.is_some() || profile.key.is_some();
    match profile.holders().as_slice() {
        [] => identity_of_files(name, profile),
        [holder] if !has_files => holder.identity(),
        _ => Err(Error::new(format_args!(
            "profile '{name}' says twice where its key is"
        ))),
    }
}

fn identity_of_files(name: &str, profile: &Profile) -> Result<Identity, Error> {
    let password = password(profile)?;
    let read = |path: &Path| std::fs::read(path).map_err(|error| Error::file(path, error));
    match (&profile.pfx, &profile.certificate, &profile.key) {
        (Some(pfx), None, None) => {
            let password = password.as_ref().map_or("", |p| p.as_str());
            Identity::from_pfx(&read(pfx)?, password).map_err(|error| {
                Error::file(pfx, error)
                    .hint("--password-env NAME and --password-file FILE say where the password is")
            })
        }
        (None, Some(certificate), Some(key)) => {
            let password = password.as_ref().map(|p| p.as_str());
            Identity::from_files(&read(key)?, password, &read(certificate)?)
                .map_err(|error| Error::file(key, error))
        }
        (None, None, None) if name == "test" => test_identity(),
        (None, None, None) => Err(Error::new(format_args!("profile '{name}' has no key"))
            .hint(format_args!(
                "give --pfx FILE or --cert FILE --key FILE, or write [profile.{name}] into proofmark.toml"
            ))),
        _ => Err(Error::new("a key is either --pfx FILE, or --cert FILE and --key FILE")),
    }
}

/// The built-in test identity.
pub(crate) fn test_identity() -> Result<Identity, Error> {
    Identity::from_pfx(TEST_PFX, "").map_err(Error::new)
}

/// The password that a variable or a file holds.
pub(crate) fn password(profile: &Profile) -> Result<Option<Zeroizing<String>>, Error> {
    let secret = Secret {
        env: profile.password_env.clone(),
        file: profile.password_file.clone(),
        is_prompted: false,
    };
    secret.read("the password")
}
