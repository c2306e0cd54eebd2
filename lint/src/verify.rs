//! Looks into the cabinets of a workspace and verifies every signature, so that rules can judge them; of packages that
//! are not built yet, the payload that their definitions name.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufReader, Cursor, Read, Seek};
use std::sync::Arc;

use formats::container::Container;
use rayon::prelude::*;
use signer::verify::{Examined, VerifyOptions, examine};

use crate::cache::{Cache, LARGEST_CABINET};
use crate::facts::Workspace;
use crate::facts::built::BuiltPackage;
use crate::facts::contents::{Content, Contents};
use crate::facts::payload::payload_to_verify;
use crate::facts::signature::{Carrier, Signature, State, Subject};
use crate::files::Files;
use crate::inside::{Claim, content_of, look_inside};
use crate::key_files::read_key_files;

/// Largest certificate that is read, bytes.
const LARGEST_CERTIFICATE: u64 = 64 << 10;
/// How many root certificates of provisioning are read.
const MOST_ROOTS: usize = 1000;
/// Bytes read at a time from a file that is hashed.
const READ_BUFFER: usize = 256 << 10;

/// Verifies the cabinets that [`Workspace::cabs`] names and everything in them, in parallel, and puts what is in them
/// into [`Workspace::built`] and the records into [`Workspace::signatures`]. What cannot be read becomes a record too.
/// With a cache, a cabinet that is known from an earlier run is not expanded again.
pub fn verify_cabinets(
    files: &dyn Files,
    workspace: &mut Workspace,
    options: VerifyOptions<'_>,
    cache: Option<&Cache>,
) {
    let paths: Vec<String> = workspace
        .cabs()
        .iter()
        .map(|cab| cab.path.clone())
        .collect();
    let looked: Vec<(String, Result<Contents, String>)> = paths
        .into_par_iter()
        .map(|path| {
            let contents = look_into(files, &path, cache);
            (path, contents)
        })
        .collect();
    let signatures = looked
        .par_iter()
        .flat_map_iter(|(path, contents)| of_package(path, contents, options));
    workspace.signatures = signatures.collect();
    workspace.verified_at = Some(options.at);
    let built = looked.into_iter().filter_map(|(path, contents)| {
        let contents = Arc::new(contents.ok()?);
        Some(BuiltPackage::new(path, contents))
    });
    workspace.built = built.collect();
    let payload = verify_payload(files, workspace, options);
    workspace.signatures.extend(payload);
    workspace.key_files = read_key_files(files, workspace, options.at);
    workspace.installed_roots = installed_roots(files, workspace);
}

/// The root certificates that provisioning installs, as far as their files are there.
fn installed_roots(files: &dyn Files, workspace: &Workspace) -> Vec<(String, Vec<u8>)> {
    let documents = workspace.documents.customizations.iter();
    let named = documents.flat_map(|file| {
        let paths = file.root_certificates.iter();
        let paths = paths.filter_map(|root| root.certificate_path.as_ref());
        paths.map(move |path| (file, path.value.trim()))
    });
    let found = named.filter_map(|(file, path)| {
        let certificate = workspace.tree.find_from(file.folder(), path)?;
        let bytes = files.read(&certificate.path, LARGEST_CERTIFICATE).ok()?;
        Some((file.path().to_owned(), bytes))
    });
    found.take(MOST_ROOTS).collect()
}

/// What is in one cabinet; depends on its bytes alone.
fn look_into(files: &dyn Files, path: &str, cache: Option<&Cache>) -> Result<Contents, String> {
    let file = files.open(path).map_err(|error| error.to_string())?;
    let mut input = BufReader::with_capacity(READ_BUFFER, file);
    let Some(cache) = cache else {
        return look_inside(&mut input);
    };
    let mut bytes = Vec::new();
    let longer = LARGEST_CABINET.saturating_add(1);
    match input.by_ref().take(longer).read_to_end(&mut bytes) {
        Ok(length) if length as u64 <= LARGEST_CABINET => {
            cache.contents(&bytes, |bytes| look_inside(&mut Cursor::new(bytes)))
        }
        Ok(_) | Err(_) => {
            drop(bytes);
            input.rewind().map_err(|error| error.to_string())?;
            look_inside(&mut input)
        }
    }
}

