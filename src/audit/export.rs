//! `proofmark audit export`: a log as a folder of files that a static web server can give, verified while it is copied.

use std::path::{Path, PathBuf};

use clap::Args;
use service::audit::source::{self, CHECKPOINT, Check, Export};

use super::{LogArgs, checkpoints};
use crate::error::Error;
use crate::exit::Exit;
use crate::output;

/// Copy a log into a folder, in the layout of tlog-tiles; again for what was added since
#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    #[command(flatten)]
    log: LogArgs,
    /// Where it goes
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub(super) fn run(arguments: &ExportArgs) -> Result<Exit, Error> {
    let key = arguments.log.key()?;
    let out: &Path = &arguments.out;
    let kept = out.join(CHECKPOINT);
    let kept = kept.is_file().then_some(kept);
    let earlier = checkpoints(kept.as_slice(), &key)?;
    let check = Check {
        key: &key,
        earlier: &earlier,
        witnesses: &[],
    };
    let mut export = Export::new(out);
    let verified =
        source::verify(&arguments.log.place()?, &check, &mut export).map_err(Error::new)?;
    output::result(&format!(
        "{}: {} entries of {}, {} files written\n",
        out.display(),
        verified.checkpoint.size,
        verified.checkpoint.origin,
        export.written
    ))?;
    Ok(Exit::Clean)
}
