//! Code-integrity policies, secure-boot variables, certificates and signed code among the files of a workspace, and what
//! a product has of them.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use formats::certificate::Certificate;
use formats::container::efi_variable::{EfiVariable, EntryKind, Variable};
use formats::container::si_policy::{CertRoot, Policy};
use formats::source::Span;
use signer::anchor::Anchors;
use signer::digest::{DigestAlgorithm, hex};
use signer::public_key::tbs_hash;
use signer::published;

use super::Facts;
use super::built::BuiltPackage;
use super::code_integrity::{PolicyFile, policy_files};
use super::contents::PackedPolicy;
use super::package::Definition;
use super::payload::Payload;
use super::product::{Product, SelectedPackage};
use crate::diagnostic::Place;
use crate::files;

/// What was read of the files that decide what a device trusts, by path.
#[derive(Debug, Clone, Default)]
pub struct SecurityFiles {
    /// Code-integrity policies, signed or bare, and files that are installed as one.
    pub policies: BTreeMap<String, PolicyContent>,
    /// Secure-boot variables, and files that are called like one.
    pub variables: BTreeMap<String, Result<Box<VariableContent>, String>>,
    /// Certificate files.
    pub certificates: BTreeMap<String, Box<Certificate>>,
    /// Signed images and app packages; read only where there is a policy to compare them with.
    pub code: BTreeMap<String, SignedCode>,
}

impl SecurityFiles {
    /// How many policies, variables and certificates there are.
    pub fn len(&self) -> usize {
        let others = self.variables.len().saturating_add(self.certificates.len());
        self.policies.len().saturating_add(others)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A policy in binary form.
#[derive(Debug, Clone)]
pub struct PolicyContent {
    /// SHA-256 of the file.
    pub digest: Vec<u8>,
    /// What it says, or why it cannot be read.
    pub read: Result<Box<ReadPolicy>, String>,
}

/// What a binary policy says and who signed it.
#[derive(Debug, Clone)]
pub struct ReadPolicy {
    /// The policy; its places are offsets of the file.
    pub policy: Policy,
    /// The certificates of the signer's chain, the signer's first; `None` where nobody signed.
    pub signer: Option<Vec<Certificate>>,
}

/// A secure-boot variable.
#[derive(Debug, Clone)]
pub struct VariableContent {
    /// Which one, by the file's name or else by its signature.
    pub variable: Option<Variable>,
    /// Time and lists.
    pub content: EfiVariable,
    /// The signer's certificate, where it is there.
    pub signer: Option<Certificate>,
    /// Whether the signature fits name, time and content; otherwise why not.
    pub signature: Result<(), String>,
}

impl VariableContent {
    /// The certificates in its lists that can be read.
    pub fn certificates(&self) -> Vec<Certificate> {
        let lists = self.content.lists().iter();
        let entries = lists.filter(|list| list.kind == EntryKind::X509);
        let entries = entries.flat_map(|list| &list.entries);
        entries
            .filter_map(|entry| Certificate::parse(&entry.data, entry.offset).ok())
            .collect()
    }
}

/// Which part of a policy is about a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CodeKind {
    /// A driver.
    Kernel,
    /// A program, a library or an app package.
    User,
}

/// A signed image or app package.
#[derive(Debug, Clone)]
pub struct SignedCode {
    /// Which part of a policy is about it.
    pub kind: CodeKind,
    /// One chain for each signature.
    pub chains: Vec<SignerChain>,
    /// Hashes of the file as policies name them; none of app packages.
    pub hashes: Vec<Vec<u8>>,
}

impl SignedCode {
    /// Who signed, for people.
    pub fn signers(&self) -> String {
        let leaves = self.chains.iter().filter_map(SignerChain::leaf);
        let names: Vec<String> = leaves.map(|leaf| leaf.subject.to_string()).collect();
        names.join(" and ")
    }
}

/// Signed code that a product gets.
#[derive(Debug, Clone)]
pub struct ProductCode<'a> {
    /// The package that brings it.
    pub selected: &'a SelectedPackage,
    /// The signer of the file.
    pub place: Place,
    /// The file, or the member of the cabinet.
    pub path: String,
    /// Who signed it.
    pub code: Cow<'a, SignedCode>,
}

