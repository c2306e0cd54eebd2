//! Reads the files that decide what a device trusts: policies, secure-boot variables, certificates, and who signed the code
//! that a policy is about. Nothing is judged here, and nothing depends on the time.

use std::collections::BTreeMap;
use std::io::BufReader;

use formats::certificate::Certificate;
use formats::container::efi_variable::Variable;
use formats::container::si_policy::Policy;
use formats::container::{Container, Digestible};
use formats::signed_data::SignedData;
use rayon::prelude::*;
use signer::anchor::Anchors;
use signer::chain::{self, Chain};
use signer::digest::DigestAlgorithm;
use signer::identity::read_certificates;
use signer::verify::signer::{certificates, find_certificate};
use signer::verify::{Check, VerifyOptions, verify};
use time::OffsetDateTime;

use crate::facts::Unreadable;
use crate::facts::security::{
    CodeKind, PolicyContent, ReadPolicy, SecurityFiles, SignedCode, SignerChain, VariableContent,
};
use crate::files::{self, Files, Targets};
use crate::unchecked::cut;

/// Largest file that is read into memory, in bytes.
pub(crate) const LARGEST: u64 = 16 << 20;
/// Most files of each kind; what is left out is said.
const MOST: usize = 20_000;
/// Bytes read at a time from code.
const READ_BUFFER: usize = 64 << 10;

const POLICY_ENDS: &[&str] = &[".p7b", ".cip"];
const CERTIFICATE_ENDS: &[&str] = &[".cer", ".crt", ".der"];
const VARIABLE_ENDS: &[&str] = &[".bin", ".auth"];
const IMAGE_ENDS: &[&str] = &[".sys", ".exe", ".dll"];
const APP_ENDS: &[&str] = &[".appx", ".appxbundle", ".msix", ".msixbundle"];

/// Reads what there is among these paths; the second value says what was left out.
pub fn read<'p>(
    files: &dyn Files,
    paths: impl Iterator<Item = &'p str> + Clone,
    targets: &Targets,
) -> (SecurityFiles, Vec<Unreadable>) {
    let mut left_out = Vec::new();
    let mut wanted = |ends: &[&str], what: &str| -> Vec<&'p str> {
        let is_wanted = |path: &&str| {
            let name = files::name_of(path).to_ascii_lowercase();
            ends.iter().any(|end| name.ends_with(end))
        };
        let mut wanted: Vec<&str> = paths.clone().filter(is_wanted).collect();
        left_out.extend(cut(&mut wanted, MOST, what, targets, |path| path));
        wanted
    };
    let policies = wanted(POLICY_ENDS, "code-integrity policies");
    let policies = each(&policies, |path| policy(files, path));
    let code = match policies.is_empty() {
        true => BTreeMap::new(),
        false => {
            let ends = [IMAGE_ENDS, APP_ENDS].concat();
            each(
                &wanted(&ends, "programs, drivers and app packages"),
                |path| code(files, path),
            )
        }
    };
    let variables = wanted(VARIABLE_ENDS, "secure-boot variables");
    let certificates = wanted(CERTIFICATE_ENDS, "certificates");
    let read = SecurityFiles {
        policies,
        code,
        variables: each(&variables, |path| variable(files, path)),
        certificates: each(&certificates, |path| {
            let bytes = files.read(path, LARGEST).ok()?;
            read_certificates(&bytes)
                .ok()?
                .into_iter()
                .next()
                .map(Box::new)
        }),
    };
    (read, left_out)
}

/// What `read` makes of files, those left out for which it gives nothing.
fn each<T: Send>(paths: &[&str], read: impl Fn(&str) -> Option<T> + Sync) -> BTreeMap<String, T> {
    let found = paths.par_iter();
    let found = found.filter_map(|path| Some(((*path).to_owned(), read(path)?)));
    found.collect()
}

/// A policy. A `.p7b` of another kind, such as a bundle of certificates, is none unless it is called as the boot loader
/// wants it.
fn policy(files: &dyn Files, path: &str) -> Option<PolicyContent> {
    policy_in(&files.read(path, LARGEST).ok()?, path)
}

