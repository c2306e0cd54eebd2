//! `$(runtime.*)`: the folders of a device that package definitions and component manifests name.
//!
//! `system32` is seen in finished packages. The others follow the layout of every Windows; the tool's own table is not
//! published. What has no one place, such as the folder of a user, is not here.

/// A folder of the device that a text begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuntimeFolder<'a> {
    /// The macro as manifests write it, e.g. `$(runtime.system32)`.
    pub written: &'static str,
    /// The folder below the root of the partition, `\` between its parts; empty for the root.
    pub folder: &'static str,
    /// What follows the macro.
    pub rest: &'a str,
}

const FOLDERS: [(&str, &str); 15] = [
    ("$(runtime.bootDrive)", ""),
    ("$(runtime.systemDrive)", ""),
    ("$(runtime.systemRoot)", "windows"),
    ("$(runtime.windows)", "windows"),
    ("$(runtime.system32)", r"windows\System32"),
    ("$(runtime.system)", r"windows\System"),
    ("$(runtime.drivers)", r"windows\System32\drivers"),
    ("$(runtime.help)", r"windows\Help"),
    ("$(runtime.inf)", r"windows\INF"),
    ("$(runtime.fonts)", r"windows\Fonts"),
    ("$(runtime.wbem)", r"windows\System32\wbem"),
    ("$(runtime.appPatch)", r"windows\AppPatch"),
    ("$(runtime.programFiles)", "Program Files"),
    ("$(runtime.commonFiles)", r"Program Files\Common Files"),
    ("$(runtime.programData)", "ProgramData"),
];

/// The folder that a text begins with, in any case; `None` where it begins otherwise or names a folder whose place is
/// not known.
pub fn runtime_folder(text: &str) -> Option<RuntimeFolder<'_>> {
    FOLDERS.iter().find_map(|(written, folder)| {
        let (start, rest) = text.split_at_checked(written.len())?;
        let found = RuntimeFolder {
            written,
            folder,
            rest,
        };
        start.eq_ignore_ascii_case(written).then_some(found)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_found_in_any_case_and_unknown_ones_are_not() {
        let found = runtime_folder(r"$(Runtime.BOOTdrive)\SMBIOS").unwrap();
        assert_eq!((found.written, found.folder), ("$(runtime.bootDrive)", ""));
        assert_eq!(found.rest, r"\SMBIOS");
        assert_eq!(
            runtime_folder("$(runtime.system32)").unwrap().folder,
            r"windows\System32"
        );
        for other in [
            "",
            "$(runtime.apps)",
            r"windows\System32",
            "$(runtime.system32",
            "ü$(runtime.inf)",
        ] {
            assert_eq!(runtime_folder(other), None, "{other}");
        }
    }
}
