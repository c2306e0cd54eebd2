//! A package in memory: its cabinet and the files in it, and the way back into a cabinet.

use std::collections::HashMap;
use std::io::{Cursor, Read, Seek};

use formats::container::cab::{
    Cabinet, Compression, Contents, Entry, Limits, Packing, attribs, pack,
};
use formats::container::{Container, Format};
use time::{Date, Month, PrimitiveDateTime, Time};

use super::{Layer, PackageError};

/// Offset of `date` and `time`, together 4 bytes, in a CFFILE.
const DATE_AND_TIME: usize = 10;

/// A file of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageFile {
    /// Its path in the cabinet with `/` between the parts.
    pub path: String,
    /// `date` as it stands in the cabinet.
    pub date: u16,
    /// `time` as it stands in the cabinet.
    pub time: u16,
    /// `attribs` as it stands in the cabinet.
    pub attribs: u16,
    /// The content.
    pub bytes: Vec<u8>,
}

impl PackageFile {
    /// What kind of container it is, where it is one.
    ///
    /// # Errors
    /// Where it is a PE image or an app package that cannot be read, which must not be passed over as if it were data.
    pub fn format(&self) -> Result<Option<Format>, PackageError> {
        match Container::read(&mut Cursor::new(&self.bytes)) {
            Ok(container) => Ok(Some(container.format())),
            Err(error) if is_image(&self.bytes) => {
                Err(PackageError::member(Layer::Image, &self.path, error))
            }
            Err(error) if is_app(&self.path) => {
                Err(PackageError::member(Layer::App, &self.path, error))
            }
            Err(_) => Ok(None),
        }
    }
}

/// Whether there is an NT header. Programs of other systems begin with `MZ` as well, and are data.
fn is_image(bytes: &[u8]) -> bool {
    let place = bytes.get(60..64).and_then(|b| <[u8; 4]>::try_from(b).ok());
    let place = place.map_or(usize::MAX, |b| u32::from_le_bytes(b) as usize);
    bytes.starts_with(b"MZ") && bytes.get(place..).is_some_and(|b| b.starts_with(b"PE\0\0"))
}

/// Whether a name says that a file is an app package; other archives begin alike, and are data.
fn is_app(path: &str) -> bool {
    let path = path.to_lowercase();
    let endings = [".appx", ".appxbundle", ".msix", ".msixbundle"];
    endings.iter().any(|ending| path.ends_with(ending))
}

/// A cabinet with its files in memory.
#[derive(Debug, Clone)]
pub struct Package {
    /// The cabinet.
    pub cabinet: Cabinet,
    /// The files in the order of the cabinet's directory.
    pub files: Vec<PackageFile>,
    /// Index of each path in lower case.
    names: HashMap<String, usize>,
}

impl Package {
    /// Reads a cabinet and all of its files, as much as `limits` allow.
    ///
    /// # Errors
    /// Where it is no cabinet or a file in it cannot be expanded, has an unsafe name or the name of another one.
    pub fn read(input: &mut (impl Read + Seek), limits: Limits) -> Result<Self, PackageError> {
        let cabinet = Cabinet::read(input).map_err(PackageError::Cabinet)?;
        let mut files = Vec::new();
        let mut contents =
            Contents::open(&mut *input, &cabinet, limits).map_err(PackageError::Cabinet)?;
        while let Some(mut member) = contents.next_member().map_err(PackageError::Cabinet)? {
            let file = member.file();
            let path = member.path().to_owned();
            let bytes = member
                .read_all()
                .map_err(|error| PackageError::member(Layer::Cabinet, &path, error))?;
            let (date, time, attribs) = (file.date, file.time, file.attribs);
            files.push((
                file.offset,
                PackageFile {
                    path,
                    date,
                    time,
                    attribs,
                    bytes,
                },
            ));
        }
        drop(contents);
        files.sort_by_key(|(offset, _)| *offset);
        let files: Vec<PackageFile> = files.into_iter().map(|(_, file)| file).collect();
        let mut names = HashMap::new();
        for (index, file) in files.iter().enumerate() {
            if names.insert(file.path.to_lowercase(), index).is_some() {
                let problem = "the name comes twice";
                return Err(PackageError::member(Layer::Cabinet, &file.path, problem));
            }
        }
        Ok(Self {
            cabinet,
            files,
            names,
        })
    }

    /// Index of the file of a path, without regard to case.
    pub fn position(&self, path: &str) -> Option<usize> {
        self.names.get(&path.to_lowercase()).copied()
    }

    /// Packs `files` as the cabinet of this package was: order, names, dates, attributes; compressed where it was,
    /// by MSZIP. The same files give the same bytes.
    ///
    /// # Errors
    /// Where the cabinet has reserved areas or data behind it, which would be lost, or the format cannot hold the
    /// files.
    pub fn pack(&self, files: &[PackageFile]) -> Result<Vec<u8>, PackageError> {
        // Refuses what a new cabinet would not have.
        self.cabinet.prepare().map_err(PackageError::Cabinet)?;
        let header = self.cabinet.header();
        if header.cb_cf_folder != 0 || header.cb_cf_data != 0 {
            let problem = "a cabinet with reserves in its folders or blocks cannot be repacked";
            return Err(PackageError::member(Layer::Cabinet, "", problem));
        }
        let folders = self.cabinet.folders().iter();
        let compressed = folders
            .map(formats::container::cab::Folder::compression)
            .any(|compression| compression != Compression::None);
        let beginning = Date::from_calendar_date(1980, Month::January, 1);
        let timestamp = beginning
            .map(|date| PrimitiveDateTime::new(date, Time::MIDNIGHT))
            .map_err(|error| PackageError::member(Layer::Cabinet, "", error))?;
        let mut readers: Vec<&[u8]> = files.iter().map(|file| file.bytes.as_slice()).collect();
        let entries = files.iter().zip(&mut readers).map(|(file, data)| Entry {
            name: file.path.clone(),
            size: file.bytes.len() as u64,
            timestamp,
            attribs: file.attribs & !attribs::NAME_IS_UTF,
            data,
        });
        let packing = Packing {
            compressed,
            reserve: 0,
        };
        let packed = pack(entries.collect(), packing, Cursor::new(Vec::new()))?;
        let mut bytes = packed.into_inner();
        let written = Cabinet::read(&mut Cursor::new(&bytes)).map_err(PackageError::Cabinet)?;
        // As they stood, also where they are no date that a calendar has.
        for (file, entry) in files.iter().zip(written.files()) {
            let start = usize::try_from(entry.offset).unwrap_or(usize::MAX);
            let start = start.saturating_add(DATE_AND_TIME);
            let [d0, d1] = file.date.to_le_bytes();
            let [t0, t1] = file.time.to_le_bytes();
            if let Some(place) = bytes.get_mut(start..start.saturating_add(4)) {
                place.copy_from_slice(&[d0, d1, t0, t1]);
            }
        }
        Ok(bytes)
    }
}
