//! The volumes of an image: opened as often as there are threads that read, walked once.

use std::collections::HashSet;
use std::io::{BufReader, Read};

use formats::container::ffu::{BlockMap, Disk, FullFlashUpdate, Store};
use formats::disk::{Part, Partition, PartitionTable, PartitionType, STORAGE_SPACES};
use formats::error::ParseError;
use formats::file_system::{FileSystem, Node, VolumeKind};

use crate::facts::full_flash::Unread;
use crate::files::{Files, ReadSeek};

/// Bytes read at a time; records of directories lie scattered, and files are read in larger pieces anyway.
const READ_BUFFER: usize = 4 << 10;
/// Deepest directory.
const DEEPEST: usize = 64;
/// Most files and directories of all volumes together.
const MOST_ENTRIES: usize = 1_000_000;

/// The partitions that an image must have a file system on, whatever its manifest says.
const WITH_FILES: [&str; 2] = ["MainOS", "EFIESP"];

/// A volume that can be read.
pub(super) type Opened<'v> = FileSystem<Part<Disk<'v, BufReader<Box<dyn ReadSeek + 'v>>>>>;

/// A partition with a file system.
struct Volume {
    label: String,
    /// Place in [`Volumes::maps`].
    map: usize,
    partition: Partition,
}

/// A file of an image.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// Place among the volumes.
    pub(super) volume: usize,
    /// `PARTITION:PATH`.
    pub(super) at: String,
    /// What it leads to.
    pub(super) node: Node,
    /// Bytes.
    pub(super) length: u64,
}

impl Found {
    /// The path on its partition, in lower case.
    pub(super) fn path(&self) -> String {
        let path = self.at.split_once(':').map_or("", |(_, path)| path);
        path.to_lowercase()
    }
}

/// What is known of the disks of an image.
pub(super) struct Volumes<'a> {
    files: &'a dyn Files,
    path: &'a str,
    maps: Vec<BlockMap>,
    volumes: Vec<Volume>,
    /// The names of all partitions, those without a file system too.
    pub(super) labels: Vec<String>,
    /// What cannot be read.
    pub(super) unread: Vec<Unread>,
    /// What partition tables contradict.
    pub(super) contradictions: Vec<String>,
}

/// An error without its place, and the place.
pub(super) fn unread(at: &str, error: &ParseError) -> Unread {
    let ParseError {
        structure,
        field,
        offset,
        problem,
    } = error;
    Unread {
        at: at.to_owned(),
        problem: format!("{structure}.{field}: {problem}"),
        offset: Some(*offset),
    }
}

impl<'a> Volumes<'a> {
    /// Reads the partition tables and looks at every partition's first sector.
    pub(super) fn read(files: &'a dyn Files, path: &'a str, update: &FullFlashUpdate) -> Self {
        let mut volumes = Self {
            files,
            path,
            maps: Vec::new(),
            volumes: Vec::new(),
            labels: Vec::new(),
            unread: Vec::new(),
            contradictions: Vec::new(),
        };
        for store in update.stores() {
            volumes.add(update, store);
        }
        volumes
    }

