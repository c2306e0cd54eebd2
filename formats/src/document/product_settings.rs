//! `<Product>Settings.xml`: architecture, board and system identity of a product.

use super::error::DocumentError;
use super::parts::{Comment, Root, Unexpected, UnexpectedKind};
use super::reader::{self, Element, Reader, Slot};
use crate::source::{Source, Span, Spanned};

/// Name of the root element, in no namespace.
pub const ROOT: &str = "IoTProductSettings";

/// The settings of a product.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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

/// `SMBIOS`: texts of at most 64 characters that the firmware must report alike. Blanks around them are kept.
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

impl ProductSettings {
    /// Reads the settings of a product. A wrong root is read like the right one.
    ///
    /// # Errors
    /// Text that is not well-formed XML, or is beyond the limits of [`super::xml`].
    pub fn parse(source: &Source) -> Result<Self, DocumentError> {
        reader::read(source, |mut reader| {
            let root = reader.root();
            reader.known_attributes(&root, &[]);
            let mut settings = Self {
                root: reader.root_value(),
                ..Self::default()
            };
            let slots = &mut [
                ("Name", Slot::Value(&mut settings.name)),
                ("Arch", Slot::Value(&mut settings.arch)),
                ("BSP", Slot::Value(&mut settings.bsp)),
            ];
            for child in reader.fill(&root, slots) {
                match child.name() {
                    "SMBIOS" if settings.smbios.element.is_some() => {
                        reader.note(UnexpectedKind::Repeated, &child, &root);
                    }
                    "SMBIOS" => settings.smbios.read(&mut reader, &child),
                    "BuildConfig" => {
                        let mut bsp_pkg_dir = None;
                        let slots = &mut [("BSPPkgDir", Slot::Value(&mut bsp_pkg_dir))];
                        for other in reader.fill(&child, slots) {
                            reader.unexpected(&other, &child);
                        }
                        reader.known_attributes(&child, &["Name"]);
                        settings.build_configs.push(BuildConfig {
                            name: reader.attribute(&child, "Name"),
                            bsp_pkg_dir,
                            element: child.span(),
                        });
                    }
                    _ => reader.unexpected(&child, &root),
                }
            }
            (settings.comments, settings.unexpected) = reader.finish();
            settings
        })
    }
}

impl Smbios {
    /// The texts that are there, with the names of their elements.
    pub fn texts(&self) -> impl Iterator<Item = (&'static str, &Spanned<String>)> {
        let texts = [
            ("Manufacturer", &self.manufacturer),
            ("Family", &self.family),
            ("ProductName", &self.product_name),
            ("SKUNumber", &self.sku_number),
            ("BaseboardManufacturer", &self.baseboard_manufacturer),
            ("BaseboardProduct", &self.baseboard_product),
        ];
        let there = texts.into_iter();
        there.filter_map(|(name, text)| Some((name, text.as_ref()?)))
    }

    fn read<'a>(&mut self, reader: &mut Reader<'a>, element: &Element<'a>) {
        self.element = Some(element.span());
        for child in reader.children(element) {
            let slot = match child.name() {
                "Manufacturer" => &mut self.manufacturer,
                "Family" => &mut self.family,
                "ProductName" => &mut self.product_name,
                "SKUNumber" => &mut self.sku_number,
                "BaseboardManufacturer" => &mut self.baseboard_manufacturer,
                "BaseboardProduct" => &mut self.baseboard_product,
                _ => {
                    reader.unexpected(&child, element);
                    continue;
                }
            };
            if slot.is_some() {
                reader.note(UnexpectedKind::Repeated, &child, element);
            } else {
                *slot = Some(reader.text_with_blanks(child.node));
            }
        }
    }
}
