//! How far a long run is: a bar on stderr where a person watches, nothing in pipes and CI.

mod reading;

use std::io::{IsTerminal, stderr};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

pub(crate) use reading::reading;

/// Runs over fewer files are done before anyone wonders.
const WORTH_A_BAR: usize = 8;

/// The bar of one run; it is gone when the run ends.
pub(crate) struct Progress(Option<ProgressBar>);

impl Progress {
    /// A bar over `count` files, which `doing` says what is done with.
    pub(crate) fn new(doing: &'static str, count: usize) -> Self {
        if count < WORTH_A_BAR || !is_watched() {
            return Self(None);
        }
        let bar = ProgressBar::with_draw_target(Some(count as u64), ProgressDrawTarget::stderr());
        let template = "{msg} {wide_bar} {pos}/{len}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(doing);
        Self(Some(bar))
    }

    /// One file is done, well or not.
    pub(crate) fn step(&self) {
        if let Some(bar) = &self.0 {
            bar.inc(1);
        }
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
