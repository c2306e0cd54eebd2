//! `$(runtime.*)`: the folders of a device that package definitions and component manifests name.
//!
//! `system32` is seen in finished packages. The others follow `pkggen.cfg.xml` of the kit where it has them, else the layout
//! of every Windows. What has no one place, such as the folder of a user, is not here.

/// A folder of the device that a text begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuntimeFolder<'a> {
    /// The folder as manifests write it, e.g. `$(runtime.system32)`.
    pub written: &'static str,
    /// The folder below the root of the partition, `\` between its parts; empty for the root.
    pub folder: &'static str,
    /// What follows the macro.
    pub rest: &'a str,
}

/// The macro of a definition, the same folder as manifests write it, and its place. What Windows itself has no macro for is
/// written from a folder that it knows. `commonFiles` is missing: the kit and Windows put it into different places.
const FOLDERS: [(&str, &str, &str); 17] = [
    ("$(runtime.bootDrive)", "$(runtime.bootDrive)", ""),
    ("$(runtime.systemDrive)", "$(runtime.systemDrive)", ""),
    ("$(runtime.systemRoot)", "$(runtime.systemRoot)", "windows"),
    ("$(runtime.windows)", "$(runtime.windows)", "windows"),
    (
        "$(runtime.system32)",
        "$(runtime.system32)",
        r"windows\System32",
    ),
    ("$(runtime.system)", "$(runtime.system)", r"windows\System"),
    (
        "$(runtime.drivers)",
        "$(runtime.drivers)",
        r"windows\System32\drivers",
    ),
    ("$(runtime.help)", "$(runtime.help)", r"windows\Help"),
    ("$(runtime.inf)", "$(runtime.inf)", r"windows\INF"),
    ("$(runtime.fonts)", "$(runtime.fonts)", r"windows\Fonts"),
    (
        "$(runtime.wbem)",
        "$(runtime.wbem)",
        r"windows\System32\wbem",
    ),
    (
        "$(runtime.appPatch)",
        "$(runtime.appPatch)",
        r"windows\AppPatch",
    ),
    (
        "$(runtime.programFiles)",
        "$(runtime.programFiles)",
        "Program Files",
    ),
    (
        "$(runtime.programData)",
        "$(runtime.programData)",
        "ProgramData",
    ),
    (
        "$(runtime.apps)",
        r"$(runtime.bootDrive)\Programs",
        "Programs",
    ),
    (
        "$(runtime.sharedData)",
        r"$(runtime.bootDrive)\Data\SharedData",
        r"Data\SharedData",
    ),
    (
        "$(runtime.clipAppLicenseInstall)",
        r"$(runtime.programData)\Microsoft\Windows\ClipSVC\Install\Apps",
        r"ProgramData\Microsoft\Windows\ClipSVC\Install\Apps",
    ),
];

/// The folder that a text begins with, in any case; `None` where it begins otherwise or names a folder whose place is
/// not known.
pub fn runtime_folder(text: &str) -> Option<RuntimeFolder<'_>> {
    FOLDERS.iter().find_map(|(name, written, folder)| {
        let (start, rest) = text.split_at_checked(name.len())?;
        let found = RuntimeFolder {
            written,
            folder,
            rest,
        };
        start.eq_ignore_ascii_case(name).then_some(found)
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
        let apps = runtime_folder(r"$(runtime.Apps)\a").unwrap();
        let written = r"$(runtime.bootDrive)\Programs";
        assert_eq!(
            (apps.written, apps.folder, apps.rest),
            (written, "Programs", r"\a")
        );
        for other in [
            "",
            "$(runtime.userProfile)",
            "$(runtime.commonFiles)",
            r"windows\System32",
            "$(runtime.system32",
            "ü$(runtime.inf)",
        ] {
            assert_eq!(runtime_folder(other), None, "{other}");
        }
    }
}
