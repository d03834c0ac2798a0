//! Looks at sets of faces on a thread of its own: what a `config.ini` names, people's faces, checks of whole sets, and
//! what runs found of people that two sets share. Everything that it says is safe to show.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use tokio::sync::mpsc::UnboundedSender;

use crate::config::{DataConfig, TrainingSet};
use crate::data::{self, CheckReport, Inspection, TrainingImages, spread_evenly};
use crate::plot::Picture;
use crate::report::{Frame, Strip};
use crate::run::{OverlapReport, VerificationSet};
use crate::untrusted::{visible, visible_path};

use super::message::Message;
use super::sets::{OverlapLine, SetLine, Sets};
use super::triage::FacesOf;

/// What the screen asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// What a `config.ini` names, and what runs in these folders found of shared people.
    Sets {
        /// The file.
        config: PathBuf,
        /// The runs.
        overlaps: Vec<PathBuf>,
    },
    /// Faces of a person of a set.
    Faces(FacesOf),
    /// Read all of a set once.
    Check(String),
}

/// Faces of a person that are shown, at most.
const FACES: usize = 24;

/// Starts the thread; it ends when the request sender is dropped.
pub fn start(messages: UnboundedSender<Message>) -> Sender<Request> {
    let (sender, requests) = channel();
    let mut catalogue = Catalogue {
        messages,
        opened: Vec::new(),
    };
    thread::spawn(move || catalogue.serve(&requests));
    sender
}

struct Catalogue {
    messages: UnboundedSender<Message>,
    opened: Vec<OpenedSet>,
}

/// A set of the file that was last looked at.
struct OpenedSet {
    name: String,
    path: PathBuf,
    root: Option<PathBuf>,
    images: Option<TrainingImages>,
}

impl Catalogue {
    fn serve(&mut self, requests: &Receiver<Request>) {
        while let Ok(request) = requests.recv() {
            let message = match request {
                Request::Sets { config, overlaps } => Message::Sets {
                    result: self.sets(&config).map(Arc::new),
                    overlaps: overlaps.iter().filter_map(|run| overlap(run)).collect(),
                    config,
                },
                Request::Faces(of) => Message::Faces {
                    result: self.faces(&of).map(|strip| Arc::new(vec![strip])),
                    of,
                },
                Request::Check(name) => {
                    // It reads everything: others are answered meanwhile.
                    let Some(set) = self.opened.iter().find(|set| set.name == name) else {
                        continue;
                    };
                    let (path, root) = (set.path.clone(), set.root.clone());
                    let messages = self.messages.clone();
                    thread::spawn(move || {
                        let result = check(&path, root.as_deref()).map(Arc::new);
                        // A dashboard that was left needs no answer.
                        let _ = messages.send(Message::SetChecked { name, result });
                    });
                    continue;
                }
            };
            if self.messages.send(message).is_err() {
                return;
            }
        }
    }

    fn sets(&mut self, path: &Path) -> Result<Sets, String> {
        self.opened.clear();
        let config = DataConfig::load(path).map_err(|errors| visible(&errors.to_string()))?;
        let mut sets = Vec::new();
        for (name, set) in &config.training {
            sets.push(self.training(name, set));
        }
        for section in config.verification() {
            if let Some(set) = VerificationSet::of_section(section, &config) {
                sets.push(self.verification(section, &set));
            }
        }
        Ok(Sets {
            config: visible_path(path),
            sets,
        })
    }

    fn training(&mut self, name: &str, set: &TrainingSet) -> SetLine {
        let mut line = empty(name, set.path());
        let root = match set {
            TrainingSet::List { prefix, .. } => Some(prefix.clone()),
            TrainingSet::MxRec(_) | TrainingSet::Folders(_) => None,
        };
        let images = match TrainingImages::open(set) {
            Ok(images) => {
                line.images = Some(images.len() as u64);
                line.people = Some(images.classes().into());
                let classes = 0..images.classes();
                line.sizes = classes
                    .map(|class| images.images_of_class(class).len() as u32)
                    .collect();
                line.sizes.sort_unstable();
                Some(images)
            }
            Err(error) => {
                line.problem = Some(visible(&error.to_string()));
                None
            }
        };
        self.opened.push(OpenedSet {
            name: line.name.clone(),
            path: set.path().to_owned(),
            root,
            images,
        });
        line
    }

    fn verification(&mut self, name: &str, set: &VerificationSet) -> SetLine {
        let (path, root) = match set {
            VerificationSet::Lfw { data, images } => (data, images.clone()),
            VerificationSet::Ytf { splits, frames, .. } => (splits, Some(frames.clone())),
        };
        let mut line = empty(name, path);
        match data::inspect(path, root.as_deref()) {
            Ok(found) => counts(&mut line, &found),
            Err(error) => line.problem = Some(visible(&error.to_string())),
        }
        self.opened.push(OpenedSet {
            name: line.name.clone(),
            path: path.clone(),
            root,
            images: None,
        });
        line
    }

