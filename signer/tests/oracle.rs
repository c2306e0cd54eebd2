//! osslsigncode, the program that tests compare with, and a folder for it to work in.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::support::{certificate, repository, testcert};

/// A folder with the test root as `root.pem`.
pub(crate) struct Oracle {
    folder: TempDir,
}

impl Oracle {
    /// osslsigncode, which must be installed unless PROOFMARK_SKIP_ORACLES=1 says otherwise.
    pub(crate) fn find() -> Option<Self> {
        let program = "osslsigncode";
        if Command::new(program).arg("--version").output().is_err() {
            assert!(
                std::env::var_os("PROOFMARK_SKIP_ORACLES").is_some_and(|value| value == "1"),
                "{program} is not installed; PROOFMARK_SKIP_ORACLES=1 leaves out what needs it"
            );
            println!("skipped: {program} is not installed");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("root.pem"), pem("root")).unwrap();
        Some(Self { folder })
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// Signs `input` with the test identity `name`.
    pub(crate) fn sign(&self, input: &[u8], name: &str, options: &[&str]) -> Vec<u8> {
        let pfx = repository().join("testcerts").join(format!("{name}.pfx"));
        let pfx = pfx.canonicalize().unwrap();
        let mut arguments = vec!["sign", "-pkcs12", pfx.to_str().unwrap(), "-pass", ""];
        arguments.extend(["-h", "sha256"]);
        arguments.extend(options);
        self.change(input, &arguments)
    }

    /// Takes the signature of `input` away.
    pub(crate) fn remove(&self, input: &[u8]) -> Vec<u8> {
        self.change(input, &["remove-signature"])
    }

    fn change(&self, input: &[u8], arguments: &[&str]) -> Vec<u8> {
        std::fs::write(self.path("in"), input).unwrap();
        std::fs::remove_file(self.path("out")).ok();
        let (succeeded, text) = self.run(&[arguments, &["-in", "in", "-out", "out"]].concat());
        assert!(succeeded, "{arguments:?}: {text}");
        std::fs::read(self.path("out")).unwrap()
    }

    /// Whether it verifies `input` under the test root, and what it says.
    pub(crate) fn verify(&self, input: &[u8]) -> (bool, String) {
        std::fs::write(self.path("in"), input).unwrap();
        self.run(&["verify", "-CAfile", "root.pem", "-ignore-crl", "-in", "in"])
    }

    /// Fails the test unless it verifies `input` and `count` signatures in it.
    pub(crate) fn accepts(&self, input: &[u8], count: usize, what: &str) {
        let (succeeded, text) = self.verify(input);
        assert!(succeeded, "{what}: {text}");
        let verified = text.matches("Signature verification: ok").count();
        assert_eq!(verified, count, "{what}: {text}");
        assert!(!text.contains("MISMATCH"), "{what}: {text}");
    }

    fn run(&self, arguments: &[&str]) -> (bool, String) {
        let output = Command::new("osslsigncode")
            .args(arguments)
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        (output.status.success(), text)
    }

    /// The folder, for other programs.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// A test certificate as other programs want it.
pub(crate) fn pem(name: &str) -> String {
    use base64ct::{Base64, Encoding};
    let text = Base64::encode_string(&certificate(name).der);
    assert_eq!(certificate(name).der, testcert(&format!("{name}.cer")));
    let lines: Vec<_> = text
        .as_bytes()
        .chunks(64)
        .map(String::from_utf8_lossy)
        .collect();
    let body = lines.join("\n");
    format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
}
