//! Who is who by the labels.

use std::collections::{BTreeMap, HashMap};

/// The people of a set and their videos.
#[derive(Debug)]
pub(super) struct People {
    names: Vec<String>,
    /// The person of each video.
    of_video: Vec<usize>,
    /// The videos of each person.
    videos: Vec<Vec<usize>>,
}

impl People {
    /// A video's person is what stands before the last slash of its name, and whoever the list's positive pairs say
    /// is the same; the slash says nothing where the list has negative pairs within one folder.
    pub fn new(names: &[&str], pairs: &[(usize, usize, bool)]) -> Self {
        let folder = |video: usize| names[video].rsplit_once('/').map(|(folder, _)| folder);
        let folders_are_people = !pairs
            .iter()
            .any(|(a, b, same)| !same && folder(*a).is_some() && folder(*a) == folder(*b));
        let mut groups = Groups {
            parent: (0..names.len()).collect(),
        };
        let mut first_in = HashMap::new();
        for video in 0..names.len() {
            if let Some(folder) = folder(video).filter(|_| folders_are_people) {
                groups.join(*first_in.entry(folder).or_insert(video), video);
            }
        }
        for (a, b, same) in pairs {
            if *same {
                groups.join(*a, *b);
            }
        }
        let mut numbers = BTreeMap::new();
        let mut people = Self {
            names: Vec::new(),
            of_video: Vec::with_capacity(names.len()),
            videos: Vec::new(),
        };
        for (video, own_name) in names.iter().enumerate() {
            let person = *numbers.entry(groups.root(video)).or_insert_with(|| {
                let name = folder(video).filter(|_| folders_are_people);
                people.names.push(name.unwrap_or(own_name).to_owned());
                people.videos.push(Vec::new());
                people.videos.len() - 1
            });
            people.of_video.push(person);
            people.videos[person].push(video);
        }
        people
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.videos.len()
    }

    /// The person of a video.
    pub fn of(&self, video: usize) -> usize {
        self.of_video[video]
    }

    /// A person's name: the folder's, or the first video's.
    pub fn name(&self, person: usize) -> &str {
        &self.names[person]
    }

    /// A person's videos.
    pub fn videos(&self, person: usize) -> &[usize] {
        &self.videos[person]
    }

    /// The other videos of a video's person.
    pub fn mates(&self, video: usize) -> impl Iterator<Item = usize> + Clone + '_ {
        let all = self.videos(self.of(video)).iter().copied();
        all.filter(move |mate| *mate != video)
    }
}

/// Sets that grow together.
struct Groups {
    parent: Vec<usize>,
}

impl Groups {
    fn root(&mut self, mut one: usize) -> usize {
        while self.parent[one] != one {
            self.parent[one] = self.parent[self.parent[one]];
            one = self.parent[one];
        }
        one
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.parent[a.max(b)] = a.min(b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_positive_pairs_make_people() {
        let names = ["A/1", "A/2", "B/1", "#4", "#5", "C_old/1"];
        let pairs = [(0, 2, false), (3, 4, true), (2, 5, true)];
        let people = People::new(&names, &pairs);
        assert_eq!(people.len(), 3);
        assert_eq!(people.videos(people.of(0)), [0, 1]);
        assert_eq!(people.videos(people.of(2)), [2, 5]);
        assert_eq!(people.mates(3).collect::<Vec<_>>(), [4]);
        assert_eq!(people.name(people.of(5)), "B");
    }

    #[test]
    fn a_folder_with_two_people_is_no_person() {
        let names = ["images/1", "images/2", "images/3"];
        let people = People::new(&names, &[(0, 1, true), (0, 2, false)]);
        assert_eq!(people.len(), 2);
        assert_eq!(people.name(people.of(2)), "images/3");
    }
}
