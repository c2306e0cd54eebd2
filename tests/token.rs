//! A token of SoftHSM in a folder, and the program that uses it.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::folder::{Folder, Run, testcert};

/// Where distributions put SoftHSM's module (Debian: package softhsm2).
const SOFTHSM: [&str; 4] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
];

/// Where distributions put the module that logs the calls to another (Debian: package opensc-pkcs11).
const SPY: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/pkcs11-spy.so",
    "/usr/lib/aarch64-linux-gnu/pkcs11-spy.so",
    "/usr/lib64/pkcs11-spy.so",
    "/usr/lib/pkcs11-spy.so",
];

pub(crate) const PIN: &str = "246810";
pub(crate) const TOKEN: &str = "release";

/// A folder with a token that is called `release`.
pub(crate) struct Token {
    pub(crate) folder: Folder,
    environment: Vec<(&'static str, String)>,
}

impl Token {
    /// A new token; `None` where the tools are missing and the user said that this is allowed.
    pub(crate) fn new() -> Option<Self> {
        let present = SOFTHSM
            .iter()
            .chain(&SPY)
            .map(Path::new)
            .filter(|p| p.exists());
        if present.count() < 2
            && std::env::var_os("PROOFMARK_SKIP_ORACLES").is_some_and(|v| v == "1")
        {
            println!("skipped: SoftHSM or OpenSC is missing");
            return None;
        }
        let folder = Folder::new();
        std::fs::create_dir(folder.path("tokens")).unwrap();
        let tokens = folder.path("tokens").display().to_string();
        folder.write(
            "softhsm2.conf",
            format!("directories.tokendir = {tokens}\nobjectstore.backend = file\n"),
        );
        let place = |name: &str| folder.path(name).display().to_string();
        let environment = vec![
            ("SOFTHSM2_CONF", place("softhsm2.conf")),
            ("PKCS11SPY", module().display().to_string()),
            ("PKCS11SPY_OUTPUT", place("spy.log")),
            ("TOKEN_PIN", PIN.to_owned()),
        ];
        let token = Self {
            folder,
            environment,
        };
        token.add_token(TOKEN);
        Some(token)
    }

    /// Sets a variable for the programs that run from now on.
    pub(crate) fn set(&mut self, variable: &'static str, value: &str) {
        self.folder.set(variable, value);
        self.environment.push((variable, value.to_owned()));
    }

    /// A program that runs in the folder and finds the token.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.folder.path(""))
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn proofmark(&self, arguments: &[&str]) -> Run {
        let mut command = self.command(env!("CARGO_BIN_EXE_proofmark"));
        command.args(arguments).output().unwrap().into()
    }

    /// A program of the system, which must succeed.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> Run {
        let output = self.command(program).args(arguments).output();
        let run =
            output.unwrap_or_else(|error| panic!("{program} is needed by this test: {error}"));
        Run::from(run).ended(0)
    }

    pub(crate) fn add_token(&self, label: &str) {
        let pins = ["--so-pin", "12345678", "--pin", PIN];
        let arguments = [&["--init-token", "--free", "--label", label][..], &pins].concat();
        self.run("softhsm2-util", &arguments);
    }

    /// Puts a key of `testcerts` on the token.
    pub(crate) fn add_key(&self, name: &str, id: &str) {
        let key = testcert(&format!("{name}.key")).display().to_string();
        let what = ["--import", &key, "--label", name, "--id", id];
        let whereto = ["--token", TOKEN, "--pin", PIN];
        self.run("softhsm2-util", &[&what[..], &whereto].concat());
    }

    /// Puts a certificate of `testcerts` on the token.
    pub(crate) fn add_certificate(&self, name: &str, id: &str) {
        let certificate = testcert(&format!("{name}.cer")).display().to_string();
        let object = ["--type", "cert", "--label", name, "--id", id];
        self.tool(&[&["--write-object", &certificate][..], &object].concat());
    }

    pub(crate) fn tool(&self, arguments: &[&str]) {
        let module = module().display().to_string();
        let login = ["--token-label", TOKEN, "--login", "--pin", PIN];
        self.run(
            "pkcs11-tool",
            &[&["--module", &module][..], &login, arguments].concat(),
        );
    }

    /// Writes a profile called `token`; `lines` are those of its `pkcs11` table besides the module.
    pub(crate) fn profile(&self, module: &Path, lines: &[&str]) {
        let text = format!(
            "[profile.token]\nkind = \"test\"\n[profile.token.pkcs11]\nmodule = \"{}\"\n{}\n",
            module.display(),
            lines.join("\n")
        );
        self.folder.write("proofmark.toml", text);
    }

    /// How often a function was called through the logging module.
    pub(crate) fn calls(&self, function: &str) -> usize {
        let log = self.folder.read("spy.log");
        let log = String::from_utf8_lossy(&log);
        let suffix = format!(": {function}");
        log.lines().filter(|line| line.ends_with(&suffix)).count()
    }
}

/// SoftHSM's module.
pub(crate) fn module() -> &'static Path {
    present(&SOFTHSM, "softhsm2")
}

/// The logging module.
pub(crate) fn spy() -> &'static Path {
    present(&SPY, "opensc-pkcs11")
}

fn present(places: &'static [&'static str], package: &str) -> &'static Path {
    let found = places.iter().map(Path::new).find(|path| path.exists());
    found.unwrap_or_else(|| panic!("Debian's package {package} is needed by this test"))
}

/// A cabinet with one stored file, as the smallest input to sign.
pub(crate) fn small_cabinet() -> Vec<u8> {
    let data = b"one file\n";
    let name = b"a.txt\0";
    let files = 36 + 8;
    let blocks = files + 16 + name.len();
    let total = blocks + 8 + data.len();
    let mut bytes = b"MSCF\0\0\0\0".to_vec();
    bytes.extend((total as u32).to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend((files as u32).to_le_bytes());
    bytes.extend([0, 0, 0, 0, 3, 1, 1, 0, 1, 0, 0, 0, 0x34, 0x12, 0, 0]);
    bytes.extend((blocks as u32).to_le_bytes());
    bytes.extend([1, 0, 0, 0]);
    bytes.extend((data.len() as u32).to_le_bytes());
    bytes.extend([0, 0, 0, 0, 0, 0, 0x21, 0x58, 0, 0, 0x20, 0]);
    bytes.extend(name);
    bytes.extend([0; 4]);
    bytes.extend([data.len() as u8, 0, data.len() as u8, 0]);
    bytes.extend(data);
    bytes
}
