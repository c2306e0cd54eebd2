//! Expanding a folder's blocks, one after the other.

use flate2::{Decompress, FlushDecompress, Status};
use lzxd::{Lzxd, WindowSize};

use super::directory::{Compression, Folder, MAX_BLOCK};
use crate::error::ParseError;

/// How far back MSZIP may reach.
const HISTORY: usize = 0x8000;
/// Largest block of compressed data: what MSZIP and LZX may add to data that does not compress (MS-CAB 2.4).
pub(super) const MAX_DATA: u16 = MAX_BLOCK as u16 + 6144;
/// The first two bytes of an MSZIP block.
const MSZIP_MAGIC: &[u8] = b"CK";

/// What a folder's earlier blocks leave behind for the later ones.
pub(super) enum Decoder {
    Stored,
    Mszip(Mszip),
    Lzx(Box<Lzxd>),
}

impl Decoder {
    /// A decoder for the blocks of `folder`.
    ///
    /// # Errors
    /// By name for Quantum; for an LZX window that cabinets do not have.
    pub(super) fn new(folder: &Folder) -> Result<Self, ParseError> {
        let at = folder.offset.saturating_add(6);
        let window = match folder.compression() {
            Compression::None => return Ok(Self::Stored),
            Compression::Mszip => return Ok(Self::Mszip(Mszip::new())),
            Compression::Quantum => {
                let what = "Quantum compression";
                return Err(ParseError::unsupported(
                    "CFFOLDER",
                    "typeCompress",
                    at,
                    what,
                ));
            }
            Compression::Lzx(15) => WindowSize::KB32,
            Compression::Lzx(16) => WindowSize::KB64,
            Compression::Lzx(17) => WindowSize::KB128,
            Compression::Lzx(18) => WindowSize::KB256,
            Compression::Lzx(19) => WindowSize::KB512,
            Compression::Lzx(20) => WindowSize::MB1,
            Compression::Lzx(21) => WindowSize::MB2,
            Compression::Lzx(_) | Compression::Unknown(_) => {
                let found = format_args!("{:#06x}", folder.type_compress).to_string();
                let expected = "stored, MSZIP, Quantum or LZX with a window of 15 to 21 bits";
                return Err(ParseError::invalid(
                    "CFFOLDER",
                    "typeCompress",
                    at,
                    found,
                    expected,
                ));
            }
        };
        Ok(Self::Lzx(Box::new(Lzxd::new(window))))
    }

    /// Whether every block but a folder's last must expand to the full 32 KiB.
    pub(super) fn needs_full_blocks(&self) -> bool {
        matches!(self, Self::Lzx(_))
    }

    /// Expands the next block into `output`, which it replaces; the text says what is wrong with it.
    pub(super) fn expand(
        &mut self,
        data: &[u8],
        expanded: u16,
        output: &mut Vec<u8>,
    ) -> Result<(), String> {
        output.clear();
        match self {
            Self::Stored => output.extend_from_slice(data),
            Self::Mszip(mszip) => mszip.expand(data, usize::from(expanded), output)?,
            Self::Lzx(lzx) => {
                let block = lzx
                    .decompress_next(data, usize::from(expanded))
                    .map_err(|error| format!("LZX data that cannot be expanded ({error})"))?;
                output.extend_from_slice(block);
            }
        }
        if output.len() == usize::from(expanded) {
            Ok(())
        } else {
            Err(format!("data that expands to {} bytes", output.len()))
        }
    }
}

/// MSZIP (MS-MCI): every block is a deflate stream of its own that may reach back into the blocks before it.
pub(super) struct Mszip {
    inflate: Decompress,
    history: Vec<u8>,
    scratch: Vec<u8>,
}

impl Mszip {
    fn new() -> Self {
        Self {
            inflate: Decompress::new(false),
            history: Vec::with_capacity(HISTORY),
            scratch: Vec::new(),
        }
    }

    fn expand(&mut self, data: &[u8], expanded: usize, output: &mut Vec<u8>) -> Result<(), String> {
        let Some(deflate) = data.strip_prefix(MSZIP_MAGIC) else {
            return Err("an MSZIP block without CK".to_owned());
        };
        self.inflate.reset(false);
        self.remember()?;
        // One byte more than announced, so that a stream that expands to more is seen.
        output.resize(expanded.saturating_add(1), 0);
        let (status, produced) = feed(&mut self.inflate, deflate, output)?;
        output.truncate(produced);
        if status != Status::StreamEnd {
            return Err("an MSZIP block that does not end".to_owned());
        }
        self.history.extend_from_slice(output);
        let surplus = self.history.len().saturating_sub(HISTORY);
        self.history.drain(..surplus);
        Ok(())
    }

    /// Puts the history into the new stream's window: as a stored deflate block in front of the real ones, since
    /// the backend takes no preset dictionary for raw deflate.
    fn remember(&mut self) -> Result<(), String> {
        if self.history.is_empty() {
            return Ok(());
        }
        let length = self.history.len() as u16;
        let [low, high] = length.to_le_bytes();
        let [not_low, not_high] = (!length).to_le_bytes();
        let head = [0, low, high, not_low, not_high];
        self.scratch.resize(self.history.len(), 0);
        feed(&mut self.inflate, &head, &mut [])?;
        feed(&mut self.inflate, &self.history, &mut self.scratch)?;
        Ok(())
    }
}

/// Feeds all of `input`, or as much as the stream takes; gives the bytes produced.
fn feed(
    inflate: &mut Decompress,
    input: &[u8],
    output: &mut [u8],
) -> Result<(Status, usize), String> {
    let (mut consumed, mut produced) = (0_usize, 0_usize);
    loop {
        let before = (inflate.total_in(), inflate.total_out());
        let status = inflate
            .decompress(
                input.get(consumed..).unwrap_or_default(),
                output.get_mut(produced..).unwrap_or_default(),
                FlushDecompress::None,
            )
            .map_err(|error| format!("deflate data that cannot be expanded ({error})"))?;
        let taken = inflate.total_in().saturating_sub(before.0) as usize;
        let given = inflate.total_out().saturating_sub(before.1) as usize;
        consumed = consumed.saturating_add(taken);
        produced = produced.saturating_add(given);
        if status == Status::StreamEnd || (taken == 0 && given == 0) {
            return Ok((status, produced));
        }
    }
}
