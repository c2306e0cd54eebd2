//! Finished images for rule tests, made of facts alone. What is read of real files, the fixtures show.

use std::sync::Arc;

use formats::boot_configuration::setting::Setting;
use formats::boot_configuration::{Element, ElementValue, GLOBAL_SETTINGS, Object, Store};
use formats::container::si_policy::{Policy, PolicyOption};
use formats::document::package_manifest::PackageIdentity;
use formats::document::update_history::UpdateHistory;
use formats::registry_hive::{Data, ValueType};
use formats::source::{Source, Span, Spanned};
use signer::anchor::TrustClass;
use signer::full_flash::FullFlashVerification;
use signer::verify::{Outcome, SignatureReport};

use super::{run, signed};
use crate::facts::Workspace;
use crate::facts::full_flash::code::{Code, ImageCode};
use crate::facts::full_flash::packages::{InstalledPackage, RecordedPackages};
use crate::facts::full_flash::registry::{BootStore, HiveKey, HiveValue};
use crate::facts::full_flash::security::ImagePolicy;
use crate::facts::full_flash::{FinishedImage, Unread};
use crate::facts::security::{PolicyContent, ReadPolicy};
use crate::facts::signature::State;
use crate::image::ImageType;

/// An image with nothing in it.
pub(crate) fn image() -> FinishedImage {
    FinishedImage {
        path: "Flash.ffu".to_owned(),
        partitions: vec!["EFIESP".to_owned(), "MainOS".to_owned()],
        ..FinishedImage::default()
    }
}

/// The findings of one rule in an image of this type.
pub(crate) fn lint_image(rule: &str, image: FinishedImage, of: ImageType) -> Vec<String> {
    let sources = image.recorded.iter();
    let workspace = Workspace {
        sources: sources.map(|recorded| recorded.source.clone()).collect(),
        root: image.path.clone(),
        targets: [image.path.clone()].into_iter().collect(),
        declared: Some(of),
        finished: Some(Arc::new(image)),
        ..Workspace::default()
    };
    run(rule, &workspace)
}

/// A file that nobody signed.
pub(crate) fn code(at: &str) -> Code {
    Code {
        at: at.to_owned(),
        kind: ImageCode::of(at),
        ..Code::default()
    }
}

/// A signature whose chain ends at an anchor of this class.
pub(crate) fn signature(class: TrustClass) -> SignatureReport {
    match signed("a.cab", class).state {
        State::Signed(report) => *report,
        State::Unsigned | State::Unreadable(_) => panic!("it is signed"),
    }
}

/// An image with one file of one signature.
pub(crate) fn signed_by(at: &str, class: TrustClass) -> FinishedImage {
    let mut code = code(at);
    code.signers = vec![0];
    FinishedImage {
        code: vec![code],
        signers: vec![signature(class)],
        ..image()
    }
}

/// A package that is there.
pub(crate) fn installed(name: &str, version: &str, release_type: &str) -> InstalledPackage {
    InstalledPackage {
        at: format!("MainOS:Windows/servicing/Packages/{name}.mum"),
        identity: PackageIdentity {
            name: Some(name.to_owned()),
            version: Some(version.to_owned()),
            release_type: Some(release_type.to_owned()),
            owner_type: Some("OEM".to_owned()),
            ..PackageIdentity::default()
        },
        sha256: String::new(),
    }
}

/// A record of packages: name, version, release type.
pub(crate) fn recorded(packages: &[(&str, &str, &str)]) -> RecordedPackages {
    let packages = packages.iter().map(|(name, version, release_type)| {
        format!(
            "\n<Package><PackageIdentity>{name}~~arm~~{version}</PackageIdentity><ReleaseType>{release_type}</ReleaseType>\
             <OwnerType>OEM</OwnerType><Partition>MainOS</Partition></Package>"
        )
    });
    let packages: String = packages.collect();
    let text = format!("<UpdateHistory>{packages}</UpdateHistory>");
    let name = "Flash.ffu/MainOS:Windows/ImageUpdate/UpdateHistory.xml";
    let source = Source::new(name, text, 0);
    RecordedPackages {
        history: UpdateHistory::parse(&source).unwrap(),
        source: Arc::new(source),
    }
}

