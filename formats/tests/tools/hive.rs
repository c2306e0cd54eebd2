//! Hives for tests, cell by cell: hivex changes hives but makes none, and writes neither `li`, `ri` nor `db`.

/// Where the bins begin in the file.
pub(crate) const FIRST_BIN: usize = 4096;
/// Where there is no cell.
pub(crate) const NONE: u32 = u32::MAX;
/// The place of the root key of [`Builder::new`].
pub(crate) const ROOT: u32 = 32;

/// A hive of one bin.
pub(crate) struct Builder {
    cells: Vec<u8>,
}

impl Builder {
    /// A hive whose root key has no keys and values yet.
    pub(crate) fn new() -> Self {
        let mut builder = Self {
            cells: vec![0; ROOT as usize],
        };
        let mut root = key("ROOT", NONE);
        root[2] |= 0x0c;
        builder.cell(&root);
        // Tools that change hives want a security cell: SECURITY_DESCRIPTOR_RELATIVE without anything.
        let place = builder.next();
        let descriptor = [
            1, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ];
        let links = numbers(&[place, place, 1, descriptor.len() as u32]);
        builder.cell(&[b"sk\0\0".as_slice(), &links, &descriptor].concat());
        builder.set(ROOT, 44, place);
        builder
    }

    fn next(&self) -> u32 {
        self.cells.len() as u32
    }

    /// Adds a cell; its place.
    pub(crate) fn cell(&mut self, content: &[u8]) -> u32 {
        let place = self.next();
        let length = (content.len() + 4).next_multiple_of(8);
        self.cells.extend((-(length as i32)).to_le_bytes());
        self.cells.extend(content);
        self.cells.resize(place as usize + length, 0);
        place
    }

    /// Writes a number into the content of a cell.
    pub(crate) fn set(&mut self, cell: u32, offset: usize, number: u32) {
        let at = cell as usize + 4 + offset;
        self.cells[at..at + 4].copy_from_slice(&number.to_le_bytes());
    }

    /// Gives a key a list of keys.
    pub(crate) fn subkeys(&mut self, key: u32, list: u32, count: u32) {
        self.set(key, 20, count);
        self.set(key, 28, list);
    }

    /// Gives a key values.
    pub(crate) fn values(&mut self, key: u32, values: &[u32]) {
        let list = self.cell(&numbers(values));
        self.set(key, 36, values.len() as u32);
        self.set(key, 40, list);
    }

    /// The file.
    pub(crate) fn build(&self) -> Vec<u8> {
        let mut bin = self.cells.clone();
        let used = bin.len();
        bin.resize((used + 8).next_multiple_of(4096), 0);
        let free = (bin.len() - used) as i32;
        bin[used..used + 4].copy_from_slice(&free.to_le_bytes());
        bin[..4].copy_from_slice(b"hbin");
        let length = bin.len() as u32;
        bin[8..12].copy_from_slice(&length.to_le_bytes());
        let mut base = [
            b"regf".to_vec(),
            numbers(&[1, 1, 0, 0, 1, 5, 0, 1, ROOT, length, 1]),
        ]
        .concat();
        base.resize(FIRST_BIN, 0);
        seal(&mut base);
        [base, bin].concat()
    }
}

/// Writes the check sum of the first sector anew.
pub(crate) fn seal(hive: &mut [u8]) {
    let sum = hive[..508]
        .chunks(4)
        .fold(0, |sum, n| sum ^ u32::from_le_bytes(n.try_into().unwrap()));
    hive[508..512].copy_from_slice(&sum.to_le_bytes());
}

/// Numbers as they stand in a file.
pub(crate) fn numbers(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_le_bytes()).collect()
}

/// The content of a key's cell.
pub(crate) fn key(name: &str, parent: u32) -> Vec<u8> {
    let mut bytes = b"nk\x20\0".to_vec();
    bytes.extend(numbers(&[0, 0, 0, parent, 0, 0, NONE, NONE, 0, NONE]));
    bytes.extend(numbers(&[NONE, NONE, 0, 0, 0, 0, 0]));
    bytes.extend((name.len() as u16).to_le_bytes());
    bytes.extend([0, 0]);
    bytes.extend(name.as_bytes());
    bytes
}

/// The content of a value's cell; `length` with its highest bit where `data` are the data themselves.
pub(crate) fn value(name: &str, kind: u32, length: u32, data: u32) -> Vec<u8> {
    let mut bytes = b"vk".to_vec();
    bytes.extend((name.len() as u16).to_le_bytes());
    bytes.extend(numbers(&[length, data, kind, 1]));
    bytes.extend(name.as_bytes());
    bytes
}

/// The content of a list's cell: `lf`, `lh` with a hash of 0 for each key, `li`, `ri`.
pub(crate) fn list(kind: &[u8; 2], places: &[u32]) -> Vec<u8> {
    let mut bytes = kind.to_vec();
    bytes.extend((places.len() as u16).to_le_bytes());
    for place in places {
        bytes.extend(place.to_le_bytes());
        if matches!(kind, b"lf" | b"lh") {
            bytes.extend([0; 4]);
        }
    }
    bytes
}
