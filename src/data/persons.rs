//! Any set of faces as people with images: what a search for shared people compares.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{DataError, Image, TrainingImages, VerificationImages, VideoSet};
use crate::config::PersonsSource;

/// A set's people and their images.
#[derive(Debug)]
pub struct Persons {
    /// The people, by class where the set has classes, else by name.
    pub people: Vec<Person>,
    source: Source,
}

/// One person of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The class in the set, from 0; without classes the place among the names.
    pub class: u32,
    /// The name, where the set tells it, else empty.
    pub name: String,
    /// The images, for [`Persons::image`].
    pub images: Vec<usize>,
}

#[derive(Debug)]
enum Source {
    Training(Box<TrainingImages>),
    Pairs(Box<VerificationImages>),
    Frames(Vec<PathBuf>),
}

impl Persons {
    /// Opens a set.
    ///
    /// # Errors
    /// It is missing or not of its form.
    pub fn open(source: &PersonsSource) -> Result<Self, DataError> {
        match source {
            PersonsSource::Records { path } => TrainingImages::open_records(path).map(of_training),
            PersonsSource::List { list, root } => {
                TrainingImages::open_list(list, root).map(of_training)
            }
            PersonsSource::Folders { path } => TrainingImages::open_folders(path).map(of_training),
            PersonsSource::Pairs { data, images } => {
                VerificationImages::open(data, images.as_deref()).map(of_pairs)
            }
            PersonsSource::Videos { splits, frames } => {
                VideoSet::open(splits, frames, None).map(of_videos)
            }
        }
    }

    /// An image of a person.
    ///
    /// # Errors
    /// It can't be read.
    pub fn image(&self, index: usize) -> Result<Image, DataError> {
        match &self.source {
            Source::Training(set) => set.read(index),
            Source::Pairs(set) => set.image(index),
            Source::Frames(files) => Image::open(&files[index]),
        }
    }

    /// Where an image comes from, for messages.
    pub fn name_of_image(&self, index: usize) -> String {
        match &self.source {
            Source::Training(set) => set.name_of_image(index),
            Source::Pairs(set) => set.name(index).to_owned(),
            Source::Frames(files) => files[index].to_string_lossy().into_owned(),
        }
    }
}

fn of_training(set: TrainingImages) -> Persons {
    let people = (0..set.classes()).map(|class| Person {
        class,
        name: set.name_of_class(class).unwrap_or_default().to_owned(),
        images: set
            .images_of_class(class)
            .iter()
            .map(|image| *image as usize)
            .collect(),
    });
    Persons {
        people: people.collect(),
        source: Source::Training(Box::new(set)),
    }
}

fn of_pairs(set: VerificationImages) -> Persons {
    let images = (0..set.images()).map(|image| {
        let name = set.name(image);
        // `Ada_Byron/Ada_Byron_0001.jpg`; images of pickles are called by their place alone.
        let person = name.rsplit_once('/').map_or(name, |(person, _)| person);
        (person.to_owned(), image)
    });
    Persons {
        people: by_name(images),
        source: Source::Pairs(Box::new(set)),
    }
}

fn of_videos(set: VideoSet) -> Persons {
    let mut files = Vec::new();
    let mut images = Vec::new();
    for video in set.videos {
        let person = video.name.split('/').next().unwrap_or_default().to_owned();
        for frame in video.frames {
            images.push((person.clone(), files.len()));
            files.push(frame);
        }
    }
    Persons {
        people: by_name(images.into_iter()),
        source: Source::Frames(files),
    }
}

fn by_name(images: impl Iterator<Item = (String, usize)>) -> Vec<Person> {
    let mut people: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (name, image) in images {
        people.entry(name).or_default().push(image);
    }
    people
        .into_iter()
        .zip(0..)
        .map(|((name, images), class)| Person {
            class,
            name,
            images,
        })
        .collect()
}

impl Person {
    /// At most `most` of the images, spread evenly.
    pub fn some_images(&self, most: usize) -> impl Iterator<Item = usize> + '_ {
        let count = self.images.len().min(most);
        (0..count).map(move |place| self.images[place * self.images.len() / count])
    }

    /// The name without what people write differently: case, and all but letters and digits; empty where none is left.
    pub fn plain_name(&self) -> String {
        self.name
            .chars()
            .filter(|letter| letter.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(name: &str, images: usize) -> Person {
        Person {
            class: 0,
            name: name.to_owned(),
            images: (10..10 + images).collect(),
        }
    }

    #[test]
    fn some_images_are_spread_over_all() {
        let some = |images, most| person("", images).some_images(most).collect::<Vec<_>>();
        assert_eq!(some(10, 4), [10, 12, 15, 17]);
        assert_eq!(some(3, 20), [10, 11, 12]);
        assert!(some(0, 4).is_empty() && some(4, 0).is_empty());
    }

    #[test]
    fn names_are_compared_by_their_letters() {
        for name in ["Ada_Byron", "ada byron", "ADA-BYRON"] {
            assert_eq!(person(name, 1).plain_name(), "adabyron");
        }
        assert_eq!(person("Zoë", 1).plain_name(), "zoë");
        assert_eq!(person("__", 1).plain_name(), "");
    }
}
