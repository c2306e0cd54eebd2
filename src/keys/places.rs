//! Where PKCS#11 modules usually are.

use std::path::{Path, PathBuf};

/// Folders with a `*.module` file per module, as p11-kit and many packages write them.
const REGISTRIES: [&str; 3] = [
    "/etc/pkcs11/modules",
    "/usr/share/p11-kit/modules",
    "/usr/local/share/p11-kit/modules",
];

/// Folders that a `module:` line without a folder is looked for in.
const MODULE_FOLDERS: [&str; 5] = [
    "/usr/lib/x86_64-linux-gnu/pkcs11",
    "/usr/lib/aarch64-linux-gnu/pkcs11",
    "/usr/lib64/pkcs11",
    "/usr/lib/pkcs11",
    "/usr/local/lib/pkcs11",
];

/// Files of the vendors' own installers and of distributions.
const FILES: [&str; 30] = [
    // SoftHSM
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
    "C:\\SoftHSM2\\lib\\softhsm2-x64.dll",
    // OpenSC: PIV, OpenPGP and national cards
    "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so",
    "/usr/lib/aarch64-linux-gnu/opensc-pkcs11.so",
    "/usr/lib64/opensc-pkcs11.so",
    "/usr/lib/opensc-pkcs11.so",
    "/Library/OpenSC/lib/opensc-pkcs11.so",
    "C:\\Program Files\\OpenSC Project\\OpenSC\\pkcs11\\opensc-pkcs11.dll",
    // YubiKey and YubiHSM
    "/usr/lib/x86_64-linux-gnu/libykcs11.so",
    "/usr/lib64/libykcs11.so",
    "/usr/local/lib/libykcs11.dylib",
    "C:\\Program Files\\Yubico\\Yubico PIV Tool\\bin\\libykcs11.dll",
    "/usr/lib/x86_64-linux-gnu/pkcs11/yubihsm_pkcs11.so",
    "/usr/lib64/pkcs11/yubihsm_pkcs11.so",
    // SafeNet eToken and Luna
    "/usr/lib/libeToken.so",
    "/usr/lib/libeTPkcs11.so",
    "C:\\Windows\\System32\\eTPKCS11.dll",
    "/usr/safenet/lunaclient/lib/libCryptoki2_64.so",
    "C:\\Program Files\\SafeNet\\LunaClient\\cryptoki.dll",
    // Entrust nShield, Utimaco, AWS CloudHSM, Google Cloud KMS, TPM
    "/opt/nfast/toolkits/pkcs11/libcknfast.so",
    "/opt/utimaco/lib/libcs_pkcs11_R3.so",
    "/opt/cloudhsm/lib/libcloudhsm_pkcs11.so",
    "/usr/lib/x86_64-linux-gnu/libkmsp11.so",
    "/usr/lib/x86_64-linux-gnu/libtpm2_pkcs11.so.1",
    "/usr/lib64/pkcs11/libtpm2_pkcs11.so",
];

/// The modules that are there, each file once.
pub(super) fn modules() -> Vec<PathBuf> {
    let registered = REGISTRIES
        .iter()
        .flat_map(|folder| registry(Path::new(folder)));
    let known = FILES.iter().map(PathBuf::from);
    distinct(registered.chain(known).filter(|path| path.is_file()))
}

/// Each file once, under the name that comes first.
pub(super) fn distinct(paths: impl Iterator<Item = PathBuf>) -> Vec<PathBuf> {
    let mut seen = Vec::new();
    let mut kept = Vec::new();
    for path in paths {
        let real = path.canonicalize().unwrap_or_else(|_| path.clone());
        if !seen.contains(&real) {
            seen.push(real);
            kept.push(path);
        }
    }
    kept
}

/// The modules that a registry names.
fn registry(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    files
        .iter()
        .filter(|path| path.extension().is_some_and(|e| e == "module"))
        .filter_map(|path| named_module(&std::fs::read_to_string(path).ok()?))
        .collect()
}

/// The module of a `*.module` file; one that only holds other people's certificates is left out.
fn named_module(text: &str) -> Option<PathBuf> {
    let value = |wanted: &str| {
        text.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            (name.trim() == wanted).then(|| value.trim().to_owned())
        })
    };
    if value("trust-policy").as_deref() == Some("yes") {
        return None;
    }
    let module = PathBuf::from(value("module")?);
    if module.is_absolute() {
        return Some(module);
    }
    let candidates = MODULE_FOLDERS
        .iter()
        .map(|folder| Path::new(folder).join(&module));
    candidates.into_iter().find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registrations_name_a_module() {
        let text = "# how to load it\nmodule: /usr/lib/vendor.so\nmanaged: yes\n";
        assert_eq!(named_module(text), Some("/usr/lib/vendor.so".into()));
        let trust = "module: /usr/lib/trust.so\ntrust-policy: yes\n";
        assert_eq!(named_module(trust), None);
        assert_eq!(named_module("module: no-such-module.so\n"), None);
        assert_eq!(named_module(""), None);
    }

    #[test]
    fn a_file_is_listed_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.so");
        std::fs::write(&file, "").unwrap();
        let again = folder.path().join(".").join("a.so");
        assert_eq!(distinct([file.clone(), again].into_iter()), [file]);
    }
}
