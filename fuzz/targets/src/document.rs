//! Documents of every kind: the first byte chooses the name that the rest is read under.

use formats::document::package_manifest::{ManifestKind, PackageManifest};
use formats::document::variables::{Variables, references};
use formats::document::{Document, Recognised, command_script, decode, is_payload, recognise};
use formats::source::{Source, Span};

/// The names, one per parser. New ones go to the end, because the corpus counts them.
const NAMES: &[&str] = &[
    "OEMInput.xml",
    "OEMFM.xml",
    "OEMFMFileList.xml",
    "a.wm.xml",
    "a.pkg.xml",
    "a.reg",
    "customizations.xml",
    "ProductSettings.xml",
    "IoTWorkspace.xml",
    "DeviceLayout.xml",
    "OEMDevicePlatform.xml",
    "a.BCD.xml",
    "a.inf",
    "a.cmd",
    "update.mum",
    "a.manifest",
    "man.dsm.xml",
];

pub(crate) fn run(input: &[u8]) {
    let Some((selector, body)) = input.split_first() else {
        return;
    };
    let Some(name) = NAMES.get(usize::from(*selector) % NAMES.len()) else {
        return;
    };
    if let Some(kind) = ManifestKind::of_path(name) {
        manifest(kind, body);
        return;
    }
    let Recognised {
        source,
        kind,
        outcome,
    } = recognise(name, body);
    // What the beginning of a file tells is true of the whole.
    let beginning = body.get(..body.len() / 2).unwrap_or_default();
    if is_payload(name, beginning) || is_payload(name, body) {
        assert!(kind.is_none() && matches!(outcome, Ok(Document::Other(_))));
    }
    match &outcome {
        Err(error) => {
            inside(&source, error.span);
            assert!(!error.to_string().is_empty());
        }
        Ok(document) => places(document, &source),
    }
    // What was read is a function of the text alone.
    if let (Some(kind), Ok(document)) = (kind, &outcome) {
        let plain = Source::new(*name, source.text(), 0);
        assert_eq!(kind.parse(&plain).as_ref(), Ok(document));
    }
}

fn manifest(kind: ManifestKind, body: &[u8]) {
    let Ok(source) = decode::decode("manifest", body) else {
        return;
    };
    match PackageManifest::parse(kind, &source) {
        Err(error) => inside(&source, error.span),
        Ok(manifest) => {
            for file in &manifest.files {
                inside(&source, file.path.span);
                let Some(digest) = &file.digest else {
                    continue;
                };
                inside(&source, digest.text.span);
                if let Some(form) = digest.form {
                    let written = form.write(&digest.bytes);
                    assert!(written.eq_ignore_ascii_case(&digest.text.value));
                }
            }
        }
    }
}

fn inside(source: &Source, span: Span) {
    let is_inside = span.start <= span.end && source.text().get(span.range()).is_some();
    assert!(is_inside, "{span:?} of {} bytes", source.text().len());
    let place = source.line_column(span.start);
    assert!(place.line >= 1 && place.line <= source.line_count());
}

fn places(document: &Document, source: &Source) {
    let (comments, unexpected) = document.remarks();
    for comment in comments {
        inside(source, comment.span);
        inside(source, comment.text.span);
    }
    for other in unexpected {
        inside(source, other.span);
        inside(source, other.name.span);
    }
    if let Some(root) = document.root() {
        inside(source, root.element);
        inside(source, root.name.span);
        assert!(source.slice(root.name.span).ends_with(&root.name.value));
    }
    if let Some(registry) = document.registry() {
        for key in &registry.keys {
            inside(source, key.key.span);
            inside(source, key.element);
            let _ = key.canonical();
        }
        for value in &registry.values {
            inside(source, value.name.span);
            inside(source, value.kind.span);
            inside(source, value.written.span);
            inside(source, value.element);
            let _ = (value.data(), value.canonical());
        }
    }
    match document {
        Document::Inf(inf) => {
            for section in &inf.sections {
                for entry in &section.entries {
                    entry.values.iter().for_each(|value| {
                        inside(source, value.span);
                        drop(inf.expand(&value.value));
                    });
                }
            }
        }
        Document::CommandScript(script) => {
            for command in &script.commands {
                inside(source, command.span);
                let _ = command_script::words(&command.value);
            }
        }
        _ => variables(source.text()),
    }
}

/// Variables that hold each other, taken from the text.
fn variables(text: &str) {
    let names = references(text).take(8);
    let values: Variables = names.map(|name| (name, format!("%{name}%$(a)"))).collect();
    let _ = values.expand(text);
}
