//! Runs another program within bounds: time, and bytes of output.

use std::io::{self, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

/// Most bytes of its standard error that are kept for messages.
const MAX_STDERR: usize = 4 << 10;
/// How often a program that closed its outputs, or a daemon that it left behind, is looked after.
const POLL: Duration = Duration::from_millis(2);
/// How long outputs may stay open after the program ended, held by something that it left behind.
const GRACE: Duration = Duration::from_millis(200);

/// Bounds of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// After this time the program is killed.
    pub time: Duration,
    /// Most bytes of its standard output.
    pub output: usize,
}

/// Why a program gave no result. Standard error is cut to 4 KiB and freed of control characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProcessError {
    /// It did not start.
    #[error("{program} cannot be started: {problem}")]
    Start {
        /// As it was called.
        program: String,
        /// What the system said.
        problem: String,
    },
    /// It took too long and was killed.
    #[error("{program} did not end within {} s and was killed{}", .time.as_secs_f32(), told(.stderr))]
    TimedOut {
        /// As it was called.
        program: String,
        /// The time that it had.
        time: Duration,
        /// What it said until then.
        stderr: String,
    },
    /// It wrote too much and was killed.
    #[error("{program} wrote more than {limit} bytes and was killed")]
    TooMuchOutput {
        /// As it was called.
        program: String,
        /// Most bytes that it may write.
        limit: usize,
    },
    /// It ended with a failure.
    #[error("{program} failed with {status}{}", told(.stderr))]
    Failed {
        /// As it was called.
        program: String,
        /// Exit code or signal.
        status: String,
        /// What it said.
        stderr: String,
    },
    /// Talking to it failed.
    #[error("{program}: {problem}")]
    Talk {
        /// As it was called.
        program: String,
        /// What the system said.
        problem: String,
    },
}

fn told(stderr: &str) -> String {
    match stderr {
        "" => String::new(),
        text => format!("; it said: {text}"),
    }
}

/// Runs a program with `input` on its standard input and returns its standard output.
///
/// Only the program itself is killed when a bound is passed, not what it started in turn.
///
/// # Errors
/// [`ProcessError`]; a program that does not read its input to the end is no error.
pub fn run(command: &mut Command, input: &[u8], limits: Limits) -> Result<Vec<u8>, ProcessError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| ProcessError::Start {
            program: program.clone(),
            problem: error.to_string(),
        })?;
    let result = Run {
        program,
        limits,
        deadline: Instant::now().checked_add(limits.time),
    }
    .attend(&mut child, input);
    if result.is_err() {
        // It may be gone already.
        child.kill().ok();
        child.wait().ok();
    }
    result
}

struct Run {
    program: String,
    limits: Limits,
    deadline: Option<Instant>,
}

impl Run {
    fn attend(&self, child: &mut Child, input: &[u8]) -> Result<Vec<u8>, ProcessError> {
        let (ended, endings) = mpsc::channel();
        let stdout = Reading::start(child.stdout.take(), self.limits.output, ended.clone());
        let stderr = Reading::start(child.stderr.take(), MAX_STDERR, ended);
        if let Some(mut stdin) = child.stdin.take() {
            match stdin.write_all(input) {
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                    return Err(self.talk(&error));
                }
                _ => {}
            }
        }
        // Both outputs end when the program does, unless something that it left behind holds them.
        let mut open = 2_u8;
        let mut exit: Option<(ExitStatus, Instant)> = None;
        loop {
            if stdout.is_over_limit() {
                let program = self.program.clone();
                let limit = self.limits.output;
                return Err(ProcessError::TooMuchOutput { program, limit });
            }
            if exit.is_none() {
                let status = child.try_wait().map_err(|error| self.talk(&error))?;
                exit = status.map(|status| (status, Instant::now()));
            }
            match &exit {
                Some((status, since)) if open == 0 || since.elapsed() > GRACE => {
                    return match status.success() {
                        true => Ok(stdout.bytes()),
                        false => Err(ProcessError::Failed {
                            program: self.program.clone(),
                            status: status.to_string(),
                            stderr: stderr.text(),
                        }),
                    };
                }
                _ => {}
            }
            if exit.is_none() && self.deadline.is_some_and(|end| Instant::now() > end) {
                return Err(ProcessError::TimedOut {
                    program: self.program.clone(),
                    time: self.limits.time,
                    stderr: stderr.text(),
                });
            }
            match open {
                0 => std::thread::sleep(POLL),
                _ if endings.recv_timeout(POLL).is_ok() => open = open.saturating_sub(1),
                _ => {}
            }
        }
    }

    fn talk(&self, error: &io::Error) -> ProcessError {
        ProcessError::Talk {
            program: self.program.clone(),
            problem: error.to_string(),
        }
    }
}

