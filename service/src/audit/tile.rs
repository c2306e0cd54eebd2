//! Where a tiled log keeps its hashes and entries (<https://c2sp.org/tlog-tiles>).
//!
//! A tile is 256 consecutive hashes of one level; those of level 0 are leaves, each of level L is the hash of a full tile of
//! level L-1. The last tile of a level may be partial. Entries stand in bundles that go with the tiles of level 0, each after its
//! length in two bytes, the higher first.

use std::fmt;

use super::merkle::{Leaves, Subtree};

/// Hashes of a full tile.
pub const WIDTH: u64 = 256;
/// Levels of the tree that a tile spans.
pub const HEIGHT: u32 = 8;
/// Highest level of tiles.
const MAX_LEVEL: u32 = 63;
/// Longest entry, in bytes.
pub const MAX_ENTRY: usize = u16::MAX as usize;

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Hashes of a level.
    Hashes(u32),
    /// Entries.
    Entries,
}

/// A file of a tiled log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tile {
    /// What it holds.
    pub content: Content,
    /// Which one of its level, from 0.
    pub index: u64,
    /// How many hashes or entries it holds, 1 to 256.
    pub width: u64,
}

impl Tile {
    /// The tile of a path such as `tile/0/x001/x234/067.p/8`, written in the one way that is allowed.
    pub fn from_path(path: &str) -> Option<Self> {
        let (content, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let content = match content {
            "entries" => Content::Entries,
            level => Content::Hashes(level.parse().ok().filter(|level| *level <= MAX_LEVEL)?),
        };
        let (index, width) = match rest.split_once(".p/") {
            Some((index, width)) => (index, width.parse().ok()?),
            None => (rest, WIDTH),
        };
        let digits: String = index
            .split('/')
            .map(|part| part.trim_start_matches('x'))
            .collect();
        let tile = Self {
            content,
            index: digits.parse().ok()?,
            width,
        };
        ((1..=WIDTH).contains(&width) && tile.to_string() == path).then_some(tile)
    }

    /// The files of a log of `size` entries, level by level from the leaves, entries last.
    pub fn all(size: u64) -> impl Iterator<Item = Self> {
        let levels = (0..=MAX_LEVEL / HEIGHT).map(move |level| (Content::Hashes(level), level));
        levels
            .chain([(Content::Entries, 0)])
            .flat_map(move |(content, level)| Self::of_level(content, size >> (level * HEIGHT)))
    }

    /// The bundles of entries of a log of `size` entries.
    pub fn bundles(size: u64) -> impl Iterator<Item = Self> {
        Self::of_level(Content::Entries, size)
    }

    fn of_level(content: Content, count: u64) -> impl Iterator<Item = Self> {
        (0..count.div_ceil(WIDTH)).map(move |index| Self {
            content,
            index,
            width: WIDTH.min(count - index * WIDTH),
        })
    }

    /// The places of what it holds, among all of its level.
    pub fn places(self) -> Leaves {
        let start = self.index.saturating_mul(WIDTH);
        Leaves {
            start,
            end: start.saturating_add(self.width),
        }
    }

    /// Whether a log of `size` entries has it.
    pub fn is_of(self, size: u64) -> bool {
        let level = match self.content {
            Content::Hashes(level) => level,
            Content::Entries => 0,
        };
        let count = size.checked_shr(level.saturating_mul(HEIGHT)).unwrap_or(0);
        self.index
            .checked_mul(WIDTH)
            .and_then(|start| start.checked_add(self.width))
            .is_some_and(|end| end <= count)
    }
}

/// The path below the log's prefix.
impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.content {
            Content::Hashes(level) => write!(f, "tile/{level}/")?,
            Content::Entries => f.write_str("tile/entries/")?,
        }
        let mut thousands = vec![self.index % 1000];
        let mut rest = self.index / 1000;
        while rest > 0 {
            thousands.push(rest % 1000);
            rest /= 1000;
        }
        let (last, parents) = (thousands.remove(0), thousands);
        for part in parents.iter().rev() {
            write!(f, "x{part:03}/")?;
        }
        write!(f, "{last:03}")?;
        match self.width {
            WIDTH => Ok(()),
            width => write!(f, ".p/{width}"),
        }
    }
}

