//! The XML of a package: component manifests, deployment manifest, `update.mum`.
//!
//! UTF-8 without a byte-order mark, lines that end in CR LF, none at the end: as finished packages have it.

use std::borrow::Cow;

use formats::document::manifest_name::ComponentIdentity;
use formats::document::package_manifest::DigestForm;
use formats::document::rewrite::escaped;

use super::{Model, ModelFile, ModelKey};
use crate::digest::DigestAlgorithm;

const NAMESPACE: &str = "urn:schemas-microsoft-com:asm.v3";
const MANIFEST: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>"#;
const MUM: &str = r#"<?xml version="1.0" encoding="utf-8"?>"#;
/// Where `update.mum` says that the catalog goes.
const CATALOG: &str =
    r"\Windows\System32\catroot\{F750E6C3-38EE-11D1-85E5-00C04FC295EE}\update.cat";

/// Name and content of a file of the package.
pub(super) type Part<'a> = (String, Cow<'a, [u8]>);

/// The manifests of a package in the order of its cabinet, between which `update.cat` is still missing: deployment,
/// `update.mum`, components.
pub(super) fn of(model: &Model) -> Vec<Part<'_>> {
    let files = model.files_component();
    let registry = model.registry_component();
    let mut components = Vec::new();
    if let Some(identity) = &files {
        components.push((identity.file_name(), files_manifest(identity, &model.files)));
    }
    if let Some(identity) = &registry {
        components.push((
            identity.file_name(),
            registry_manifest(identity, &model.keys),
        ));
    }
    let deployment = model.identity(".Deployment");
    let identities: Vec<_> = files.iter().chain(&registry).collect();
    let deployed = (
        deployment.file_name(),
        deployment_manifest(&deployment, &identities),
    );
    let listed: Vec<_> = components.iter().chain([&deployed]).collect();
    let mum = update_mum(model, &deployment, &listed);
    let parts = [deployed.clone(), ("update.mum".to_owned(), mum)];
    let parts = parts.into_iter().chain(components.iter().cloned());
    parts
        .map(|(name, text)| (name, Cow::Owned(text.into_bytes())))
        .collect()
}

/// Lines of XML, indented by their depth.
struct Lines(String);

impl Lines {
    fn new(declaration: &str) -> Self {
        Self(declaration.to_owned())
    }

    fn add(&mut self, depth: usize, line: &str) {
        self.0.push_str("\r\n");
        self.0.push_str(&"  ".repeat(depth));
        self.0.push_str(line);
    }

    fn security_of_last(&mut self) {
        self.add(1, "<trustInfo>");
        self.add(2, "<security>");
        self.add(3, "<accessControl>");
        self.add(4, "<securityDescriptorDefinitions>");
        self.add(
            5,
            r#"<securityDescriptorDefinition name="SD0" sddl="(inherit)" />"#,
        );
        self.add(4, "</securityDescriptorDefinitions>");
        self.add(3, "</accessControl>");
        self.add(2, "</security>");
        self.add(1, "</trustInfo>");
    }
}

/// A start or empty tag; `end` is `>` or ` />`.
fn tag(name: &str, attributes: &[(&str, &str)], end: &str) -> String {
    let mut text = format!("<{name}");
    for (name, value) in attributes {
        text.push_str(&format!(" {name}=\"{}\"", escaped(value)));
    }
    text + end
}

fn identity_tag(identity: &ComponentIdentity) -> String {
    let attributes = [
        ("name", identity.name.as_str()),
        ("version", &identity.version),
        ("processorArchitecture", &identity.architecture),
        ("language", &identity.language),
        ("publicKeyToken", &identity.public_key_token),
        ("versionScope", &identity.version_scope),
    ];
    tag("assemblyIdentity", &attributes, " />")
}

fn begin(identity: &ComponentIdentity) -> Lines {
    let mut lines = Lines::new(MANIFEST);
    let attributes = [("xmlns", NAMESPACE), ("manifestVersion", "1.0")];
    lines.add(0, &tag("assembly", &attributes, ">"));
    lines.add(1, &identity_tag(identity));
    lines
}

fn finish(mut lines: Lines) -> String {
    lines.add(0, "</assembly>");
    lines.0
}

