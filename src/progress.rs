//! How far a long run is: a bar on stderr where a person watches, nothing in pipes and CI.

mod reading;

use std::io::{IsTerminal, stderr};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

pub(crate) use reading::reading;

/// Runs over fewer files are done before anyone wonders.
const WORTH_A_BAR: usize = 8;
/// A smaller file is hashed before anyone wonders.
const WORTH_A_BAR_IN_BYTES: u64 = 256 << 20;

/// The bar of one run; it is gone when the run ends.
pub(crate) struct Progress(Option<ProgressBar>);

impl Progress {
    /// A bar over `count` files, which `doing` says what is done with.
    pub(crate) fn new(doing: &'static str, count: usize) -> Self {
        if count < WORTH_A_BAR || !is_watched() {
            return Self(None);
        }
        let template = "{msg} {wide_bar} {pos}/{len}, {eta} left";
        Self::drawn(doing, count as u64, template)
    }

    /// A bar over `length` bytes of one file, with the throughput.
    pub(crate) fn of_bytes(doing: &'static str, length: u64) -> Self {
        if length < WORTH_A_BAR_IN_BYTES || !is_watched() {
            return Self(None);
        }
        let template = "{msg} {wide_bar} {bytes}/{total_bytes}, {binary_bytes_per_sec}, {eta} left";
        Self::drawn(doing, length, template)
    }

    fn drawn(doing: &'static str, length: u64, template: &str) -> Self {
        let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(doing);
        Self(Some(bar))
    }

    /// So many more bytes are done.
    pub(crate) fn advance(&self, bytes: u64) {
        if let Some(bar) = &self.0 {
            bar.inc(bytes);
        }
    }

    /// One file is done, well or not.
    pub(crate) fn step(&self) {
        self.advance(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// Whether a person sees stderr: a terminal that can move its cursor, and no CI, which often has a terminal too.
fn is_watched() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    stderr().is_terminal() && !is_dumb && !is_set("CI")
}
