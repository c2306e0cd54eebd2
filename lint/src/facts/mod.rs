//! Facts: what was read, as plain data that rules judge.
//!
//! A [`Workspace`] is everything below one folder. [`Facts`] is what a rule sees of it: the products of one image type
//! and what belongs to them, so that a policy for that type can be applied. What belongs to no product is seen once
//! more, as of unknown type. What is malformed is a fact like any other.

pub mod boot;
pub mod built;
pub mod cabinets;
pub mod code_integrity;
pub mod contents;
pub mod difference;
pub mod features;
pub mod file;
pub mod full_flash;
pub mod index;
pub mod inf;
pub mod key_file;
pub mod layout;
pub mod location;
pub mod manifests;
pub mod manufacturing;
pub mod origin;
pub mod package;
pub mod paths;
pub mod payload;
pub mod policy_verdict;
pub mod product;
pub mod registry;
pub mod roots;
pub mod scope;
pub mod security;
pub mod services;
pub mod shared;
pub mod shipped;
pub mod signature;
pub mod system;
pub mod tree;
pub mod version;
pub mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use formats::document::Kind;
use formats::document::boot_configuration::BootConfiguration;
use formats::document::command_script::CommandScript;
use formats::document::customizations::Customizations;
use formats::document::device_layout::{DeviceLayout, OemDevicePlatform};
use formats::document::feature_manifest::FeatureManifest;
use formats::document::fm_file_list::FmFileList;
use formats::document::inf::Inf;
use formats::document::oem_input::OemInput;
use formats::document::parts::Root;
use formats::document::product_settings::ProductSettings;
use formats::document::reg_file::RegFile;
use formats::document::si_policy::SiPolicyDocument;
use formats::document::variables::Variables;
use formats::document::workspace_settings::WorkspaceSettings;
use formats::source::Source;
use time::OffsetDateTime;

pub use features::FeatureList;
pub use file::{File, XmlDocument};
pub use package::{Definition, Package};
pub use product::{Arch, Product, SelectedPackage};
pub use signature::Signature;

use crate::diagnostic::Place;
use crate::files::Targets;
use crate::image::ImageType;
use crate::policy::PolicyProblem;
use crate::suppression::Suppression;
use built::BuiltPackage;
use full_flash::FinishedImage;
use index::{Groups, Index, groups};
use key_file::KeyFile;
use payload::Beginning;
use registry::RegistryFile;
use scope::RegistryScope;
use security::SecurityFiles;
use shipped::Shipped;
use tree::{FileTree, TreeFile};

/// Everything that was read below one folder, resolved.
#[derive(Debug, Clone, Default)]
pub struct Workspace {
    /// The folder, as the user wrote it or found above what the user wrote; empty for the current one.
    pub root: String,
    /// One for every `OEMInput.xml`, by path.
    pub products: Vec<Product>,
    /// One for every package definition, by path.
    pub packages: Vec<Arc<Package>>,
    /// All other documents.
    pub documents: Documents,
    /// What the verification of signed files said. Empty where nobody verified.
    pub signatures: Vec<Signature>,
    /// The cabinets whose contents were read, by path. Empty where nobody verified.
    pub built: Vec<BuiltPackage>,
    /// Private keys that anyone can open. Empty where nobody verified.
    pub key_files: Vec<KeyFile>,
    /// The root certificates that provisioning installs: the document that names the file, and the certificate.
    pub installed_roots: Vec<(String, Vec<u8>)>,
    /// All files, read or not.
    pub tree: FileTree,
    /// How the payload files begin whose beginning rules ask for, by path.
    pub beginnings: BTreeMap<String, Beginning>,
    /// Policies, secure-boot variables, certificates, and who signed the code of packages.
    pub security: SecurityFiles,
    /// When the signed files were verified, where somebody verified them: the time of everything that can expire.
    pub verified_at: Option<OffsetDateTime>,
    /// The texts of all documents.
    pub sources: Vec<Arc<Source>>,
    /// The image type that the user declared; then it is also that of what belongs to no product.
    pub declared: Option<ImageType>,
    /// The variables that the user defined, e.g. `OSVERSION`.
    pub defines: Variables,
    /// The finished image, where the workspace is what was read of one.
    pub finished: Option<Arc<FinishedImage>>,
    /// The workspace that the user says the finished image was built from.
    pub built_from: Option<Arc<Workspace>>,
    /// An earlier release, where the user named its folder.
    pub shipped: Option<Arc<Shipped>>,
    /// The variables that all documents of a workspace folder share, by folder.
    pub variables: BTreeMap<String, Variables>,
    /// The comments that suppress findings.
    pub suppressions: Vec<Suppression>,
    /// What the user asked for; diagnostics about anything else are not made. Paths of files and folders.
    pub targets: Targets,
}

