//! JPEG files as RGB, for training by the decoder that `image` uses too, without its second look at the headers and its
//! copies; for everything that is compared with others, to the last bit as libjpeg.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use mozjpeg::Decompress;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::image::LARGEST_SIDE;

/// Decodes as libjpeg does, to the last bit: the pixels that OpenCV, Pillow and MXNet give. Print colours, which it has no
/// RGB for, are decoded as by [`decode`].
///
/// Networks were trained and measured on those pixels, and other decoders' last bits moved a figure on 600 pairs by two
/// tenths of a point.
pub(super) fn decode_exactly(bytes: &[u8], rgb: &mut Vec<u8>) -> Result<(u32, u32), String> {
    has_end(bytes)?;
    // The library's way out of a damaged file is to unwind, without a word of the panic hook's.
    match catch_unwind(AssertUnwindSafe(|| by_libjpeg(bytes, rgb))) {
        Ok(Ok(size)) => Ok(size),
        Ok(Err(_)) | Err(_) => decode(bytes, rgb),
    }
}

fn by_libjpeg(bytes: &[u8], rgb: &mut Vec<u8>) -> io::Result<(u32, u32)> {
    let image = Decompress::new_mem(bytes)?;
    let (width, height) = image.size();
    if width.max(height) > LARGEST_SIDE as usize {
        return Err(io::Error::other("too large"));
    }
    let mut image = image.rgb()?;
    rgb.resize(3 * width * height, 0);
    image.read_scanlines_into(rgb.as_mut_slice())?;
    image.finish()?;
    Ok((width as u32, height as u32))
}

/// Decoders fill what is missing of a cut file with grey; the end marker tells that nothing is.
fn has_end(bytes: &[u8]) -> Result<(), String> {
    if bytes.windows(2).rev().any(|pair| pair == [0xff, 0xd9]) {
        return Ok(());
    }
    Err("the JPEG data are cut short (no end marker)".to_owned())
}

/// Decodes fast into `rgb`, which takes the image's size; colours may differ from libjpeg's in their last bits. Grey, CMYK
/// and YCCK become RGB. Returns width and height.
pub(super) fn decode(bytes: &[u8], rgb: &mut Vec<u8>) -> Result<(u32, u32), String> {
    has_end(bytes)?;
    let options = DecoderOptions::default()
        .set_strict_mode(false)
        .set_max_width(LARGEST_SIDE as usize)
        .set_max_height(LARGEST_SIDE as usize)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder
        .decode_headers()
        .map_err(|error| error.to_string())?;
    let colours = decoder.input_colorspace();
    if !matches!(
        colours,
        Some(
            ColorSpace::YCbCr
                | ColorSpace::Luma
                | ColorSpace::RGB
                | ColorSpace::CMYK
                | ColorSpace::YCCK
        )
    ) {
        return Err("a JPEG of neither grey, colour nor print planes".to_owned());
    }
    let (width, height) = decoder.dimensions().unwrap_or_default();
    rgb.resize(3 * width * height, 0);
    decoder
        .decode_into(rgb)
        .map_err(|error| error.to_string())?;
    Ok((width as u32, height as u32))
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
            let size = by_libjpeg(&bytes, &mut rgb).unwrap();
            assert_eq!(size, (expected.width, expected.height), "{name}");
            let hex = |byte: &u8| {
                [byte >> 4, byte & 15]
                    .map(|half| char::from(b"0123456789abcdef"[usize::from(half)]))
            };
            let found: String = rgb.iter().flat_map(hex).collect();
            assert!(found == expected.rgb, "{name} differs");
        }
    }

    #[test]
    fn a_damaged_file_is_an_error_or_another_picture_and_never_a_panic() {
        for (name, (bytes, _)) in files() {
            let mut rgb = Vec::new();
            for length in 0..bytes.len() {
                let cut = decode_exactly(&bytes[..length], &mut rgb);
                assert!(cut.is_err(), "{name} {length}");
                for flip in [1, 0x80, 0xff] {
                    let mut changed = bytes.clone();
                    changed[length] ^= flip;
                    let _ = decode_exactly(&changed, &mut rgb);
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
        assert!(decode_exactly(&bytes, &mut rgb).is_err());
        assert_eq!(rgb.capacity(), 0);
    }
}