/// Where the hash of a perfect subtree is found: in which level of tiles, and from the hashes at which places there it is
/// folded.
pub fn hashes_of(subtree: Subtree) -> (u32, Leaves) {
    let level = subtree.level / HEIGHT;
    let within = subtree.level % HEIGHT;
    let start = subtree.position << within;
    let end = start + (1 << within);
    (level, Leaves { start, end })
}

/// A bundle of entries. Nothing where one is longer than [`MAX_ENTRY`].
pub fn bundle<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for entry in entries {
        bytes.extend(u16::try_from(entry.len()).ok()?.to_be_bytes());
        bytes.extend_from_slice(entry);
    }
    Some(bytes)
}

/// The entries of a bundle. Nothing where it ends within one.
pub fn unbundle(mut bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk()?;
        let (entry, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
        entries.push(entry);
        bytes = rest;
    }
    Some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tile(content: Content, index: u64, width: u64) -> Tile {
        Tile {
            content,
            index,
            width,
        }
    }

    #[test]
    fn paths_are_those_of_the_specification() {
        for (path, expected) in [
            (
                "tile/0/x001/x234/067",
                tile(Content::Hashes(0), 1_234_067, 256),
            ),
            (
                "tile/0/x001/x234/067.p/8",
                tile(Content::Hashes(0), 1_234_067, 8),
            ),
            ("tile/2/000.p/1", tile(Content::Hashes(2), 0, 1)),
            (
                "tile/entries/x001/000.p/255",
                tile(Content::Entries, 1000, 255),
            ),
        ] {
            assert_eq!(Tile::from_path(path), Some(expected));
            assert_eq!(expected.to_string(), path);
        }
        for path in [
            "tile/0/1",
            "tile/0/0000",
            "tile/0/001/000",
            "tile/0/x001/x000",
            "tile/0/x000/001",
            "tile/00/001",
            "tile/+0/001",
            "tile/64/000",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/08",
            "tile/0/000.p/8/",
            "tile/0/../000",
            "tile/entry/000",
            "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
            "tile/0",
            "/tile/0/000",
        ] {
            assert_eq!(Tile::from_path(path), None, "{path}");
        }
    }

    #[test]
    fn a_log_has_the_tiles_that_the_specification_counts() {
        let of_level = |size, level| -> Vec<u64> {
            let tiles = Tile::all(size).filter(|tile| tile.content == Content::Hashes(level));
            tiles.map(|tile| tile.width).collect()
        };
        let leaves = of_level(70_000, 0);
        assert_eq!((leaves.len(), leaves.last()), (274, Some(&112)));
        assert_eq!(of_level(70_000, 1), [256, 17]);
        assert_eq!(of_level(70_000, 2), [1]);
        assert!(of_level(70_000, 3).is_empty());
        assert_eq!(of_level(256, 0), [256]);
        assert_eq!(of_level(256, 1), [1]);
        assert_eq!(Tile::all(0).count(), 0);
        assert!(Tile::all(70_000).all(|tile| tile.is_of(70_000)));
        assert!(!tile(Content::Hashes(0), 273, 113).is_of(70_000));
        assert!(!tile(Content::Hashes(3), 0, 1).is_of(70_000));
        assert!(!tile(Content::Entries, u64::MAX, 1).is_of(u64::MAX));
    }

    #[test]
    fn bundles_are_cut_at_no_other_place() {
        let entries: [&[u8]; 3] = [b"one", b"", b"three"];
        let bytes = bundle(entries).unwrap();
        assert_eq!(unbundle(&bytes), Some(entries.to_vec()));
        assert_eq!(unbundle(&bytes[..bytes.len() - 1]), None);
        assert_eq!(unbundle(&[0]), None);
        assert_eq!(bundle([&*vec![0; MAX_ENTRY + 1]]), None);
    }
}
