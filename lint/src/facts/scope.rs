//! What is looked at together: the registry contents or provisioning of a product, or of a document that belongs to
//! none.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use formats::document::customizations::Customizations;
use formats::source::Spanned;

use super::registry::RegistryFile;
use super::{Definition, Facts, File, Product};

/// Documents whose registry contents end up in one image.
#[derive(Debug, Clone)]
pub struct RegistryScope<'a> {
    /// The product; absent for a document that belongs to none and is looked at alone.
    pub product: Option<&'a Product>,
    /// The documents, by path.
    pub files: Vec<RegistryFile<'a>>,
}

impl Product {
    /// The provisioning that gets into the image: that beside the definitions of its packages, and that of the product
    /// itself, unless every manifest is there and no package carries it.
    pub fn provisioning(&self) -> Vec<&Arc<File<Customizations>>> {
        let definitions = self.packages.iter();
        let definitions = definitions.filter_map(|selected| selected.package.as_ref());
        let folders: BTreeSet<&str> = definitions
            .clone()
            .map(|package| package.definition.folder())
            .collect();
        let is_unknown = !self.in_workspace || !self.manifests_complete();
        let counts = is_unknown
            || self.manifests.is_empty()
            || definitions
                .map(|package| &package.definition)
                .any(Definition::carries_product_provisioning);
        let files = self.customizations.iter();
        files
            .filter(|file| counts || folders.contains(file.folder()))
            .collect()
    }
}

impl Definition {
    /// Whether the package has a provisioning package that is built of the product's own folder: its file name begins
    /// with the variable for the product.
    fn carries_product_provisioning(&self) -> bool {
        let is_of_product = |source: &Option<Spanned<String>>| {
            let source = source.as_ref().map(|source| source.value.to_lowercase());
            source.is_some_and(|source| source.contains("$(prod)") && source.ends_with(".ppkg"))
        };
        match self {
            Self::Wm(file) => file.files.iter().any(|file| is_of_product(&file.source)),
            Self::Pkg(file) => file.files.iter().any(|file| is_of_product(&file.source)),
        }
    }
}

impl<'a> Facts<'a> {
    /// The registry contents of each product of this image type, those documents included that nobody asked for, and
    /// of each document of no product.
    pub fn registry_scopes(&self) -> &[RegistryScope<'a>] {
        self.registry_scopes.get_or_init(|| {
            let products = self.workspace.products.iter();
            let products = products.filter(|product| product.image == self.image);
            let of_products = products.map(|product| {
                let reached = product.reach.iter();
                let reached = reached.filter_map(|path| self.index.registry(path));
                RegistryScope {
                    product: Some(product),
                    files: reached.collect(),
                }
            });
            let alone = self.registry().filter(|file| !self.has_owner(file.path()));
            let alone = alone.map(|file| RegistryScope {
                product: None,
                files: vec![file],
            });
            of_products.chain(alone).collect()
        })
    }

    /// The provisioning of each product of this image type, as far as it gets into the image, and of each document of
    /// no product.
    pub fn provisioning_scopes(&self) -> Vec<Vec<&Arc<File<Customizations>>>> {
        let products = self.workspace.products.iter();
        let products = products.filter(|product| product.image == self.image);
        let alone = self.documents.customizations.iter();
        let alone = alone.filter(|file| !self.has_owner(file.path()));
        products
            .map(Product::provisioning)
            .chain(alone.map(|file| vec![file]))
            .collect()
    }

    /// The provisioning that gets into images of this type, and that of no product, each document once, as far as
    /// findings about it may be told here.
    pub fn provisioning(&self) -> Vec<&Arc<File<Customizations>>> {
        let scopes = self.provisioning_scopes().into_iter().flatten();
        let judged = scopes.filter(|file| self.is_judged(file.path()));
        let files: BTreeMap<&str, _> = judged.map(|file| (file.path(), file)).collect();
        files.into_values().collect()
    }

    /// Whether a document belongs to a product of any image type.
    pub fn has_owner(&self, path: &str) -> bool {
        self.index.owners(path).next().is_some()
    }

    /// Whether findings about this document may be told here: it was asked for, itself or by its product.
    pub fn is_judged(&self, path: &str) -> bool {
        self.workspace.is_target(path) || self.owners(path).next().is_some()
    }
}
