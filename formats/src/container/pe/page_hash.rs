//! The pages of an image: a signature may carry a hash of each, so that Windows can check what it pages in.

use std::ops::Range;

use super::Image;
use super::header::Header;
use crate::container::Piece;
use crate::error::ParseError;

/// What page hashes cover: the headers as one page, then the data of each section in steps of a page. Every page is
/// filled up with zeros.
///
/// | record | field | |
/// |---|---|---|
/// | first | 0, hash | the headers without CheckSum and the entry for the certificate table |
/// | one per page | file offset (u32), hash | |
/// | last | end of the last section (u32), zeros | |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageLayout {
    /// Bytes of a page.
    pub page_size: u32,
    /// The headers' page, zeros included.
    pub headers: Vec<Piece>,
    /// The file ranges of the sections' data, ascending.
    pub sections: Vec<Range<u32>>,
}

impl PageLayout {
    /// Number of records, the last included.
    pub fn records(&self) -> u64 {
        let pages = |section: &Range<u32>| {
            let length = section.end.saturating_sub(section.start);
            u64::from(length.div_ceil(self.page_size.max(1)))
        };
        let pages: u64 = self.sections.iter().map(pages).sum();
        pages.saturating_add(2)
    }

    /// The offset in the last record.
    pub fn end(&self) -> u32 {
        self.sections
            .last()
            .map(|section| section.end)
            .unwrap_or_default()
    }
}

/// The pages of `image`.
pub(super) fn pages(image: &Image) -> Result<PageLayout, ParseError> {
    if let Some(fault) = &image.layout_fault {
        return Err(fault.clone());
    }
    let header = &image.header;
    let page_size = header.page_size();
    let headers = header_page(header, page_size)?;
    let mut sections: Vec<Range<u32>> = Vec::with_capacity(image.sections.len());
    for section in &image.sections {
        let Some(data) = section.data() else {
            continue;
        };
        let (Ok(start), Ok(end)) = (u32::try_from(data.start), u32::try_from(data.end)) else {
            return Err(unsupported(section.offset, "page hashes beyond 4 GiB"));
        };
        if sections.last().is_some_and(|last| start < last.end) {
            return Err(unsupported(
                section.offset,
                "page hashes of sections that are not in the order of their data",
            ));
        }
        sections.push(start..end);
    }
    Ok(PageLayout {
        page_size,
        headers,
        sections,
    })
}

fn header_page(header: &Header, page_size: u32) -> Result<Vec<Piece>, ParseError> {
    let size = header.size_of_headers;
    let (Some(entry), Some(zeros)) = (
        header.certificate_table_entry(),
        page_size.checked_sub(size),
    ) else {
        return Err(ParseError::unsupported(
            "IMAGE_OPTIONAL_HEADER",
            "SizeOfHeaders",
            header.size_of_headers_offset(),
            "page hashes of headers that are larger than a page or have no entry for signatures",
        ));
    };
    let end = u64::from(size);
    let check_sum = header.check_sum_range();
    if end < entry.end {
        return Err(ParseError::unsupported(
            "IMAGE_OPTIONAL_HEADER",
            "SizeOfHeaders",
            header.size_of_headers_offset(),
            format_args!("page hashes of headers of {size} bytes, which end within themselves,"),
        ));
    }
    Ok(vec![
        Piece::Range(0..check_sum.start),
        Piece::Range(check_sum.end..entry.start),
        Piece::Range(entry.end..end),
        Piece::Literal(vec![0; zeros as usize]),
    ])
}

fn unsupported(offset: u64, what: &str) -> ParseError {
    ParseError::unsupported("IMAGE_SECTION_HEADER", "PointerToRawData", offset, what)
}
