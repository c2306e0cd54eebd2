//! FAT and NTFS volumes that public tools make, read beside those tools, and damaged.

mod fat;
mod ntfs;
#[path = "../tools/shell.rs"]
mod shell;
mod support;
