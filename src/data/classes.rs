//! Which classes of several sets are one person, and which are left out.

use super::DataError;
use super::error::quoted;
use super::overlap::{Overlap, OverlapAction, OverlapClass, OverlapList};

/// What a class that is left out is numbered.
const LEFT_OUT: u32 = u32::MAX;

/// The classes of several sets as classes of all of them: counted through, merged ones once, without those left out.
#[derive(Debug)]
pub(super) struct ClassMap {
    /// By set and its class: the class among all.
    classes: Vec<Vec<u32>>,
    /// The sets and their classes that make up each class, class after class.
    parts: Vec<(u32, u32)>,
    /// Where each class starts among the parts; the last entry is their number.
    starts: Vec<u32>,
    leaves_out: bool,
}

impl ClassMap {
    /// The map of sets with their numbers of classes. Merges are joined to chains; a class that is dropped anywhere is
    /// left out wholly.
    ///
    /// # Errors
    /// More classes than can be counted, or a row of the list that these sets don't fit, with its line.
    pub fn new(sets: &[(&str, u32)], overlaps: Option<&OverlapList>) -> Result<Self, DataError> {
        let mut starts = vec![0u32];
        for (_, classes) in sets {
            let end = starts[starts.len() - 1].checked_add(*classes);
            starts.push(end.filter(|end| *end < LEFT_OUT).ok_or_else(|| {
                DataError::Request("more than 4,294,967,294 classes in all training sets".into())
            })?);
        }
        let count = starts[sets.len()] as usize;
        let mut joined = Joined::new(count);
        let mut dropped = vec![false; count];
        let mut leaves_out = false;
        for (list, overlap) in overlaps.iter().flat_map(|list| {
            let list = *list;
            list.overlaps.iter().map(move |overlap| (list, overlap))
        }) {
            let rows = Rows {
                sets,
                starts: &starts,
                list,
                overlap,
            };
            match overlap.action {
                None => {}
                Some(OverlapAction::Merge) => {
                    joined.join(rows.class("a", &overlap.a)?, rows.class("b", &overlap.b)?);
                }
                Some(OverlapAction::Drop) => {
                    dropped[rows.dropped()? as usize] = true;
                    leaves_out = true;
                }
            }
        }
        Ok(Self::numbered(&starts, &mut joined, &dropped, leaves_out))
    }

    fn numbered(starts: &[u32], joined: &mut Joined, dropped: &[bool], leaves_out: bool) -> Self {
        let mut numbers = vec![LEFT_OUT; dropped.len()];
        let mut count = 0;
        let mut classes = Vec::with_capacity(starts.len() - 1);
        let mut sizes: Vec<u32> = Vec::new();
        for (&start, &end) in starts.iter().zip(&starts[1..]) {
            let of_set = (start..end).map(|class| {
                if dropped[class as usize] {
                    return LEFT_OUT;
                }
                let number = &mut numbers[joined.root(class) as usize];
                if *number == LEFT_OUT {
                    *number = count;
                    count += 1;
                    sizes.push(0);
                }
                sizes[*number as usize] += 1;
                *number
            });
            classes.push(of_set.collect::<Vec<u32>>());
        }
        let mut part_starts = vec![0u32];
        part_starts.extend(sizes.iter().scan(0, |sum, size| {
            *sum += size;
            Some(*sum)
        }));
        let mut next = part_starts.clone();
        let mut parts = vec![(0, 0); part_starts[sizes.len()] as usize];
        for (set, classes) in classes.iter().enumerate() {
            for (class, number) in classes
                .iter()
                .enumerate()
                .filter(|(_, number)| **number != LEFT_OUT)
            {
                let place = &mut next[*number as usize];
                parts[*place as usize] = (set as u32, class as u32);
                *place += 1;
            }
        }
        Self {
            classes,
            parts,
            starts: part_starts,
            leaves_out,
        }
    }

    /// Number of classes.
    pub fn count(&self) -> u32 {
        self.starts.len() as u32 - 1
    }

    /// The class of a set's class; `None` where it is left out.
    pub fn of(&self, set: usize, class: u32) -> Option<u32> {
        Some(self.classes[set][class as usize]).filter(|class| *class != LEFT_OUT)
    }

    /// The sets and their classes that make up a class: one, unless it was merged.
    pub fn parts(&self, class: u32) -> &[(u32, u32)] {
        let class = class as usize;
        &self.parts[self.starts[class] as usize..self.starts[class + 1] as usize]
    }

    /// Whether any class is left out.
    pub fn leaves_out(&self) -> bool {
        self.leaves_out
    }
}

/// Classes that were joined: each points towards the first of its kind.
struct Joined(Vec<u32>);

impl Joined {
    fn new(count: usize) -> Self {
        Self((0..count as u32).collect())
    }

    fn root(&mut self, mut class: u32) -> u32 {
        while self.0[class as usize] != class {
            let above = self.0[self.0[class as usize] as usize];
            self.0[class as usize] = above;
            class = above;
        }
        class
    }

    fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b) as usize] = a.min(b);
    }
}

/// A row of the list, to be held against the sets.
struct Rows<'a> {
    sets: &'a [(&'a str, u32)],
    starts: &'a [u32],
    list: &'a OverlapList,
    overlap: &'a Overlap,
}

