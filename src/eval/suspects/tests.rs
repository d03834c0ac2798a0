use super::*;

/// SplitMix64, turned into numbers that are nearly normal.
struct Noise {
    state: u64,
}

impl Noise {
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// The sum of twelve uniform numbers less six.
    fn normal(&mut self) -> f32 {
        let uniform = |bits: u64| (bits >> 40) as f32 / (1 << 24) as f32;
        (0..12).map(|_| uniform(self.next())).sum::<f32>() - 6.0
    }

    fn vector(&mut self, deviation: f32) -> Vec<f32> {
        let scale = deviation / (LENGTH as f32).sqrt();
        (0..LENGTH).map(|_| scale * self.normal()).collect()
    }
}

const LENGTH: usize = 64;

/// Videos of a set whose truth is known.
struct Model {
    names: Vec<String>,
    frames: Vec<Vec<Vec<f32>>>,
    /// Videos that show another person than their label says, or two.
    wrong: Vec<String>,
    pairs: Vec<(usize, usize, bool)>,
}

impl Model {
    /// 120 people of one to six videos, their embeddings unit vectors with noise of each video and each frame; of the
    /// videos 3 % show another person, half of those one of the set, and 2 % change to another person half-way.
    fn new(seed: u64, noise_of_video: f32) -> Self {
        let mut from = Noise { state: seed };
        let (known, strangers) = (120, 30);
        let people: Vec<Vec<f32>> = (0..known + strangers).map(|_| from.vector(1.0)).collect();
        let mut model = Self {
            names: Vec::new(),
            frames: Vec::new(),
            wrong: Vec::new(),
            pairs: Vec::new(),
        };
        let mut person_of = Vec::new();
        for person in 0..known {
            for number in 0..=from.below(6) {
                let name = format!("person{person}/{number}");
                let chance = from.below(100);
                let other = match from.below(2) {
                    0 => known + from.below(strangers),
                    _ => (person + 1 + from.below(known - 1)) % known,
                };
                if chance < 5 {
                    model.wrong.push(name.clone());
                }
                let shift = from.vector(noise_of_video);
                let count = 8 + from.below(20);
                let frames = (0..count).map(|frame| {
                    let is_other = chance < 3 || chance < 5 && frame > count / 2;
                    let shown = if is_other { other } else { person };
                    let noise = from.vector(0.8);
                    let parts = people[shown].iter().zip(&shift).zip(noise);
                    parts.map(|((a, b), c)| 20.0 * (a + b + c)).collect()
                });
                let frames = frames.collect();
                model.frames.push(frames);
                model.names.push(name);
                person_of.push(person);
            }
        }
        for a in 0..person_of.len() {
            for b in a + 1..person_of.len() {
                if person_of[a] == person_of[b] && from.below(2) == 0 {
                    model.pairs.push((a, b, true));
                }
            }
        }
        for _ in 0..model.pairs.len() {
            let (a, b) = (from.below(person_of.len()), from.below(person_of.len()));
            if person_of[a] != person_of[b] {
                model.pairs.push((a, b, false));
            }
        }
        model
    }

    fn suspects(&self, errors: &ErrorList) -> Result<Suspects, EvalError> {
        let videos: Vec<Video> = self
            .names
            .iter()
            .zip(&self.frames)
            .map(|(name, frames)| Video {
                name,
                track: Track::new(frames),
            })
            .collect();
        let pairs: Vec<NamedPair> = self
            .pairs
            .iter()
            .map(|(a, b, same)| NamedPair {
                a: &self.names[*a],
                b: &self.names[*b],
                same: *same,
            })
            .collect();
        suspects(&videos, &pairs, errors)
    }
}

#[test]
fn wrong_labels_come_to_the_top() {
    // (noise of a video, the least precision and recall of as many videos at the top as are wrong)
    for (noise, least) in [(0.5, 0.95), (0.9, 0.8)] {
        let (mut found, mut wrong) = (0, 0);
        let (mut suspects, mut right_suspects) = (0, 0);
        for seed in 0..4 {
            let model = Model::new(seed, noise);
            let truth = ErrorList::parse(&model.wrong.join("\n"));
            let ranked = model.suspects(&truth).unwrap();
            let top = &ranked.videos[..model.wrong.len()];
            found += top.iter().filter(|video| video.listed).count();
            wrong += model.wrong.len();
            let agreement = ranked.against_list.unwrap();
            assert_eq!(agreement.listed, model.wrong.len());
            suspects += agreement.suspects;
            right_suspects += agreement.listed_suspects;
        }
        let share = f64::from(found as u32) / f64::from(wrong as u32);
        eprintln!(
            "noise {noise}: {found} of {wrong} wrong videos at the top ({share:.3}); {right_suspects} of {suspects} suspects are wrong"
        );
        // What is more likely wrong than right by the evidence mostly is.
        assert!(10 * right_suspects >= 8 * suspects && 10 * suspects >= 8 * wrong);
        assert!(share >= least, "noise {noise}: {found} of {wrong}");
    }
}

#[test]
fn a_listed_video_that_is_right_is_cleared_and_an_unlisted_one_found() {
    let model = Model::new(9, 0.5);
    let innocent = model.names.iter().find(|name| !model.wrong.contains(name));
    let innocent = innocent.unwrap();
    let ranked = model.suspects(&ErrorList::parse(innocent)).unwrap();
    let cleared = ranked.videos.iter().find(|video| video.listed).unwrap();
    assert_eq!(cleared.finding, Finding::LooksRight);
    assert!(cleared.evidence < 0.0);
    let first = &ranked.videos[0];
    assert!(!first.listed && model.wrong.contains(&first.video));
}

#[test]
fn what_cannot_be_judged_is_a_clear_error() {
    let mut model = Model::new(1, 0.5);
    model.frames[4].clear();
    let error = model.suspects(&ErrorList::default()).unwrap_err();
    assert!(error.to_string().contains(&model.names[4]), "{error}");
    let mut model = Model::new(1, 0.5);
    model.frames[5][2][7] = f32::NAN;
    let error = model.suspects(&ErrorList::default()).unwrap_err();
    assert!(error.to_string().contains("embedding 3"), "{error}");
    let mut model = Model::new(1, 0.5);
    model.pairs.truncate(3);
    assert!(matches!(
        model.suspects(&ErrorList::default()),
        Err(EvalError::FewPairs { .. })
    ));
    let unknown = NamedPair {
        a: "nobody/1",
        b: "nobody/2",
        same: true,
    };
    assert!(matches!(
        suspects(&[], &[unknown], &ErrorList::default()),
        Err(EvalError::NoVideo { .. })
    ));
}
