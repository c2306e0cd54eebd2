//! What is looked at together: the registry contents of a product, or of a document that belongs to none.

use super::registry::RegistryFile;
use super::{Facts, Product};

/// Documents whose registry contents end up in one image.
#[derive(Debug, Clone)]
pub struct RegistryScope<'a> {
    /// The product; absent for a document that belongs to none and is looked at alone.
    pub product: Option<&'a Product>,
    /// The documents, definitions of packages first, each by path.
    pub files: Vec<RegistryFile<'a>>,
}

impl<'a> Facts<'a> {
    /// The registry contents of each product of this image type, those documents included that nobody asked for, and
    /// of each document of no product.
    pub fn registry_scopes(&'a self) -> Vec<RegistryScope<'a>> {
        let mut scopes = Vec::new();
        let workspace = self.workspace;
        let products = workspace.products.iter();
        for product in products.filter(|product| product.image == self.image) {
            let packages = workspace.packages.iter().map(|package| package.registry());
            let reg_files = workspace.documents.reg_files.iter();
            let reg_files = reg_files.map(|file| RegistryFile::new(&file.source, &file.registry));
            let files = packages.chain(reg_files);
            let files = files.filter(|file| product.reach.contains(file.path()));
            scopes.push(RegistryScope {
                product: Some(product),
                files: files.collect(),
            });
        }
        for file in self.registry() {
            if !self.has_owner(file.path()) {
                scopes.push(RegistryScope {
                    product: None,
                    files: vec![file],
                });
            }
        }
        scopes
    }

    /// Whether a document belongs to a product of any image type.
    pub fn has_owner(&self, path: &str) -> bool {
        let mut products = self.workspace.products.iter();
        products.any(|product| product.reach.contains(path))
    }

    /// Whether findings about this document may be told here: it was asked for, itself or by its product.
    pub fn is_judged(&self, path: &str) -> bool {
        let mut products = self.products.iter();
        self.workspace.is_target(path) || products.any(|product| product.reach.contains(path))
    }
}
