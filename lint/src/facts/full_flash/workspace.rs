//! A finished image against the workspace that it is said to be built from.

use std::collections::BTreeSet;

use formats::document::oem_input::OemInput;
use formats::source::Spanned;

use super::FinishedImage;
use super::packages::is_same_name;
use crate::diagnostic::Place;
use crate::facts::shared::listed;
use crate::facts::{Product, Workspace};
use crate::files::written_name;

/// What an image, its configuration and a product of the workspace have to say to each other.
pub struct Comparison<'a> {
    image: &'a FinishedImage,
    /// The configuration in the image.
    finished: &'a Product,
    /// The product of the workspace that is most like it.
    product: &'a Product,
    workspace: &'a Workspace,
}

/// Something that differs.
#[derive(Debug, Clone)]
pub struct Difference {
    /// Where in the image.
    pub place: Place,
    /// What differs.
    pub message: String,
    /// Where in the workspace, and what stands there.
    pub related: Vec<(Place, String)>,
}

type Get = fn(&OemInput) -> Option<&Spanned<String>>;

/// The values of a configuration that are compared.
const VALUES: [(&str, Get); 6] = [
    ("SOC", |input| input.soc.as_ref()),
    ("SV", |input| input.sv.as_ref()),
    ("Device", |input| input.device.as_ref()),
    ("ReleaseType", |input| input.release_type.as_ref()),
    ("BuildType", |input| input.build_type.as_ref()),
    ("Product", |input| input.product.as_ref()),
];

fn text(value: Option<&Spanned<String>>) -> &str {
    value.map_or("", |value| value.value.trim())
}

fn features(product: &Product) -> BTreeSet<String> {
    let features = product.features();
    features
        .map(|feature| feature.text.value.trim().to_lowercase())
        .collect()
}

impl<'a> Comparison<'a> {
    /// Compares an image with the product of its type that is most like it.
    pub fn of(
        image: &'a FinishedImage,
        finished: &'a Product,
        workspace: &'a Workspace,
    ) -> Option<Self> {
        let products = workspace.products.iter();
        let of_type = products.filter(|product| product.image == finished.image);
        let own = features(finished);
        let likeness = |product: &&Product| {
            let values = VALUES.iter().filter(|(_, get)| {
                text(get(&product.oem_input)).eq_ignore_ascii_case(text(get(&finished.oem_input)))
            });
            let common = features(product).intersection(&own).count();
            (values.count(), common)
        };
        // Of several that are alike, the first counts.
        let product = of_type.rev().max_by_key(likeness)?;
        Some(Self {
            image,
            finished,
            product,
            workspace,
        })
    }

    /// Everything that differs.
    pub fn differences(&self) -> Vec<Difference> {
        let mut found = self.values();
        found.extend(self.lists());
        found.extend(self.packages());
        found.extend(self.builds());
        found
    }

    fn values(&self) -> Vec<Difference> {
        let (there, here) = (&self.finished.oem_input, &self.product.oem_input);
        let differing = VALUES.iter().filter_map(|(name, get)| {
            let (found, wanted) = (get(there), get(here));
            if text(found).eq_ignore_ascii_case(text(wanted)) {
                return None;
            }
            let route = format!("OEMInput/{name}");
            let related = wanted.map(|value| {
                (
                    here.value(value, route.as_str()),
                    "in the workspace".to_owned(),
                )
            });
            Some(Difference {
                place: found.map_or_else(
                    || there.root_place(),
                    |value| there.value(value, route.as_str()),
                ),
                message: format!(
                    "`{name}` is `{}`, the workspace has `{}`",
                    text(found),
                    text(wanted)
                ),
                related: related.into_iter().collect(),
            })
        });
        differing.collect()
    }

