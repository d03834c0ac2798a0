//! JPEG as libjpeg decodes it, to the last bit: the pixels that OpenCV, Pillow and MXNet give.
//!
//! Networks were trained and measured on those pixels, and other decoders' half-tones differ in the last bits of the
//! colours, which on a set of 600 pairs already moved a figure by two tenths of a point. Here are the ordinary kinds:
//! eight bits, Huffman codes, sequential or progressive, grey or three planes. For others there is no answer.
//!
//! After ITU-T T.81, and for what it leaves open (the inverse transform's integers, how halved colours are spread)
//! libjpeg-turbo's defaults: `jidctint.c`, `jdsample.c`, `jdcolor.c`.

mod entropy;
mod headers;
mod samples;

use entropy::Scanner;
use headers::{Frame, Segment, Segments, Tables};

/// Larger pictures are no faces, and are left to the other decoder.
const LARGEST_SIDE: usize = 2048;

/// Decodes into `rgb`, and returns width and height; `None` for files of other kinds, and for damaged ones.
pub(super) fn decode(bytes: &[u8], rgb: &mut Vec<u8>) -> Option<(u32, u32)> {
    let mut segments = Segments::new(bytes)?;
    let mut tables = Tables::default();
    let mut frame: Option<Frame> = None;
    let mut scanner = Scanner::default();
    loop {
        match segments.next(&mut tables)? {
            Segment::Frame(found) if frame.is_none() => {
                scanner = Scanner::of(&found);
                frame = Some(found);
            }
            Segment::Frame(_) => return None,
            Segment::Scan(scan) => {
                let used = scanner.scan(frame.as_ref()?, &tables, &scan, segments.rest())?;
                segments.skip(used);
            }
            Segment::Other => {}
            Segment::End => break,
        }
    }
    let frame = frame?;
    let planes = scanner.planes(&frame, &tables)?;
    samples::to_rgb(&frame, &planes, tables.colours(&frame)?, rgb);
    Some((frame.width as u32, frame.height as u32))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;

    #[derive(serde::Deserialize)]
    struct Expected {
        width: u32,
        height: u32,
        rgb: String,
    }

    fn files() -> BTreeMap<String, (Vec<u8>, Expected)> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/jpeg");
        let text = std::fs::read(folder.join("expected.json")).unwrap();
        let expected: BTreeMap<String, Expected> = serde_json::from_slice(&text).unwrap();
        expected
            .into_iter()
            .map(|(name, expected)| {
                let bytes = std::fs::read(folder.join(&name)).unwrap();
                (name, (bytes, expected))
            })
            .collect()
    }

    #[test]
    fn pixels_are_libjpegs_to_the_last_bit() {
        let files = files();
        assert_eq!(files.len(), 21);
        let mut rgb = vec![7; 100_000];
        for (name, (bytes, expected)) in files {
            let size = decode(&bytes, &mut rgb);
            assert_eq!(size, Some((expected.width, expected.height)), "{name}");
            let hex = |byte: &u8| {
                [byte >> 4, byte & 15]
                    .map(|half| char::from(b"0123456789abcdef"[usize::from(half)]))
            };
            let found: String = rgb.iter().flat_map(hex).collect();
            assert!(found == expected.rgb, "{name} differs");
        }
    }

    #[test]
    fn a_damaged_file_has_no_answer_or_another_and_never_a_panic() {
        for (name, (bytes, _)) in files() {
            let mut rgb = Vec::new();
            for length in 0..bytes.len() {
                assert_eq!(decode(&bytes[..length], &mut rgb), None, "{name} {length}");
                for flip in [1, 0x80, 0xff] {
                    let mut changed = bytes.clone();
                    changed[length] ^= flip;
                    decode(&changed, &mut rgb);
                }
            }
        }
    }

    #[test]
    fn a_picture_that_claims_to_be_huge_takes_no_memory() {
        let (mut bytes, _) = files().remove("whole-0.jpg").unwrap();
        let frame = bytes
            .windows(2)
            .position(|pair| pair == [0xff, 0xc0])
            .unwrap();
        bytes[frame + 5..frame + 9].fill(0xff);
        let mut rgb = Vec::new();
        assert_eq!(decode(&bytes, &mut rgb), None);
        assert_eq!(rgb.capacity(), 0);
    }
}