impl Workspace {
    /// Whether the user asked for this file.
    pub fn is_target(&self, path: &str) -> bool {
        self.targets.contains(path)
    }

    /// The cabinets that signatures are wanted of, by path: those that were asked for and those of the products that
    /// were.
    pub fn cabs(&self) -> Vec<&TreeFile> {
        let products = self.products.iter();
        let asked = products.filter(|product| self.is_target(product.oem_input.path()));
        let built: BTreeSet<&str> = asked
            .flat_map(|product| product.packages.iter())
            .filter_map(|selected| selected.cab.as_ref())
            .map(|cab| cab.path.as_str())
            .collect();
        let is_cab = |file: &&TreeFile| {
            let end = file.path.rsplit('.').next();
            let is = |wanted| end.is_some_and(|end| end.eq_ignore_ascii_case(wanted));
            is("cab") || is("spkg")
        };
        let wanted =
            |file: &&TreeFile| built.contains(file.path.as_str()) || self.is_target(&file.path);
        self.tree.iter().filter(is_cab).filter(wanted).collect()
    }
}

/// The documents of each kind, by path.
#[derive(Debug, Clone, Default)]
pub struct Documents {
    /// `*OEMInput.xml`.
    pub oem_inputs: Vec<Arc<File<OemInput>>>,
    /// `*FM.xml`.
    pub manifests: Vec<Arc<File<FeatureManifest>>>,
    /// `*FMFileList.xml`.
    pub fm_file_lists: Vec<Arc<File<FmFileList>>>,
    /// `*.reg`.
    pub reg_files: Vec<Arc<File<RegFile>>>,
    /// `customizations.xml`.
    pub customizations: Vec<Arc<File<Customizations>>>,
    /// `<Product>Settings.xml`.
    pub product_settings: Vec<Arc<File<ProductSettings>>>,
    /// `IoTWorkspace.xml`.
    pub workspace_settings: Vec<Arc<File<WorkspaceSettings>>>,
    /// `DeviceLayout.xml`.
    pub device_layouts: Vec<Arc<File<DeviceLayout>>>,
    /// `OEMDevicePlatform.xml`.
    pub device_platforms: Vec<Arc<File<OemDevicePlatform>>>,
    /// `*.BCD.xml`.
    pub boot_configurations: Vec<Arc<File<BootConfiguration>>>,
    /// `*.inf`.
    pub infs: Vec<Arc<File<Inf>>>,
    /// `*.cmd`, `*.bat`.
    pub scripts: Vec<Arc<File<CommandScript>>>,
    /// Code-integrity policies in XML.
    pub si_policies: Vec<Arc<File<SiPolicyDocument>>>,
    /// Files that claim by their name to be a document and have another root.
    pub misnamed: Vec<Misnamed>,
    /// Files that are documents and cannot be read.
    pub unreadable: Vec<Unreadable>,
}

/// A file whose name and root do not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misnamed {
    /// The text.
    pub source: Arc<Source>,
    /// What the name claims.
    pub claimed: Kind,
    /// The root as it stands.
    pub root: Root,
}

/// A file that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Where reading stopped.
    pub place: Place,
    /// What the file was meant to be, where that is known.
    pub kind: Option<Kind>,
    /// Why it stopped, as a phrase.
    pub problem: String,
}

