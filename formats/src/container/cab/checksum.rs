//! The checksum of a CFDATA.

/// XORs `data` as little-endian 32-bit numbers onto `seed` (MS-CAB 3.1). A rest of up to three bytes counts with
/// its first byte as the highest.
pub(super) fn checksum(data: &[u8], seed: u32) -> u32 {
    let (words, rest) = data.as_chunks::<4>();
    let sum = words
        .iter()
        .fold(seed, |sum, word| sum ^ u32::from_le_bytes(*word));
    rest.iter()
        .fold(0, |value, byte| (value << 8) | u32::from(*byte))
        ^ sum
}

#[cfg(test)]
mod tests {
    use super::checksum;

    #[test]
    fn the_specification_s_example() {
        let data = b"#include <stdio.h>\r\n\r\nvoid main(void)\r\n{\r\n    printf(\"Hello, world!\\n\");\r\n}\r\n\
            #include <stdio.h>\r\n\r\nvoid main(void)\r\n{\r\n    printf(\"Welcome!\\n\");\r\n}\r\n\r\n";
        assert_eq!(data.len(), 0x97);
        assert_eq!(
            checksum(&[0x97, 0, 0x97, 0], checksum(data, 0)),
            0x30A6_5ABD
        );
    }

    #[test]
    fn rests_of_every_length() {
        assert_eq!(checksum(&[], 5), 5);
        assert_eq!(checksum(&[1], 0), 0x01);
        assert_eq!(checksum(&[1, 2], 0), 0x0102);
        assert_eq!(checksum(&[1, 2, 3], 0), 0x01_0203);
        assert_eq!(checksum(&[1, 2, 3, 4], 0), 0x0403_0201);
    }
}