/// The policy in the bytes of a file; the path says what it is called.
pub(crate) fn policy_in(bytes: &[u8], path: &str) -> Option<PolicyContent> {
    let digest = DigestAlgorithm::Sha256.of(bytes);
    let read = match Container::read(&mut std::io::Cursor::new(bytes)) {
        Ok(Container::SiPolicy(file)) => {
            let policy = file
                .policy()
                .and_then(|(bytes, offset)| Policy::read(bytes, offset));
            let signer = file.signature().and_then(|der| {
                let chain = signer_chain(&Container::SiPolicy(file.clone()), der, 0)?;
                Some(chain.certificates)
            });
            policy.map(|policy| Box::new(ReadPolicy { policy, signer }))
        }
        Ok(_) => return None,
        Err(_) if !is_called_policy(path) => return None,
        Err(error) => Err(error),
    };
    Some(PolicyContent {
        digest,
        read: read.map_err(|error| error.to_string()),
    })
}

fn is_called_policy(path: &str) -> bool {
    files::name_of(path)
        .to_ascii_lowercase()
        .starts_with("sipolicy")
}

fn variable(files: &dyn Files, path: &str) -> Option<Result<Box<VariableContent>, String>> {
    variable_in(&files.read(path, LARGEST).ok()?, path)
}

/// The secure-boot variable in the bytes of a file; the path says what it is called.
pub(crate) fn variable_in(
    bytes: &[u8],
    path: &str,
) -> Option<Result<Box<VariableContent>, String>> {
    let is_called_so = files::name_of(path)
        .to_ascii_lowercase()
        .starts_with("setvariable_");
    let mut input = std::io::Cursor::new(bytes);
    let mut container = match Container::read(&mut input) {
        Ok(container @ Container::EfiVariable(_)) => container,
        Ok(_) if !is_called_so => return None,
        Ok(other) => return Some(Err(format!("it is a {}", other.format()))),
        Err(_) if !is_called_so => return None,
        Err(error) => return Some(Err(error.to_string())),
    };
    let named = Variable::of_file_name(path);
    if let Container::EfiVariable(content) = &mut container {
        content.assume(named);
    }
    let anchors = Anchors::built_in();
    // The chain is not asked for: its root is the manufacturer's own.
    let at = OffsetDateTime::UNIX_EPOCH;
    let options = VerifyOptions {
        at,
        anchors: &anchors,
    };
    let report = verify(&container, &mut input, options).ok()?;
    let report = report.signatures.into_iter().next()?;
    let asked = [Check::Structure, Check::Digest, Check::Signature];
    let mut failures = report.failures();
    let failure = failures.find(|(check, _, _)| asked.contains(check));
    let signature = failure.map_or(Ok(()), |(_, _, message)| Err(message.to_owned()));
    let Container::EfiVariable(content) = container else {
        return None;
    };
    Some(Ok(Box::new(VariableContent {
        variable: named.or(report.variable.map(|signed| signed.variable)),
        content: *content,
        signer: report.leaf.clone(),
        signature,
    })))
}

/// Who signed an image or app package; `None` where nobody did.
fn code(files: &dyn Files, path: &str) -> Option<SignedCode> {
    let mut input = BufReader::with_capacity(READ_BUFFER, files.open(path).ok()?);
    let container = Container::read(&mut input).ok()?;
    let signatures = container.signatures();
    let chains = signatures.iter();
    let chains: Vec<SignerChain> = chains
        .filter_map(|signature| signer_chain(&container, signature.der, signature.offset))
        .collect();
    if chains.is_empty() {
        return None;
    }
    let hashes = match container.digestible() {
        Some(Digestible { pieces, .. }) => [DigestAlgorithm::Sha1, DigestAlgorithm::Sha256]
            .iter()
            .filter_map(|digest| digest.of_pieces(&mut input, &pieces).ok())
            .collect(),
        None => Vec::new(),
    };
    let is_driver = files::name_of(path).to_ascii_lowercase().ends_with(".sys");
    Some(SignedCode {
        kind: match is_driver {
            true => CodeKind::Kernel,
            false => CodeKind::User,
        },
        chains,
        hashes,
    })
}

/// The chain of the first signer, as far as the certificates beside it and the anchors lead.
pub(crate) fn chain_of(signed_data: &SignedData<'_>, anchors: &Anchors) -> Option<Chain> {
    let pool: Vec<Certificate> = certificates(signed_data);
    let leaf = find_certificate(signed_data.signer_infos.first()?, &pool)?;
    Some(chain::build(leaf, &pool, anchors))
}

/// The chain of a signature, as far as its own certificates and the built-in anchors lead.
fn signer_chain(container: &Container, der: &[u8], offset: u64) -> Option<SignerChain> {
    let signed_data = container.read_signature(der, offset).ok()?;
    let chain = chain_of(&signed_data, &Anchors::built_in())?;
    let root = chain
        .anchor()
        .map(|anchor| anchor.thumbprint.to_lowercase());
    Some(SignerChain {
        certificates: chain.certificates,
        root,
    })
}
