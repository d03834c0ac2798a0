//! Writing InsightFace's `.bin`: a pickle of (image files, same or not).

/// The bytes of a `.bin` as Python 3 writes it with protocol 4: two images a pair.
pub fn write_bin(images: &[Vec<u8>], same: &[bool]) -> Vec<u8> {
    let mut bytes = b"\x80\x04](".to_vec();
    for image in images {
        // Lengths of four bytes: no image file is longer than 4 GiB.
        bytes.push(b'B');
        bytes.extend_from_slice(&(image.len() as u32).to_le_bytes());
        bytes.extend_from_slice(image);
    }
    bytes.extend_from_slice(b"e](");
    bytes.extend(same.iter().map(|same| if *same { 0x88 } else { 0x89 }));
    bytes.extend_from_slice(b"e\x86.");
    bytes
}
