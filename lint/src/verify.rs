//! Looks into the cabinets of a workspace and verifies every signature, so that rules can judge them; of packages that
//! are not built yet, the payload that their definitions name.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{BufReader, Cursor, Read, Seek, SeekFrom};
use std::sync::Arc;

use formats::container::Container;
use rayon::prelude::*;
use signer::verify::{Examined, VerifyOptions, examine};

use crate::cache::{Cache, LARGEST_CABINET};
use crate::earlier::Earlier;
use crate::facts::built::BuiltPackage;
use crate::facts::contents::{Content, Contents};
use crate::facts::payload::payload_to_verify;
use crate::facts::signature::{Carrier, Signature, State, Subject};
use crate::facts::{Unreadable, Workspace};
use crate::files::Files;
use crate::inside::{Claim, content_of, look_inside};
use crate::key_files::read_key_files;
use crate::unchecked::cut;

/// Largest certificate that is read, bytes.
const LARGEST_CERTIFICATE: u64 = 64 << 10;
/// How many root certificates of provisioning are read; what is left out is said.
const MOST_ROOTS: usize = 1000;
/// How many payload files are verified, each counted as often as packages name it; what is left out is said.
const MOST_PAYLOAD: usize = 100_000;
/// Bytes read at a time from a file that is hashed.
const READ_BUFFER: usize = 256 << 10;

/// What is in a cabinet, or why it cannot be read.
pub(crate) type Cabinet = Result<Arc<Contents>, String>;

/// What a payload file is and what its signatures say of it; neither depends on a time or on anchors.
#[derive(Debug)]
pub(crate) struct Payload {
    content: Option<Content>,
    examined: Result<Vec<Examined>, String>,
}

/// Verifies the cabinets that [`Workspace::cabs`] names and everything in them, in parallel, and puts what is in them
/// into [`Workspace::built`] and the records into [`Workspace::signatures`]. What cannot be read becomes a record too.
/// With a cache, a cabinet that is known from an earlier run is not expanded again.
pub fn verify_cabinets(
    files: &dyn Files,
    workspace: &mut Workspace,
    options: VerifyOptions<'_>,
    cache: Option<&Cache>,
) {
    verify_with(files, workspace, options, cache, None);
}

/// The same for a run that follows others, where files that did not change since are not verified again.
pub fn verify_again(
    files: &dyn Files,
    workspace: &mut Workspace,
    options: VerifyOptions<'_>,
    cache: Option<&Cache>,
    earlier: &mut Earlier,
) {
    verify_with(files, workspace, options, cache, Some(earlier));
}

fn verify_with(
    files: &dyn Files,
    workspace: &mut Workspace,
    options: VerifyOptions<'_>,
    cache: Option<&Cache>,
    mut earlier: Option<&mut Earlier>,
) {
    let cabs = workspace.cabs();
    let paths: Vec<&str> = cabs.iter().map(|cab| cab.path.as_str()).collect();
    let known = earlier.as_deref_mut().map(|earlier| &mut earlier.cabinets);
    let cabinets: Vec<Cabinet> = each(&paths, known, |path| {
        look_into(files, path, cache).map(Arc::new)
    });
    let looked = paths.into_par_iter().zip(cabinets);
    let looked: Vec<(Option<BuiltPackage>, Vec<Signature>)> = looked
        .map(|(path, contents)| {
            let signatures = of_package(path, contents.as_deref(), options);
            let built = contents.ok();
            let built = built.map(|contents| BuiltPackage::new(path, contents));
            (built, signatures)
        })
        .collect();
    let (mut built, mut signatures) = (Vec::new(), Vec::new());
    for (package, of_package) in looked {
        built.extend(package);
        signatures.extend(of_package);
    }

    let mut named = payload_to_verify(workspace, &built);
    let left_out = cut(
        &mut named,
        MOST_PAYLOAD,
        "payload files that can be signed",
        &workspace.targets,
        |(_, place)| place.file(),
    );
    let paths: BTreeSet<&str> = named.iter().map(|(path, _)| path.as_str()).collect();
    let paths: Vec<&str> = paths.into_iter().collect();
    let known = earlier.map(|earlier| &mut earlier.payload);
    let payload = each(&paths, known, |path| Arc::new(look_at(files, path)));
    let verified: BTreeMap<&str, Vec<Signature>> = paths
        .into_par_iter()
        .zip(payload)
        .map(|(path, payload)| (path, of_payload(path, &payload, options)))
        .collect();
    let of_payload = named.iter().flat_map(|(path, place)| {
        let found = verified.get(path.as_str()).into_iter().flatten();
        found.map(|signature| Signature {
            named_at: Some(place.clone()),
            ..signature.clone()
        })
    });
    signatures.extend(of_payload);

    let (key_files, keys_left_out) = read_key_files(files, workspace, options.at);
    let (installed_roots, roots_left_out) = installed_roots(files, workspace);
    let left_out = [left_out, keys_left_out, roots_left_out];
    let unreadable = &mut workspace.documents.unreadable;
    unreadable.extend(left_out.into_iter().flatten());
    workspace.built = built;
    workspace.signatures = signatures;
    workspace.verified_at = Some(options.at);
    workspace.key_files = key_files;
    workspace.installed_roots = installed_roots;
}

