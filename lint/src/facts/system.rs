//! Which operating system an image is of: some rules speak about Windows 10 Mobile only, others about IoT Core only.

use formats::source::Spanned;

use super::{Facts, Product};
use crate::image::{ImageType, MANUFACTURING_OS};

/// The operating systems that images are built of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum System {
    /// Windows 10 IoT Core.
    IotCore,
    /// Windows 10 Mobile, the full phone system.
    Mobile,
    /// The manufacturing OS of Windows 10 Mobile.
    ManufacturingOs,
}

impl Product {
    /// The system, by `Product`: IoT Core says its name, and a phone's full system has no such element. Features of
    /// IoT Core and its workspace tell where the element is forgotten. `None` for any other word.
    pub fn system(&self) -> Option<System> {
        let written = self.oem_input.product.as_ref();
        let word = written.map(text).unwrap_or_default();
        if self.image == Some(ImageType::Mmos) || word == MANUFACTURING_OS.to_lowercase() {
            Some(System::ManufacturingOs)
        } else if word.contains("iot") {
            Some(System::IotCore)
        } else if word.contains("mobile") || word.contains("phone") {
            Some(System::Mobile)
        } else if !word.is_empty() {
            None
        } else if self.workspace_settings.is_some() || self.has_iot_feature() {
            Some(System::IotCore)
        } else {
            Some(System::Mobile)
        }
    }

    fn has_iot_feature(&self) -> bool {
        let mut ids = self.features().map(|feature| text(&feature.text));
        ids.any(|id| id.starts_with("iot_"))
    }
}

fn text(value: &Spanned<String>) -> String {
    value.value.trim().to_lowercase()
}

impl Facts<'_> {
    /// The systems of the products that a document belongs to. For one that belongs to no product, what the workspace
    /// is for, where that is known.
    pub fn systems_of(&self, path: &str) -> Vec<System> {
        let owners = self.index.owners(path).map(|(_, product)| product);
        let mut owners = owners.peekable();
        if owners.peek().is_some() {
            return sorted(owners.filter_map(Product::system));
        }
        if self.workspace.is_whole() {
            return vec![System::IotCore];
        }
        sorted(self.workspace.products.iter().filter_map(Product::system))
    }
}

fn sorted(systems: impl Iterator<Item = System>) -> Vec<System> {
    let mut systems: Vec<System> = systems.collect();
    systems.sort_unstable();
    systems.dedup();
    systems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{oem_input, workspace};

    fn system(body: &str) -> Option<System> {
        let workspace = workspace(&[("a/OEMInput.xml", oem_input(body))]);
        workspace.products.first().and_then(Product::system)
    }

    #[test]
    fn the_product_element_tells_and_so_does_its_absence() {
        assert_eq!(
            system("<Product>Windows 10 IoT Core</Product>"),
            Some(System::IotCore)
        );
        assert_eq!(
            system("<Product>Manufacturing OS</Product>"),
            Some(System::ManufacturingOs)
        );
        assert_eq!(
            system("<ReleaseType>Test</ReleaseType>"),
            Some(System::Mobile)
        );
        assert_eq!(
            system("<Product>Windows Phone</Product>"),
            Some(System::Mobile)
        );
        assert_eq!(system("<Product>Something</Product>"), None);
        let features = "<Features><Microsoft><Feature>IOT_EFIESP</Feature></Microsoft></Features>";
        assert_eq!(system(features), Some(System::IotCore));
    }

    #[test]
    fn a_document_of_no_product_is_of_what_the_workspace_is_for() {
        let phone = workspace(&[
            ("a/OEMInput.xml", oem_input("")),
            ("b/x.reg", String::new()),
        ]);
        let systems = |workspace| Facts::of(workspace, None, &[]).systems_of("b/x.reg");
        assert_eq!(systems(&phone), [System::Mobile]);
        let iot = workspace(&[("IoTWorkspace.xml", "<IoTWorkspace/>")]);
        assert_eq!(systems(&iot), [System::IotCore]);
        assert_eq!(systems(&workspace(&[("b/x.reg", "")])), []);
    }
}
