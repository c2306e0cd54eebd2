//! Small PE images, well formed unless told otherwise, and the plain definitions that tests compare with.

/// One section as it is to be written.
#[derive(Clone)]
pub(crate) struct RawSection {
    pub(crate) name: &'static [u8],
    pub(crate) data: Vec<u8>,
    /// Replaces PointerToRawData and SizeOfRawData, which the data's place gives otherwise.
    pub(crate) place: Option<(u32, u32)>,
}

/// An image as it is to be written; nothing is checked.
#[derive(Clone)]
pub(crate) struct RawImage {
    pub(crate) is_64_bit: bool,
    pub(crate) machine: u16,
    pub(crate) e_lfanew: u32,
    pub(crate) section_alignment: u32,
    pub(crate) file_alignment: usize,
    /// Replaces SizeOfHeaders.
    pub(crate) size_of_headers: Option<u32>,
    pub(crate) directories: u32,
    pub(crate) sections: Vec<RawSection>,
    /// Bytes behind the last section.
    pub(crate) overlay: Vec<u8>,
}

impl RawImage {
    /// A program of two sections, the first longer than a page.
    pub(crate) fn new(is_64_bit: bool) -> Self {
        let section = |name, length: usize, seed: u8| RawSection {
            name,
            data: (0..length)
                .map(|n| (n % 241) as u8 ^ (n / 241) as u8 ^ seed)
                .collect(),
            place: None,
        };
        Self {
            is_64_bit,
            machine: if is_64_bit { 0x8664 } else { 0x14C },
            e_lfanew: 0x80,
            section_alignment: 0x1000,
            file_alignment: 0x200,
            size_of_headers: None,
            directories: 16,
            sections: vec![section(b".text", 0x1234, 0), section(b".data", 0x80, 0x55)],
            overlay: Vec::new(),
        }
    }

    /// A program that is small enough to flip each of its bits.
    pub(crate) fn small(is_64_bit: bool) -> Self {
        let mut image = Self::new(is_64_bit);
        image.e_lfanew = 0x40;
        image.file_alignment = 16;
        image.directories = 5;
        image.sections.pop();
        image.sections[0].data.truncate(0x40);
        image
    }

    /// Offset of CheckSum.
    pub(crate) fn check_sum(&self) -> usize {
        self.e_lfanew as usize + 88
    }

    /// Offset of the directory entry for the certificate table.
    pub(crate) fn entry(&self) -> usize {
        self.e_lfanew as usize + if self.is_64_bit { 168 } else { 152 }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut nt = b"PE\0\0".to_vec();
        let optional_length = if self.is_64_bit { 112 } else { 96 } + 8 * self.directories as usize;
        nt.extend(self.machine.to_le_bytes());
        nt.extend((self.sections.len() as u16).to_le_bytes());
        nt.extend([0; 12]);
        nt.extend((optional_length as u16).to_le_bytes());
        nt.extend(0x0022_u16.to_le_bytes());

        let headers_end =
            self.e_lfanew as usize + nt.len() + optional_length + 40 * self.sections.len();
        let headers_length = headers_end.next_multiple_of(self.file_alignment);
        let mut optional = Vec::new();
        optional.extend(if self.is_64_bit { 0x20B_u16 } else { 0x10B }.to_le_bytes());
        optional.extend([14, 0]);
        optional.extend([0; 12]);
        optional.extend(0x1000_u32.to_le_bytes());
        optional.extend(0x1000_u32.to_le_bytes());
        if self.is_64_bit {
            optional.extend(0x1_4000_0000_u64.to_le_bytes());
        } else {
            optional.extend([0; 4]);
            optional.extend(0x40_0000_u32.to_le_bytes());
        }
        optional.extend(self.section_alignment.to_le_bytes());
        optional.extend((self.file_alignment as u32).to_le_bytes());
        optional.extend([6, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0]);
        optional.extend(0x10000_u32.to_le_bytes());
        let size_of_headers = self.size_of_headers.unwrap_or(headers_length as u32);
        optional.extend(size_of_headers.to_le_bytes());
        optional.extend([0; 4]);
        optional.extend([3, 0, 0, 0]);
        optional.resize(optional_length - 8 * self.directories as usize - 4, 0);
        optional.extend(self.directories.to_le_bytes());
        optional.resize(optional_length, 0);

        let mut table = Vec::new();
        let mut data = Vec::new();
        for (index, section) in self.sections.iter().enumerate() {
            let mut name = section.name.to_vec();
            name.resize(8, 0);
            table.extend(name);
            let raw = section.data.len().next_multiple_of(self.file_alignment);
            let start = (headers_length + data.len()) as u32;
            let (pointer, size) = section.place.unwrap_or((start, raw as u32));
            table.extend((section.data.len() as u32).to_le_bytes());
            table.extend((0x1000 * (index as u32 * 4 + 1)).to_le_bytes());
            table.extend(size.to_le_bytes());
            table.extend(pointer.to_le_bytes());
            table.extend([0; 12]);
            table.extend(0x6000_0020_u32.to_le_bytes());
            data.extend(&section.data);
            data.resize(data.len().next_multiple_of(self.file_alignment), 0);
        }

        let mut bytes = b"MZ\x90\0".to_vec();
        bytes.resize(60, 0);
        bytes.extend(self.e_lfanew.to_le_bytes());
        bytes.resize(self.e_lfanew as usize, 0);
        for part in [nt, optional, table] {
            bytes.extend(part);
        }
        bytes.resize(headers_length, 0);
        bytes.extend(data);
        bytes.extend(&self.overlay);
        let sum = plain_check_sum(&bytes, self.check_sum());
        bytes[self.check_sum()..][..4].copy_from_slice(&sum.to_le_bytes());
        bytes
    }
}

/// CheckSum of a file by its definition, word by word.
pub(crate) fn plain_check_sum(bytes: &[u8], offset: usize) -> u32 {
    let mut bytes = bytes.to_vec();
    let length = bytes.len() as u32;
    bytes[offset..][..4].fill(0);
    bytes.resize(bytes.len().next_multiple_of(2), 0);
    let mut sum = 0_u32;
    for pair in bytes.chunks(2) {
        sum += u32::from(u16::from_le_bytes([pair[0], pair[1]]));
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    sum + length
}