    /// Features and manifests that only one of both has.
    fn lists(&self) -> Vec<Difference> {
        let features = |product: &'a Product| -> Vec<&'a str> {
            product
                .features()
                .map(|feature| feature.text.value.trim())
                .collect()
        };
        let manifests = |product: &'a Product| -> Vec<&'a str> {
            product
                .manifests
                .iter()
                .map(|manifest| manifest.name())
                .collect()
        };
        let mut found = Vec::new();
        for (what, there, here) in [
            ("features", features(self.finished), features(self.product)),
            (
                "manifests",
                manifests(self.finished),
                manifests(self.product),
            ),
        ] {
            for (one, other, says) in [
                (&there, &here, "of the image and not of the product"),
                (&here, &there, "of the product and not of the image"),
            ] {
                let only = one
                    .iter()
                    .filter(|name| !other.iter().any(|known| is_same_name(known, name)));
                let names = only.map(|name| format!("`{name}`"));
                if let Some(names) = listed(names) {
                    found.push(Difference {
                        place: self.finished.oem_input.root_place(),
                        message: format!("{what} {says}: {names}"),
                        related: vec![(
                            self.product.oem_input.root_place(),
                            "the product".to_owned(),
                        )],
                    });
                }
            }
        }
        found
    }

    /// Packages that only one of both has. Microsoft's own are in the imaging kit, which the workspace does not have.
    fn packages(&self) -> Vec<Difference> {
        let stem = |file_name: &str| -> String {
            let name = written_name(file_name).to_lowercase();
            let ends = [".cab", ".spkg"];
            let stem = ends.iter().find_map(|end| name.strip_suffix(end));
            stem.unwrap_or(&name).to_owned()
        };
        let is_known = |name: &str| !name.is_empty() && !name.contains('%');
        let mut found = Vec::new();
        for selected in &self.product.packages {
            let name = stem(&selected.file_name);
            let is_here = selected.package.is_some() || selected.cab.is_some();
            let mut installed = self.image.installed.iter();
            if is_here
                && is_known(&name)
                && !installed.any(|package| is_same_name(package.name(), &name))
            {
                let shown = written_name(&selected.file_name);
                let shown = shown.rsplit_once('.').map_or(shown, |(stem, _)| stem);
                found.push(Difference {
                    place: self.image.place("MainOS:Windows/servicing/Packages", ""),
                    message: format!(
                        "`{shown}` is taken in by the product, and is not in the image"
                    ),
                    related: vec![(selected.place(), "this takes it in".to_owned())],
                });
            }
        }
        let names: BTreeSet<String> = self
            .product
            .packages
            .iter()
            .map(|selected| stem(&selected.file_name))
            .collect();
        for package in self
            .image
            .installed
            .iter()
            .filter(|package| !package.is_of_microsoft())
        {
            if !names.contains(&package.name().to_lowercase()) {
                found.push(Difference {
                    place: self.image.place(&package.at, "identity"),
                    message: format!(
                        "`{}` is in the image, and the product does not take it in",
                        package.name()
                    ),
                    related: Vec::new(),
                });
            }
        }
        found
    }

    /// Packages that were built anew.
    fn builds(&self) -> Vec<Difference> {
        let mut found = Vec::new();
        for built in &self.workspace.built {
            let contents = &built.contents;
            let name = contents
                .identity
                .name
                .as_deref()
                .unwrap_or_else(|| built.name());
            let mut installed = self.image.installed.iter();
            let Some(package) = installed.find(|package| is_same_name(package.name(), name)) else {
                continue;
            };
            let (there, here) = (&package.identity.version, &contents.identity.version);
            let manifest = contents.members.iter().find(|member| {
                matches!(
                    member.path.to_ascii_lowercase().as_str(),
                    "update.mum" | "man.dsm.xml"
                )
            });
            let message = match (there, here) {
                (Some(there), Some(here)) if there != here => {
                    format!("`{name}` is in the image in version {there}, the workspace has {here}")
                }
                _ if manifest.is_some_and(|manifest| {
                    !manifest.sha256.eq_ignore_ascii_case(&package.sha256)
                }) =>
                {
                    format!(
                        "`{name}` is in the image as another build than in the workspace, of the same version"
                    )
                }
                _ => continue,
            };
            found.push(Difference {
                place: self.image.place(&package.at, "identity"),
                message,
                related: vec![(built.place(""), "the package of the workspace".to_owned())],
            });
        }
        found
    }
}
