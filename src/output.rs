//! What is printed where.
//!
//! Results go to stdout; everything else goes to stderr: progress, hints, and errors, which begin with `error:` and
//! say what to do where there is something to do. A closed pipe ends the output silently.

use std::io::{self, IsTerminal, Write};

/// Writes a result to stdout.
///
/// # Errors
/// Whatever writing reports, except that nobody reads any more.
pub(crate) fn result(text: &str) -> io::Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Writes a line to stderr.
pub(crate) fn note(text: impl std::fmt::Display) {
    // There is nowhere left to report a failure to.
    writeln!(io::stderr().lock(), "{text}").ok();
}

/// Whether results may be coloured: a terminal, and `NO_COLOR` not set.
pub(crate) fn colour() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Text of a file without characters that steer a terminal.
pub(crate) fn printable(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}