impl Documents {
    /// The documents whose path fulfils a condition.
    pub fn filter(&self, wanted: impl Fn(&str) -> bool) -> Self {
        fn those<T>(files: &[Arc<File<T>>], wanted: &impl Fn(&str) -> bool) -> Vec<Arc<File<T>>> {
            files
                .iter()
                .filter(|file| wanted(file.path()))
                .cloned()
                .collect()
        }
        let misnamed = self
            .misnamed
            .iter()
            .filter(|file| wanted(file.source.name()));
        let unreadable = self
            .unreadable
            .iter()
            .filter(|file| wanted(file.place.file()));
        Self {
            oem_inputs: those(&self.oem_inputs, &wanted),
            manifests: those(&self.manifests, &wanted),
            fm_file_lists: those(&self.fm_file_lists, &wanted),
            reg_files: those(&self.reg_files, &wanted),
            customizations: those(&self.customizations, &wanted),
            product_settings: those(&self.product_settings, &wanted),
            workspace_settings: those(&self.workspace_settings, &wanted),
            device_layouts: those(&self.device_layouts, &wanted),
            device_platforms: those(&self.device_platforms, &wanted),
            boot_configurations: those(&self.boot_configurations, &wanted),
            infs: those(&self.infs, &wanted),
            scripts: those(&self.scripts, &wanted),
            si_policies: those(&self.si_policies, &wanted),
            misnamed: misnamed.cloned().collect(),
            unreadable: unreadable.cloned().collect(),
        }
    }
}

/// What a rule sees: the products of one image type and what belongs to them.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// The image type; `None` for products that do not say and for documents of no product.
    pub image: Option<ImageType>,
    /// The products of that type.
    pub products: Vec<&'a Product>,
    /// The package definitions that belong to those products.
    pub packages: Vec<&'a Package>,
    /// The documents that belong to those products.
    pub documents: Documents,
    /// The signatures of the packages of those products and of what is in them, and of payload that is not built yet.
    pub signatures: Vec<&'a Signature>,
    /// The built packages of those products.
    pub built: Vec<&'a BuiltPackage>,
    /// Private keys that anyone can open, which belong to no product.
    pub key_files: Vec<&'a KeyFile>,
    /// What is wrong with the policies; seen once, with the unknown type.
    pub policy: &'a [PolicyProblem],
    /// Everything, for rules about what nobody uses.
    pub workspace: &'a Workspace,
    /// What belongs to what in the workspace.
    pub index: Arc<Index<'a>>,
    /// The places of signatures among [`Facts::signatures`], by the document that decides where they belong.
    signatures_by_document: Groups<&'a str, usize>,
    registry_scopes: OnceLock<Vec<RegistryScope<'a>>>,
    json: OnceLock<Result<serde_json::Value, String>>,
}

impl<'a> Facts<'a> {
    /// What a workspace shows of one image type, `None` standing for the unknown. What belongs to no product is of the
    /// type that the user declared, or unknown.
    pub fn of(
        workspace: &'a Workspace,
        image: Option<ImageType>,
        policy: &'a [PolicyProblem],
    ) -> Self {
        Self::with_index(workspace, &Arc::new(Index::of(workspace)), image, policy)
    }

    /// The same with the index of the workspace, for who looks at several image types.
    pub fn with_index(
        workspace: &'a Workspace,
        index: &Arc<Index<'a>>,
        image: Option<ImageType>,
        policy: &'a [PolicyProblem],
    ) -> Self {
        let mut facts = Self {
            image,
            products: Vec::new(),
            packages: Vec::new(),
            documents: Documents::default(),
            signatures: Vec::new(),
            built: Vec::new(),
            key_files: Vec::new(),
            policy: if image.is_none() { policy } else { &[] },
            workspace,
            index: index.clone(),
            signatures_by_document: Groups::new(),
            registry_scopes: OnceLock::new(),
            json: OnceLock::new(),
        };
        let products = workspace.products.iter().enumerate();
        let products = products.filter(|(number, product)| facts.has_product(*number, product));
        let products = products.map(|(_, product)| product).collect();
        let packages = workspace.packages.iter().map(AsRef::as_ref);
        let packages =
            packages.filter(|package: &&Package| facts.belongs(package.definition.path()));
        let packages = packages.collect();
        let documents = workspace.documents.filter(|path| facts.belongs(path));
        let signatures = workspace.signatures.iter();
        let signatures = signatures.filter(|signature| facts.belongs(signature.document()));
        let signatures: Vec<&Signature> = signatures.collect();
        let built = workspace.built.iter();
        let built = built.filter(|built| facts.belongs(&built.path)).collect();
        let key_files = workspace.key_files.iter();
        let key_files = key_files.filter(|file| facts.belongs(&file.path)).collect();
        let by_document = signatures.iter().enumerate();
        let by_document = by_document.map(|(number, signature)| (signature.document(), number));
        facts.signatures_by_document = groups(by_document);
        facts.products = products;
        facts.packages = packages;
        facts.documents = documents;
        facts.signatures = signatures;
        facts.built = built;
        facts.key_files = key_files;
        facts
    }

