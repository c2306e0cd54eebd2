//! What of a package has a form that follows from other facts, and that no published package shows.

use std::collections::BTreeSet;

use super::Model;

/// Partitions that finished packages have files for.
const PARTITIONS: [&str; 2] = ["MainOS", "EFIESP"];
/// Folders that finished packages have files in, or whose place the kit's own table says.
const FOLDERS: [&str; 11] = [
    "$(runtime.system32)",
    "$(runtime.bootDrive)",
    "$(runtime.systemRoot)",
    "$(runtime.fonts)",
    "$(runtime.inf)",
    "$(runtime.system)",
    "$(runtime.wbem)",
    "$(runtime.drivers)",
    "$(runtime.windows)",
    "$(runtime.programFiles)",
    "$(runtime.programData)",
];

impl Model {
    /// What in it is inferred, as phrases; `docs/packages.md` says from what.
    pub fn inferred(&self) -> Vec<String> {
        let mut forms = Vec::new();
        if self.is_twin {
            forms.push("the twin for 32-bit programs".to_owned());
        }
        if self.is_binary_partition {
            forms.push("the image of a partition".to_owned());
        }
        let mut partitions = PARTITIONS.iter();
        if !partitions.any(|known| known.eq_ignore_ascii_case(&self.partition)) {
            forms.push(format!("the partition `{}`", self.partition));
        }
        if self.has_services {
            forms.push("services as registry values".to_owned());
        }
        if self.files.iter().any(|file| !file.path.is_ascii()) {
            forms.push("names with other characters than ASCII".to_owned());
        }
        let folders = self.files.iter().filter_map(|file| {
            let end = file.folder.find(')')?.checked_add(1)?;
            file.folder.get(..end)
        });
        let folders: BTreeSet<&str> = folders.filter(|folder| !FOLDERS.contains(folder)).collect();
        forms.extend(folders.iter().map(|folder| format!("files in `{folder}`")));
        forms
    }
}
