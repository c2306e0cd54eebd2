//! The documents that an image was made of and keeps: its configuration, manifests, layout and platform.

use formats::document::{self, Document};

use super::volume::{Found, Reader, Volumes};
use crate::facts::Workspace;
use crate::facts::full_flash::FinishedImage;
use crate::read::{Documented, LONGEST};
use crate::resolve::{ResolveOptions, TooMany, resolve};

/// Where the system keeps them.
const FOLDER: &str = "windows/imageupdate/";
/// The partition of the system itself; others keep copies of their own.
const SYSTEM: &str = "mainos:";

/// Reads the documents, and finds out what they say together.
pub(super) fn read(
    volumes: &Volumes<'_>,
    found: &[Found],
    options: &ResolveOptions,
    image: &mut FinishedImage,
) -> Result<Workspace, TooMany> {
    let mut documented = Documented {
        workspace: Workspace {
            root: image.path.clone(),
            targets: [image.path.clone()].into_iter().collect(),
            ..Workspace::default()
        },
        definitions: Vec::new(),
    };
    let mut reader = Reader(volumes.open());
    let kept = found.iter().filter(|file| {
        let path = file.path();
        let is_system = file.at.to_lowercase().starts_with(SYSTEM);
        is_system && path.starts_with(FOLDER) && path.ends_with(".xml")
    });
    for file in kept {
        let name = image.file(&file.at);
        match reader.read(file, LONGEST as u64) {
            Ok(bytes) => {
                let recognised = document::recognise(&name, &bytes);
                let is_input = match &recognised.outcome {
                    Ok(document) => is_input(document),
                    Err(_) => true,
                };
                if is_input {
                    documented.workspace.tree.insert(&name, file.length);
                    documented.put(recognised);
                }
            }
            Err(unread) => image.unread.push(unread),
        }
    }
    let mut workspace = resolve(documented, options)?;
    // Without packages around it nothing can be said about what the manifests lack.
    for product in &mut workspace.products {
        product.in_workspace = false;
        product.name = crate::files::name_of(&image.path).to_owned();
    }
    Ok(workspace)
}

fn is_input(document: &Document) -> bool {
    matches!(
        document,
        Document::OemInput(_)
            | Document::FeatureManifest(_)
            | Document::DeviceLayout(_)
            | Document::OemDevicePlatform(_)
    )
}
