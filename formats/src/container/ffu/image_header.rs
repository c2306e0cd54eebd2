//! The image header, and what stands between it and the stores.
//!
//! ```text
//! IMAGE_HEADER, cbSize bytes
//!   0  u32       cbSize            24; 28 where devices are named
//!   4  [u8; 12]  signature         "ImageFlash  "
//!  16  u32       ManifestLength    bytes
//!  20  u32       dwChunkSize       KiB, as in the security header
//!  24  u32       number of device target infos, where cbSize has room for it
//! manifest, then for each device seven u32 lengths and seven strings
//! ```

use std::io::{Read, Seek};

use super::{Manifest, Parts};
use crate::cursor::Cursor;
use crate::error::{ParseError, Problem};

/// Largest manifest that is read; real ones have a few KiB.
const MAX_MANIFEST: u64 = 4 << 20;
/// Most devices that one image names.
const MAX_DEVICES: u32 = 256;
/// Longest string of a device target info, in bytes.
const MAX_DEVICE_STRING: u64 = 4096;
/// Largest `cbSize` that is read.
const MAX_HEADER: u32 = 256;

/// The mark of an image header.
const SIGNATURE: &[u8; 12] = b"ImageFlash  ";

/// `IMAGE_HEADER`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageHeader {
    /// `cbSize`, bytes.
    pub size: u32,
    /// `ManifestLength`, bytes.
    pub manifest_length: u32,
    /// `dwChunkSize`, KiB.
    pub chunk_size_in_kb: u32,
    /// How many device target infos follow the manifest.
    pub device_count: u32,
}

/// A device that the image is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceTargetInfo {
    /// Manufacturer, family, product name, product version, SKU, baseboard manufacturer, baseboard product.
    pub strings: [String; 7],
}

impl ImageHeader {
    fn read(bytes: &[u8], offset: u64, size: u32) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new("IMAGE_HEADER", bytes, offset);
        let place = cursor.clone();
        if cursor.array::<12>("signature")? != *SIGNATURE {
            return Err(place.invalid("signature", "other bytes", "\"ImageFlash  \""));
        }
        let manifest_length = cursor.u32("ManifestLength")?;
        let chunk_size_in_kb = cursor.u32("dwChunkSize")?;
        let device_count = match cursor.remaining() {
            0..4 => 0,
            _ => cursor.u32("device count")?,
        };
        if device_count > MAX_DEVICES {
            return Err(cursor.invalid(
                "device count",
                device_count,
                format_args!("at most {MAX_DEVICES}"),
            ));
        }
        Ok(Self {
            size,
            manifest_length,
            chunk_size_in_kb,
            device_count,
        })
    }

    /// Encodes the structure without device target infos.
    pub(super) fn write(manifest_length: u32, chunk_size_in_kb: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&24_u32.to_le_bytes());
        bytes.extend_from_slice(SIGNATURE);
        bytes.extend_from_slice(&manifest_length.to_le_bytes());
        bytes.extend_from_slice(&chunk_size_in_kb.to_le_bytes());
        bytes
    }
}

/// Reads header, manifest and device target infos.
pub(super) fn read<R: Read + Seek>(
    parts: &mut Parts<'_, R>,
) -> Result<(ImageHeader, Manifest, Vec<DeviceTargetInfo>), ParseError> {
    let offset = parts.position;
    let bytes = parts.take("IMAGE_HEADER", "cbSize", 4, 4)?;
    let size = Cursor::new("IMAGE_HEADER", &bytes, offset).u32("cbSize")?;
    if !(24..=MAX_HEADER).contains(&size) {
        let expected = format_args!("24 to {MAX_HEADER}");
        return Err(ParseError::invalid(
            "IMAGE_HEADER",
            "cbSize",
            offset,
            size,
            expected,
        ));
    }
    let rest = u64::from(size.saturating_sub(4));
    let bytes = parts.take("IMAGE_HEADER", "header", rest, u64::from(MAX_HEADER))?;
    let header = ImageHeader::read(&bytes, offset.saturating_add(4), size)?;
    let manifest_offset = parts.position;
    let text = parts.take(
        "IMAGE_HEADER",
        "ManifestLength",
        u64::from(header.manifest_length),
        MAX_MANIFEST,
    )?;
    let manifest = Manifest::parse(&text, manifest_offset)?;
    let mut devices = Vec::new();
    for _ in 0..header.device_count {
        devices.push(read_device(parts)?);
    }
    Ok((header, manifest, devices))
}

fn read_device<R: Read + Seek>(parts: &mut Parts<'_, R>) -> Result<DeviceTargetInfo, ParseError> {
    let offset = parts.position;
    let bytes = parts.take("DeviceTargetInfo", "lengths", 28, 28)?;
    let mut cursor = Cursor::new("DeviceTargetInfo", &bytes, offset);
    let mut lengths = [0_u32; 7];
    for length in &mut lengths {
        *length = cursor.u32("length")?;
    }
    let mut strings: [String; 7] = Default::default();
    for (string, length) in strings.iter_mut().zip(lengths) {
        let at = parts.position;
        let bytes = parts.take(
            "DeviceTargetInfo",
            "string",
            length.into(),
            MAX_DEVICE_STRING,
        )?;
        *string = String::from_utf8(bytes).map_err(|_| ParseError {
            structure: "DeviceTargetInfo",
            field: "string",
            offset: at,
            problem: Problem::Invalid {
                found: "bytes that are no text".to_owned(),
                expected: "ASCII".to_owned(),
            },
        })?;
    }
    Ok(DeviceTargetInfo { strings })
}