/// An output that a thread of its own reads to the end; what is over the limit is thrown away.
struct Reading {
    bytes: Arc<Mutex<Vec<u8>>>,
    limit: usize,
}

impl Reading {
    fn start(
        source: Option<impl Read + Send + 'static>,
        limit: usize,
        ended: mpsc::Sender<()>,
    ) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&bytes);
        std::thread::spawn(move || {
            let mut block = [0; 4096];
            let mut source = source;
            while let Some(length) = source.as_mut().and_then(|s| s.read(&mut block).ok()) {
                let read = block.get(..length).unwrap_or_default();
                match shared.lock() {
                    // One byte over the limit shows that there was more.
                    Ok(mut kept) if length > 0 => {
                        let room = limit.saturating_add(1).saturating_sub(kept.len());
                        kept.extend(read.iter().take(room));
                    }
                    _ => break,
                }
            }
            // Nobody listens any more when the program was killed.
            ended.send(()).ok();
        });
        Self { bytes, limit }
    }

    fn bytes(&self) -> Vec<u8> {
        let bytes = self.bytes.lock();
        bytes.map(|bytes| bytes.clone()).unwrap_or_default()
    }

    fn is_over_limit(&self) -> bool {
        self.bytes.lock().is_ok_and(|b| b.len() > self.limit)
    }

    /// What was said, on one line, safe for a terminal.
    fn text(&self) -> String {
        let bytes = self.bytes();
        let text = String::from_utf8_lossy(&bytes);
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let line = lines.collect::<Vec<_>>().join(" / ");
        line.chars().filter(|c| !c.is_control()).collect()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        time: Duration::from_secs(20),
        output: 100,
    };

    fn shell(script: &str, limits: Limits) -> Result<Vec<u8>, ProcessError> {
        run(Command::new("sh").args(["-c", script]), b"in\n", limits)
    }

    #[test]
    fn input_goes_in_and_output_comes_out() {
        assert_eq!(shell("cat; printf x", LIMITS).unwrap(), b"in\nx");
        assert_eq!(shell("exit 0", LIMITS).unwrap(), b"");
    }

    #[test]
    fn a_failure_carries_its_words() {
        let error = shell("echo one >&2; printf '\\033[2Jtwo' >&2; exit 3", LIMITS).unwrap_err();
        assert_eq!(
            error.to_string(),
            "sh failed with exit status: 3; it said: one / [2Jtwo"
        );
        let error = shell("kill -9 $$", LIMITS).unwrap_err();
        assert!(error.to_string().contains("signal: 9"), "{error}");
        let missing = run(&mut Command::new("no-such-program"), b"", LIMITS).unwrap_err();
        assert!(matches!(missing, ProcessError::Start { .. }));
    }

    #[test]
    fn bounds_are_kept() {
        let limits = Limits {
            time: Duration::from_millis(300),
            ..LIMITS
        };
        let start = Instant::now();
        let error = shell("echo waiting >&2; exec sleep 30", limits).unwrap_err();
        assert!(error.to_string().ends_with("was killed; it said: waiting"));
        let error = shell("exec cat /dev/zero", LIMITS).unwrap_err();
        let program = "sh".to_owned();
        assert_eq!(
            error,
            ProcessError::TooMuchOutput {
                program,
                limit: 100
            }
        );
        // Words without end are no reason to stop.
        let much = "i=0; while [ $i -lt 3000 ]; do echo $i >&2; i=$((i+1)); done; printf done";
        assert_eq!(shell(much, LIMITS).unwrap(), b"done");
        assert!(start.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn something_left_behind_does_not_hold_the_result_back() {
        let start = Instant::now();
        assert_eq!(shell("sleep 30 & printf done", LIMITS).unwrap(), b"done");
        assert!(start.elapsed() < Duration::from_secs(10));
    }
}
