//! What is in a built package, said and not packed.

use std::sync::Arc;

use formats::document::package_manifest::{ManifestKey, ManifestKind, ManifestValue, ServiceData};

use super::workspace_with;
use crate::facts::Workspace;
use crate::facts::built::BuiltPackage;
use crate::facts::contents::{Component, Content, Contents, Member};
use crate::image::ImageType;
use crate::resolve::ResolveOptions;

/// A component of services, each of attributes, and of numbers in the registry: key, name and value.
pub(crate) fn component(services: &[&[(&str, &str)]], values: &[(&str, &str, &str)]) -> Component {
    let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let services = services.iter();
    let values = values.iter().map(|(key, name, data)| ManifestKey {
        name: (*key).to_owned(),
        values: vec![ManifestValue {
            name: (*name).to_owned(),
            kind: Some("REG_DWORD".to_owned()),
            data: (*data).to_owned(),
        }],
    });
    Component {
        manifest: "a.manifest".to_owned(),
        registry: values.collect(),
        services: services
            .map(|attributes| ServiceData(attributes.iter().map(pair).collect()))
            .collect(),
    }
}

/// A built package `a.cab` that nothing defines, of an image that the user says: this component and a file `a.exe`.
pub(crate) fn built(kind: ManifestKind, component: Component, image: ImageType) -> Workspace {
    let options = ResolveOptions {
        image: Some(image),
        ..ResolveOptions::default()
    };
    let mut workspace = workspace_with(&[("a.cab", "")], &options);
    let contents = Contents {
        kind: Some(kind),
        components: vec![component],
        members: vec![Member {
            path: "x/a.exe".to_owned(),
            size: 0,
            sha256: String::new(),
            content: Content::Image { machine: 0x1c4 },
            signatures: Vec::new(),
            unreadable: None,
        }],
        ..Contents::default()
    };
    workspace
        .built
        .push(BuiltPackage::new("a.cab", Arc::new(contents)));
    workspace
}