    fn faces(&self, of: &FacesOf) -> Result<Strip, String> {
        let FacesOf::Person(set, class) = of else {
            return Err("these faces are no person's of a set".to_owned());
        };
        let set = self.opened.iter().find(|opened| opened.name == *set);
        let images = set.and_then(|set| set.images.as_ref());
        let images = images.ok_or("only sets to train on are shown by person")?;
        if *class >= images.classes() {
            return Err(format!("the set has {} people", images.classes()));
        }
        let members = images.images_of_class(*class);
        let mut frames = Vec::new();
        let mut broken = Vec::new();
        for place in spread_evenly(members.len(), FACES) {
            match images.read(members[place] as usize) {
                Ok(image) => frames.push(Frame {
                    picture: Picture {
                        width: image.width,
                        height: image.height,
                        rgb: image.rgb,
                    },
                    number: place + 1,
                    agrees: None,
                }),
                Err(error) => broken.push(visible(&error.to_string())),
            }
        }
        // One broken image hides no others.
        let unreadable = match (broken.as_slice(), frames.len()) {
            ([], _) => String::new(),
            ([why, ..], 0) => return Err(why.clone()),
            (broken, _) => format!(", {} unreadable", broken.len()),
        };
        let number = format!("{} of {}", class + 1, images.classes());
        let name = match images.name_of_class(*class) {
            Some(name) => format!("{number}: {}{unreadable}", visible(name)),
            None => format!("{number}{unreadable}"),
        };
        Ok(Strip {
            name,
            frames,
            total: members.len(),
        })
    }
}

fn empty(name: &str, path: &Path) -> SetLine {
    SetLine {
        name: visible(name),
        place: visible_path(path),
        images: None,
        people: None,
        pairs: None,
        videos: None,
        sizes: Vec::new(),
        problem: None,
    }
}

fn counts(line: &mut SetLine, found: &Inspection) {
    line.images = found.images;
    line.people = found.identities;
    line.videos = found.videos;
    line.pairs = found
        .pairs
        .as_ref()
        .map(|pairs| (pairs.positive, pairs.negative));
}

fn check(path: &Path, root: Option<&Path>) -> Result<CheckReport, String> {
    let mut report =
        data::check(path, root, &|_, _| {}).map_err(|error| visible(&error.to_string()))?;
    let broken = report.broken.iter_mut();
    let twice = report.duplicates.iter_mut();
    let names = broken
        .flat_map(|broken| [&mut broken.image, &mut broken.problem])
        .chain(twice.flat_map(|same| same.images.iter_mut().chain(&mut same.people)));
    for name in names {
        *name = visible(name);
    }
    Ok(report)
}

/// What a run found of people that two sets share.
fn overlap(run: &Path) -> Option<OverlapLine> {
    let path = run.join("results").join(OverlapReport::FILE);
    let report: OverlapReport = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    let set = |(name, people): &(String, usize)| (visible(name), *people);
    Some(OverlapLine {
        run: visible(&run.file_name()?.to_string_lossy()),
        sets: [set(&report.a), set(&report.b)],
        counts: [report.alike, report.same_name, report.both],
    })
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::unbounded_channel;

    use super::*;
    use crate::data::synthetic::{self, SyntheticOptions};

    #[test]
    fn sets_people_and_checks_of_drawn_data() {
        let root = tempfile::tempdir().unwrap();
        let options = SyntheticOptions {
            identities: 5,
            images_per_identity: 3,
            lfw_pairs: 20,
            ytf_pairs: 20,
            frames_per_video: 1,
            mislabelled_videos: 1,
            ..SyntheticOptions::default()
        };
        let data = root.path().join("data");
        synthetic::generate(&options, &data).unwrap();
        let (messages, mut told) = unbounded_channel();
        let mut catalogue = Catalogue {
            messages,
            opened: Vec::new(),
        };
        let sets = catalogue.sets(&data.join("config.ini")).unwrap();
        let names: Vec<&str> = sets.sets.iter().map(|set| set.name.as_str()).collect();
        assert_eq!(names, ["synthetic", "lfw", "ytf"]);
        let [training, lfw, ytf] = sets.sets.as_slice() else {
            panic!("three sets");
        };
        assert_eq!((training.images, training.people), (Some(15), Some(5)));
        assert_eq!(training.sizes, [3; 5]);
        assert_eq!(lfw.pairs, Some((10, 10)));
        assert!(ytf.videos.unwrap() > 0);

        let person = |class| FacesOf::Person("synthetic".to_owned(), class);
        let strip = catalogue.faces(&person(4)).unwrap();
        assert!(strip.name.starts_with("5 of 5"), "{}", strip.name);
        assert_eq!((strip.frames.len(), strip.total), (3, 3));
        assert!(
            catalogue
                .faces(&person(5))
                .unwrap_err()
                .contains("5 people")
        );

        let (sender, requests) = channel();
        sender.send(Request::Check("synthetic".to_owned())).unwrap();
        drop(sender);
        catalogue.serve(&requests);
        let Some(Message::SetChecked { result, .. }) = told.blocking_recv() else {
            panic!("no answer");
        };
        assert_eq!(result.unwrap().readable, 15);
        let folder = root.path().join("mine").join("ada");
        std::fs::create_dir_all(&folder).unwrap();
        let picture = image::RgbImage::from_pixel(112, 112, image::Rgb([9, 9, 9]));
        picture.save(folder.join("a.png")).unwrap();
        std::fs::write(folder.join("b.png"), b"no picture").unwrap();
        let config = root.path().join("mine.ini");
        std::fs::write(&config, "[mine]\nfolder = mine\n").unwrap();
        catalogue.opened.clear();
        catalogue.sets(&config).unwrap();
        let mine = FacesOf::Person("mine".to_owned(), 0);
        let strip = catalogue.faces(&mine).unwrap();
        assert_eq!((strip.frames.len(), strip.total), (1, 2));
        assert!(strip.name.ends_with("ada, 1 unreadable"), "{}", strip.name);
        std::fs::remove_file(folder.join("a.png")).unwrap();
        catalogue.opened.clear();
        catalogue.sets(&config).unwrap();
        assert!(catalogue.faces(&mine).unwrap_err().contains("b.png"));

        let missing = catalogue.sets(&root.path().join("none.ini")).unwrap_err();
        assert!(missing.contains("none.ini"), "{missing}");
    }
}
