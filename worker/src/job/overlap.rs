//! The search for shared people: the centres of one set's people beside those of another's.

use std::{collections::HashMap, path::PathBuf};

use facetui::{
    config::DeviceChoice,
    data::{DataError, Image, Overlap, OverlapAction, OverlapClass, OverlapList, Person, Persons},
    eval::template::{Mirror, Pooling, pool},
    run::{
        BareWeights, JournalEvent, NamedPersons, OverlapOptions, OverlapReport, OverlapSuggestion,
        Preprocessing, RunState,
    },
};

use super::{JobError, session::Session};
use crate::{
    embed::{Embedder, Images, model::ModelFile},
    model::device,
};

/// So many broken images are told by name.
const TOLD_BROKEN: usize = 20;

/// What is compared, and how.
pub struct Order {
    pub device: DeviceChoice,
    pub a: NamedPersons,
    pub b: NamedPersons,
    pub model: PathBuf,
    pub preprocessing: Preprocessing,
    pub weights: BareWeights,
    pub options: OverlapOptions,
}

/// Writes the list of people that two sets likely share to `results/`.
pub fn search(session: &mut Session, order: &Order) -> Result<(), JobError> {
    session.enter(RunState::Starting, Some("data"))?;
    let open = |set: &NamedPersons| Persons::open(&set.source).map_err(JobError::input);
    let (a, b) = (open(&order.a)?, open(&order.b)?);
    session.enter(RunState::Starting, Some("model"))?;
    let model = ModelFile::open(&order.model, &order.weights).map_err(JobError::input)?;
    let embedder = model
        .load(&order.preprocessing, &order.weights, || {
            device::open(order.device)
        })
        .map_err(JobError::input)?;
    session.status.device.clone_from(&embedder.device);

    let most = order.options.images_per_person;
    let count = |set: &Persons| -> usize {
        set.people
            .iter()
            .map(|person| person.images.len().min(most))
            .sum()
    };
    session.status.step = 0;
    session.status.steps = (count(&a) + count(&b)) as u64;
    session.enter(RunState::Running, Some("embedding"))?;
    let mut broken = Vec::new();
    let Some(centres_a) = centres(session, &embedder, &a, most, &mut broken)? else {
        return session.enter(RunState::Stopped, None);
    };
    let Some(centres_b) = centres(session, &embedder, &b, most, &mut broken)? else {
        return session.enter(RunState::Stopped, None);
    };
    for problem in broken.iter().take(TOLD_BROKEN) {
        session.note(JournalEvent::Error {
            message: format!("{problem}; the image is left out"),
        })?;
    }

    session.enter(RunState::Running, Some("comparing"))?;
    let shared = shared(&a.people, &centres_a, &b.people, &centres_b, &order.options);
    let report = OverlapReport {
        a: (order.a.name.clone(), a.people.len()),
        b: (order.b.name.clone(), b.people.len()),
        model: model.name.clone(),
        threshold: order.options.threshold,
        alike: shared.iter().filter(|pair| pair.alike).count(),
        same_name: shared.iter().filter(|pair| pair.same_name).count(),
        both: shared
            .iter()
            .filter(|pair| pair.alike && pair.same_name)
            .count(),
        broken: broken.len(),
    };
    save(session, order, &a, &b, &shared, &report)?;
    session.enter(RunState::Finished, None)
}

fn save(
    session: &mut Session,
    order: &Order,
    a: &Persons,
    b: &Persons,
    shared: &[Shared],
    report: &OverlapReport,
) -> Result<(), JobError> {
    let class = |set: &NamedPersons, person: &Person| OverlapClass {
        set: set.name.clone(),
        class: person.class,
        name: person.name.clone(),
    };
    let rows = shared.iter().map(|pair| Overlap {
        line: 0,
        a: class(&order.a, &a.people[pair.a]),
        b: class(&order.b, &b.people[pair.b]),
        similarity: pair.cosine.map(f64::from),
        action: order
            .options
            .action
            .filter(|_| pair.alike)
            .map(|action| match action {
                OverlapSuggestion::Merge => OverlapAction::Merge,
                OverlapSuggestion::Drop => OverlapAction::Drop,
            }),
    });
    let list = OverlapList {
        path: session.run.overlap_path(),
        overlaps: rows.collect(),
    };
    // Makes the folder of results where there is none yet.
    let text = serde_json::to_vec_pretty(report).map_err(JobError::input)?;
    std::fs::create_dir_all(session.run.path().join("results")).map_err(JobError::input)?;
    list.write().map_err(JobError::input)?;
    session
        .run
        .write_file(&format!("results/{}", OverlapReport::FILE), &text)?;
    session.note(JournalEvent::Note {
        message: format!(
            "{} pairs of people look alike, {} have the same name, {} both: {}",
            report.alike,
            report.same_name,
            report.both,
            list.path.display()
        ),
    })
}