fn files_manifest(identity: &ComponentIdentity, files: &[ModelFile]) -> String {
    let mut lines = begin(identity);
    for file in files {
        let attributes = [
            ("name", file.path.as_str()),
            ("destinationPath", &file.folder),
            ("attributes", "archive"),
        ];
        let digest = DigestForm::Base64.write(&DigestAlgorithm::Sha256.of(&file.bytes));
        lines.add(1, &tag("file", &attributes, ">"));
        lines.add(2, r#"<asmv2:hash xmlns:asmv2="urn:schemas-microsoft-com:asm.v2" xmlns:dsig="http://www.w3.org/2000/09/xmldsig#">"#);
        lines.add(3, "<dsig:Transforms>");
        lines.add(
            4,
            r#"<dsig:Transform Algorithm="urn:schemas-microsoft-com:HashTransforms.Identity" />"#,
        );
        lines.add(3, "</dsig:Transforms>");
        lines.add(
            3,
            r#"<dsig:DigestMethod Algorithm="http://www.w3.org/2000/09/xmldsig#sha256" />"#,
        );
        lines.add(3, &format!("<dsig:DigestValue>{digest}</dsig:DigestValue>"));
        lines.add(2, "</asmv2:hash>");
        lines.add(2, r#"<securityDescriptor name="SD0" />"#);
        lines.add(1, "</file>");
    }
    lines.security_of_last();
    finish(lines)
}

fn registry_manifest(identity: &ComponentIdentity, keys: &[ModelKey]) -> String {
    let mut lines = begin(identity);
    lines.add(1, "<registryKeys>");
    for key in keys {
        lines.add(2, &tag("registryKey", &[("keyName", &key.key)], ">"));
        for value in &key.values {
            let attributes = [
                ("name", value.name.as_str()),
                ("value", &value.data),
                ("valueType", value.kind),
                ("mutable", "true"),
            ];
            lines.add(3, &tag("registryValue", &attributes, " />"));
        }
        lines.add(3, r#"<securityDescriptor name="SD0" />"#);
        lines.add(2, "</registryKey>");
    }
    lines.add(1, "</registryKeys>");
    lines.security_of_last();
    finish(lines)
}

fn deployment_manifest(identity: &ComponentIdentity, components: &[&ComponentIdentity]) -> String {
    let mut lines = begin(identity);
    lines.add(1, "<deployment />");
    for component in components {
        lines.add(1, "<dependency>");
        lines.add(2, r#"<dependentAssembly dependencyType="install">"#);
        lines.add(3, &identity_tag(component));
        lines.add(2, "</dependentAssembly>");
        lines.add(1, "</dependency>");
    }
    finish(lines)
}

fn file_tag(name: &str, size: usize, cabinet_path: &str, hash: Option<&str>) -> String {
    let size = size.to_string();
    let mut attributes = vec![
        ("name", name),
        ("size", &size),
        ("staged", &size),
        ("compressed", &size),
        ("cabpath", cabinet_path),
    ];
    attributes.extend(hash.map(|hash| ("hash", hash)));
    tag("file", &attributes, " />")
}

fn update_mum(
    model: &Model,
    deployment: &ComponentIdentity,
    manifests: &[&(String, String)],
) -> String {
    let mut lines = Lines::new(MUM);
    let assembly = [
        ("xmlns", NAMESPACE),
        ("manifestVersion", "1.0"),
        ("displayName", "default"),
        ("company", model.owner.as_str()),
        ("copyright", &model.owner),
    ];
    lines.add(0, &tag("assembly", &assembly, ">"));
    let identity = [
        ("name", model.name.as_str()),
        ("version", &model.version),
        ("language", "neutral"),
        ("processorArchitecture", &model.architecture),
        ("publicKeyToken", super::OEM_TOKEN),
        ("buildType", "release"),
    ];
    lines.add(1, &tag("assemblyIdentity", &identity, " />"));
    let is_binary = if model.is_binary_partition {
        "true"
    } else {
        "false"
    };
    let package = [
        ("identifier", model.name.as_str()),
        ("releaseType", "Feature Pack"),
        ("restart", "possible"),
        ("targetPartition", &model.partition),
        ("binaryPartition", is_binary),
    ];
    lines.add(1, &tag("package", &package, ">"));
    lines.add(2, "<customInformation>");
    let phone = [
        ("phoneRelease", model.release_type.as_str()),
        ("phoneOwnerType", &model.owner_type),
        ("phoneOwner", &model.owner),
        ("phoneComponent", &model.component),
        ("phoneSubComponent", &model.sub_component),
        ("phoneGroupingKey", ""),
    ];
    lines.add(3, &tag("phoneInformation", &phone, " />"));
    // Neither can state its own size, nor that of the catalog, which hashes it.
    lines.add(3, &file_tag(r"\update.mum", 0, "update.mum", None));
    lines.add(3, &file_tag(CATALOG, 0, "update.cat", None));
    let folder = model.identity("0").key_form();
    for file in &model.files {
        let hash = DigestForm::UpperHex.write(&DigestAlgorithm::Sha256.of(&file.bytes));
        let name = format!("{}{}", file.folder, file.name());
        let cabinet_path = format!("{folder}\\{}", file.path);
        let line = file_tag(&name, file.bytes.len(), &cabinet_path, Some(&hash));
        lines.add(3, &line);
    }
    for (name, text) in manifests {
        lines.add(3, &file_tag(name, text.len(), name, None));
    }
    lines.add(2, "</customInformation>");
    lines.add(
        2,
        &tag("update", &[("name", &model.name.replace('.', "_"))], ">"),
    );
    lines.add(3, "<component>");
    lines.add(4, &identity_tag(deployment));
    lines.add(3, "</component>");
    lines.add(2, "</update>");
    lines.add(1, "</package>");
    finish(lines)
}
