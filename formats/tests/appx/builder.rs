//! An app package builder for shapes that no packaging tool writes. It needs no crate, so that all tests can use it.
#![allow(
    dead_code,
    reason = "each test binary that takes this file in uses another part"
)]

/// The hash of a block map: its URI and function.
#[derive(Clone, Copy)]
pub(crate) struct Hash {
    pub(crate) uri: &'static str,
    pub(crate) of: fn(&[u8]) -> Vec<u8>,
}

pub(crate) const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
pub(crate) const SHA384: &str = "http://www.w3.org/2001/04/xmldsig-more#sha384";
pub(crate) const SHA512: &str = "http://www.w3.org/2001/04/xmlenc#sha512";

/// How a packaging tool writes its archives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Style {
    /// As those of Windows: data descriptors, zip64 everywhere, all ones in the end record.
    MakeAppx,
    /// As ZIP tools of other systems: nothing of that.
    Plain,
}

/// A file as it is to be written; nothing is checked.
#[derive(Clone)]
pub(crate) struct RawFile {
    pub(crate) name: String,
    pub(crate) local_name: Option<String>,
    pub(crate) content: Vec<u8>,
    /// 0 stored, 8 deflated.
    pub(crate) method: u16,
    /// The data, where they are not what `content` and `method` say.
    pub(crate) data: Option<Vec<u8>>,
    /// Uncompressed size, where it is a lie.
    pub(crate) size: Option<u64>,
    pub(crate) crc_32: Option<u32>,
    /// 0 none, else the length of the data descriptor.
    pub(crate) descriptor: u8,
    /// Whether the central header leaves its values to a zip64 field.
    pub(crate) zip64: bool,
    pub(crate) flags: u16,
    /// Bytes in front of the record that belong to nothing.
    pub(crate) gap: Vec<u8>,
    pub(crate) extra: Vec<u8>,
}

impl RawFile {
    pub(crate) fn new(name: &str, content: impl Into<Vec<u8>>, style: Style) -> Self {
        let is_windows = style == Style::MakeAppx;
        Self {
            name: name.to_owned(),
            local_name: None,
            content: content.into(),
            method: 8,
            data: None,
            size: None,
            crc_32: None,
            descriptor: if is_windows { 24 } else { 0 },
            zip64: is_windows,
            flags: 0,
            gap: Vec::new(),
            extra: Vec::new(),
        }
    }

    pub(crate) fn stored(mut self) -> Self {
        self.method = 0;
        self
    }

    fn data(&self) -> Vec<u8> {
        match (&self.data, self.method) {
            (Some(data), _) => data.clone(),
            (None, 0) => self.content.clone(),
            (None, _) => stored_blocks(&self.content),
        }
    }
}

/// An archive as it is to be written.
#[derive(Clone)]
pub(crate) struct RawPackage {
    pub(crate) files: Vec<RawFile>,
    pub(crate) style: Style,
    /// Order of the central directory, where it is not that of the files.
    pub(crate) order: Option<Vec<usize>>,
    /// Bytes behind the central directory that belong to nothing.
    pub(crate) gap: Vec<u8>,
    pub(crate) comment: Vec<u8>,
}

pub(crate) const CONTENT_TYPES: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n\
    <Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
    <Default Extension=\"xml\" ContentType=\"application/vnd.ms-appx.manifest+xml\"/>\
    <Override PartName=\"/AppxBlockMap.xml\" ContentType=\"application/vnd.ms-appx.blockmap+xml\"/></Types>";

/// The publisher in the form of the manifests of `testcerts/oem.cer`, `ecdsa-p256.cer` and so on.
pub(crate) fn publisher(common_name: &str) -> String {
    format!("CN={common_name} (TEST ONLY), O=Proofmark")
}

/// The manifest of a package.
pub(crate) fn manifest(publisher: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<Package \
         xmlns=\"http://schemas.microsoft.com/appx/manifest/foundation/windows10\">\n  <Identity \
         Name=\"a.b\" Publisher=\"{}\" Version=\"1.0.0.0\"/>\n</Package>\n",
        publisher.replace('"', "&quot;")
    )
}

