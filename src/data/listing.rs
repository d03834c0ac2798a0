//! Writing an image list from folders, with no more images of a person than wanted.

use std::io::{BufWriter, Write};
use std::path::Path;

use super::list::{ImageList, can_be_listed};
use super::{DataError, TrainingImages};

/// What a written list holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Listing {
    /// Images in the list.
    pub images: u64,
    /// People in the list.
    pub identities: u64,
    /// Videos that images of the list come from, where folders hold videos.
    pub videos: u64,
    /// Images that were left out because a person has more than wanted.
    pub left_out: u64,
}

/// Writes `path,label` for the images under a folder per identity, with or without a folder per video in it.
///
/// Paths are relative to `root`, labels count people in natural order. Of a person with more than `most` images, these
/// are spread evenly over their videos, and each video's evenly over its frames.
///
/// # Errors
/// When there is no image, a path can't be written as a line, or `out` is there already and `replace` is false.
pub fn write_list(
    root: &Path,
    out: &Path,
    most: Option<u64>,
    replace: bool,
) -> Result<Listing, DataError> {
    if !replace && std::fs::symlink_metadata(out).is_ok() {
        return Err(DataError::unsuitable(
            out,
            "is there already; --force replaces it",
        ));
    }
    if out.is_dir() {
        return Err(DataError::unsuitable(out, "is a folder; name a file"));
    }
    let set = TrainingImages::of_files(ImageList::open_folders(root)?);
    let Some(files) = set.files() else {
        return Err(DataError::unsuitable(root, "is no folder of images"));
    };
    let mut listing = Listing {
        images: 0,
        identities: u64::from(set.classes()),
        videos: 0,
        left_out: 0,
    };
    let mut chosen: Vec<u32> = Vec::new();
    for class in 0..set.classes() {
        let images = set.images_of_class(class);
        let videos: Vec<&[u32]> = images
            .chunk_by(|a, b| files.video_of_image(*a as usize) == files.video_of_image(*b as usize))
            .collect();
        let sizes: Vec<u64> = videos.iter().map(|video| video.len() as u64).collect();
        let shares = shares(&sizes, most.unwrap_or(u64::MAX));
        for (video, share) in videos.iter().zip(shares) {
            chosen.extend(evenly(video.len() as u64, share).map(|at| video[at as usize]));
            let is_video = files.video_of_image(video[0] as usize).is_some();
            listing.videos += u64::from(is_video && share > 0);
        }
        listing.left_out += images.len() as u64;
    }
    listing.images = chosen.len() as u64;
    listing.left_out -= listing.images;

    let path_of = |image: u32| files.name_of_image(image as usize).unwrap_or_default();
    if let Some(image) = chosen.iter().find(|image| !can_be_listed(path_of(**image))) {
        return Err(DataError::unsuitable(
            &root.join(path_of(*image)),
            "has a name that a line of a list can't hold; rename it",
        ));
    }
    crate::atomic::atomic_write_with(out, |file| {
        let mut output = BufWriter::new(file);
        for image in &chosen {
            writeln!(
                output,
                "{},{}",
                path_of(*image),
                set.class_of(*image as usize)
            )?;
        }
        output.flush()
    })
    .map_err(|error| DataError::write(out, error))?;
    Ok(listing)
}

/// How many of each video to take so that all are at most `most`: as equal as their sizes allow.
fn shares(sizes: &[u64], most: u64) -> Vec<u64> {
    let mut shares = vec![0; sizes.len()];
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|video| sizes[*video]);
    let mut left = most.min(sizes.iter().sum());
    // The shortest first: what they don't have is shared out among the longer ones.
    for (taken, video) in order.into_iter().enumerate() {
        let fair = left / (sizes.len() - taken) as u64;
        shares[video] = sizes[video].min(fair);
        left -= shares[video];
    }
    shares
}

/// `count` places of `0..length`, evenly spread: each the middle of its share.
fn evenly(length: u64, count: u64) -> impl Iterator<Item = u64> {
    (0..count).map(move |number| {
        let middle = (2 * u128::from(number) + 1) * u128::from(length) / (2 * u128::from(count));
        middle as u64
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_as_equal_as_the_sizes_allow() {
        assert_eq!(shares(&[10, 10, 10], 9), [3, 3, 3]);
        assert_eq!(shares(&[1, 10, 10], 9), [1, 4, 4]);
        assert_eq!(shares(&[10, 2, 3], 100), [10, 2, 3]);
        assert_eq!(shares(&[5, 5, 5], 2), [0, 1, 1]);
        assert_eq!(shares(&[5], 0), [0]);
        assert_eq!(shares(&[], 3), Vec::<u64>::new());
        for most in 0..60 {
            let sizes = [7, 1, 30, 4, 4, 12];
            let shares = shares(&sizes, most);
            assert_eq!(shares.iter().sum::<u64>(), most.min(58));
            for (a, size) in shares.iter().zip(sizes) {
                // Nobody has two less than another who could have had less.
                let most_of_all = shares.iter().max().unwrap();
                assert!(*a == size || a + 1 >= *most_of_all, "{shares:?}");
            }
        }
    }

    #[test]
    fn places_are_evenly_spread() {
        assert_eq!(
            evenly(10, 10).collect::<Vec<_>>(),
            (0..10).collect::<Vec<_>>()
        );
        assert_eq!(evenly(9, 3).collect::<Vec<_>>(), [1, 4, 7]);
        assert_eq!(evenly(100, 2).collect::<Vec<_>>(), [25, 75]);
        assert_eq!(evenly(3, 0).count(), 0);
    }
}
