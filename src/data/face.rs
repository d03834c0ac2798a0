//! A face as network input: the crop, the order of the planes, the mirror image.

use super::Image;
use super::image::FACE;
use crate::config::{ChannelOrder, Crop};

/// Height and width of a cropped face, in pixels.
pub fn size_of(crop: Crop) -> (usize, usize) {
    match crop {
        Crop::Reference => (112, 96),
        Crop::Full => (112, 112),
    }
}

/// Copies the middle columns of a 112x112 face, planes in order, mirrored or not.
pub(super) fn place_face(
    face: &Image,
    target: &mut [u8],
    width: usize,
    channels: ChannelOrder,
    mirrored: bool,
) {
    let row_bytes = face.width as usize * 3;
    let margin = (face.width as usize - width) / 2 * 3;
    for (source, target) in face
        .rgb
        .chunks_exact(row_bytes)
        .zip(target.chunks_exact_mut(width * 3))
    {
        let source = source[margin..margin + width * 3].as_chunks::<3>().0;
        let target = target.as_chunks_mut::<3>().0;
        match (channels, mirrored) {
            (ChannelOrder::Rgb, false) => target.copy_from_slice(source),
            (ChannelOrder::Rgb, true) => {
                for (to, from) in target.iter_mut().rev().zip(source) {
                    *to = *from;
                }
            }
            (ChannelOrder::Bgr, false) => {
                for (to, &[red, green, blue]) in target.iter_mut().zip(source) {
                    *to = [blue, green, red];
                }
            }
            // Row by row a mirror image with its planes swapped is the row's bytes backwards.
            (ChannelOrder::Bgr, true) => {
                for (to, from) in target
                    .as_flattened_mut()
                    .iter_mut()
                    .rev()
                    .zip(source.as_flattened())
                {
                    *to = *from;
                }
            }
        }
    }
}

/// A face as network input bytes `[row, column, plane]`: fitted to 112x112, cropped, planes in order.
///
/// `mirrored` gives the mirror image; evaluation embeds both.
pub fn face_input(image: &Image, crop: Crop, channels: ChannelOrder, mirrored: bool) -> Vec<u8> {
    let (height, width) = size_of(crop);
    let mut target = vec![0; height * width * 3];
    place_face(
        &image.fitted(FACE, FACE),
        &mut target,
        width,
        channels,
        mirrored,
    );
    target
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crop_is_columns_8_to_104_and_planes_and_mirror_are_as_asked() {
        let rgb = (0..112 * 112)
            .flat_map(|pixel| [1, (pixel % 112) as u8, (pixel / 112) as u8])
            .collect();
        let face = Image {
            width: 112,
            height: 112,
            rgb,
        };
        let plain = face_input(&face, Crop::Reference, ChannelOrder::Rgb, false);
        assert_eq!(
            (&plain[..3], &plain[95 * 3..96 * 3]),
            (&[1, 8, 0][..], &[1, 103, 0][..])
        );
        let mirrored = face_input(&face, Crop::Reference, ChannelOrder::Bgr, true);
        assert_eq!(
            (&mirrored[..3], &mirrored[95 * 3..96 * 3]),
            (&[0, 103, 1][..], &[0, 8, 1][..])
        );
        assert_eq!(
            face_input(&face, Crop::Full, ChannelOrder::Rgb, false),
            face.rgb
        );
    }
}
