//! A workspace as a tar that is made while it is sent.

use std::fs::File;
use std::io::{self, Read, Write};
use std::thread;

use lint::discover::FoundFile;
use lint::files::join;
use tar::{Builder, EntryType, Header};

use super::Remote;
use crate::error::Error;
use crate::http::{Answer, Sent};

/// Sends files as one archive, in the folder `top` of it; any answer is one.
pub(super) fn send(
    remote: &Remote,
    path: &str,
    top: &str,
    files: &[FoundFile],
) -> Result<Answer, Error> {
    let (reader, writer) = io::pipe()?;
    let headers = [("content-type", "application/x-tar")];
    thread::scope(|scope| {
        let packing = scope.spawn(move || pack(top, files, writer));
        let answer = remote.ask(path, &headers, Sent::Stream(reader));
        let packed = packing.join();
        let packed = packed.map_err(|_| Error::new("packing the files ended early"))?;
        match packed {
            // Whoever does not want all of it has said why.
            Ok(()) | Err(Packing::Gone) => answer,
            Err(Packing::Failed(error)) => Err(error),
        }
    })
}

/// Why an archive is not whole.
enum Packing {
    /// Nobody reads on.
    Gone,
    /// A file cannot be read.
    Failed(Error),
}

fn pack(top: &str, files: &[FoundFile], writer: impl Write) -> Result<(), Packing> {
    let mut archive = Builder::new(writer);
    for file in files {
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::BrokenPipe => Packing::Gone,
            _ => Packing::Failed(Error::new(format_args!("{}: {error}", file.path))),
        };
        let opened = File::open(&file.path).map_err(failed)?;
        let size = opened.metadata().map_err(failed)?.len();
        // Nothing but name and content: no owner and no time.
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o644);
        header.set_size(size);
        archive
            .append_data(&mut header, join(top, &file.below), opened.take(size))
            .map_err(failed)?;
    }
    archive.finish().map_err(|_| Packing::Gone)
}