impl Rows<'_> {
    /// The class that a row names, counted through all sets.
    fn class(&self, side: &str, class: &OverlapClass) -> Result<u32, DataError> {
        let Some(set) = self.sets.iter().position(|(name, _)| *name == class.set) else {
            let known: Vec<String> = self.sets.iter().map(|(name, _)| quoted(name)).collect();
            let problem = format!(
                "set_{side} is {}, which is none of the recipe's [[datasets]] ({}); mend it, or leave the action empty",
                quoted(&class.set),
                known.join(", ")
            );
            return Err(self.list.error(self.overlap, problem));
        };
        let count = self.sets[set].1;
        if class.class >= count {
            let problem = format!(
                "class_{side} is {}, and {} has {count} classes, from 0 on; was the list made from another version of it?",
                class.class,
                quoted(&class.set)
            );
            return Err(self.list.error(self.overlap, problem));
        }
        let (a, b) = (&self.overlap.a, &self.overlap.b);
        if (&a.set, a.class) == (&b.set, b.class) {
            return Err(self.list.error(
                self.overlap,
                "both classes are the same one; leave the action empty",
            ));
        }
        Ok(self.starts[set] + class.class)
    }

    /// The class that is left out. The other may be of a set that isn't trained on, such as a verification set.
    fn dropped(&self) -> Result<u32, DataError> {
        if self
            .sets
            .iter()
            .any(|(name, _)| *name == self.overlap.a.set)
        {
            self.class("a", &self.overlap.a)?;
        }
        self.class("b", &self.overlap.b)
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn list(rows: &[(&str, u32, &str, u32, Option<OverlapAction>)]) -> OverlapList {
        let class = |set: &str, class| OverlapClass {
            set: set.to_owned(),
            class,
            name: String::new(),
        };
        OverlapList {
            path: PathBuf::from("o.csv"),
            overlaps: rows
                .iter()
                .zip(2..)
                .map(|((set_a, class_a, set_b, class_b, action), line)| Overlap {
                    line,
                    a: class(set_a, *class_a),
                    b: class(set_b, *class_b),
                    similarity: None,
                    action: *action,
                })
                .collect(),
        }
    }

    const MERGE: Option<OverlapAction> = Some(OverlapAction::Merge);
    const DROP: Option<OverlapAction> = Some(OverlapAction::Drop);

    /// Three sets of four, three and two classes.
    fn mapped(
        rows: &[(&str, u32, &str, u32, Option<OverlapAction>)],
    ) -> Result<ClassMap, DataError> {
        ClassMap::new(&[("x", 4), ("y", 3), ("z", 2)], Some(&list(rows)))
    }

    fn classes(map: &ClassMap) -> Vec<Vec<Option<u32>>> {
        [4, 3, 2]
            .into_iter()
            .enumerate()
            .map(|(set, count)| (0..count).map(|class| map.of(set, class)).collect())
            .collect()
    }

    #[test]
    fn without_a_list_classes_are_counted_through() {
        let map = ClassMap::new(&[("x", 4), ("y", 3), ("z", 2)], None).unwrap();
        assert_eq!((map.count(), map.leaves_out()), (9, false));
        assert_eq!(map.of(1, 2), Some(6));
        assert_eq!(map.parts(6), [(1, 2)]);
        assert_eq!(
            classes(&map),
            classes(&mapped(&[("x", 0, "y", 0, None), ("?", 9, "?", 9, None)]).unwrap())
        );
    }

    #[test]
    fn merges_are_joined_to_chains_and_numbers_have_no_gaps() {
        let map = mapped(&[
            ("z", 1, "y", 2, MERGE),
            ("x", 1, "z", 1, MERGE),
            ("x", 2, "x", 3, MERGE),
        ])
        .unwrap();
        assert_eq!(map.count(), 6);
        assert_eq!(
            classes(&map),
            [
                vec![Some(0), Some(1), Some(2), Some(2)],
                vec![Some(3), Some(4), Some(1)],
                vec![Some(5), Some(1)]
            ]
        );
        assert_eq!(map.parts(1), [(0, 1), (1, 2), (2, 1)]);
        assert_eq!(map.parts(2), [(0, 2), (0, 3)]);
        assert!(!map.leaves_out());
    }

    #[test]
    fn dropped_classes_are_left_out_even_where_they_join_others() {
        let map = mapped(&[
            ("x", 3, "y", 0, MERGE),
            ("y", 0, "z", 0, MERGE),
            ("lfw", 77, "y", 0, DROP),
        ])
        .unwrap();
        assert_eq!((map.count(), map.leaves_out()), (7, true));
        assert_eq!(
            classes(&map),
            [
                vec![Some(0), Some(1), Some(2), Some(3)],
                vec![None, Some(4), Some(5)],
                vec![Some(3), Some(6)]
            ]
        );
        assert_eq!(map.parts(3), [(0, 3), (2, 0)]);
    }

    #[test]
    fn rows_that_do_not_fit_are_errors_with_their_line() {
        for (row, word) in [
            (("x", 0, "q", 0, MERGE), "set_b is \"q\""),
            (("lfw", 0, "x", 0, MERGE), "set_a is \"lfw\""),
            (("x", 0, "lfw", 0, DROP), "set_b is \"lfw\""),
            (
                ("x", 4, "y", 0, MERGE),
                "class_a is 4, and \"x\" has 4 classes",
            ),
            (("x", 0, "y", 3, DROP), "class_b is 3"),
            (("x", 9, "y", 0, DROP), "class_a is 9"),
            (("x", 1, "x", 1, DROP), "the same"),
        ] {
            let message = mapped(&[("x", 0, "y", 0, MERGE), row])
                .unwrap_err()
                .to_string();
            assert!(
                message.starts_with("o.csv, line 3: ") && message.contains(word),
                "{message}"
            );
        }
    }

    #[test]
    fn more_classes_than_can_be_counted_are_an_error() {
        assert!(ClassMap::new(&[("x", u32::MAX)], None).is_err());
        assert!(ClassMap::new(&[("x", u32::MAX - 2), ("y", 5)], None).is_err());
    }
}