    fn input<'v>(&'v self) -> Result<BufReader<Box<dyn ReadSeek + 'v>>, ParseError> {
        let input = self.files.open(self.path);
        let input = input.map_err(|error| ParseError::io("file", "bytes", 0, &error))?;
        Ok(BufReader::with_capacity(READ_BUFFER, input))
    }

    fn add(&mut self, update: &FullFlashUpdate, store: &Store) {
        let number = store.index.saturating_add(1);
        let map = BlockMap::new(store, update.disk_length(store));
        let outside = map.outside().len();
        if outside > 0 {
            let what = format!(
                "store {number}: {outside} places of write descriptors lie outside the disk"
            );
            self.contradictions.push(what);
        }
        let section = update.manifest().stores().nth(store.index);
        let sector = section.and_then(|section| section.number("SectorSize"));
        let table = self.input().and_then(|input| {
            PartitionTable::read(&mut Disk::new(&map, input), sector.unwrap_or(512))
        });
        let mut table = match table {
            Ok(table) => table,
            Err(error) => {
                let mut unread = unread("", &error);
                unread.problem = format!("the disk of store {number}: {}", unread.problem);
                self.unread.push(unread);
                return;
            }
        };
        let stated = || update.manifest().partitions(store.index);
        let names: Vec<&str> = stated()
            .filter_map(|partition| partition.get("Name"))
            .collect();
        table.name_in_order(&names);
        let faults = table.faults.iter();
        self.contradictions
            .extend(faults.map(|fault| format!("store {number}: {fault}")));
        let index = self.maps.len();
        self.maps.push(map);
        for partition in table.partitions {
            let mut sections = stated();
            let section =
                sections.find(|section| section.get("Name") == Some(partition.name.as_str()));
            let file_system = section.and_then(|section| section.get("FileSystem"));
            self.look_at(index, partition, file_system);
        }
    }

    /// Decides what a partition is. `stated` is the file system that the manifest says it has.
    fn look_at(&mut self, map: usize, partition: Partition, stated: Option<&str>) {
        let label = self.label(&partition);
        self.labels.push(label.clone());
        let problem = match partition.kind {
            PartitionType::Gpt(STORAGE_SPACES) => {
                Some("Storage Spaces are not supported".to_owned())
            }
            _ => match self.kind(map, &partition) {
                Ok(VolumeKind::Fat | VolumeKind::Ntfs) => None,
                Ok(VolumeKind::Unknown) => {
                    let is_known = WITH_FILES
                        .iter()
                        .any(|name| name.eq_ignore_ascii_case(&label));
                    // Firmware and boot loaders stand on partitions of their own, without one.
                    let Some(stated) = stated.or(is_known.then_some("one")) else {
                        return;
                    };
                    Some(format!(
                        "there is no known file system on it, {stated} is expected"
                    ))
                }
                Ok(VolumeKind::BitLocker) => Some("it is encrypted by BitLocker".to_owned()),
                Ok(kind) => Some(format!("{kind} is not supported")),
                Err(error) => {
                    self.unread.push(unread(&label, &error));
                    return;
                }
            },
        };
        match problem {
            None => self.volumes.push(Volume {
                label,
                map,
                partition,
            }),
            Some(problem) => self.unread.push(Unread {
                at: label,
                problem,
                offset: None,
            }),
        }
    }

    /// The partition's name or number; where another has that name, both.
    fn label(&self, partition: &Partition) -> String {
        let number = partition.number;
        let name = match partition.name.as_str() {
            "" => number.to_string(),
            name => name.replace(['/', ':'], "_"),
        };
        match self.labels.contains(&name) {
            true => format!("{name}#{}", self.labels.len().saturating_add(1)),
            false => name,
        }
    }

    fn kind(&self, map: usize, partition: &Partition) -> Result<VolumeKind, ParseError> {
        match self.part(map, partition)? {
            Some(mut part) => VolumeKind::of(&mut part),
            None => Ok(VolumeKind::Unknown),
        }
    }

    #[expect(clippy::type_complexity, reason = "what is opened is named above")]
    fn part<'v>(
        &'v self,
        map: usize,
        partition: &Partition,
    ) -> Result<Option<Part<Disk<'v, BufReader<Box<dyn ReadSeek + 'v>>>>>, ParseError> {
        let Some(map) = self.maps.get(map) else {
            return Ok(None);
        };
        let input = self.input()?;
        Ok(Some(Part::new(Disk::new(map, input), partition)))
    }

    /// Opens all volumes, for one thread. One that cannot be opened is told of when it is walked.
    pub(super) fn open(&self) -> Vec<Result<Opened<'_>, ParseError>> {
        let opened =
            self.volumes
                .iter()
                .map(|volume| match self.part(volume.map, &volume.partition)? {
                    Some(part) => FileSystem::open(part),
                    None => Err(ParseError::unsupported(
                        "disk",
                        "store",
                        0,
                        "a store without a disk",
                    )),
                });
        opened.collect()
    }

    /// All files, by partition and path.
    pub(super) fn walk(&self, unread_files: &mut Vec<Unread>) -> Vec<Found> {
        let mut found = Vec::new();
        let mut left = MOST_ENTRIES;
        for (index, opened) in self.open().into_iter().enumerate() {
            let label = self.volumes.get(index).map_or("", |volume| &volume.label);
            match opened {
                Ok(mut volume) => {
                    let mut walk = Walk {
                        volume: index,
                        found: &mut found,
                        unread: unread_files,
                        left: &mut left,
                    };
                    walk.walk(label, &mut volume);
                }
                Err(error) => unread_files.push(unread(label, &error)),
            }
        }
        found.sort_by(|a, b| (a.volume, &a.at).cmp(&(b.volume, &b.at)));
        found
    }
}

