//! One picture in memory, and how bytes become one.

use std::borrow::Cow;
use std::io::Cursor;
use std::path::Path;

use image::codecs::{bmp::BmpDecoder, png::PngDecoder, webp::WebPDecoder};
use image::{ColorType, DynamicImage, ImageDecoder, ImageResult, Limits};

use super::{DataError, jpeg};
use crate::config::WrongSize;

/// Height and width of an aligned face, in pixels.
pub const FACE: u32 = 112;

/// The largest width or height that is decoded, in pixels.
pub(super) const LARGEST_SIDE: u32 = 8192;
/// The most bytes that a decoder may take for one image.
const LARGEST_BYTES: u64 = 256 << 20;

/// A picture: `height` rows of `width` pixels of three bytes (red, green, blue).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Image {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// The pixels, row after row: `3 * width * height` bytes.
    pub rgb: Vec<u8>,
}

impl Image {
    /// Reads and decodes an image file.
    ///
    /// # Errors
    /// It can't be read, or [`Image::decode`] refuses it.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let bytes = std::fs::read(path).map_err(|error| DataError::read(path, error))?;
        Self::decode(&bytes, &path.to_string_lossy())
    }

    /// Decodes JPEG, PNG, BMP or WebP. Grey and print colours become RGB, 16 bits become 8, and what is transparent lies
    /// on black, as what lies outside an aligned face does. JPEG's pixels are libjpeg's, to the last bit.
    ///
    /// # Errors
    /// [`DataError::Image`] with `name` when the bytes are none of these, broken, cut short or too large.
    pub fn decode(bytes: &[u8], name: &str) -> Result<Self, DataError> {
        let mut image = Self::default();
        if bytes.starts_with(&[0xff, 0xd8]) {
            let size = jpeg::decode_exactly(bytes, &mut image.rgb);
            (image.width, image.height) =
                size.map_err(|problem| DataError::image(name, problem))?;
        } else {
            image.decode_again(bytes, name)?;
        }
        Ok(image)
    }

    /// Like [`Image::decode`], into this image's own memory and faster: JPEG's colours may differ in their last bits.
    ///
    /// # Errors
    /// As [`Image::decode`]; the image is then empty.
    pub fn decode_again(&mut self, bytes: &[u8], name: &str) -> Result<(), DataError> {
        let outcome = match bytes {
            [0xff, 0xd8, ..] => {
                return jpeg::decode(bytes, &mut self.rgb)
                    .map(|size| (self.width, self.height) = size)
                    .map_err(|problem| {
                        self.clear();
                        DataError::image(name, problem)
                    });
            }
            [0x89, b'P', b'N', b'G', ..] => PngDecoder::with_limits(Cursor::new(bytes), limits())
                .and_then(|decoder| self.fill(decoder)),
            [b'B', b'M', ..] => {
                BmpDecoder::new(Cursor::new(bytes)).and_then(|decoder| self.fill(decoder))
            }
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => WebPDecoder::new(Cursor::new(bytes)).and_then(|decoder| self.fill(decoder)),
            [] => return Err(DataError::image(name, "holds no bytes")),
            _ => return Err(DataError::image(name, "not a JPEG, PNG, BMP or WebP image")),
        };
        outcome.map_err(|error| {
            self.clear();
            DataError::image(name, error.to_string())
        })
    }

    fn fill(&mut self, mut decoder: impl ImageDecoder) -> ImageResult<()> {
        decoder.set_limits(limits())?;
        let (width, height) = decoder.dimensions();
        limits().check_dimensions(width, height)?;
        limits().reserve(decoder.total_bytes())?;
        if decoder.color_type() == ColorType::Rgb8 {
            self.rgb.resize(decoder.total_bytes() as usize, 0);
            decoder.read_image(&mut self.rgb)?;
        } else {
            let image = DynamicImage::from_decoder(decoder)?;
            self.rgb = if image.color().has_alpha() {
                on_black(&image.into_rgba8())
            } else {
                image.into_rgb8().into_raw()
            };
        }
        (self.width, self.height) = (width, height);
        Ok(())
    }

    fn clear(&mut self) {
        self.rgb.clear();
        (self.width, self.height) = (0, 0);
    }

    /// The image at this size: itself, or its middle pixels, or scaled to cover the size and cut around its centre, as
    /// [`WrongSize`] says.
    pub fn fitted(&self, wrong_size: WrongSize, width: u32, height: u32) -> Cow<'_, Self> {
        if (self.width, self.height) == (width, height) {
            return Cow::Borrowed(self);
        }
        let rgb = if wrong_size == WrongSize::Crop && self.width >= width && self.height >= height {
            self.middle(width, height)
        } else {
            self.covering(width, height)
        };
        Cow::Owned(Self { width, height, rgb })
    }

    /// The middle pixels; of an odd rest the greater part is cut from the right and the bottom.
    fn middle(&self, width: u32, height: u32) -> Vec<u8> {
        let (left, top) = ((self.width - width) / 2, (self.height - height) / 2);
        self.rgb
            .chunks_exact(self.width as usize * 3)
            .skip(top as usize)
            .take(height as usize)
            .flat_map(|row| &row[left as usize * 3..(left + width) as usize * 3])
            .copied()
            .collect()
    }

    fn covering(&self, width: u32, height: u32) -> Vec<u8> {
        let Some(source) = image::RgbImage::from_raw(self.width, self.height, self.rgb.clone())
        else {
            return vec![0; 3 * width as usize * height as usize];
        };
        DynamicImage::from(source)
            .resize_to_fill(width, height, image::imageops::FilterType::Triangle)
            .into_rgb8()
            .into_raw()
    }

    /// The image as a PNG file.
    ///
    /// # Errors
    /// [`DataError::Image`] when the size and the number of bytes do not agree.
    pub fn to_png(&self) -> Result<Vec<u8>, DataError> {
        let mut bytes = Vec::new();
        let encoder = image::codecs::png::PngEncoder::new(&mut bytes);
        self.encode_with(encoder)?;
        Ok(bytes)
    }

    /// The image as a JPEG file of a quality from 1 to 100.
    ///
    /// # Errors
    /// [`DataError::Image`] when the size and the number of bytes do not agree.
    pub fn to_jpeg(&self, quality: u8) -> Result<Vec<u8>, DataError> {
        let mut bytes = Vec::new();
        let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, quality);
        self.encode_with(encoder)?;
        Ok(bytes)
    }

    fn encode_with(&self, encoder: impl image::ImageEncoder) -> Result<(), DataError> {
        if self.rgb.len() as u64 != 3 * u64::from(self.width) * u64::from(self.height) {
            return Err(DataError::image(
                "an image to be encoded",
                "its size and its bytes do not agree",
            ));
        }
        encoder
            .write_image(
                &self.rgb,
                self.width,
                self.height,
                image::ExtendedColorType::Rgb8,
            )
            .map_err(|error| DataError::image("an image to be encoded", error.to_string()))
    }
}

