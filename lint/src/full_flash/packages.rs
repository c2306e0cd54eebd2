//! The manifests that packages left in an image, and the image's own record of them.

use std::io::Read;
use std::sync::Arc;

use flate2::read::GzDecoder;
use formats::document::decode;
use formats::document::package_manifest::{ManifestKind, PackageManifest};
use formats::document::update_history::UpdateHistory;
use rayon::prelude::*;
use signer::digest::{DigestAlgorithm, hex};

use super::volume::{Found, Reader, Volumes};
use crate::facts::full_flash::packages::{InstalledPackage, RecordedPackages};
use crate::facts::full_flash::{FinishedImage, Unread};
use crate::read::LONGEST;

/// Manifests of packages in today's form.
const MUM: &str = "windows/servicing/packages/";
/// Manifests of packages in the form of Windows Phone 8, which may be compressed.
const DSM: &str = "windows/packages/dsmfiles/";
/// Where the record may lie, the likelier first.
const RECORDS: [&str; 2] = [
    "windows/imageupdate/updatehistory.xml",
    "shareddata/dushared/updatehistory.xml",
];

/// Reads the manifests and the record.
pub(super) fn read(volumes: &Volumes<'_>, found: &[Found], image: &mut FinishedImage) {
    let manifests = found
        .iter()
        .filter_map(|file| Some((file, kind(&file.path())?)));
    let manifests: Vec<_> = manifests.collect();
    let read: Vec<_> = manifests
        .par_iter()
        .map_init(
            || Reader(volumes.open()),
            |reader, (file, kind)| manifest(reader, file, *kind),
        )
        .collect();
    for read in read {
        match read {
            Ok(package) => image.installed.push(package),
            Err(unread) => image.unread.push(unread),
        }
    }
    let records = RECORDS
        .iter()
        .flat_map(|path| found.iter().filter(move |file| file.path() == **path));
    let mut reader = Reader(volumes.open());
    for file in records {
        match record(&mut reader, file, &image.file(&file.at)) {
            Ok(record) => {
                image.recorded = Some(record);
                break;
            }
            Err(unread) => image.unread.push(unread),
        }
    }
}

fn kind(path: &str) -> Option<ManifestKind> {
    match path.strip_prefix(MUM) {
        Some(name) if name.ends_with(".mum") && !name.contains('/') => Some(ManifestKind::Update),
        Some(_) => None,
        None => {
            let name = path.strip_prefix(DSM)?;
            name.ends_with(".dsm.xml").then_some(ManifestKind::Dsm)
        }
    }
}

fn manifest(
    reader: &mut Reader<'_>,
    file: &Found,
    kind: ManifestKind,
) -> Result<InstalledPackage, Unread> {
    let bytes = reader.read(file, LONGEST as u64)?;
    let failed = |problem: String| Unread {
        at: file.at.clone(),
        problem,
        offset: None,
    };
    let bytes = expanded(bytes).map_err(failed)?;
    let text = decode::decode(&file.at, &bytes);
    let text = text.map_err(|error| failed(error.error.to_string()))?;
    let manifest = PackageManifest::parse(kind, &text);
    let manifest = manifest.map_err(|error| failed(error.to_string()))?;
    Ok(InstalledPackage {
        at: file.at.clone(),
        identity: manifest.identity,
        sha256: hex(&DigestAlgorithm::Sha256.of(&bytes)),
    })
}

/// What is in a compressed file, as long as a document may be.
fn expanded(bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes);
    }
    let mut expanded = Vec::new();
    let decoder = GzDecoder::new(bytes.as_slice());
    match decoder.take(LONGEST as u64).read_to_end(&mut expanded) {
        Ok(length) if length < LONGEST => Ok(expanded),
        Ok(_) => Err(format!(
            "it expands to more than {} bytes",
            decode::SIZE_LIMIT
        )),
        Err(error) => Err(format!("it cannot be expanded: {error}")),
    }
}

fn record(reader: &mut Reader<'_>, file: &Found, name: &str) -> Result<RecordedPackages, Unread> {
    let bytes = reader.read(file, LONGEST as u64)?;
    let failed = |problem: String| Unread {
        at: file.at.clone(),
        problem,
        offset: None,
    };
    let text = decode::decode(name, &bytes);
    let source = text.map_err(|error| failed(error.error.to_string()))?;
    let history = UpdateHistory::parse(&source).map_err(|error| {
        let line = source.line_column(error.span.start).line;
        failed(format!("line {line}: {error}"))
    })?;
    Ok(RecordedPackages {
        source: Arc::new(source),
        history,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn compressed_manifests_are_expanded_and_bombs_are_not() {
        assert_eq!(expanded(b"<Package/>".to_vec()).unwrap(), b"<Package/>");
        assert_eq!(expanded(packed(b"<Package/>")).unwrap(), b"<Package/>");
        let bomb = packed(&vec![b' '; 64 << 20]);
        assert!(bomb.len() < 100_000);
        assert!(
            expanded(bomb)
                .unwrap_err()
                .contains("more than 16777216 bytes")
        );
        let mut cut = packed(b"<Package/>");
        cut.truncate(14);
        assert!(expanded(cut).unwrap_err().contains("cannot be expanded"));
    }

    #[test]
    fn manifests_lie_where_servicing_puts_them() {
        assert_eq!(
            kind("windows/servicing/packages/a~1~arm~~1.mum"),
            Some(ManifestKind::Update)
        );
        assert_eq!(
            kind("windows/packages/dsmfiles/a.dsm.xml"),
            Some(ManifestKind::Dsm)
        );
        for other in [
            "windows/servicing/packages/a.cat",
            "windows/servicing/packages/x/a.mum",
            "a.mum",
        ] {
            assert_eq!(kind(other), None, "{other}");
        }
    }
}