/// The chain of a signer as far as the file and the built-in anchors tell it.
#[derive(Debug, Clone)]
pub struct SignerChain {
    /// The signer's first.
    pub certificates: Vec<Certificate>,
    /// SHA-1 thumbprint of the root where that is a built-in anchor, lower-case hexadecimal.
    pub root: Option<String>,
}

/// The thumbprints of the roots that policies know by number.
const WELLKNOWN: [(u32, &str); 8] = [
    (3, "7f88cd7223f3c813818c994614a89c99fa3b5247"),
    (4, "a43489159a520f0d93d032ccaf37e7fe20a8b419"),
    (5, "cdd4eeae6000ac7f40c3802c171e30148030c072"),
    (6, "3b1efd3a66ea28b16697394703a72ca340a05bd5"),
    (7, "8f43288ad272f3103b6fb1428485ea3014c0bcfe"),
    (8, "8fbe4d070ef8ab1bccaf2a9d5ccae7282a2c66b3"),
    (10, "8a334aa8052dd244a647306a76b8178fa215f344"),
    (14, "f8db7e1c16f1ffd4aaad4aad8dff0f2445184aeb"),
];

/// The numbers of roots of code that is not released: Microsoft's test roots and the one for flights.
pub const TEST_ROOTS: [u32; 4] = [9, 10, 11, 14];

impl SignerChain {
    /// The signer's certificate.
    pub fn leaf(&self) -> Option<&Certificate> {
        self.certificates.first()
    }

    /// Whether the chain has what a signer of a policy asks for. A well-known root that is not among those whose
    /// certificate is known fits none.
    pub fn has(&self, root: &CertRoot) -> bool {
        match root {
            CertRoot::Tbs(hash) => {
                let mut certificates = self.certificates.iter();
                certificates.any(|certificate| tbs_hash(certificate).as_ref() == Some(hash))
            }
            CertRoot::Wellknown(number) => {
                let known = WELLKNOWN.iter().find(|(known, _)| known == number);
                known.is_some_and(|(_, thumbprint)| self.root.as_deref() == Some(*thumbprint))
            }
        }
    }
}

/// A policy that a product installs, and what is in the file.
#[derive(Debug, Clone)]
pub struct InstalledPolicy<'a> {
    /// Where the package definition names it.
    pub file: PolicyFile<'a>,
    /// The file.
    pub path: &'a str,
    /// What was read of it.
    pub content: &'a PolicyContent,
}

impl InstalledPolicy<'_> {
    /// A part of the policy, for people: its name and the offset of its first byte.
    pub fn part(&self, name: &str, span: Span) -> Place {
        let route = match span == Span::default() {
            true => name.to_owned(),
            false => format!("{name} at offset {:#x}", span.start),
        };
        Place::binary(self.path, route)
    }
}

/// A secure-boot variable that a package brings.
#[derive(Debug, Clone)]
pub struct InstalledVariable<'a> {
    /// Where the package definition names it.
    pub place: Place,
    /// The definition.
    pub definition: &'a Definition,
    /// The file.
    pub path: &'a str,
    /// What was read of it.
    pub content: &'a Result<Box<VariableContent>, String>,
}

impl InstalledVariable<'_> {
    /// Whether it can be read and is this variable.
    pub fn is(&self, variable: Variable) -> bool {
        let content = self.content.as_ref();
        content.is_ok_and(|content| content.variable == Some(variable))
    }
}

impl<'a> Facts<'a> {
    /// The policies that a product installs and that were read.
    pub fn installed_policies<'p>(&'p self, product: &'p Product) -> Vec<InstalledPolicy<'p>> {
        let installed = policy_files(product).into_iter().filter_map(|file| {
            let package = file.selected.package.as_ref()?;
            let Payload::Found(found) = self.payload(&package.definition, file.source) else {
                return None;
            };
            let policies = &self.workspace.security.policies;
            let (path, content) = policies.get_key_value(found.path.as_str())?;
            Some(InstalledPolicy {
                file,
                path,
                content,
            })
        });
        installed.collect()
    }