impl RawPackage {
    /// A package with `files`, which are in its block map, then manifest, block map and content types.
    pub(crate) fn of(mut files: Vec<RawFile>, manifest: RawFile, style: Style, hash: Hash) -> Self {
        let listed: Vec<&RawFile> = match manifest.name.contains("Bundle") {
            true => vec![&manifest],
            false => files.iter().chain([&manifest]).collect(),
        };
        let map = block_map(&listed, hash);
        files.push(manifest);
        files.push(RawFile::new("AppxBlockMap.xml", map, style));
        files.push(RawFile::new("[Content_Types].xml", CONTENT_TYPES, style));
        Self {
            files,
            style,
            order: None,
            gap: Vec::new(),
            comment: Vec::new(),
        }
    }

    /// A package of a few kilobytes: one file of two blocks, one empty, one with a name to decode.
    pub(crate) fn package(publisher: &str, style: Style, hash: Hash) -> Self {
        let program: Vec<u8> = (0..70_000u32)
            .map(|i| (i.wrapping_mul(i) >> 5) as u8)
            .collect();
        let files = vec![
            RawFile::new("App.exe", program, style).stored(),
            RawFile::new("Assets/My%20Logo.png", *b"a logo", style),
            RawFile::new("empty.txt", [], style).stored(),
        ];
        let manifest = RawFile::new("AppxManifest.xml", manifest(publisher), style);
        Self::of(files, manifest, style, hash)
    }

    /// As small as a package can be.
    pub(crate) fn tiny(publisher: &str, style: Style, hash: Hash) -> Self {
        let manifest = RawFile::new("AppxManifest.xml", manifest(publisher), style);
        Self::of(Vec::new(), manifest, style, hash)
    }

    /// A bundle with one package in it.
    pub(crate) fn bundle(publisher: &str, style: Style, hash: Hash) -> Self {
        let inner = Self::package(publisher, style, hash).bytes();
        let manifest = format!(
            "<Bundle xmlns=\"http://schemas.microsoft.com/appx/2013/bundle\"><Identity Name=\"a.b\" \
             Publisher=\"{}\" Version=\"1.0.0.0\"/><Packages><Package FileName=\"a.appx\" Offset=\"36\" \
             Size=\"{}\"/></Packages></Bundle>",
            publisher.replace('"', "&quot;"),
            inner.len()
        );
        let files = vec![RawFile::new("a.appx", inner, style).stored()];
        let manifest = RawFile::new("AppxMetadata/AppxBundleManifest.xml", manifest, style);
        Self::of(files, manifest, style, hash)
    }

    /// The file of a name, to change it.
    pub(crate) fn file(&mut self, name: &str) -> &mut RawFile {
        let found = self.files.iter_mut().find(|file| file.name == name);
        found.unwrap()
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut headers = Vec::new();
        for file in &self.files {
            out.extend(&file.gap);
            headers.push(file.central_header(out.len() as u64));
            out.extend(file.record());
        }
        let offset = out.len() as u64;
        match &self.order {
            Some(order) => order.iter().for_each(|index| out.extend(&headers[*index])),
            None => out.extend(headers.concat()),
        }
        let size = out.len() as u64 - offset;
        out.extend(&self.gap);
        let count = match &self.order {
            Some(order) => order.len() as u64,
            None => self.files.len() as u64,
        };
        if self.style == Style::MakeAppx {
            let end = out.len() as u64;
            out.extend(b"PK\x06\x06");
            out.extend(44u64.to_le_bytes());
            out.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            for value in [count, count, size, offset] {
                out.extend(value.to_le_bytes());
            }
            out.extend(b"PK\x06\x07\0\0\0\0");
            out.extend(end.to_le_bytes());
            out.extend(1u32.to_le_bytes());
            out.extend(b"PK\x05\x06");
            out.extend([0xFF; 16]);
        } else {
            out.extend(b"PK\x05\x06\0\0\0\0");
            out.extend((count as u16).to_le_bytes());
            out.extend((count as u16).to_le_bytes());
            out.extend((size as u32).to_le_bytes());
            out.extend((offset as u32).to_le_bytes());
        }
        out.extend((self.comment.len() as u16).to_le_bytes());
        out.extend(&self.comment);
        out
    }
}

impl RawFile {
    fn sizes(&self) -> (u32, u64, u64) {
        let crc_32 = self.crc_32.unwrap_or_else(|| crc_32(&self.content));
        let size = self.size.unwrap_or(self.content.len() as u64);
        (crc_32, self.data().len() as u64, size)
    }

