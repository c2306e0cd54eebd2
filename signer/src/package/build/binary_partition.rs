//! `BinaryPartition`: a package that is the image of a whole partition.
//!
//! Such a package has `binaryPartition="true"` and one file whose name ends in `.bin`, as large as what is written to the
//! partition: that much a reader of finished images takes them by. No such package of an OEM is published.

use formats::document::wm_xml::WmXml;

use super::definition::Texts;
use super::payload::check_part;
use super::{DefinitionError, ModelFile};

/// Partitions that hold files, which an image would destroy.
const WITH_FILES: [&str; 4] = ["MainOS", "EFIESP", "UpdateOS", "Data"];
const ROUTE: &str = "identity/BinaryPartition";

/// The image, where the definition is of one.
pub(super) fn file(
    definition: &WmXml,
    texts: &Texts<'_>,
    read: &dyn Fn(&str) -> Result<Vec<u8>, String>,
) -> Result<Option<ModelFile>, DefinitionError> {
    let Some(image) = definition.binary_partitions.first() else {
        return Ok(None);
    };
    let route = format!("{ROUTE}/@ImageSource");
    let fail = |reason: String| DefinitionError::new(image.value.span, route.clone(), reason);
    let has_others = definition.binary_partitions.len() > 1
        || !definition.files.is_empty()
        || !definition.registry.keys.is_empty()
        || !definition.services.is_empty();
    if has_others {
        let reason = "the image of a partition has other contents beside it; put them into a package of their own";
        return Err(fail(reason.to_owned()));
    }
    if texts.is_twin {
        return Err(fail(
            "the image of a partition has no twin; remove buildWow".to_owned(),
        ));
    }
    let info = definition.onecore_package_info.as_ref();
    let Some(partition) = info.and_then(|info| info.target_partition.as_ref()) else {
        let reason =
            "onecorePackageInfo/@targetPartition does not say for which partition the image is";
        return Err(fail(reason.to_owned()));
    };
    let name = texts.plain(partition, "identity/onecorePackageInfo/@targetPartition")?;
    if WITH_FILES
        .iter()
        .any(|known| known.eq_ignore_ascii_case(&name))
    {
        let reason = format!("an image would replace all files of the partition `{name}`");
        return Err(fail(reason));
    }
    check_part(&name).map_err(|reason| {
        DefinitionError::new(
            partition.span,
            "identity/onecorePackageInfo/@targetPartition",
            reason,
        )
    })?;
    let source = texts.plain(&image.value, &route)?;
    let source = source.trim().replace('\\', "/");
    if source.is_empty() {
        return Err(fail("there is no image".to_owned()));
    }
    let bytes = read(&source).map_err(&fail)?;
    if bytes.is_empty() {
        return Err(fail(format!("`{source}` is empty")));
    }
    Ok(Some(ModelFile {
        folder: "$(runtime.bootDrive)\\".to_owned(),
        path: format!("{name}.bin"),
        bytes,
    }))
}