    /// The policies of all products that can be read, each product with its own.
    pub fn readable_policies<'p>(
        &'p self,
    ) -> impl Iterator<Item = (&'p Product, InstalledPolicy<'p>, &'p ReadPolicy)> {
        self.products.iter().flat_map(move |product| {
            let installed = self.installed_policies(product).into_iter();
            installed.filter_map(move |policy| {
                let read = policy.content.read.as_ref().ok()?;
                Some((*product, policy, read.as_ref()))
            })
        })
    }

    /// The policies in packages of which only the cabinet is there.
    pub fn packed_policies(&self) -> impl Iterator<Item = (&BuiltPackage, &PackedPolicy)> {
        let selected = self.products.iter().flat_map(|product| &product.packages);
        let defined = selected.filter(|selected| selected.package.is_some());
        let cabs = defined.filter_map(|selected| selected.cab.as_ref());
        let defined: HashSet<&str> = cabs.map(|cab| cab.path.as_str()).collect();
        let packages = self.built.iter();
        packages
            .filter(move |package| !defined.contains(package.path.as_str()))
            .flat_map(|package| {
                let policies = package.contents.policies.iter();
                policies.map(move |policy| (*package, policy))
            })
    }

    /// The secure-boot variables that a package brings.
    pub fn variables_of<'p>(&'p self, definition: &'p Definition) -> Vec<InstalledVariable<'p>> {
        let variables = &self.workspace.security.variables;
        if variables.is_empty() {
            return Vec::new();
        }
        let files = definition.files().into_iter().filter_map(|file| {
            let source = file.source.as_ref()?;
            let Payload::Found(found) = self.payload(definition, &source.value) else {
                return None;
            };
            let (path, content) = variables.get_key_value(found.path.as_str())?;
            Some(InstalledVariable {
                place: definition.place(source, file.route),
                definition,
                path,
                content,
            })
        });
        files.collect()
    }

    /// The secure-boot variables of all packages of this image type.
    pub fn variables<'p>(&'p self) -> impl Iterator<Item = InstalledVariable<'p>> {
        let packages = self.packages.iter();
        packages.flat_map(|package| self.variables_of(&package.definition))
    }

    /// The signed code that a product gets: of a package that is built what is in the cabinet, of another one the
    /// payload that its definition names.
    pub fn code_of<'p>(&'p self, product: &'p Product) -> Vec<ProductCode<'p>> {
        let mut found = Vec::new();
        for selected in &product.packages {
            let members = self.code_in_cabinet(selected);
            match members.is_empty() {
                true => found.extend(self.code_of_payload(selected)),
                false => found.extend(members),
            }
        }
        found
    }

    fn code_in_cabinet<'p>(&'p self, selected: &'p SelectedPackage) -> Vec<ProductCode<'p>> {
        let Some(cab) = &selected.cab else {
            return Vec::new();
        };
        let signatures = self.signatures_of(&cab.path);
        let signatures =
            signatures.filter(|signature| signature.is_image() || signature.app().is_some());
        let mut members: BTreeMap<&str, ProductCode<'p>> = BTreeMap::new();
        for signature in signatures {
            let (Some(member), Some(report)) = (&signature.subject.member, signature.report())
            else {
                continue;
            };
            let Some(chain) = &report.chain else {
                continue;
            };
            let entry = members.entry(member).or_insert_with(|| ProductCode {
                selected,
                place: signature.place("signer"),
                path: member.clone(),
                code: Cow::Owned(SignedCode {
                    kind: match signature.is_driver() {
                        true => CodeKind::Kernel,
                        false => CodeKind::User,
                    },
                    chains: Vec::new(),
                    hashes: Vec::new(),
                }),
            });
            let code = entry.code.to_mut();
            code.hashes.extend(report.signed_digest.clone());
            code.chains.push(SignerChain {
                certificates: chain.certificates.clone(),
                root: chain
                    .anchor()
                    .map(|anchor| anchor.thumbprint.to_lowercase()),
            });
        }
        members.into_values().collect()
    }

    fn code_of_payload<'p>(&'p self, selected: &'p SelectedPackage) -> Vec<ProductCode<'p>> {
        let Some(package) = &selected.package else {
            return Vec::new();
        };
        let definition = &package.definition;
        let has_driver = !definition.driver_infs().is_empty();
        let all = &self.workspace.security.code;
        let files = definition.files();
        let sources = files.iter().filter_map(|file| file.source.as_ref());
        let sources = sources.filter_map(|source| match self.payload(definition, &source.value) {
            Payload::Found(file) => all.get_key_value(file.path.as_str()),
            Payload::Missing | Payload::Unknown => None,
        });
        let mut code: BTreeMap<&String, &SignedCode> = sources.collect();
        if has_driver {
            // The files of a driver are named by its INF file, which lies beside them.
            let folder = definition.folder();
            let start = files::start_below(folder);
            let below = all.range(start.clone()..);
            let below = below.take_while(|(path, _)| path.starts_with(&start));
            code.extend(below.filter(|(path, code)| {
                files::folder_of(path) == folder && code.kind == CodeKind::Kernel
            }));
        }
        let code = code.into_iter().map(|(path, code)| ProductCode {
            selected,
            place: Place::binary(path.as_str(), "signature[0].signer"),
            path: path.clone(),
            code: Cow::Borrowed(code),
        });
        code.collect()
    }

    /// The certificate files of the workspace that a policy means by a hash.
    pub fn certificates_of(&self, root: &CertRoot) -> &[(&'a str, &'a Certificate)] {
        match root {
            CertRoot::Tbs(hash) => self.index.certificates_of(hash),
            CertRoot::Wellknown(_) => &[],
        }
    }

    /// The certificate file that a workspace means by a name; it keeps them in `Certs`.
    pub fn certificate_named(&self, name: &str) -> Option<(&'a str, &'a Certificate)> {
        self.index.certificate_named(name.trim())
    }
}

