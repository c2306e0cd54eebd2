//! moto's server, which stands for services of AWS. `./test` installs it.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// moto's server, which ends with the test.
pub(crate) struct Moto {
    process: Child,
    /// Host and port.
    pub(crate) address: String,
}

impl Moto {
    /// `None` where it is not installed and the user said that this is allowed.
    pub(crate) fn start() -> Option<Self> {
        // Beside the profile's folder, where ./test puts it.
        let built = PathBuf::from(env!("CARGO_BIN_EXE_proofmark"));
        let program = built
            .ancestors()
            .nth(2)?
            .join("oracles/moto/bin/moto_server");
        if !program.exists() && std::env::var_os("PROOFMARK_SKIP_ORACLES").is_some_and(|v| v == "1")
        {
            println!("skipped: moto is missing");
            return None;
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        drop(listener);
        let process = Command::new(&program)
            .args(["-H", "127.0.0.1", "-p", &port])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}; ./test installs it", program.display()));
        let moto = Self {
            process,
            address: format!("127.0.0.1:{port}"),
        };
        for _ in 0..1200 {
            if TcpStream::connect(&moto.address).is_ok() {
                return Some(moto);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("moto does not answer");
    }

    /// `http://` and so on.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        // It may be gone already.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