/// The unit centre of every person, none where no image can be read; `None` where somebody wants an end.
fn centres(
    session: &mut Session,
    embedder: &Embedder,
    set: &Persons,
    most: usize,
    broken: &mut Vec<String>,
) -> Result<Option<Vec<Option<Vec<f32>>>>, JobError> {
    // Whether an image can be read is seen by reading it; what can't is a grey one that nobody looks at.
    let images: Vec<(usize, usize)> = (0..)
        .zip(&set.people)
        .flat_map(|(person, of)| of.some_images(most).map(move |image| (person, image)))
        .collect();
    let problems = std::sync::Mutex::new(HashMap::new());
    let image = |place: usize| -> Result<Image, DataError> {
        let found = set.image(images[place].1);
        Ok(found.unwrap_or_else(|error| {
            if let Ok(mut problems) = problems.lock() {
                problems.insert(place, error.to_string());
            }
            grey()
        }))
    };
    let wanted = Images {
        count: images.len(),
        image: &image,
        name: &|place| set.name_of_image(images[place].1),
    };
    let Some((embeddings, length)) = session.listening(true, |between| {
        embedder.embed(&wanted, Mirror::None, between)
    })?
    else {
        return Ok(None);
    };
    let problems = problems.into_inner().unwrap_or_default();
    let mut of_person: Vec<Vec<Vec<f32>>> = vec![Vec::new(); set.people.len()];
    for (place, embedding) in embeddings.chunks(length.max(1)).enumerate() {
        if !problems.contains_key(&place) {
            of_person[images[place].0].push(embedding.to_vec());
        }
    }
    let mut told: Vec<(usize, String)> = problems.into_iter().collect();
    told.sort_unstable();
    broken.extend(told.into_iter().map(|(_, problem)| problem));
    let centre = |images: &Vec<Vec<f32>>| {
        if images.is_empty() {
            Ok(None)
        } else {
            pool(Pooling::UnitMean, images).map(Some)
        }
    };
    let centres = of_person.iter().map(centre).collect::<Result<_, _>>();
    Ok(Some(centres.map_err(JobError::input)?))
}

fn grey() -> Image {
    Image {
        width: 112,
        height: 112,
        rgb: vec![128; 112 * 112 * 3],
    }
}

/// Two people that may be one.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Shared {
    /// The person in the first set.
    a: usize,
    /// The person in the second set.
    b: usize,
    /// The cosine of their centres, where both have one.
    cosine: Option<f32>,
    /// Whether that is from the threshold up.
    alike: bool,
    /// Whether they have the same name.
    same_name: bool,
}

/// All pairs that are alike or of one name, the most alike first.
fn shared(
    people_a: &[Person],
    centres_a: &[Option<Vec<f32>>],
    people_b: &[Person],
    centres_b: &[Option<Vec<f32>>],
    options: &OverlapOptions,
) -> Vec<Shared> {
    let mut names: HashMap<String, Vec<usize>> = HashMap::new();
    for (place, person) in people_b.iter().enumerate() {
        let name = person.plain_name();
        // A number is no name: it only says which image or class it is.
        if name.chars().any(char::is_alphabetic) {
            names.entry(name).or_default().push(place);
        }
    }
    let of_one = |(a, person): (usize, &Person)| {
        let namesakes = names
            .get(&person.plain_name())
            .map_or(&[][..], Vec::as_slice);
        let mut found = Vec::new();
        for (b, centre_b) in centres_b.iter().enumerate() {
            let cosine = centres_a[a]
                .as_ref()
                .zip(centre_b.as_ref())
                .map(|(a, b)| cosine(a, b));
            let alike = cosine.is_some_and(|cosine| f64::from(cosine) >= options.threshold);
            let same_name = namesakes.contains(&b);
            if alike || same_name {
                found.push(Shared {
                    a,
                    b,
                    cosine,
                    alike,
                    same_name,
                });
            }
        }
        found
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = people_a.len().div_ceil(threads).max(1);
    let mut all: Vec<Shared> = std::thread::scope(|scope| {
        let parts: Vec<_> = people_a
            .chunks(share)
            .enumerate()
            .map(|(part, people)| {
                let of_one = &of_one;
                scope.spawn(move || {
                    (part * share..)
                        .zip(people)
                        .flat_map(of_one)
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        parts
            .into_iter()
            .flat_map(|part| {
                part.join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    });
    all.sort_by(|one, other| {
        let key = |pair: &Shared| pair.cosine.unwrap_or(-1.0);
        key(other)
            .total_cmp(&key(one))
            .then((one.a, one.b).cmp(&(other.a, other.b)))
    });
    all
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(name: &str) -> Person {
        Person {
            class: 0,
            name: name.to_owned(),
            images: vec![0],
        }
    }

    #[test]
    fn people_are_shared_by_face_or_by_name_and_the_most_alike_come_first() {
        let a = ["Ada Byron", "12", "Zoë", "Kim"].map(person);
        let b = ["12", "ada_byron", "Somebody"].map(person);
        let centres_a = [[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]]
            .map(|centre| Some(centre.to_vec()))
            .into_iter()
            .chain([None])
            .collect::<Vec<_>>();
        let centres_b = [[0.0, -1.0], [0.0, -1.0], [0.8, 0.6]].map(|centre| Some(centre.to_vec()));
        let options = OverlapOptions {
            threshold: 0.7,
            images_per_person: 5,
            action: None,
        };
        let found = shared(&a, &centres_a, &b, &centres_b, &options);
        let pairs: Vec<_> = found
            .iter()
            .map(|pair| (pair.a, pair.b, pair.alike, pair.same_name))
            .collect();
        assert_eq!(
            pairs,
            [
                (2, 2, true, false),
                (0, 2, true, false),
                (0, 1, false, true),
            ]
        );
    }
}
