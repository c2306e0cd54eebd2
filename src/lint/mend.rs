//! `proofmark lint --fix` and `--diff`: what the linter can mend is mended in memory, then shown or written.

use std::path::Path;

use lint::diagnostic::Applicability;
use lint::files::{Disk, Files};
use lint::fix::{Mended, MendedFile, mend};
use lint::render::diff;
use signer::output::write_bytes_as;

use super::{Request, lint_in};
use crate::error::Error;
use crate::exit::Exit;
use crate::output;

/// Applies the fixes in memory; guesses too where the user asks for them.
pub(crate) fn mended(request: &Request<'_>, guesses: bool) -> Result<Mended, Error> {
    let most = match guesses {
        true => Applicability::Unsafe,
        false => Applicability::Safe,
    };
    mend(&Disk, most, |files| lint_in(files, request, None))
}

/// Prints what the fixes would change. Exit code 1 where that is something.
pub(crate) fn show(mended: &Mended) -> Result<Exit, Error> {
    let diffs: String = mended.files.iter().map(diff::render).collect();
    output::result(&diffs)?;
    say_what_was_left(mended);
    Ok(match mended.files.is_empty() {
        true => Exit::Clean,
        false => Exit::Findings,
    })
}

/// Writes the files and says what was done to them.
pub(crate) fn write(mended: &Mended) -> Result<(), Error> {
    for file in &mended.files {
        write_file(file)?;
        let applied = mended.applied.iter();
        for applied in applied.filter(|applied| applied.place.file() == file.path) {
            let (place, title, rule) = (&applied.place, &applied.title, applied.rule);
            output::note(format_args!("fixed: {place}: {title} ({rule})"));
        }
    }
    say_what_was_left(mended);
    Ok(())
}

fn say_what_was_left(mended: &Mended) {
    for (path, problem) in &mended.left {
        output::note(format_args!("not fixed: {path}: {problem}"));
    }
}

fn write_file(file: &MendedFile) -> Result<(), Error> {
    let path = Path::new(&file.path);
    let failed = |error: std::io::Error| Error::file(path, error);
    // A link stays one; what it leads to is written.
    let target = std::fs::canonicalize(path).map_err(failed)?;
    if std::fs::metadata(&target)
        .map_err(failed)?
        .permissions()
        .readonly()
    {
        return Err(Error::file(path, "the file is read-only").hint("no further file was changed"));
    }
    let now = Disk.read(&file.path, u64::MAX).map_err(failed)?;
    if now != file.before {
        let problem = "the file was changed while it was being linted";
        return Err(Error::file(path, problem).hint("run it again"));
    }
    write_bytes_as(&target, &file.after, &target).map_err(failed)
}