/// Why a root or a key of secure boot is not for retail images; `None` where nothing speaks against it.
pub fn objection_for_retail(certificate: &Certificate) -> Option<String> {
    if let Some(listed) = published::find(certificate) {
        return Some(format!("its key is published ({listed})"));
    }
    let anchor = Anchors::built_in().by_key(&certificate.public_key);
    if let Some(anchor) = anchor.filter(|anchor| anchor.class.is_test()) {
        return Some(format!("it is a test certificate ({})", anchor.class));
    }
    let thumbprint = hex(&DigestAlgorithm::Sha1.of(&certificate.der));
    let known = TEST_AUTHORITIES
        .iter()
        .find(|(known, _)| *known == thumbprint);
    known.map(|(_, name)| format!("it is one of Microsoft's for test images ({name})"))
}

/// Authorities that the add-on kit puts into test images alone, though they are no anchors, or are below one of production.
const TEST_AUTHORITIES: [(&str, &str); 2] = [
    (
        "5f444a6740b7ca2434c7a5925222c2339ee0f1b7",
        "Microsoft Development PCA 2014",
    ),
    (
        "c01386a907496404f276c3c1853abf4a5274af88",
        "Microsoft Windows PCA 2010",
    ),
];

#[cfg(test)]
mod tests {
    use signer::anchor::TrustClass;

    use crate::facts::contents::Content;
    use crate::facts::signature::{Carrier, State};
    use crate::testing::security::{RawPolicy, RawSigner, certificate, product};
    use crate::testing::{run, signed, workspace};

    #[test]
    fn what_is_in_a_built_cabinet_is_held_against_the_policy() {
        let cab = "%OEM_NAME%.Test.Guard.cab";
        let found = |kernel: &[u32]| {
            let policy = RawPolicy {
                signers: vec![RawSigner::of("demo-retail"), RawSigner::of("oem")],
                kernel: kernel.to_vec(),
                ..RawPolicy::default()
            };
            let mut files = product("Production", &policy.signed());
            files.push((cab.to_owned(), Vec::new()));
            let mut workspace = workspace(&files);
            let mut signature = signed(cab, TrustClass::OwnTest);
            signature.subject.member = Some("windows/system32/gpio.sys".into());
            signature.carrier = Carrier::File(Content::Image { machine: 0x1c4 });
            if let State::Signed(report) = &mut signature.state {
                let chain = report.chain.as_mut().unwrap();
                chain.certificates = vec![certificate("oem")];
            }
            workspace.signatures.push(signature);
            run("sipolicy-missing-driver-signer", &workspace)
        };
        let missing = found(&[0]);
        assert_eq!(missing.len(), 1);
        assert!(
            missing[0].contains(cab) && missing[0].contains("`gpio.sys` is signed by "),
            "{missing:?}"
        );
        assert!(found(&[1]).is_empty());
    }
}
