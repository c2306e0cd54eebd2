//! The Merkle tree of RFC 6962, section 2.1: hashes, the frontier that grows with each leaf, paths and their checks.
//!
//! Places in the tree are counted in leaves. A subtree is perfect where it has a power of two of them; its hash never
//! changes once they are there, and every other hash is folded from those of perfect subtrees.

use std::fmt;

use base64ct::{Base64, Encoding};
use signer::digest::DigestAlgorithm;

/// Bytes of a hash.
pub const HASH_SIZE: usize = 32;
/// Most hashes of a path: a tree has at most 2^63 leaves.
pub const MAX_PATH: usize = 63;

/// A SHA-256 of the tree.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TreeHash(pub [u8; HASH_SIZE]);

impl TreeHash {
    /// The hash of a tree without leaves.
    pub fn of_nothing() -> Self {
        Self::of(&[])
    }

    /// The hash of a leaf: SHA-256(0x00 || entry).
    pub fn of_leaf(entry: &[u8]) -> Self {
        Self::of(&[&[0], entry].concat())
    }

    /// The hash of two subtrees: SHA-256(0x01 || left || right).
    pub fn of_pair(left: Self, right: Self) -> Self {
        Self::of(&[&[1], left.0.as_slice(), right.0.as_slice()].concat())
    }

    /// The hash of a perfect subtree whose leaves, or subtrees of one size, have these hashes. Nothing where their number is
    /// no power of two.
    pub fn of_perfect(hashes: &[Self]) -> Option<Self> {
        match hashes {
            [] => None,
            [hash] => Some(*hash),
            _ if !hashes.len().is_power_of_two() => None,
            _ => {
                let (left, right) = hashes.split_at(hashes.len() / 2);
                Some(Self::of_pair(
                    Self::of_perfect(left)?,
                    Self::of_perfect(right)?,
                ))
            }
        }
    }

    /// A hash of its bytes.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// A hash of its base64.
    pub fn from_base64(text: &str) -> Option<Self> {
        Self::from_slice(&Base64::decode_vec(text).ok()?)
    }

    fn of(bytes: &[u8]) -> Self {
        let mut hash = [0; HASH_SIZE];
        hash.copy_from_slice(&DigestAlgorithm::Sha256.of(bytes));
        Self(hash)
    }
}

/// Base64, as checkpoints and proofs write it.
impl fmt::Display for TreeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Base64::encode_string(&self.0))
    }
}

impl fmt::Debug for TreeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The perfect subtree of 2^`level` leaves that begins at leaf `position` * 2^`level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subtree {
    /// Logarithm of the number of leaves.
    pub level: u32,
    /// Which one of that level, from 0.
    pub position: u64,
}

/// The leaves from `start` up to, but without, `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaves {
    /// The first leaf.
    pub start: u64,
    /// One after the last leaf.
    pub end: u64,
}

impl Leaves {
    /// The perfect subtrees that they consist of, from the left. `start` has to be where the tree splits.
    pub fn subtrees(self) -> Vec<Subtree> {
        let mut subtrees = Vec::new();
        let mut start = self.start;
        while start < self.end {
            let fits = (self.end - start).ilog2();
            let aligned = start.trailing_zeros();
            let level = fits.min(aligned);
            subtrees.push(Subtree {
                level,
                position: start >> level,
            });
            start += 1 << level;
        }
        subtrees
    }
}

/// The hash of a tree of the hashes of its perfect subtrees, from the left.
pub fn fold(subtrees: &[TreeHash]) -> TreeHash {
    let mut from_right = subtrees.iter().rev();
    let Some(last) = from_right.next() else {
        return TreeHash::of_nothing();
    };
    from_right.fold(*last, |right, left| TreeHash::of_pair(*left, right))
}

/// Where a tree of `size` > 1 leaves splits: the largest power of two below its size.
fn split(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

/// What the inclusion path of leaf `index` in a tree of `size` leaves consists of, from the leaf's sibling to the child
/// of the root (RFC 6962, section 2.1.1). Nothing where there is no such leaf.
pub fn inclusion_path(index: u64, size: u64) -> Option<Vec<Leaves>> {
    let mut path = Vec::new();
    let (mut start, mut end) = (0, size);
    if index >= size {
        return None;
    }
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            path.push(Leaves { start: middle, end });
            end = middle;
        } else {
            path.push(Leaves { start, end: middle });
            start = middle;
        }
    }
    path.reverse();
    Some(path)
}

/// What the consistency path between trees of `old` and `size` leaves consists of (RFC 6962, section 2.1.2). Nothing where
/// `old` is larger; no parts where it is 0 or the same.
pub fn consistency_path(old: u64, size: u64) -> Option<Vec<Leaves>> {
    if old > size {
        return None;
    }
    let mut path = Vec::new();
    if old == 0 || old == size {
        return Some(path);
    }
    let (mut start, mut end) = (0, size);
    let mut is_whole = true;
    while old != end {
        let middle = start + split(end - start);
        if old <= middle {
            path.push(Leaves { start: middle, end });
            end = middle;
        } else {
            path.push(Leaves { start, end: middle });
            start = middle;
            is_whole = false;
        }
    }
    if !is_whole {
        path.push(Leaves { start, end });
    }
    path.reverse();
    Some(path)
}

