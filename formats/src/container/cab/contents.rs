//! The files of a cabinet, expanded as they are read.

use std::io::{self, BufRead, Read, Seek};

use super::Cabinet;
use super::directory::File;
use super::folder::FolderReader;
use super::header::MAX_STRING;
use crate::error::ParseError;

/// What reading a cabinet may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all folders together when expanded.
    pub expanded_total: u64,
    /// Number of files.
    pub file_count: u16,
    /// Bytes of a name.
    pub path_length: usize,
}

impl Default for Limits {
    /// 2 GiB, and whatever number of files and names the format allows.
    fn default() -> Self {
        Self {
            expanded_total: 2 << 30,
            file_count: u16::MAX,
            path_length: MAX_STRING,
        }
    }
}

/// Goes through the files in the order of the folders, so that each folder is expanded once, and only as far as its
/// files are read. Memory: one block and the decoder's window.
pub struct Contents<'a, R> {
    input: R,
    cabinet: &'a Cabinet,
    limits: Limits,
    order: Vec<&'a File>,
    /// Where folders' data begins, sorted.
    starts: Vec<u32>,
    next: usize,
    folder: Option<(u16, Result<FolderReader, ParseError>)>,
    expanded: u64,
}

impl<'a, R: Read + Seek> Contents<'a, R> {
    /// The files of `cabinet`, which was read from `input`.
    ///
    /// # Errors
    /// When the directory announces more than `limits` allow, or files of a folder overlap.
    pub fn open(input: R, cabinet: &'a Cabinet, limits: Limits) -> Result<Self, ParseError> {
        let count = cabinet.header().c_files;
        if count > limits.file_count {
            return Err(ParseError::limit(
                "CFHEADER",
                "cFiles",
                28,
                count,
                limits.file_count,
            ));
        }
        let mut order: Vec<&File> = cabinet.files().iter().collect();
        order.sort_by_key(|file| (file.i_folder, file.uoff_folder_start, file.range().end));
        let mut announced = 0_u64;
        for (index, file) in order.iter().enumerate() {
            announced = announced.saturating_add(u64::from(file.cb_file));
            if announced > limits.expanded_total {
                let allowed = limits.expanded_total;
                return Err(ParseError::limit(
                    "CFFILE",
                    "cbFile",
                    file.offset,
                    announced,
                    allowed,
                ));
            }
            let before = index.checked_sub(1).and_then(|index| order.get(index));
            let end = before
                .filter(|before| before.i_folder == file.i_folder && !file.is_split())
                .map_or(0, |before| before.range().end);
            if file.range().start < end {
                return Err(ParseError::invalid(
                    "CFFILE",
                    "uoffFolderStart",
                    file.offset.saturating_add(4),
                    file.uoff_folder_start,
                    format_args!("at least {end}, where the file before it ends"),
                ));
            }
        }
        let with_data = cabinet
            .folders()
            .iter()
            .filter(|folder| folder.c_cf_data > 0);
        let mut starts: Vec<u32> = with_data.map(|folder| folder.coff_cab_start).collect();
        starts.sort_unstable();
        Ok(Self {
            input,
            cabinet,
            limits,
            order,
            starts,
            next: 0,
            folder: None,
            expanded: 0,
        })
    }

    /// The next file. Those that are not read cost nothing until a later file of the same folder is.
    ///
    /// # Errors
    /// When the file's name could lead out of the folder it is extracted to, or is too long; the files behind it
    /// can still be had.
    pub fn next_member(&mut self) -> Result<Option<Member<'_, 'a, R>>, ParseError> {
        let Some(file) = self.order.get(self.next).copied() else {
            return Ok(None);
        };
        self.next = self.next.saturating_add(1);
        let name_at = file.offset.saturating_add(16);
        let length = file.sz_name.len();
        if length > self.limits.path_length {
            let allowed = self.limits.path_length as u64;
            return Err(ParseError::limit(
                "CFFILE",
                "szName",
                name_at,
                length as u64,
                allowed,
            ));
        }
        let path = file.path();
        if let Some(fault) = path.unsafe_fault() {
            let expected = "a relative path without `..`";
            return Err(ParseError::invalid(
                "CFFILE", "szName", name_at, fault, expected,
            ));
        }
        Ok(Some(Member {
            contents: self,
            file,
            path: path.text().to_owned(),
            delivered: 0,
        }))
    }