/// A part that could not be read.
pub(crate) fn unread(at: &str, problem: &str) -> Unread {
    Unread {
        at: at.to_owned(),
        problem: problem.to_owned(),
        offset: None,
    }
}

/// What is found of an image in which every link holds and nobody signed.
pub(crate) fn intact() -> FullFlashVerification {
    FullFlashVerification {
        structure: Outcome::Passed,
        catalog: None,
        hash_table: Outcome::Passed,
        hash_table_algorithm: None,
        chunks: Outcome::Passed,
        report: Default::default(),
        faults: Vec::new(),
    }
}

/// A signed policy on the boot partition with these options.
pub(crate) fn policy(policy: Policy, options: u32) -> ImagePolicy {
    let bits = (0..32).map(|bit| 1 << bit).filter(|bit| options & bit != 0);
    let options = bits.map(|bit| Spanned {
        value: PolicyOption(bit),
        span: Span::default(),
    });
    let policy = Policy {
        options: options.collect(),
        ..policy
    };
    let signer = Some(Vec::new());
    ImagePolicy {
        at: "EFIESP:EFI/Microsoft/Boot/SIPolicy.p7b".to_owned(),
        content: PolicyContent {
            digest: Vec::new(),
            read: Ok(Box::new(ReadPolicy { policy, signer })),
        },
    }
}

/// The findings of one rule in an image with a configuration and a manifest: its entry, the features that are chosen, the
/// package that is there.
pub(crate) fn lint_with_manifest(
    rule: &str,
    release_type: &str,
    entry: &str,
    features: &str,
    package: &str,
) -> Vec<String> {
    let input = super::oem_input(&format!(
        "<ReleaseType>{release_type}</ReleaseType><Features><Microsoft>{features}</Microsoft></Features>"
    ));
    let manifest = super::feature_manifest(&format!(
        "<Features><Microsoft>{entry}</Microsoft></Features>"
    ));
    let mut workspace = super::workspace(&[("OEMInput.xml", input), ("IoTUAPFM.xml", manifest)]);
    let mut image = image();
    image.installed = vec![installed(package, "1.0.0.0", "Production")];
    workspace.finished = Some(Arc::new(image));
    run(rule, &workspace)
}

/// A key of a hive of the system, such as SOFTWARE.
pub(crate) fn key(hive: &str, path: &str, values: &[(&str, Data)]) -> HiveKey {
    let values = values.iter().map(|(name, data)| HiveValue {
        name: (*name).to_owned(),
        data: data.clone(),
    });
    HiveKey {
        at: format!("MainOS:Windows/System32/config/{hive}"),
        path: path.to_owned(),
        values: values.collect(),
    }
}

/// A `REG_DWORD`.
pub(crate) fn dword(value: u32) -> Data {
    Data {
        kind: ValueType::Dword,
        bytes: value.to_le_bytes().to_vec(),
    }
}

/// A `REG_SZ`.
pub(crate) fn text(value: &str) -> Data {
    Data {
        kind: ValueType::Sz,
        bytes: value.encode_utf16().flat_map(u16::to_le_bytes).collect(),
    }
}

/// A boot store whose global settings have one switch.
pub(crate) fn boot_store(setting: Setting, on: bool) -> BootStore {
    store(setting, ElementValue::Boolean(on))
}

/// A boot store whose global settings have one text.
pub(crate) fn boot_text(setting: Setting, text: &str) -> BootStore {
    store(setting, ElementValue::Text(text.to_owned()))
}

fn store(setting: Setting, value: ElementValue) -> BootStore {
    let element = Element {
        number: setting.number,
        value,
        offset: 0,
    };
    let object = Object {
        id: GLOBAL_SETTINGS,
        kind: 0x2010_0000,
        elements: vec![element],
        offset: 0,
    };
    BootStore {
        at: "EFIESP:EFI/Microsoft/Boot/BCD".to_owned(),
        store: Store {
            objects: vec![object],
            faults: Vec::new(),
        },
    }
}
