//! Policies and secure-boot variables in an image.

use formats::signed_data::SignedData;
use signer::anchor::Anchors;

use super::volume::{Found, Reader, Volumes};
use crate::facts::full_flash::security::{BootPolicy, BootSigner, ImagePolicy};
use crate::facts::full_flash::{FinishedImage, Unread};
use crate::security::{LARGEST, chain_of, policy_in, variable_in};

/// Where Windows looks for a code-integrity policy, in this order.
const POLICIES: [&str; 2] = [
    "efi/microsoft/boot/sipolicy.p7b",
    "windows/system32/codeintegrity/sipolicy.p7b",
];
/// The folder of the boot loader.
const BOOT: &str = "efi/microsoft/boot/";

/// Reads what decides.
pub(super) fn read(
    volumes: &Volumes<'_>,
    found: &[Found],
    anchors: &Anchors,
    image: &mut FinishedImage,
) {
    let mut reader = Reader(volumes.open());
    let mut read = |file: &Found, unread: &mut Vec<Unread>| {
        let bytes = reader.read(file, LARGEST);
        bytes.map_err(|error| unread.push(error)).ok()
    };
    for wanted in POLICIES {
        for file in found.iter().filter(|file| file.path() == wanted) {
            let Some(bytes) = read(file, &mut image.unread) else {
                continue;
            };
            match policy_in(&bytes, &file.at) {
                Some(content) => image.security.policies.push(ImagePolicy {
                    at: file.at.clone(),
                    content,
                }),
                None => image.unread.push(Unread {
                    at: file.at.clone(),
                    problem: "it is no code-integrity policy".to_owned(),
                    offset: None,
                }),
            }
        }
    }
    for file in found {
        let path = file.path();
        if is_boot_policy(&path) {
            if let Some(bytes) = read(file, &mut image.unread) {
                image.security.boot_policies.push(BootPolicy {
                    at: file.at.clone(),
                    signer: signer(&bytes, anchors),
                });
            }
        } else if is_variable(&path)
            && let Some(bytes) = read(file, &mut image.unread)
        {
            match variable_in(&bytes, &file.at) {
                Some(Ok(variable)) => image.security.variables.push((file.at.clone(), *variable)),
                Some(Err(problem)) => image.unread.push(Unread {
                    at: file.at.clone(),
                    problem,
                    offset: None,
                }),
                None => {}
            }
        }
    }
}

fn is_boot_policy(path: &str) -> bool {
    let Some(name) = path.strip_prefix(BOOT) else {
        return false;
    };
    let is_of_folder = name.starts_with("policies/") && name.ends_with(".p7b");
    is_of_folder || name.starts_with("securebootpolicy") && name.ends_with(".p7b")
}

fn is_variable(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.starts_with("setvariable_") && name.ends_with(".bin")
}

/// Who signed a policy of secure boot, whatever stands in it.
fn signer(bytes: &[u8], anchors: &Anchors) -> Result<BootSigner, String> {
    let signed_data = SignedData::read(bytes, 0).map_err(|error| error.to_string())?;
    let chain = chain_of(&signed_data, anchors);
    let chain = chain.ok_or("the signer's certificate is not in it")?;
    let leaf = chain.certificates.first().cloned();
    let leaf = leaf.ok_or("the signer's certificate is not in it")?;
    Ok((Box::new(leaf), chain.anchor().cloned()))
}
