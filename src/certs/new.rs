//! `proofmark certs new`: an OEM's own certificates, from root to signers, in a folder that appears whole or not at all.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use rayon::prelude::*;
use signer::clock::rfc3339;
use signer::identity::{thumbprint, write_pem};
use signer::keygen;
use signer::oem_pki::{self, Member, ROLES};
use signer::output::StagedFolder;
use signer::pfx::Pfx;
use time::{OffsetDateTime, Time};
use zeroize::Zeroizing;

use crate::config::Profile;
use crate::error::Error;
use crate::exit::Exit;
use crate::{output, profile};

/// Make an OEM's own certificates: Root, CA, PCA, KMCI, UMCI, PK, KEK and DRA.
#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// Name of the OEM, which begins every subject
    #[arg(long, value_name = "NAME")]
    owner: String,
    /// Folder for the files; it must not exist, or be empty
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// How long the certificates are valid
    #[arg(long, value_name = "YEARS", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=50))]
    years: u16,
    /// Environment variable that holds the password for the private keys
    #[arg(long, value_name = "NAME")]
    password_env: Option<String>,
    /// File whose first line is the password for the private keys
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

/// Runs the command.
pub(super) fn run(arguments: &NewArgs) -> Result<Exit, Error> {
    let password = password(arguments)?;
    check_target(&arguments.out)?;
    output::note("making 8 RSA keys; this can take a minute");
    let not_before = OffsetDateTime::now_utc().replace_time(Time::MIDNIGHT);
    let members = make(arguments, not_before)?;
    let out = &arguments.out;
    let folder = StagedFolder::beside(out).map_err(|error| Error::file(out, error))?;
    write_all(folder.path(), arguments, &members, &password)?;
    folder
        .publish(out)
        .map_err(|error| Error::file(out, error))?;
    for member in &members {
        output::result(&format!(
            "made     {} ({}, RSA-{}, until {})\n",
            arguments.out.join(cer_name(arguments, member)).display(),
            member.certificate.subject,
            member.role.bits,
            rfc3339(member.certificate.not_after),
        ))?;
    }
    output::note(
        "note: the root's and the platform key's private keys belong into a safe, not onto a build machine",
    );
    Ok(Exit::Clean)
}

fn password(arguments: &NewArgs) -> Result<Zeroizing<String>, Error> {
    let given = profile::password(&Profile {
        password_env: arguments.password_env.clone(),
        password_file: arguments.password_file.clone(),
        ..Profile::default()
    })?;
    match given.as_deref() {
        Some(password) if !password.is_empty() => Ok(Zeroizing::new(password.to_owned())),
        Some(_) => Err(Error::new("the password for the private keys is empty")),
        None => Err(Error::new("the private keys need a password")
            .hint("--password-env NAME and --password-file FILE say where it is")),
    }
}

/// Nothing that exists is ever written over.
fn check_target(out: &Path) -> Result<(), Error> {
    match std::fs::read_dir(out) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(Error::file(out, "the folder is not empty")
                .hint("nothing is overwritten; name another folder")),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::file(out, error)),
    }
}

fn make(arguments: &NewArgs, not_before: OffsetDateTime) -> Result<Vec<Member>, Error> {
    let year = not_before.year().saturating_add(i32::from(arguments.years));
    // Only 29 February has no counterpart.
    let not_after = not_before.replace_year(year);
    let not_after = not_after.or_else(|_| not_before.replace_day(28)?.replace_year(year));
    let not_after = not_after.map_err(Error::new)?;
    let keys = ROLES
        .par_iter()
        .map(|role| keygen::rsa_key(role.bits, &mut keygen::system_random()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(Error::new)?;
    let serials = ROLES.map(|_| keygen::serial_number(&mut keygen::system_random()));
    oem_pki::issue_all(&arguments.owner, not_before, not_after, keys, &serials).map_err(Error::new)
}

fn write_all(
    folder: &Path,
    arguments: &NewArgs,
    members: &[Member],
    password: &str,
) -> Result<(), Error> {
    let private = folder.join("private");
    std::fs::create_dir(&private).map_err(|error| Error::file(&private, error))?;
    for member in members {
        let stem = stem(arguments, member);
        let pem = write_pem(&member.certificate).map_err(Error::new)?;
        let issuers = member.issuers.iter().map(|issuer| issuer.der.clone());
        let pfx = Pfx {
            key: member.private.clone(),
            certificates: std::iter::once(member.certificate.der.clone())
                .chain(issuers)
                .collect(),
        };
        let name = member.certificate.subject.to_string();
        let pfx = pfx.write(&name, password).map_err(Error::new)?;
        write(&folder.join(format!("{stem}.cer")), &member.certificate.der)?;
        write(&folder.join(format!("{stem}.pem")), pem.as_bytes())?;
        write(&private.join(format!("{stem}.pfx")), &pfx)?;
    }
    write(
        &folder.join("README.md"),
        readme(arguments, members).as_bytes(),
    )
}

/// Writes a new file that only its owner can read.
fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options
        .open(path)
        .map_err(|error| Error::file(path, error))?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.map_err(|error| Error::file(path, error))
}

/// The beginning of a member's file names, as the kit has them: `Contoso-KMCI`.
fn stem(arguments: &NewArgs, member: &Member) -> String {
    let owner = arguments.owner.chars();
    let owner: String = owner
        .map(|c| if c.is_alphanumeric() { c } else { '-' })
        .collect();
    format!("{owner}-{}", member.role.name)
}

fn cer_name(arguments: &NewArgs, member: &Member) -> String {
    format!("{}.cer", stem(arguments, member))
}

fn readme(arguments: &NewArgs, members: &[Member]) -> String {
    let mut out = format!(
        "# Certificates of {}\n\n\
         `NAME.cer` is the certificate in DER, `NAME.pem` the same in PEM, `private/NAME.pfx` the private key with the\n\
         certificate and its issuers (AES-256, under the password that was given). Whoever has a PFX and its password signs as\n\
         you: keep Root and PK offline, give a build machine KMCI and UMCI alone, and put no PFX into version control.\n\n\
         | name | subject | issuer | key | until | for |\n|---|---|---|---|---|---|\n",
        arguments.owner
    );
    for member in members {
        let certificate = &member.certificate;
        out.push_str(&format!(
            "| `{}` | {} | {} | RSA-{} | {} | {} |\n",
            stem(arguments, member),
            certificate.subject,
            member.role.issuer.unwrap_or("itself"),
            member.role.bits,
            certificate.not_after.date(),
            member.role.purpose,
        ));
    }
    out.push_str("\nSHA-1 thumbprints, as Windows shows them:\n\n");
    for member in members {
        let thumbprint = thumbprint(&member.certificate);
        out.push_str(&format!(
            "- `{}`: `{thumbprint}`\n",
            stem(arguments, member)
        ));
    }
    let owner = members.first().map(|member| stem(arguments, member));
    let root = owner.unwrap_or_default();
    out.push_str(&format!(
        "\nproofmark trusts what is signed under this root where `proofmark.toml` says so:\n\n\
         ```toml\n[trust]\nroots = [\"{root}.cer\"]\n```\n"
    ));
    out
}
