//! Runs the program, and other people's tools beside it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub(crate) fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn testcert(name: &str) -> PathBuf {
    repository().join("testcerts").join(name)
}

/// A folder of real files, where it stands beside the repository.
pub(crate) fn corpus(path: &str) -> Option<PathBuf> {
    let found = repository().join("../shared/corpus").join(path);
    if found.exists() {
        return Some(found);
    }
    println!("passed over: {path} of the corpus is not beside this checkout");
    None
}

/// What a run printed and how it ended.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Run {
    /// The run, which must have ended with `code`.
    pub(crate) fn ended(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "stdout:\n{}\nstderr:\n{}",
            self.stdout,
            self.stderr
        );
        self
    }
}

pub(crate) fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_proofmark"));
    command.current_dir(folder).env_remove("NO_COLOR");
    command
}

/// Runs the program in `folder`; words are separated by blanks.
pub(crate) fn proofmark(folder: &Path, line: &str) -> Run {
    command(folder)
        .args(line.split_whitespace())
        .output()
        .unwrap()
        .into()
}

/// Runs another tool; `None` where it is missing and the user said that this is allowed.
pub(crate) fn oracle(folder: &Path, line: &str) -> Option<Run> {
    let mut words = line.split_whitespace();
    let tool = words.next().unwrap();
    match Command::new(tool).args(words).current_dir(folder).output() {
        Ok(output) => Some(output.into()),
        Err(error) if std::env::var_os("PROOFMARK_SKIP_ORACLES").is_some_and(|v| v == "1") => {
            println!("skipped: {tool}: {error}");
            None
        }
        Err(error) => {
            panic!("{tool}: {error}; ./test installs it, PROOFMARK_SKIP_ORACLES=1 skips it")
        }
    }
}

/// A new folder with some files to sign: `plain.cab` (MSZIP), `stored.cab`, and `files/` with what is in them.
pub(crate) fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("files");
    std::fs::create_dir(&files).unwrap();
    std::fs::write(files.join("a.txt"), "one line of text\n".repeat(5000)).unwrap();
    std::fs::write(
        files.join("b.bin"),
        (0..100_000u32)
            .flat_map(u32::to_le_bytes)
            .collect::<Vec<_>>(),
    )
    .unwrap();
    proofmark(folder.path(), "package pack --out plain.cab files").ended(0);
    proofmark(
        folder.path(),
        "package pack --stored --out stored.cab files",
    )
    .ended(0);
    folder
}

/// Certificates as the PEM files that other tools want: `ca.pem`, `chain.pem` and `key.pem` of a test leaf.
pub(crate) fn pem_files(folder: &Path, leaf: &str) -> Option<()> {
    let pem = |name: &str| {
        let file = testcert(&format!("{name}.cer"));
        let run = oracle(
            folder,
            &format!("openssl x509 -inform DER -in {}", file.display()),
        )?;
        Some(run.ended(0).stdout)
    };
    let (root, intermediate) = (pem("root")?, pem("intermediate")?);
    std::fs::write(folder.join("ca.pem"), format!("{root}{intermediate}")).unwrap();
    std::fs::write(
        folder.join("chain.pem"),
        format!("{}{intermediate}", pem(leaf)?),
    )
    .unwrap();
    std::fs::copy(testcert(&format!("{leaf}.key")), folder.join("key.pem")).unwrap();
    Some(())
}