    /// What rules outside of this program are given: [`view::FactsView`], made once for all of them.
    ///
    /// # Errors
    /// Where it cannot be written as JSON.
    pub fn json(&self) -> &Result<serde_json::Value, String> {
        let made = || serde_json::to_value(view::FactsView::of(self));
        self.json
            .get_or_init(|| made().map_err(|error| error.to_string()))
    }

    /// Whether a product of the workspace is one of these.
    fn has_product(&self, number: usize, product: &Product) -> bool {
        product.image == self.image && self.index.is_asked(number)
    }

    /// Whether a document is judged here. A package that was asked for is judged by the products that select it, asked for
    /// or not.
    pub fn belongs(&self, path: &str) -> bool {
        let is_target = self.workspace.is_target(path);
        let mut owners = self.index.owners(path);
        let counts = |number| is_target || self.index.is_asked(number);
        let mut owners = owners
            .by_ref()
            .filter(|(number, _)| counts(*number))
            .peekable();
        if owners.peek().is_none() {
            return self.image == self.workspace.declared && is_target;
        }
        owners.any(|(_, product)| product.image == self.image)
    }

    /// The products of this image type that a document belongs to.
    pub fn owners(&self, path: &str) -> impl Iterator<Item = &'a Product> + Clone {
        let owners = self.index.owners(path);
        let these = owners.filter(|(number, product)| self.has_product(*number, product));
        these.map(|(_, product)| product)
    }

    /// The first image of this type that has a package, asked for or not, and the entry that brings it.
    pub fn selection_of(&self, package: &Package) -> Option<(&'a Product, &'a SelectedPackage)> {
        let mut selections = self.index.selections(package.definition.path());
        let first = selections.find(|selection| selection.product.image == self.image)?;
        Some((first.product, first.selected))
    }

    /// The registry contents of all package definitions and `.reg` files, and of built packages that nothing here
    /// defines.
    pub fn registry(&self) -> impl Iterator<Item = RegistryFile<'a>> {
        let definitions = self
            .packages
            .iter()
            .map(|package| package.definition.path());
        let reg_files = self.documents.reg_files.iter().map(|file| file.path());
        let built = self.built.iter().map(|built| built.path.as_str());
        let paths = definitions.chain(reg_files).chain(built);
        paths.filter_map(|path| self.index.registry(path))
    }

    /// The signatures that a document decides the products of: those of a cabinet and of what is in it, or those of the
    /// payload that a definition names.
    pub fn signatures_of(&self, document: &str) -> impl Iterator<Item = &'a Signature> + Clone {
        let numbers = self.signatures_by_document.get(document);
        let numbers = numbers.into_iter().flatten();
        numbers.filter_map(|number| self.signatures.get(*number).copied())
    }

    /// The signatures of everything that belongs to a product, in order.
    pub fn signatures_of_product(&self, product: &Product) -> Vec<&'a Signature> {
        let documents = product.reach.iter();
        let numbers = documents.filter_map(|path| self.signatures_by_document.get(path.as_ref()));
        let mut numbers: Vec<usize> = numbers.flatten().copied().collect();
        numbers.sort_unstable();
        let signatures = numbers.into_iter();
        signatures
            .filter_map(|number| self.signatures.get(number).copied())
            .collect()
    }

    /// Where a finding about a signature stands: at the manifest's entry that takes the package in, where there is one,
    /// as that is a line that a person can go to, and then beside it the part of the signature itself.
    pub fn signature_place(&self, signature: &Signature, part: &str) -> (Place, Option<Place>) {
        let named = signature.named_at.clone();
        match named.or_else(|| self.entry_of(&signature.subject.file)) {
            Some(entry) => (entry, Some(signature.place(part))),
            None => (signature.place(part), None),
        }
    }
}
