//! A PostgreSQL server that runs until the test ends.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A server of its own, in a folder of its own, on a port of its own.
pub(super) struct Postgres {
    process: Child,
    folder: TempDir,
    binaries: PathBuf,
    port: u16,
}

impl Postgres {
    /// Starts a server; `None` where there is none and the user said that this is allowed.
    pub(super) fn start() -> Option<Self> {
        let Some(binaries) = binaries() else {
            assert!(
                std::env::var_os("PROOFMARK_SKIP_ORACLES").is_some_and(|value| value == "1"),
                "PostgreSQL is missing; ./test installs it, PROOFMARK_SKIP_ORACLES=1 skips this"
            );
            println!("skipped: PostgreSQL is missing");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display().to_string();
        if is_root() {
            // The server refuses to run as root.
            ended(Command::new("chown").args(["postgres:", &path]));
        }
        let data = format!("{path}/data");
        let initialise = [
            "-D",
            &data,
            "-U",
            "proofmark",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-locale",
        ];
        ended(
            unprivileged(&binaries.join("initdb"))
                .args(initialise)
                .stdout(Stdio::null()),
        );
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let process = run(&binaries, folder.path(), port);
        Some(Self {
            process,
            folder,
            binaries,
            port,
        })
    }

    /// A new database, by its address.
    pub(super) fn database(&self, name: &str) -> String {
        let port = self.port.to_string();
        let create = ["-h", "127.0.0.1", "-p", &port, "-U", "proofmark", name];
        ended(Command::new(self.binaries.join("createdb")).args(create));
        format!("postgres://proofmark@127.0.0.1:{port}/{name}")
    }

    /// A dump of a database, put back as another one; its address.
    pub(super) fn restored(&self, database: &str, name: &str) -> String {
        let address = self.database(name);
        let folder = tempfile::tempdir().unwrap();
        let dump = folder.path().join("dump");
        let (whole, port) = (dump.display().to_string(), self.port.to_string());
        let server = ["-h", "127.0.0.1", "-p", &port, "-U", "proofmark"];
        let run = |program: &str, rest: &[&str]| {
            let program = self.binaries.join(program);
            ended(Command::new(program).args(server).args(rest));
        };
        run("pg_dump", &["--format=custom", "--file", &whole, database]);
        run("pg_restore", &["--exit-on-error", "--dbname", name, &whole]);
        address
    }

    /// Stops the server as an administrator does who cannot wait.
    pub(super) fn stop(&mut self) {
        let data = self.folder.path().join("data");
        let stop = ["stop", "-m", "immediate", "-w", "-D"];
        let mut command = unprivileged(&self.binaries.join("pg_ctl"));
        ended(command.args(stop).arg(data).stdout(Stdio::null()));
        self.process.wait().unwrap();
    }

    /// Starts it again, with the same data on the same port.
    pub(super) fn start_again(&mut self) {
        self.process = run(&self.binaries, self.folder.path(), self.port);
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if self.process.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.stop();
        }
    }
}

fn run(binaries: &Path, folder: &Path, port: u16) -> Child {
    let mut command = unprivileged(&binaries.join("postgres"));
    command.arg("-D").arg(folder.join("data"));
    command.arg("-k").arg(folder);
    command.args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"]);
    let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
    let mut printed = String::new();
    while !printed.contains("ready to accept connections") {
        match lines.next() {
            Some(Ok(line)) => printed = printed + &line + "\n",
            _ => panic!("PostgreSQL did not begin:\n{printed}"),
        }
    }
    std::thread::spawn(move || lines.for_each(drop));
    process
}

/// The newest version's programs.
fn binaries() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let found = versions.flatten().map(|version| version.path().join("bin"));
    found.filter(|path| path.join("initdb").exists()).max()
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout == b"0\n"
}

fn unprivileged(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args([
        "--reuid",
        "postgres",
        "--regid",
        "postgres",
        "--init-groups",
    ]);
    command.arg(program).current_dir("/");
    command
}

fn ended(command: &mut Command) {
    let status = command
        .status()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}: {status}");
}
