//! `<Product>Settings.xml`: architecture, board and system identity of a product.

use super::parts::{Comment, Root, Unexpected};
use crate::source::{Span, Spanned};

/// Name of the root element, in no namespace.
pub const ROOT: &str = "IoTProductSettings";

/// The settings of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductSettings {
    /// The root.
    pub root: Root,
    /// `Name`.
    pub name: Option<Spanned<String>>,
    /// `Arch`: `arm`, `arm64`, `x64` or `x86`.
    pub arch: Option<Spanned<String>>,
    /// `BSP`.
    pub bsp: Option<Spanned<String>>,
    /// `SMBIOS`.
    pub smbios: Smbios,
    /// `BuildConfig`.
    pub build_configs: Vec<BuildConfig>,
    /// All comments in order.
    pub comments: Vec<Comment>,
    /// What the schema does not have.
    pub unexpected: Vec<Unexpected>,
}

/// `SMBIOS`: texts of at most 64 characters that the firmware must report alike.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Smbios {
    /// The whole element, absent when there is none.
    pub element: Option<Span>,
    /// `Manufacturer`.
    pub manufacturer: Option<Spanned<String>>,
    /// `Family`.
    pub family: Option<Spanned<String>>,
    /// `ProductName`.
    pub product_name: Option<Spanned<String>>,
    /// `SKUNumber`.
    pub sku_number: Option<Spanned<String>>,
    /// `BaseboardManufacturer`.
    pub baseboard_manufacturer: Option<Spanned<String>>,
    /// `BaseboardProduct`.
    pub baseboard_product: Option<Spanned<String>>,
}

/// One `BuildConfig`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildConfig {
    /// `@Name`: `Test` or `Retail`.
    pub name: Option<Spanned<String>>,
    /// `BSPPkgDir`.
    pub bsp_pkg_dir: Option<Spanned<String>>,
    /// The whole element.
    pub element: Span,
}
