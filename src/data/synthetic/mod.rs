//! Synthetic faces: who a face is, how it looks in one picture, and whole sets of them on disk.

mod appearance;
mod canvas;
mod features;
mod hair;
mod identity;
mod names;
mod options;
mod render;
mod sets;
mod stream;

pub use options::SyntheticOptions;
pub use sets::{SyntheticSet, generate, generate_with};

use super::Image;
use appearance::Appearance;
use identity::Identity;

/// Picture `image` of person `person`, 112x112, aligned: the same bytes for the same numbers.
pub fn face(seed: u64, person: u64, image: u64) -> Image {
    render::render(
        &Identity::new(seed, person),
        &Appearance::new(seed, person, image),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{TrainingImages, VerificationImages, VideoSet};

    fn small() -> SyntheticOptions {
        SyntheticOptions {
            identities: 3,
            images_per_identity: 2,
            lfw_pairs: 20,
            ytf_pairs: 20,
            frames_per_video: 1,
            mislabelled_videos: 2,
            ..SyntheticOptions::default()
        }
    }

    #[test]
    fn a_face_is_the_same_bytes_every_time_and_no_two_are_alike() {
        assert_eq!(face(1, 2, 3), face(1, 2, 3));
        for other in [face(2, 2, 3), face(1, 3, 3), face(1, 2, 4)] {
            assert_ne!(face(1, 2, 3), other);
        }
    }

    #[test]
    fn a_generated_folder_opens_as_what_it_says() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("faces");
        let set = generate(&small(), &folder).unwrap();
        assert!(!set.reused);

        let config = crate::config::DataConfig::load(&set.config).unwrap();
        let training = TrainingImages::open(&config.training["synthetic"]).unwrap();
        assert_eq!(
            (
                training.len(),
                training.classes(),
                training.name_of_class(0)
            ),
            (6, 3, Some("Ada_Abend"))
        );
        assert_eq!(training.read(5).unwrap().width, 112);

        let lfw = config.pairs["lfw"].clone();
        let pairs = VerificationImages::open(&lfw.npdata.unwrap(), None).unwrap();
        assert_eq!(
            (
                pairs.pairs.len(),
                pairs.pairs.iter().filter(|pair| pair.same).count()
            ),
            (20, 10)
        );

        let ytf = config.ytf.unwrap();
        let videos =
            VideoSet::open(&ytf.splits.unwrap(), &ytf.prefix, ytf.ytf_error.as_deref()).unwrap();
        assert_eq!(
            (videos.pairs.len(), videos.folds(), videos.missing.len()),
            (20, 10, 0)
        );
        assert_eq!(
            (videos.mislabelled.len(), videos.videos[0].frames.len()),
            (2, 1)
        );
    }

    #[test]
    fn the_same_options_give_the_same_bytes_and_are_not_made_twice() {
        let parent = tempfile::tempdir().unwrap();
        let (one, two) = (parent.path().join("one"), parent.path().join("two"));
        generate(&small(), &one).unwrap();
        generate(&small(), &two).unwrap();
        for file in [
            "train/train.rec",
            "train/train.idx",
            "synthetic-lfw.bin",
            "synthetic-ytf/splits.txt",
            "synthetic-ytf/error.txt",
        ] {
            assert!(
                std::fs::read(one.join(file)).unwrap() == std::fs::read(two.join(file)).unwrap(),
                "{file}"
            );
        }
        assert!(generate(&small(), &one).unwrap().reused);
        assert_eq!(
            std::fs::read_dir(parent.path()).unwrap().count(),
            2,
            "nothing half-made is left"
        );
    }

    #[test]
    fn a_folder_with_anything_else_is_left_alone() {
        let parent = tempfile::tempdir().unwrap();
        std::fs::write(parent.path().join("thesis.txt"), "x").unwrap();
        let message = generate(&small(), parent.path()).unwrap_err().to_string();
        assert!(message.contains("not empty"), "{message}");
        let folder = parent.path().join("faces");
        generate(&small(), &folder).unwrap();
        let message = generate(&SyntheticOptions { seed: 2, ..small() }, &folder)
            .unwrap_err()
            .to_string();
        assert!(message.contains("other options"), "{message}");
    }

    #[test]
    fn what_a_killed_process_left_is_removed() {
        let parent = tempfile::tempdir().unwrap();
        std::fs::create_dir(parent.path().join(".faces.synthetic-2147483600")).unwrap();
        generate(&small(), &parent.path().join("faces")).unwrap();
        assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 1);
    }

    #[test]
    fn options_that_make_no_set_are_errors() {
        for options in [
            SyntheticOptions {
                lfw_pairs: 30,
                ..small()
            },
            SyntheticOptions {
                identities: 0,
                ..small()
            },
            SyntheticOptions {
                mislabelled_videos: 1000,
                ..small()
            },
        ] {
            let folder = tempfile::tempdir().unwrap();
            assert!(
                generate(&options, &folder.path().join("x")).is_err(),
                "{options:?}"
            );
        }
    }

    /// Writes a sheet to look at: `FACETUI_SHEET=sheet.png cargo test -p facetui contact_sheet -- --ignored`.
    #[test]
    #[ignore = "makes a picture for a person to look at"]
    fn contact_sheet() {
        let Some(path) = std::env::var_os("FACETUI_SHEET") else {
            return;
        };
        let (columns, rows) = (10, 10);
        let mut sheet = vec![0; columns * rows * 112 * 112 * 3];
        for row in 0..rows {
            for column in 0..columns {
                // A person each to the left, a person's pictures to the right, a video below.
                let face = match (row, column) {
                    (8.., _) => sets::video_frame(1, row as u64, 0, column as u64, 10),
                    (_, 0..5) => face(2, (row * 5 + column) as u64, 0),
                    _ => face(3, row as u64, column as u64),
                };
                for (y, line) in face.rgb.chunks(112 * 3).enumerate() {
                    let at = ((row * 112 + y) * columns + column) * 112 * 3;
                    sheet[at..at + 112 * 3].copy_from_slice(line);
                }
            }
        }
        let sheet = Image {
            width: columns as u32 * 112,
            height: rows as u32 * 112,
            rgb: sheet,
        };
        std::fs::write(path, sheet.to_png().unwrap()).unwrap();
    }
}