    fn head(&self) -> Vec<u8> {
        let flags = self.flags | if self.descriptor > 0 { 8 } else { 0 };
        let needed: u16 = if self.zip64 { 45 } else { 20 };
        let mut out = Vec::new();
        for value in [needed, flags, self.method] {
            out.extend(value.to_le_bytes());
        }
        // 2026-11-20, 12:30:10.
        out.extend([0xC5, 0x63, 0x74, 0x5D]);
        out
    }

    /// Local header, data, descriptor.
    pub(crate) fn record(&self) -> Vec<u8> {
        let (crc_32, compressed, size) = self.sizes();
        let name = self.local_name.as_ref().unwrap_or(&self.name);
        let mut out = b"PK\x03\x04".to_vec();
        out.extend(self.head());
        match self.descriptor {
            0 => {
                out.extend(crc_32.to_le_bytes());
                out.extend((compressed as u32).to_le_bytes());
                out.extend((size as u32).to_le_bytes());
            }
            _ => out.extend([0; 12]),
        }
        out.extend((name.len() as u16).to_le_bytes());
        out.extend((self.extra.len() as u16).to_le_bytes());
        out.extend(name.as_bytes());
        out.extend(&self.extra);
        out.extend(self.data());
        if self.descriptor > 0 {
            let start = out.len();
            out.extend(b"PK\x07\x08");
            out.extend(crc_32.to_le_bytes());
            for size in [compressed, size] {
                match self.descriptor {
                    16 => out.extend((size as u32).to_le_bytes()),
                    _ => out.extend(size.to_le_bytes()),
                }
            }
            out.truncate(start + usize::from(self.descriptor));
        }
        out
    }

    fn central_header(&self, offset: u64) -> Vec<u8> {
        let (crc_32, compressed, size) = self.sizes();
        let mut extra = self.extra.clone();
        let short = |value: u64| if self.zip64 { u32::MAX } else { value as u32 };
        if self.zip64 {
            extra.extend([1, 0, 24, 0]);
            for value in [size, compressed, offset] {
                extra.extend(value.to_le_bytes());
            }
        }
        let mut out = b"PK\x01\x02\x2d\0".to_vec();
        out.extend(self.head());
        for value in [crc_32, short(compressed), short(size)] {
            out.extend(value.to_le_bytes());
        }
        out.extend((self.name.len() as u16).to_le_bytes());
        out.extend((extra.len() as u16).to_le_bytes());
        out.extend([0; 10]);
        out.extend(short(offset).to_le_bytes());
        out.extend(self.name.as_bytes());
        out.extend(extra);
        out
    }
}

/// A block map of `files`.
pub(crate) fn block_map(files: &[&RawFile], hash: Hash) -> String {
    let mut map = format!(
        "<BlockMap xmlns=\"http://schemas.microsoft.com/appx/2010/blockmap\" HashMethod=\"{}\">",
        hash.uri
    );
    for file in files {
        let name = file.name.replace('/', "\\").replace("%20", " ");
        let lfh = 30 + file.name.len() + file.extra.len();
        let size = file.content.len();
        map += &format!("<File Name=\"{name}\" Size=\"{size}\" LfhSize=\"{lfh}\">");
        for block in file.content.chunks(64 << 10) {
            map += &format!("<Block Hash=\"{}\"/>", base64(&(hash.of)(block)));
        }
        map += "</File>";
    }
    map + "</BlockMap>"
}

/// Deflate without compression.
pub(crate) fn stored_blocks(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut blocks = content.chunks(0xFFFF).peekable();
    if blocks.peek().is_none() {
        return vec![1, 0, 0, 0xFF, 0xFF];
    }
    while let Some(block) = blocks.next() {
        let length = block.len() as u16;
        out.push(u8::from(blocks.peek().is_none()));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
    out
}

pub(crate) fn crc_32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg())
        })
    };
    !bytes.iter().fold(!0, step)
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let value = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            match digit <= chunk.len() {
                true => out.push(char::from(
                    DIGITS[(value >> (18 - 6 * digit)) as usize & 63],
                )),
                false => out.push('='),
            }
        }
    }
    out
}