    /// Makes the block with `position` of the expanded folder of `file` the current one and gives its bytes from
    /// there on.
    fn block(&mut self, file: &File, position: u64) -> Result<&[u8], ParseError> {
        if self
            .folder
            .as_ref()
            .is_none_or(|(open, _)| *open != file.i_folder)
        {
            let reader = self.open_folder(file);
            self.folder = Some((file.i_folder, reader));
        }
        let Some((_, slot)) = &mut self.folder else {
            return Ok(&[]);
        };
        // An error stays: a folder cannot be read on behind a broken block.
        while let Ok(reader) = slot {
            if reader.from(position).is_some() {
                break;
            }
            let advanced = reader.advance(&mut self.input).and_then(|count| {
                self.expanded = self.expanded.saturating_add(count);
                if self.expanded > self.limits.expanded_total {
                    let (found, allowed) = (self.expanded, self.limits.expanded_total);
                    return Err(ParseError::limit(
                        "CFDATA",
                        "cbUncomp",
                        reader.offset(),
                        found,
                        allowed,
                    ));
                }
                Ok(())
            });
            if let Err(error) = advanced {
                *slot = Err(error);
            }
        }
        match slot {
            Ok(reader) => Ok(reader.from(position).unwrap_or_default()),
            Err(error) => Err(error.clone()),
        }
    }

    fn open_folder(&mut self, file: &File) -> Result<FolderReader, ParseError> {
        let folder = self.cabinet.folders().get(usize::from(file.i_folder));
        let Some(folder) = folder.filter(|_| !file.is_split()) else {
            let at = file.offset.saturating_add(8);
            let what = "a file that is split over several cabinets";
            return Err(ParseError::unsupported("CFFILE", "iFolder", at, what));
        };
        // Blocks end where the next folder's begin, so that no data is read twice.
        let later = self
            .starts
            .partition_point(|start| *start <= folder.coff_cab_start);
        let header = self.cabinet.header();
        let end = self.starts.get(later).copied().unwrap_or(header.cb_cabinet);
        FolderReader::open(&mut self.input, folder, header.cb_cf_data, u64::from(end))
    }
}

/// One file of a cabinet. [`Read`] and [`BufRead`] wrap the [`ParseError`] of a broken block in an
/// [`io::ErrorKind::InvalidData`]; the methods here give it as it is.
pub struct Member<'c, 'a, R> {
    contents: &'c mut Contents<'a, R>,
    file: &'a File,
    path: String,
    delivered: u32,
}

impl<'a, R: Read + Seek> Member<'_, 'a, R> {
    /// Its CFFILE.
    pub fn file(&self) -> &'a File {
        self.file
    }

    /// Its relative path with `/` between the parts.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The bytes that are expanded and not yet consumed; empty at the end.
    ///
    /// # Errors
    /// When a block is broken, the folder is of a kind that is not read, or a limit is passed.
    pub fn fill(&mut self) -> Result<&[u8], ParseError> {
        let left = self.file.cb_file.saturating_sub(self.delivered);
        if left == 0 {
            return Ok(&[]);
        }
        let position = self
            .file
            .range()
            .start
            .saturating_add(u64::from(self.delivered));
        let block = self.contents.block(self.file, position)?;
        let end = block.len().min(left as usize);
        Ok(block.get(..end).unwrap_or_default())
    }

    /// Gives what is left of the file to `sink`, piece by piece.
    ///
    /// # Errors
    /// As [`Member::fill`].
    pub fn for_each_chunk(&mut self, mut sink: impl FnMut(&[u8])) -> Result<(), ParseError> {
        loop {
            let chunk = self.fill()?;
            if chunk.is_empty() {
                return Ok(());
            }
            sink(chunk);
            let count = chunk.len();
            self.consume(count);
        }
    }

    /// What is left of the file; memory grows with what was really expanded.
    ///
    /// # Errors
    /// As [`Member::fill`].
    pub fn read_all(&mut self) -> Result<Vec<u8>, ParseError> {
        let mut bytes = Vec::new();
        self.for_each_chunk(|chunk| bytes.extend_from_slice(chunk))?;
        Ok(bytes)
    }
}

impl<R: Read + Seek> BufRead for Member<'_, '_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.fill()
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    fn consume(&mut self, count: usize) {
        let left = self.file.cb_file.saturating_sub(self.delivered);
        let count = u32::try_from(count).unwrap_or(left).min(left);
        self.delivered = self.delivered.saturating_add(count);
    }
}

impl<R: Read + Seek> Read for Member<'_, '_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}
