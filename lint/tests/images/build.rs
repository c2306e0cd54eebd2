//! Builds a full flash update of a disk with EFIESP on FAT and MainOS on NTFS.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Cursor;

use formats::container::cat::Version;
use formats::container::ffu::{Layout, build};
use signer::digest::DigestAlgorithm;
use signer::full_flash::catalog_of;
use time::macros::datetime;

use crate::hive_builder::Builder;
use crate::packages::build::{Signing, catalog};
use crate::shell::shell;

/// How the disk is divided.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Gpt,
    Mbr,
}

/// Who signs the catalog of an image, and what it lists the hash table by.
#[derive(Clone, Copy)]
pub(crate) enum Catalog {
    /// Nobody; SHA-1.
    Unsigned,
    /// This test certificate; SHA-1, as devices expect it.
    Sha1(&'static str),
    /// This test certificate; SHA-256.
    Sha256(&'static str),
}

/// An image to be.
#[derive(Clone)]
pub(crate) struct RawFlash {
    /// `PARTITION:PATH` and content.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    pub(crate) scheme: Scheme,
    pub(crate) platform_ids: Vec<&'static str>,
    /// The platform ID that the manifest states instead.
    pub(crate) stated_id: Option<&'static str>,
    pub(crate) catalog: Catalog,
    /// A third partition, `Data`, that begins with these bytes.
    pub(crate) data: Option<Vec<u8>>,
    /// Whether the last byte is flipped afterwards.
    pub(crate) is_damaged: bool,
}

/// Sectors of 512 bytes: first, count.
const EFIESP: (usize, usize) = (2048, 2048);
const MAIN_OS: (usize, usize) = (4096, 8192);
const DATA: (usize, usize) = (12_288, 512);
const SECTORS: usize = 16_384;

impl RawFlash {
    /// Puts a file in, or another one in its place.
    pub(crate) fn put(&mut self, at: &str, bytes: impl Into<Vec<u8>>) {
        self.files.insert(at.to_owned(), bytes.into());
    }

    /// The update.
    pub(crate) fn build(&self) -> Vec<u8> {
        let layout = Layout {
            block_size: 4096,
            platform_ids: self
                .platform_ids
                .iter()
                .map(|id| (*id).to_owned())
                .collect(),
            manifest: self.manifest(),
        };
        let hash = |bytes: &[u8]| DigestAlgorithm::Sha256.of(bytes).try_into().unwrap();
        let signed = |name: &str, catalog: &[u8]| {
            let identity = crate::packages::build::identity(name);
            Signing::by(&identity).sign(catalog)
        };
        let time = datetime!(2026-01-01 0:00 UTC);
        let catalog = |table: &[u8]| {
            Ok(match self.catalog {
                Catalog::Unsigned => catalog_of(table, time).unwrap(),
                Catalog::Sha1(name) => signed(name, &catalog_of(table, time).unwrap()),
                Catalog::Sha256(name) => signed(name, &catalog(&[table], Version::V2, "2:10.0")),
            })
        };
        let mut update = Cursor::new(Vec::new());
        build(
            &mut Cursor::new(self.disk()),
            &layout,
            &hash,
            &catalog,
            &mut update,
        )
        .unwrap();
        let mut update = update.into_inner();
        if self.is_damaged
            && let Some(last) = update.last_mut()
        {
            *last ^= 1;
        }
        update
    }

    fn manifest(&self) -> String {
        let mut text = "[FullFlash]\r\nVersion = 2.0\r\n".to_owned();
        for (index, id) in self.platform_ids.iter().enumerate() {
            let id = self.stated_id.unwrap_or(id);
            text += &format!("DevicePlatformId{index} = {id}\r\n");
        }
        text += &format!("[Store]\r\nSectorSize = 512\r\nMinSectorCount = {SECTORS}\r\n");
        for (name, file_system) in [("EFIESP", "FAT"), ("MainOS", "NTFS")] {
            text += &format!("[Partition]\r\nName = {name}\r\nFileSystem = {file_system}\r\n");
        }
        if self.data.is_some() {
            text += "[Partition]\r\nName = Data\r\nFileSystem = NTFS\r\n";
        }
        text
    }

    fn disk(&self) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for (file, bytes) in &self.files {
            let path = at(&file.replace(':', "/"));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        let (kind, esp, basic) = match self.scheme {
            Scheme::Gpt => (
                "gpt",
                "U, name=EFIESP",
                "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7, name=",
            ),
            Scheme::Mbr => ("dos", "c", "7"),
        };
        let line = |(start, size): (usize, usize), kind: &str| {
            format!("start={start}, size={size}, type={kind}\n")
        };
        let basic = |name: &str| match self.scheme {
            Scheme::Gpt => format!("{basic}{name}"),
            Scheme::Mbr => basic.to_owned(),
        };
        let mut table = format!(
            "label: {kind}\nunit: sectors\n{}{}",
            line(EFIESP, esp),
            line(MAIN_OS, &basic("MainOS"))
        );
        if self.data.is_some() {
            table += &line(DATA, &basic("Data"));
        }
        fs::write(at("table"), table).unwrap();
        let script = format!(
            "mkdir -p EFIESP MainOS
            truncate -s {esp} esp && mkfs.fat -F 12 -s 1 -i 01020304 esp >&2
            mcopy -s -i esp EFIESP/* ::
            truncate -s {main} main && mkntfs -F -Q -q -c 4096 -s 512 -p 0 -H 0 -S 0 main >&2
            wimcapture MainOS tree.wim --compress=none --no-acls >&2 && wimapply tree.wim 1 main >&2
            truncate -s {all} disk && sfdisk --quiet --no-reread disk < table",
            esp = EFIESP.1 * 512,
            main = MAIN_OS.1 * 512,
            all = SECTORS * 512,
        );
        shell(folder.path(), &script).expect("images are only made where the tools are");
        let mut disk = fs::read(at("disk")).unwrap();
        let mut write = |(start, _): (usize, usize), bytes: &[u8]| {
            disk[start * 512..start * 512 + bytes.len()].copy_from_slice(bytes);
        };
        write(EFIESP, &fs::read(at("esp")).unwrap());
        write(MAIN_OS, &fs::read(at("main")).unwrap());
        write(DATA, self.data.as_deref().unwrap_or_default());
        disk
    }
}

/// A hive of these keys, with values as `.reg` files have them; keys above them come by themselves.
pub(crate) fn hive(keys: &[(&str, &[&str])]) -> Vec<u8> {
    let mut all: BTreeMap<String, &[&str]> = BTreeMap::new();
    let mut order: BTreeSet<String> = BTreeSet::new();
    for (key, values) in keys {
        let mut path = String::new();
        for part in key.split('\\') {
            path = format!("{path}\\{part}");
            order.insert(path.clone());
        }
        all.insert(path, values);
    }
    let mut text = "Windows Registry Editor Version 5.00\n\n".to_owned();
    for key in order {
        text += &format!("[{key}]\n");
        for value in all.get(&key).copied().unwrap_or_default() {
            text += &format!("{value}\n");
        }
        text += "\n";
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("hive"), Builder::new().build()).unwrap();
    fs::write(folder.path().join("text"), text).unwrap();
    shell(folder.path(), "hivexregedit --merge hive text")
        .expect("images are only made where the tools are");
    fs::read(folder.path().join("hive")).unwrap()
}

/// Bytes as `.reg` files have them.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let bytes: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("hex:{}", bytes.join(","))
}