/// The root that an inclusion path leads to (RFC 9162, section 2.1.3.2). Nothing where the path does not fit the place.
pub fn root_of_inclusion(
    leaf: TreeHash,
    index: u64,
    size: u64,
    path: &[TreeHash],
) -> Option<TreeHash> {
    if index >= size {
        return None;
    }
    let (mut node, mut last) = (index, size - 1);
    let mut root = leaf;
    for hash in path {
        if last == 0 {
            return None;
        }
        if node & 1 == 1 || node == last {
            root = TreeHash::of_pair(*hash, root);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            root = TreeHash::of_pair(root, *hash);
        }
        node >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(root)
}

/// Whether a tree of `size` leaves and this root begins with the tree of `old` leaves and that root (RFC 9162,
/// section 2.1.4.2).
pub fn is_consistent(
    (old, old_root): (u64, TreeHash),
    (size, root): (u64, TreeHash),
    path: &[TreeHash],
) -> bool {
    if old > size {
        return false;
    }
    if old == size {
        return path.is_empty() && old_root == root;
    }
    if old == 0 {
        return path.is_empty() && old_root == TreeHash::of_nothing();
    }
    let (first, rest) = match (old.is_power_of_two(), path.split_first()) {
        (true, _) => (old_root, path),
        (false, Some((first, rest))) => (*first, rest),
        (false, None) => return false,
    };
    let (mut node, mut last) = (old - 1, size - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let (mut old_found, mut found) = (first, first);
    for hash in rest {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            old_found = TreeHash::of_pair(*hash, old_found);
            found = TreeHash::of_pair(*hash, found);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            found = TreeHash::of_pair(found, *hash);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && old_found == old_root && found == root
}

/// A tree that grows: its size and the hashes of its perfect subtrees, from the left. They are all that is needed for
/// the next leaf, the root, and the path of the last leaf.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    subtrees: Vec<TreeHash>,
}

impl Frontier {
    /// A frontier as it was stored. Nothing where the number of hashes is not that of a tree of `size` leaves.
    pub fn from_bytes(size: u64, bytes: &[u8]) -> Option<Self> {
        let subtrees = hashes(bytes)?;
        let fits = subtrees.len() == usize::try_from(size.count_ones()).ok()?;
        fits.then_some(Self { size, subtrees })
    }

    /// The hashes, one after the other.
    pub fn to_bytes(&self) -> Vec<u8> {
        concatenated(&self.subtrees)
    }

    /// The number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The hash of the tree.
    pub fn root(&self) -> TreeHash {
        fold(&self.subtrees)
    }

    /// The hashes of the perfect subtrees from the right: the inclusion path of the next leaf in the tree that ends
    /// with it.
    pub fn path_of_next(&self) -> Vec<TreeHash> {
        self.subtrees.iter().rev().copied().collect()
    }

    /// Adds a leaf. Answers with the subtrees that it completes, itself first.
    pub fn push(&mut self, leaf: TreeHash) -> Vec<(Subtree, TreeHash)> {
        let mut subtree = Subtree {
            level: 0,
            position: self.size,
        };
        let mut hash = leaf;
        let mut completed = vec![(subtree, hash)];
        while subtree.position & 1 == 1 {
            let Some(left) = self.subtrees.pop() else {
                break;
            };
            hash = TreeHash::of_pair(left, hash);
            subtree.level += 1;
            subtree.position >>= 1;
            completed.push((subtree, hash));
        }
        self.subtrees.push(hash);
        self.size += 1;
        completed
    }
}

/// Hashes that stand one after the other.
pub fn hashes(bytes: &[u8]) -> Option<Vec<TreeHash>> {
    let (chunks, []) = bytes.as_chunks::<HASH_SIZE>() else {
        return None;
    };
    Some(chunks.iter().map(|chunk| TreeHash(*chunk)).collect())
}

/// Hashes one after the other.
pub fn concatenated(hashes: &[TreeHash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use signer::digest::hex;

    /// The leaves that implementations of RFC 6962 test with, and the roots that they agree on.
    const LEAVES: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    const ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    fn leaves(count: usize) -> Vec<TreeHash> {
        (0..count)
            .map(|n| TreeHash::of_leaf(format!("leaf {n}").as_bytes()))
            .collect()
    }

    /// MTH of RFC 6962, as the text defines it.
    fn mth(leaves: &[TreeHash]) -> TreeHash {
        match leaves {
            [] => TreeHash::of_nothing(),
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(split(leaves.len() as u64) as usize);
                TreeHash::of_pair(mth(left), mth(right))
            }
        }
    }

    fn made_of(leaves: &[TreeHash], path: &[Leaves]) -> Vec<TreeHash> {
        let of = |part: &Leaves| mth(&leaves[part.start as usize..part.end as usize]);
        path.iter().map(of).collect()
    }

    #[test]
    fn roots_are_the_published_ones() {
        assert_eq!(
            hex(&TreeHash::of_nothing().0),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        let mut frontier = Frontier::default();
        for (leaf, root) in LEAVES.iter().zip(ROOTS) {
            frontier.push(TreeHash::of_leaf(leaf));
            assert_eq!(hex(&frontier.root().0), root, "{} leaves", frontier.size());
        }
    }

    #[test]
    fn the_frontier_has_the_root_and_the_path_of_the_last_leaf() {
        let leaves = leaves(70);
        let mut frontier = Frontier::default();
        for (index, leaf) in leaves.iter().enumerate() {
            let path = frontier.path_of_next();
            let completed = frontier.push(*leaf);
            let size = frontier.size();
            assert_eq!(frontier.root(), mth(&leaves[..=index]));
            let expected = inclusion_path(index as u64, size).unwrap();
            assert_eq!(path, made_of(&leaves, &expected));
            for (subtree, hash) in completed {
                let start = (subtree.position as usize) << subtree.level;
                assert_eq!(hash, mth(&leaves[start..start + (1 << subtree.level)]));
            }
            let stored = Frontier::from_bytes(size, &frontier.to_bytes());
            assert_eq!(stored.as_ref(), Some(&frontier));
            assert_eq!(Frontier::from_bytes(size ^ 1, &frontier.to_bytes()), None);
        }
    }

    #[test]
    fn every_inclusion_path_leads_to_the_root_and_no_other_does() {
        let leaves = leaves(40);
        for size in 1..=leaves.len() as u64 {
            let root = mth(&leaves[..size as usize]);
            for index in 0..size {
                let leaf = leaves[index as usize];
                let parts = inclusion_path(index, size).unwrap();
                let path = made_of(&leaves, &parts);
                assert_eq!(root_of_inclusion(leaf, index, size, &path), Some(root));
                let folded: Vec<TreeHash> = parts
                    .iter()
                    .map(|part| {
                        let subtrees = part.subtrees();
                        let of = |subtree: &Subtree| {
                            let start = (subtree.position as usize) << subtree.level;
                            TreeHash::of_perfect(&leaves[start..start + (1 << subtree.level)])
                        };
                        fold(&subtrees.iter().map(|s| of(s).unwrap()).collect::<Vec<_>>())
                    })
                    .collect();
                assert_eq!(folded, path);
                // Another place, a shorter and a longer path, another hash in it.
                let other = root_of_inclusion(leaf, (index + 1) % size, size, &path);
                assert!(size == 1 || other != Some(root), "{index} of {size}");
                let mut longer = path.clone();
                longer.push(leaf);
                assert_ne!(root_of_inclusion(leaf, index, size, &longer), Some(root));
                if let Some((_, shorter)) = path.split_last() {
                    assert_ne!(root_of_inclusion(leaf, index, size, shorter), Some(root));
                }
                for at in 0..path.len() {
                    let mut flipped = path.clone();
                    flipped[at].0[31] ^= 1;
                    assert_ne!(root_of_inclusion(leaf, index, size, &flipped), Some(root));
                }
            }
            assert_eq!(inclusion_path(size, size), None);
            assert_eq!(root_of_inclusion(root, size, size, &[]), None);
        }
    }

    #[test]
    fn every_consistency_path_holds_and_no_other_does() {
        let leaves = leaves(40);
        let root = |size: u64| (size, mth(&leaves[..size as usize]));
        for size in 0..=leaves.len() as u64 {
            for old in 0..=size {
                let path = made_of(&leaves, &consistency_path(old, size).unwrap());
                assert!(is_consistent(root(old), root(size), &path), "{old} {size}");
                let mut longer = path.clone();
                longer.push(TreeHash::of_nothing());
                assert!(!is_consistent(root(old), root(size), &longer));
                let (_, mut forged) = root(old);
                forged.0[0] ^= 1;
                assert!(!is_consistent((old, forged), root(size), &path));
                let (_, mut forged) = root(size);
                forged.0[0] ^= 1;
                assert!(old == 0 || !is_consistent(root(old), (size, forged), &path));
                for at in 0..path.len() {
                    let mut flipped = path.clone();
                    flipped[at].0[7] ^= 0x80;
                    assert!(!is_consistent(root(old), root(size), &flipped));
                }
            }
            assert_eq!(consistency_path(size + 1, size), None);
            assert!(!is_consistent(root(size), (0, TreeHash::of_nothing()), &[]) || size == 0);
        }
    }
}
