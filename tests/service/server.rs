//! A service that runs until the test ends, and what asks it.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use ureq::Agent;
use ureq::http::{Request, Response};

use crate::support::command;

/// A service of its own in a folder.
pub(super) struct Server {
    process: Option<Child>,
    /// `http://127.0.0.1:PORT`.
    pub(super) url: String,
    /// What it printed before it listened.
    pub(super) printed: String,
    /// The token that it printed, where it did.
    pub(super) token: Option<String>,
}

impl Server {
    /// Starts the service in `folder`, with the `proofmark.toml` that is there.
    pub(super) fn start(folder: &Path) -> Self {
        Self::start_by(command(folder), folder)
    }

    /// One that another test runs.
    pub(super) fn elsewhere(url: &str) -> Self {
        Self {
            process: None,
            url: url.to_owned(),
            printed: String::new(),
            token: None,
        }
    }

    /// Starts it by a command that runs the program in `folder`.
    pub(super) fn start_by(command: Command, folder: &Path) -> Self {
        Self::start_with(command, folder, &["--listen", "127.0.0.1:0"])
    }

    /// Starts it with these options.
    pub(super) fn start_with(mut command: Command, folder: &Path, options: &[&str]) -> Self {
        command.arg("serve").args(options);
        let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut printed = String::new();
        let url = loop {
            let Some(Ok(line)) = lines.next() else {
                panic!("the service did not begin:\n{printed}")
            };
            if let Some(url) = line.strip_prefix("listening on ") {
                break url.to_owned();
            }
            printed.push_str(&line);
            printed.push('\n');
        };
        let mut server = Self {
            process: Some(process),
            url,
            printed,
            token: None,
        };
        if !folder.join("proofmark.toml").exists() {
            let mut printed = lines.by_ref().map_while(Result::ok);
            let first = printed.find(|line| line.starts_with("first token"));
            server.token = first.and_then(|line| line.rsplit(' ').next().map(str::to_owned));
        }
        // What it prints later is read, so that it can print.
        std::thread::spawn(move || {
            lines.for_each(|line| eprintln!("{}", line.unwrap_or_default()))
        });
        server
    }

    /// A request with the first token.
    pub(super) fn post(&self, path: &str, body: &[u8]) -> Answer {
        let token = self.token.clone().unwrap_or_default();
        self.post_with(path, body, &[("authorization", &format!("Bearer {token}"))])
    }

    /// A request with these headers.
    pub(super) fn post_with(&self, path: &str, body: &[u8], headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::post(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::of(agent().run(request.body(body).unwrap()))
    }

    /// A request with the first token.
    pub(super) fn get(&self, path: &str) -> Answer {
        let token = self.token.clone().unwrap_or_default();
        self.get_with(path, &[("authorization", &format!("Bearer {token}"))])
    }

    /// A request with these headers.
    pub(super) fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::get(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::of(agent().run(request.body(()).unwrap()))
    }

    /// The number of its process.
    pub(super) fn id(&self) -> u32 {
        self.process.as_ref().unwrap().id()
    }

    /// Bytes of memory that it had at most.
    #[cfg(target_os = "linux")]
    pub(super) fn most_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let most = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .unwrap();
        let kilobytes: u64 = most.trim().trim_end_matches(" kB").parse().unwrap();
        kilobytes << 10
    }

    /// Asks it to end, and waits until it has.
    pub(super) fn stop(mut self) -> Option<i32> {
        let mut process = self.process.take().unwrap();
        let id = process.id().to_string();
        let killed = std::process::Command::new("kill")
            .args(["-TERM", &id])
            .status();
        assert!(killed.unwrap().success());
        process.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            process.kill().ok();
            process.wait().ok();
        }
    }
}

fn agent() -> Agent {
    let config = Agent::config_builder().http_status_as_error(false).build();
    config.into()
}

/// What a service answers.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    fn of(response: Result<Response<ureq::Body>, ureq::Error>) -> Self {
        let mut response = response.unwrap();
        let mut body = Vec::new();
        response
            .body_mut()
            .as_reader()
            .read_to_end(&mut body)
            .unwrap();
        let headers = response.headers().iter();
        let headers = headers.map(|(name, value)| {
            let value = value.to_str().unwrap_or_default();
            (name.to_string(), value.to_owned())
        });
        Self {
            status: response.status().as_u16(),
            headers: headers.collect(),
            body,
        }
    }

    /// A header, empty where there is none.
    pub(super) fn header(&self, name: &str) -> &str {
        let mut headers = self.headers.iter();
        headers
            .find(|(found, _)| found == name)
            .map_or("", |(_, value)| value)
    }

    /// The body as JSON.
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The body as text.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The answer, which must have this status.
    #[track_caller]
    pub(super) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// The answer, which must be this problem.
    #[track_caller]
    pub(super) fn problem(self, status: u16, slug: &str) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.json()["type"], format!("urn:proofmark:{slug}"));
        self
    }
}
