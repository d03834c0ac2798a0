//! One picture in memory, and how bytes become one.

use std::borrow::Cow;
use std::io::Cursor;
use std::path::Path;

use image::codecs::{bmp::BmpDecoder, jpeg::JpegDecoder, png::PngDecoder, webp::WebPDecoder};
use image::{ColorType, DynamicImage, ImageDecoder, ImageResult, Limits};

use super::DataError;

/// Height and width of an aligned face, in pixels.
pub const FACE: u32 = 112;

/// The largest width or height that is decoded, in pixels.
const LARGEST_SIDE: u32 = 8192;
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

    /// Decodes JPEG, PNG, BMP or WebP; grey becomes RGB, transparency is dropped.
    ///
    /// # Errors
    /// [`DataError::Image`] with `name` when the bytes are none of these, broken, cut short or too large.
    pub fn decode(bytes: &[u8], name: &str) -> Result<Self, DataError> {
        let mut image = Self::default();
        image.decode_again(bytes, name)?;
        Ok(image)
    }

    /// Like [`Image::decode`], into this image's own memory.
    ///
    /// # Errors
    /// As [`Image::decode`]; the image is then empty.
    pub fn decode_again(&mut self, bytes: &[u8], name: &str) -> Result<(), DataError> {
        let outcome = match bytes {
            [0xff, 0xd8, ..] => self.decode_jpeg(bytes),
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

    /// The decoder fills what is missing of a cut file with grey; the end marker tells that nothing is.
    fn decode_jpeg(&mut self, bytes: &[u8]) -> ImageResult<()> {
        if !bytes.windows(2).rev().any(|pair| pair == [0xff, 0xd9]) {
            return Err(image::ImageError::IoError(std::io::Error::new(
                std::io::ErrorKind::UnexpectedEof,
                "the JPEG data are cut short (no end marker)",
            )));
        }
        JpegDecoder::new(Cursor::new(bytes)).and_then(|decoder| self.fill(decoder))
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
            self.rgb = DynamicImage::from_decoder(decoder)?.into_rgb8().into_raw();
        }
        (self.width, self.height) = (width, height);
        Ok(())
    }

    fn clear(&mut self) {
        self.rgb.clear();
        (self.width, self.height) = (0, 0);
    }

    /// The image at this size: itself, or scaled to cover the size and cut around its centre.
    pub fn fitted(&self, width: u32, height: u32) -> Cow<'_, Self> {
        if (self.width, self.height) == (width, height) {
            return Cow::Borrowed(self);
        }
        let Some(source) = image::RgbImage::from_raw(self.width, self.height, self.rgb.clone())
        else {
            return Cow::Owned(Self {
                width,
                height,
                rgb: vec![0; 3 * width as usize * height as usize],
            });
        };
        let rgb = DynamicImage::from(source)
            .resize_to_fill(width, height, image::imageops::FilterType::Triangle)
            .into_rgb8()
            .into_raw();
        Cow::Owned(Self { width, height, rgb })
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
    use super::*;

    fn gradient(width: u32, height: u32) -> Image {
        let rgb = (0..height)
            .flat_map(|y| (0..width).flat_map(move |x| [(x * 2) as u8, (y * 2) as u8, 128]))
            .collect();
        Image { width, height, rgb }
    }

    fn encoded(image: &DynamicImage, format: image::ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn lossless_formats_decode_to_the_same_pixels() {
        let original = gradient(20, 30);
        let picture: DynamicImage = image::RgbImage::from_raw(20, 30, original.rgb.clone())
            .unwrap()
            .into();
        for format in [
            image::ImageFormat::Png,
            image::ImageFormat::Bmp,
            image::ImageFormat::WebP,
        ] {
            assert_eq!(
                Image::decode(&encoded(&picture, format), "x").unwrap(),
                original,
                "{format:?}"
            );
        }
    }

    #[test]
    fn grey_and_transparent_images_become_rgb() {
        let grey: DynamicImage = image::GrayImage::from_pixel(4, 4, image::Luma([77])).into();
        let clear: DynamicImage =
            image::RgbaImage::from_pixel(4, 4, image::Rgba([1, 2, 3, 0])).into();
        for format in [image::ImageFormat::Png, image::ImageFormat::Jpeg] {
            assert_eq!(
                Image::decode(&encoded(&grey, format), "x").unwrap().rgb,
                [77; 48]
            );
        }
        let decoded = Image::decode(&encoded(&clear, image::ImageFormat::Png), "x").unwrap();
        assert_eq!(decoded.rgb, [1, 2, 3].repeat(16));
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

    #[test]
    fn a_picture_that_claims_to_be_huge_is_refused() {
        let mut bytes = gradient(1, 1).to_png().unwrap();
        bytes[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
        let crc = crc32(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&crc.to_be_bytes());
        let message = Image::decode(&bytes, "huge.png").unwrap_err().to_string();
        assert!(
            message.contains("huge.png") && message.contains("limit"),
            "{message}"
        );
    }

    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0u32, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
                (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
            })
        })
    }

    #[test]
    fn a_wrong_size_is_scaled_to_cover_and_cut_around_the_centre() {
        let fitted = gradient(92, 112).fitted(FACE, FACE).into_owned();
        assert_eq!(
            (fitted.width, fitted.height, fitted.rgb.len()),
            (112, 112, 3 * 112 * 112)
        );
        assert!(matches!(
            gradient(112, 112).fitted(112, 112),
            Cow::Borrowed(_)
        ));
    }
}
