//! The paths that documents name, as they are written.

use formats::document::parts::Attribute;
use formats::source::{Source, Span, Spanned};

use super::{Definition, Facts};
use crate::diagnostic::Place;
use crate::lists::VariableUse;

/// A path or file name in a document.
#[derive(Debug, Clone)]
pub struct WrittenPath<'a> {
    /// As it is written.
    pub text: &'a str,
    /// Where it stands.
    pub place: Place,
    /// Which variables it may use.
    pub variables: VariableUse,
}

/// The paths of image inputs, manifests, lists of manifests and `*.wm.xml` files: what is read when an image or a package
/// is built, not where files end up on the device.
pub fn paths<'a>(facts: &'a Facts<'_>) -> Vec<WrittenPath<'a>> {
    let mut found = Vec::new();
    for product in &facts.products {
        let input = &product.oem_input;
        let items = input.additional_fms.items.iter();
        for item in items.chain(&input.package_files.items) {
            let text = item.text.value.as_str();
            found.push(of_input(
                &input.source,
                text,
                item.text.span,
                item.route.clone(),
            ));
        }
    }
    for manifest in &facts.documents.manifests {
        for entry in &manifest.packages {
            for (value, name) in [(&entry.path, "Path"), (&entry.name, "Name")] {
                let Some(value) = value else { continue };
                let route = format!("{}/@{name}", entry.route);
                found.push(of_input(&manifest.source, &value.value, value.span, route));
            }
        }
    }
    for list in &facts.documents.fm_file_lists {
        for fm in &list.fms {
            let Some(path) = &fm.path else { continue };
            let route = format!("{}/@Path", fm.route);
            found.push(of_input(&list.source, &path.value, path.span, route));
        }
    }
    for package in &facts.packages {
        found.extend(of_package(&package.definition));
    }
    found
}

fn of_input<'a>(source: &Source, text: &'a str, span: Span, route: String) -> WrittenPath<'a> {
    WrittenPath {
        text,
        place: Place::text(source, span, route),
        variables: VariableUse::Input,
    }
}

fn of_package(definition: &Definition) -> Vec<WrittenPath<'_>> {
    let Definition::Wm(file) = definition else {
        return Vec::new();
    };
    let files = file.files.iter();
    let files = files.map(|file| (file.source.as_ref(), format!("{}/@source", file.route)));
    let drivers = file.drivers.iter();
    let drivers = drivers.map(|driver| {
        (
            driver.inf_source.as_ref(),
            format!("{}/inf/@source", driver.route),
        )
    });
    let stores = file.bcd_stores.iter();
    let stores =
        stores.map(|Attribute { value, .. }| (Some(value), "identity/bcdStore/@source".to_owned()));
    let named = files.chain(drivers).chain(stores);
    let paths = named.filter_map(|(value, route): (Option<&Spanned<String>>, String)| {
        let value = value?;
        Some(WrittenPath {
            text: &value.value,
            place: file.value(value, route),
            variables: VariableUse::Package,
        })
    });
    paths.collect()
}
