//! JPEG files as RGB, for training by the decoder that `image` uses too, without its second look at the headers and its
//! copies; for everything that is compared with others, to the last bit as libjpeg.

mod exact;

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::image::LARGEST_SIDE;

/// Decodes as libjpeg does, where the file is of an ordinary kind; else as [`decode`] does.
pub(super) fn decode_exactly(bytes: &[u8], rgb: &mut Vec<u8>) -> Result<(u32, u32), String> {
    match exact::decode(bytes, rgb) {
        Some(size) => Ok(size),
        None => decode(bytes, rgb),
    }
}

/// Decodes fast into `rgb`, whose colours may differ from libjpeg's in their last bits; `rgb` takes the image's size; grey, CMYK and YCCK become RGB. Returns width and height.
pub(super) fn decode(bytes: &[u8], rgb: &mut Vec<u8>) -> Result<(u32, u32), String> {
    // The decoder fills what is missing of a cut file with grey; the end marker tells that nothing is.
    if !bytes.windows(2).rev().any(|pair| pair == [0xff, 0xd9]) {
        return Err("the JPEG data are cut short (no end marker)".to_owned());
    }
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