fn of_package(
    path: &str,
    contents: &Result<Contents, String>,
    options: VerifyOptions<'_>,
) -> Vec<Signature> {
    let subject = |member| Subject {
        file: path.to_owned(),
        member,
    };
    let contents = match contents {
        Ok(contents) => contents,
        Err(problem) => {
            let whole = File {
                subject: subject(None),
                carrier: Carrier::Package,
                examined: Err(problem.clone()),
            };
            return whole.conclude(options);
        }
    };
    let whole = File {
        subject: subject(None),
        carrier: Carrier::Package,
        examined: Ok(&contents.signatures),
    };
    let members = contents.members.iter();
    let members = members.filter(|member| member.content != Content::Other);
    let members = members.map(|member| File {
        subject: subject(Some(member.path.clone())),
        carrier: Carrier::File(member.content.clone()),
        examined: match &member.unreadable {
            Some(problem) => Err(problem.clone()),
            None => Ok(&member.signatures),
        },
    });
    let files = std::iter::once(whole).chain(members);
    files.flat_map(|file| file.conclude(options)).collect()
}

/// A file whose signatures are known.
struct File<'a> {
    subject: Subject,
    carrier: Carrier,
    examined: Result<&'a [Examined], String>,
}

impl<'a> File<'a> {
    /// One record for every signature, or one that says that there is none.
    fn conclude(self, options: VerifyOptions<'_>) -> Vec<Signature> {
        let states = match self.examined {
            Err(problem) => vec![State::Unreadable(problem)],
            Ok([]) => vec![State::Unsigned],
            Ok(examined) => {
                let reports = examined.iter().map(|examined| examined.conclude(options));
                reports
                    .map(|report| State::Signed(Box::new(report)))
                    .collect()
            }
        };
        let signature = |state| Signature {
            subject: self.subject.clone(),
            carrier: self.carrier.clone(),
            named_at: None,
            state,
            verified_at: options.at,
        };
        states.into_iter().map(signature).collect()
    }
}

/// Verifies the payload of packages that are not built, each file once.
fn verify_payload(
    files: &dyn Files,
    workspace: &Workspace,
    options: VerifyOptions<'_>,
) -> Vec<Signature> {
    let named = payload_to_verify(workspace);
    let paths: BTreeSet<&str> = named.iter().map(|(path, _)| path.as_str()).collect();
    let paths: Vec<&str> = paths.into_iter().collect();
    let verified: BTreeMap<&str, Vec<Signature>> = paths
        .into_par_iter()
        .map(|path| (path, of_payload(files, path, options)))
        .collect();
    let signatures = named.iter().flat_map(|(path, place)| {
        let found = verified.get(path.as_str()).into_iter().flatten();
        found.map(|signature| Signature {
            named_at: Some(place.clone()),
            ..signature.clone()
        })
    });
    signatures.collect()
}

fn of_payload(files: &dyn Files, path: &str, options: VerifyOptions<'_>) -> Vec<Signature> {
    let claim = Claim::of(path);
    let examined = files.open(path).map_err(|error| error.to_string());
    let examined = examined.and_then(|file| {
        let mut input = BufReader::with_capacity(READ_BUFFER, file);
        let container = Container::read(&mut input).map_err(|error| error.to_string())?;
        let examined = examine(&container, &mut input).map_err(|error| error.to_string())?;
        Ok((content_of(&container, claim), examined))
    });
    let (content, examined) = match examined {
        Ok((content, examined)) => (content, Ok(examined)),
        Err(problem) => (None, Err(problem)),
    };
    let Some(content) = content.or(claim.map(Claim::content)) else {
        return Vec::new();
    };
    let file = File {
        subject: Subject {
            file: path.to_owned(),
            member: None,
        },
        carrier: Carrier::File(content),
        examined: match &examined {
            Ok(examined) => Ok(examined),
            Err(problem) => Err(problem.clone()),
        },
    };
    file.conclude(options)
}