/// Colours weighted by how opaque they are.
fn on_black(image: &image::RgbaImage) -> Vec<u8> {
    let pixels = image.pixels();
    pixels
        .flat_map(|image::Rgba([red, green, blue, alpha])| {
            [red, green, blue]
                .map(|colour| ((u32::from(*colour) * u32::from(*alpha) + 127) / 255) as u8)
        })
        .collect()
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(LARGEST_SIDE);
    limits.max_image_height = Some(LARGEST_SIDE);
    limits.max_alloc = Some(LARGEST_BYTES);
    limits
}

/// Whether a file of this name is taken for an image.
pub(super) fn is_image_name(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, extension)| {
        ["jpg", "jpeg", "png", "bmp", "webp"]
            .iter()
            .any(|known| extension.eq_ignore_ascii_case(known))
    })
}

#[cfg(test)]
mod tests {
    use image::ImageFormat::{Bmp, Jpeg, Png, WebP};

    use super::*;

    fn gradient(width: u32, height: u32) -> Image {
        let rgb = (0..height)
            .flat_map(|y| (0..width).flat_map(move |x| [(x * 2) as u8, (y * 2) as u8, 128]))
            .collect();
        Image { width, height, rgb }
    }

    fn encoded(image: impl Into<DynamicImage>, format: image::ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.into().write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn decoded(image: impl Into<DynamicImage>, format: image::ImageFormat) -> Vec<u8> {
        Image::decode(&encoded(image, format), "x").unwrap().rgb
    }

    #[test]
    fn lossless_formats_decode_to_the_same_pixels() {
        let original = gradient(20, 30);
        for format in [Png, Bmp, WebP] {
            let picture = image::RgbImage::from_raw(20, 30, original.rgb.clone()).unwrap();
            assert_eq!(
                Image::decode(&encoded(picture, format), "x").unwrap(),
                original,
                "{format:?}"
            );
        }
    }

    #[test]
    fn grey_images_become_rgb() {
        let grey = || image::GrayImage::from_pixel(4, 4, image::Luma([77]));
        for format in [Png, Jpeg, Bmp] {
            assert_eq!(decoded(grey(), format), [77; 48], "{format:?}");
        }
        let half = image::GrayAlphaImage::from_pixel(4, 4, image::LumaA([200, 128]));
        assert_eq!(decoded(half, Png), [100; 48]);
    }

    #[test]
    fn what_is_transparent_lies_on_black() {
        for (alpha, expected) in [(0, [0, 0, 0]), (255, [10, 100, 250]), (51, [2, 20, 50])] {
            let picture = || image::RgbaImage::from_pixel(4, 4, image::Rgba([10, 100, 250, alpha]));
            for format in [Png, WebP, Bmp] {
                assert_eq!(
                    decoded(picture(), format),
                    expected.repeat(16),
                    "{format:?}, {alpha}"
                );
            }
        }
    }

    #[test]
    fn sixteen_bits_become_eight() {
        type Deep<P> = image::ImageBuffer<P, Vec<u16>>;
        let colour: Deep<image::Rgb<u16>> =
            Deep::from_pixel(2, 2, image::Rgb([0, 257 * 129, 65_535]));
        assert_eq!(decoded(colour, Png), [0, 129, 255].repeat(4));
        let grey: Deep<image::Luma<u16>> = Deep::from_pixel(2, 2, image::Luma([257 * 40]));
        assert_eq!(decoded(grey, Png), [40; 12]);
        let clear: Deep<image::Rgba<u16>> =
            Deep::from_pixel(2, 2, image::Rgba([65_535, 65_535, 65_535, 257 * 51]));
        assert_eq!(decoded(clear, Png), [51; 12]);
    }

    #[test]
    fn files_cut_at_any_byte_are_errors() {
        let image = gradient(16, 16);
        for bytes in [image.to_jpeg(90).unwrap(), image.to_png().unwrap()] {
            for length in 0..bytes.len() - 12 {
                assert!(
                    Image::decode(&bytes[..length], "x").is_err(),
                    "{length} of {}",
                    bytes.len()
                );
            }
        }
    }

    /// A small file of each format whose header says 60000x60000, which would be 11 GB.
    #[test]
    fn a_picture_that_claims_to_be_huge_is_refused() {
        let picture = || image::RgbImage::from_pixel(16, 16, image::Rgb([1, 2, 3]));
        let mut png = encoded(picture(), Png);
        png[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
        let crc = crc32(&png[12..29]);
        png[29..33].copy_from_slice(&crc.to_be_bytes());

        let mut jpeg = encoded(picture(), Jpeg);
        let frame = jpeg
            .windows(2)
            .position(|pair| pair == [0xff, 0xc0])
            .unwrap();
        jpeg[frame + 5..frame + 9].copy_from_slice(&[0xea, 0x60, 0xea, 0x60]);

        let mut bmp = encoded(picture(), Bmp);
        bmp[18..26].copy_from_slice(&[0x60, 0xea, 0, 0, 0x60, 0xea, 0, 0]);

        // A WebP can be 16384x16384 at most: 14 bits each, less one, after the byte that marks a lossless one.
        let mut webp = encoded(picture(), WebP);
        assert_eq!(&webp[12..16], b"VP8L");
        webp[21..25].copy_from_slice(&0x0fff_ffffu32.to_le_bytes());

        for (name, bytes) in [
            ("a.png", png),
            ("a.jpg", jpeg),
            ("a.bmp", bmp),
            ("a.webp", webp),
        ] {
            let mut image = Image::default();
            let message = image.decode_again(&bytes, name).unwrap_err().to_string();
            assert!(message.starts_with(name), "{message}");
            assert!(
                image.rgb.capacity() < 1 << 20,
                "{name} took {} bytes",
                image.rgb.capacity()
            );
        }
    }

    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0u32, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
                (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
            })
        })
    }

    #[test]
    fn resized_is_scaled_to_cover_and_cut_around_the_centre() {
        for (width, height) in [(92, 112), (10, 10), (300, 200), (112, 113)] {
            let fitted = gradient(width, height)
                .fitted(WrongSize::Resize, FACE, FACE)
                .into_owned();
            assert_eq!(
                (fitted.width, fitted.height, fitted.rgb.len()),
                (112, 112, 3 * 112 * 112)
            );
        }
        // Twice the size: every pixel is what four were, and red rises by two a column.
        let fitted = gradient(120, 120)
            .fitted(WrongSize::Resize, 60, 60)
            .into_owned();
        let red = |x: usize| i32::from(fitted.rgb[(30 * 60 + x) * 3]);
        assert!((2..58).all(|x| (red(x) - (x as i32 * 4 + 1)).abs() <= 1));
        assert!(matches!(
            gradient(112, 112).fitted(WrongSize::Resize, 112, 112),
            Cow::Borrowed(_)
        ));
    }

    #[test]
    fn cropped_is_the_middle_pixels_unless_there_are_too_few() {
        let image = gradient(128, 115);
        let fitted = image.fitted(WrongSize::Crop, FACE, FACE);
        assert_eq!(fitted.rgb[..3], [16, 2, 128]);
        assert_eq!(
            fitted.rgb[3 * 112 * 112 - 3..],
            [(16 + 222) as u8, 224, 128]
        );
        for (width, height) in [(111, 200), (200, 111), (50, 50)] {
            let image = gradient(width, height);
            assert_eq!(
                image.fitted(WrongSize::Crop, FACE, FACE),
                image.fitted(WrongSize::Resize, FACE, FACE)
            );
        }
    }
}
