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
pub mod features;
pub mod file;
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
mod roots;
pub mod scope;
pub mod security;
pub mod shared;
pub mod shipped;
pub mod signature;
pub mod system;
pub mod tree;
pub mod version;
pub mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use formats::document::Kind;
use formats::document::boot_configuration::BootConfiguration;
use formats::document::command_script::CommandScript;
use formats::document::customizations::Customizations;
use formats::document::device_layout::{DeviceLayout, OemDevicePlatform};
use formats::document::feature_manifest::FeatureManifest;
use formats::document::fm_file_list::{Fm, FmFileList};
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
pub use product::{Arch, Product};
pub use signature::Signature;

use crate::diagnostic::Place;
use crate::files::{is_below, written_name};
use crate::image::ImageType;
use crate::policy::PolicyProblem;
use crate::suppression::Suppression;
use built::BuiltPackage;
use key_file::KeyFile;
use payload::Beginning;
use registry::RegistryFile;
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
    /// An earlier release, where the user named its folder.
    pub shipped: Option<Arc<Shipped>>,
    /// The variables that all documents of a workspace folder share, by folder.
    pub variables: BTreeMap<String, Variables>,
    /// The comments that suppress findings.
    pub suppressions: Vec<Suppression>,
    /// What the user asked for; diagnostics about anything else are not made. Paths of files and folders.
    pub targets: Vec<String>,
}

impl Workspace {
    /// Whether the user asked for this file.
    pub fn is_target(&self, path: &str) -> bool {
        self.targets.iter().any(|target| is_below(path, target))
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
    /// The entries of manifest lists that mean a manifest of this file name, in lists for this processor.
    pub fn listed<'a>(
        &'a self,
        manifest: &'a str,
        arch: Option<Arch>,
    ) -> impl Iterator<Item = (&'a Arc<File<FmFileList>>, &'a Fm)> {
        let lists = self.fm_file_lists.iter().filter(move |list| {
            let of_list = Arch::of_path(list.path());
            Arch::fits(of_list, arch)
        });
        let entries = lists.flat_map(|list| list.fms.iter().map(move |fm| (list, fm)));
        entries.filter(move |(_, fm)| {
            let path = fm.path.as_ref();
            path.is_some_and(|path| written_name(&path.value).eq_ignore_ascii_case(manifest))
        })
    }

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
}

impl<'a> Facts<'a> {
    /// The registry contents of all package definitions and `.reg` files, and of built packages that nothing here
    /// defines.
    pub fn registry(&self) -> impl Iterator<Item = RegistryFile<'_>> {
        let definitions = self.packages.iter().map(|package| package.registry());
        let reg_files = self.documents.reg_files.iter();
        let reg_files = reg_files.map(|file| RegistryFile::new(&file.source, &file.registry));
        let built = self.built.iter();
        let built = built.filter(|built| self.workspace.definition_of(&built.path).is_none());
        let built = built.map(|built| built.registry_file());
        definitions.chain(reg_files).chain(built)
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

    /// What a workspace shows of one image type, `None` standing for the unknown. What belongs to no product is of the
    /// type that the user declared, or unknown.
    pub fn of(
        workspace: &'a Workspace,
        image: Option<ImageType>,
        policy: &'a [PolicyProblem],
    ) -> Self {
        let is_target = |path: &str| workspace.is_target(path);
        let is_asked = |product: &&Product| is_target(product.oem_input.path());
        // A package that was asked for is judged by the products that select it, asked for or not.
        let reach = |wanted: &dyn Fn(&Product) -> bool| -> BTreeSet<&'a str> {
            let products = workspace.products.iter().filter(|product| wanted(product));
            let paths = products.flat_map(|product| {
                let paths = product.reach.iter().map(AsRef::as_ref);
                paths.filter(move |path| is_asked(&product) || is_target(path))
            });
            paths.collect()
        };
        let of_these = reach(&|product| product.image == image);
        let of_any = reach(&|_| true);
        let belongs = |path: &str| {
            of_these.contains(path)
                || (image == workspace.declared && !of_any.contains(path) && is_target(path))
        };
        let of_image = workspace
            .products
            .iter()
            .filter(|product| product.image == image);
        let products: Vec<&Product> = of_image.filter(is_asked).collect();
        let signatures = workspace.signatures.iter();
        let signatures = signatures.filter(|signature| belongs(signature.document()));
        let built = workspace.built.iter();
        let built = built.filter(|built| belongs(&built.path));
        Self {
            image,
            packages: workspace
                .packages
                .iter()
                .map(AsRef::as_ref)
                .filter(|package| belongs(package.definition.path()))
                .collect(),
            documents: workspace.documents.filter(belongs),
            signatures: signatures.collect(),
            built: built.collect(),
            key_files: workspace
                .key_files
                .iter()
                .filter(|file| belongs(&file.path))
                .collect(),
            policy: if image.is_none() { policy } else { &[] },
            products,
            workspace,
        }
    }
}