struct Walk<'w> {
    volume: usize,
    found: &'w mut Vec<Found>,
    unread: &'w mut Vec<Unread>,
    left: &'w mut usize,
}

impl Walk<'_> {
    fn walk(&mut self, label: &str, volume: &mut Opened<'_>) {
        let mut seen: HashSet<Node> = HashSet::new();
        let mut directories = vec![(format!("{label}:"), volume.root(), 0_usize)];
        while let Some((path, node, depth)) = directories.pop() {
            if !seen.insert(node) {
                continue;
            }
            let at = path.trim_end_matches('/');
            let entries = match volume.list(node) {
                Ok(entries) => entries,
                Err(error) => {
                    self.unread.push(unread(at.trim_end_matches(':'), &error));
                    continue;
                }
            };
            for entry in entries {
                if *self.left == 0 {
                    self.limit(at, "more files than any image has");
                    return;
                }
                *self.left = self.left.saturating_sub(1);
                let at = format!("{path}{}", entry.name);
                match (entry.link, entry.unreadable) {
                    // It has nothing of its own, and what it leads to is found where that lies.
                    (true, _) => {}
                    (false, Some(error)) => self.unread.push(unread(&at, &error)),
                    (false, None) if !entry.directory => self.found.push(Found {
                        volume: self.volume,
                        at,
                        node: entry.node,
                        length: entry.length,
                    }),
                    (false, None) if depth >= DEEPEST => {
                        self.limit(&at, "directories are nested too deep")
                    }
                    (false, None) => {
                        directories.push((format!("{at}/"), entry.node, depth.saturating_add(1)));
                    }
                }
            }
        }
    }

    fn limit(&mut self, at: &str, problem: &str) {
        self.unread.push(Unread {
            at: at.trim_end_matches(':').to_owned(),
            problem: problem.to_owned(),
            offset: None,
        });
    }
}

/// What is read of the volumes of an image.
pub(super) struct Reader<'v>(pub(super) Vec<Result<Opened<'v>, ParseError>>);

impl Reader<'_> {
    /// The content of a file of at most `limit` bytes.
    pub(super) fn read(&mut self, file: &Found, limit: u64) -> Result<Vec<u8>, Unread> {
        if file.length > limit {
            return Err(Unread {
                at: file.at.clone(),
                problem: format!("it is longer than the {limit} bytes that are looked into"),
                offset: None,
            });
        }
        self.begin(file, file.length)
    }

    /// The first bytes of a file.
    pub(super) fn begin(&mut self, file: &Found, count: u64) -> Result<Vec<u8>, Unread> {
        let wanted = file.length.min(count);
        let failed = |error: &ParseError| unread(&file.at, error);
        let Some(Ok(volume)) = self.0.get_mut(file.volume) else {
            let error =
                ParseError::unsupported("volume", "state", 0, "a volume that cannot be opened");
            return Err(failed(&error));
        };
        let mut content = volume
            .open_file(file.node)
            .map_err(|error| failed(&error))?;
        let mut bytes = vec![0; usize::try_from(wanted).unwrap_or_default()];
        match content.read_exact(&mut bytes) {
            Ok(()) => Ok(bytes),
            Err(error) => Err(Unread {
                at: file.at.clone(),
                problem: format!("its content cannot be read: {error}"),
                offset: None,
            }),
        }
    }
}