/// What `look` finds out about each path, in parallel; what is known already is not looked for again.
fn each<T: Clone + Send + Sync>(
    paths: &[&str],
    known: Option<&mut HashMap<String, T>>,
    look: impl Fn(&str) -> T + Sync,
) -> Vec<T> {
    let Some(known) = known else {
        return paths.par_iter().map(|path| look(path)).collect();
    };
    let new = paths.par_iter().filter(|path| !known.contains_key(**path));
    let new: Vec<(String, T)> = new.map(|path| ((*path).to_owned(), look(path))).collect();
    known.extend(new);
    let found = paths.iter().filter_map(|path| known.get(*path));
    found.cloned().collect()
}

/// The root certificates that provisioning installs, as far as their files are there; the second value says what was left
/// out.
fn installed_roots(
    files: &dyn Files,
    workspace: &Workspace,
) -> (Vec<(String, Vec<u8>)>, Option<Unreadable>) {
    let documents = workspace.documents.customizations.iter();
    let mut named: Vec<(&str, &str)> = documents
        .flat_map(|file| {
            let paths = file.root_certificates.iter();
            let paths = paths.filter_map(|root| root.certificate_path.as_ref());
            let tree = &workspace.tree;
            let paths = paths.filter_map(|path| tree.find_from(file.folder(), path.value.trim()));
            paths.map(|certificate| (file.path(), certificate.path.as_str()))
        })
        .collect();
    let left_out = cut(
        &mut named,
        MOST_ROOTS,
        "root certificates of provisioning",
        &workspace.targets,
        |(document, _)| document,
    );
    let found = named.into_iter().filter_map(|(document, certificate)| {
        let bytes = files.read(certificate, LARGEST_CERTIFICATE).ok()?;
        Some((document.to_owned(), bytes))
    });
    (found.collect(), left_out)
}

/// What is in one cabinet; depends on its bytes alone.
fn look_into(files: &dyn Files, path: &str, cache: Option<&Cache>) -> Result<Contents, String> {
    let mut file = files.open(path).map_err(|error| error.to_string())?;
    if let Some(cache) = cache {
        let length = file.seek(SeekFrom::End(0));
        let length = length.ok().filter(|length| *length <= LARGEST_CABINET);
        let capacity = length.and_then(|length| usize::try_from(length).ok());
        let mut bytes = Vec::with_capacity(capacity.unwrap_or(0));
        file.rewind().map_err(|error| error.to_string())?;
        let mut whole = file.by_ref().take(LARGEST_CABINET.saturating_add(1));
        let read = length.and_then(|_| whole.read_to_end(&mut bytes).ok());
        if read.is_some_and(|read| read as u64 <= LARGEST_CABINET) {
            return cache.contents(&bytes, |bytes| look_inside(&mut Cursor::new(bytes)));
        }
        drop(bytes);
        file.rewind().map_err(|error| error.to_string())?;
    }
    look_inside(&mut BufReader::with_capacity(READ_BUFFER, file))
}

fn of_package(
    path: &str,
    contents: Result<&Contents, &String>,
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

/// What a payload file is.
fn look_at(files: &dyn Files, path: &str) -> Payload {
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
    Payload {
        content: content.or(claim.map(Claim::content)),
        examined,
    }
}

fn of_payload(path: &str, payload: &Payload, options: VerifyOptions<'_>) -> Vec<Signature> {
    let Some(content) = payload.content.clone() else {
        return Vec::new();
    };
    let file = File {
        subject: Subject {
            file: path.to_owned(),
            member: None,
        },
        carrier: Carrier::File(content),
        examined: match &payload.examined {
            Ok(examined) => Ok(examined),
            Err(problem) => Err(problem.clone()),
        },
    };
    file.conclude(options)
}
