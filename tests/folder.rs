//! A folder to work in, the program, and other people's tools beside it. Words of a command line are separated by
//! blanks.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A folder with files, in which programs run.
pub(crate) struct Folder {
    folder: TempDir,
    environment: Vec<(&'static str, String)>,
}

/// How a program ended and what it said.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Run {
    /// The run, which must have ended with `code`.
    pub(crate) fn ended(self, code: i32) -> Self {
        let Self { stdout, stderr, .. } = &self;
        assert_eq!(
            self.code,
            Some(code),
            "stdout:\n{stdout}\nstderr:\n{stderr}"
        );
        self
    }

    /// The run, which must have said `text` on stderr.
    pub(crate) fn complained(self, text: &str) -> Self {
        assert!(
            self.stderr.contains(text),
            "{text}\nis not in\n{}",
            self.stderr
        );
        self
    }
}

pub(crate) fn testcert(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("testcerts")
        .join(name)
}

impl Folder {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            environment: Vec::new(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), contents).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Sets a variable for the programs that run from now on.
    pub(crate) fn set(&mut self, variable: &'static str, value: impl Into<String>) {
        self.environment.push((variable, value.into()));
    }

    fn run(&self, program: &str, line: &str) -> std::io::Result<Run> {
        let variables = self.environment.iter().cloned();
        let output = Command::new(program)
            .args(line.split_whitespace())
            .current_dir(self.folder.path())
            .envs(variables)
            .stdin(Stdio::null())
            .output();
        output.map(Run::from)
    }

    pub(crate) fn proofmark(&self, line: &str) -> Run {
        self.run(env!("CARGO_BIN_EXE_proofmark"), line).unwrap()
    }

    /// `openssl`, which must succeed.
    pub(crate) fn openssl(&self, line: &str) -> Run {
        let run = self.run("openssl", line);
        run.expect("openssl is needed by this test").ended(0)
    }

    /// `osslsigncode`, which must succeed; `None` where it is missing and the user said that this is allowed.
    pub(crate) fn osslsigncode(&self, line: &str) -> Option<Run> {
        match self.run("osslsigncode", line) {
            Ok(run) => Some(run.ended(0)),
            Err(error) if std::env::var_os("PROOFMARK_SKIP_ORACLES").is_some_and(|v| v == "1") => {
                println!("skipped: osslsigncode: {error}");
                None
            }
            Err(error) => panic!("osslsigncode: {error}; PROOFMARK_SKIP_ORACLES=1 skips it"),
        }
    }
}
