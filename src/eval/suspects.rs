//! Videos that look mislabelled, for a person to decide.
//!
//! A video can look wrong in two ways. Its template can be unlike those of the other videos that its label calls the
//! same person, perhaps like another person's; or its own frames can fall into two people. Evidence is summed as
//! logarithms of likelihood ratios, all of it from the set itself: how likely a similarity is between videos of one
//! person rather than of two is fitted to the set's pairs.

mod likelihood;
mod people;
mod split;

use std::collections::HashMap;

use rayon::prelude::*;
use serde::Serialize;

use super::EvalError;
use super::corrected::{ErrorList, NamedPair};
use super::template::{Pooling, Track};
use likelihood::Likelihood;
use people::People;

pub use split::Split;

/// A video with the raw embeddings of its frames.
#[derive(Debug, Clone)]
pub struct Video<'a> {
    /// Its name: `Alma_Powell/2`.
    pub name: &'a str,
    /// Its frames.
    pub track: Track<'a>,
}

/// All videos, and how sharp the evidence is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Suspects {
    /// The videos, the most suspicious first.
    pub videos: Vec<Suspect>,
    /// The similarity at which two videos are as likely of one person as of two.
    pub even_similarity: f64,
    /// How the top of the ranking agrees with the error list; `None` where none of its names is here.
    pub against_list: Option<Agreement>,
}

/// How a ranking agrees with a list: of as many videos at its top as are listed, how many are listed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Agreement {
    /// Listed videos of this set.
    pub listed: usize,
    /// Suspects: videos that are more likely wrong than right.
    pub suspects: usize,
    /// Suspects that are listed.
    pub listed_suspects: usize,
    /// Share of the suspects that are listed.
    pub precision: f64,
    /// Share of the listed videos that are suspects.
    pub recall: f64,
    /// Share of listed ones among as many videos at the top as are listed.
    pub precision_at_listed: f64,
}

/// What the evidence says of a video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// It is like the others of its person, and so are its frames.
    LooksRight,
    /// It is like another person's videos.
    LooksLikeAnother,
    /// It is unlike the other videos of its person.
    UnlikeItsOwn,
    /// Its frames fall into two people.
    MixedFrames,
}

/// One video, with the evidence.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Suspect {
    /// Its name.
    pub video: String,
    /// What the evidence says.
    pub finding: Finding,
    /// Logarithm of the odds that it is wrong; above 0 it is more likely wrong than right.
    pub evidence: f64,
    /// Whether the error list has it.
    pub listed: bool,
    /// How many frames it has.
    pub frames: usize,
    /// Other videos of the person that its label says.
    pub mates: usize,
    /// Median similarity (cosine) to those; `None` without any.
    pub similarity_to_mates: Option<f64>,
    /// The other person that it is most like, by all of that person's videos.
    pub other: Option<String>,
    /// Mean similarity to that person's videos.
    pub similarity_to_other: Option<f64>,
    /// Its pairs in the set's list.
    pub pairs: usize,
    /// Those of them that look like the other kind: more likely two people where one is said, or the reverse.
    pub odd_pairs: usize,
    /// How its frames fall into two groups; `None` where they don't.
    pub split: Option<Split>,
    /// Of `evidence`: that of the person's other videos, positive when they speak against it.
    pub evidence_of_mates: f64,
    /// Of `evidence`: that of another person's videos; 0 where nobody is like it.
    pub evidence_of_other: f64,
    /// Logarithm of the odds that its frames are of two people; `None` without groups.
    pub evidence_of_frames: Option<f64>,
}

/// How many videos are wrong before anything is known of them: 35 of YouTube Faces' 3,425 are listed.
const PRIOR: f64 = 0.01;
/// The share of wrong ones is learnt from the set itself, to which the first guess counts as so many videos.
const PRIOR_VIDEOS: f64 = 20.0;
/// How many of the wrong ones show somebody who is in the set as well.
const KNOWN_STRANGERS: f64 = 0.5;
/// Rounds in which the trust in videos, and the likelihoods fitted with it, settle.
const ROUNDS: usize = 6;
/// Steps in which the trust in one person's videos settles; each halves the way.
const STEPS: usize = 12;

/// Ranks videos by the evidence that they are mislabelled.
///
/// Each video is trusted so far as its label is likely right, and only trusted videos testify: of a bad pair the one
/// is to blame whose other pairs are bad too. With R the likelihood ratio of a similarity (one person against two) and
/// q the trust in the other video, a video u of person P testifies log(q·R + 1 − q); the sum over P's videos is A(P).
/// The odds that a video is wrong are prior · (1 − κ + κ · mean of exp A(Q) over all other people Q) / exp A(own).
/// Trust follows from odds; R is fitted anew to the pairs weighted by trust, and the prior to the trust itself, six
/// times over.
///
/// Similarities are cosines of unit-mean templates, whatever pooling and distance the figures were made with.
///
/// # Errors
/// When a video has no frames or broken ones, a pair names none of the videos, or there are fewer than ten pairs of
/// each kind.
pub fn suspects(
    videos: &[Video<'_>],
    pairs: &[NamedPair<'_>],
    errors: &ErrorList,
) -> Result<Suspects, EvalError> {
    let places: HashMap<&str, usize> = videos.iter().map(|v| v.name).zip(0..).collect();
    let place = |name: &str| {
        places.get(name).copied().ok_or_else(|| EvalError::NoVideo {
            name: name.to_owned(),
        })
    };
    let pairs: Vec<(usize, usize, bool)> = pairs
        .iter()
        .map(|pair| Ok((place(pair.a)?, place(pair.b)?, pair.same)))
        .collect::<Result<_, EvalError>>()?;
    for (what, same) in [
        ("pairs of one person", true),
        ("pairs of two people", false),
    ] {
        let found = pairs.iter().filter(|pair| pair.2 == same).count();
        if found < 10 {
            return Err(EvalError::FewPairs { what, found });
        }
    }
    let templates: Vec<Vec<f32>> = videos
        .par_iter()
        .map(|video| of_video(video, video.track.template(Pooling::UnitMean)))
        .collect::<Result<_, _>>()?;
    let similarities: Vec<f64> = pairs
        .iter()
        .map(|(a, b, _)| cosine(&templates[*a], &templates[*b]))
        .collect();
    let names: Vec<&str> = videos.iter().map(|video| video.name).collect();
    let people = People::new(&names, &pairs);
    let settled = settle(&templates, &people, &pairs, &similarities);
    let splits: Vec<Option<Split>> = videos
        .par_iter()
        .map(|video| of_video(video, split::split(&video.track)))
        .collect::<Result<_, _>>()?;
    let frames = split::FrameEvidence::new(&splits, &pairs, &similarities);
    let mut of_pairs = vec![[0_usize; 2]; videos.len()];
    for ((a, b, same), similarity) in pairs.iter().zip(&similarities) {
        let odd = (settled.likelihood.log_ratio(*similarity) > 0.0) != *same;
        for video in [*a, *b] {
            of_pairs[video][0] += 1;
            of_pairs[video][1] += usize::from(odd);
        }
    }
    let mut ranked: Vec<Suspect> = videos
        .iter()
        .enumerate()
        .map(|(index, video)| {
            let testimony = &settled.testimonies[index];
            let of_frames = splits[index].map(|split| frames.log_odds(&split));
            let of_label = testimony.log_odds;
            let mates = people.mates(index);
            let mut to_mates: Vec<f64> = mates
                .clone()
                .map(|mate| cosine(&templates[index], &templates[mate]))
                .collect();
            Suspect {
                video: video.name.to_owned(),
                finding: finding(testimony, of_frames),
                evidence: log_sum(of_label, of_frames.unwrap_or(f64::NEG_INFINITY)),
                listed: errors.contains(video.name),
                frames: video.track.len(),
                mates: to_mates.len(),
                similarity_to_mates: median(&mut to_mates),
                other: testimony.other.map(|other| people.name(other).to_owned()),
                similarity_to_other: testimony.other.map(|other| {
                    let theirs = people.videos(other);
                    let sum: f64 = theirs
                        .iter()
                        .map(|video| cosine(&templates[index], &templates[*video]))
                        .sum();
                    sum / theirs.len() as f64
                }),
                pairs: of_pairs[index][0],
                odd_pairs: of_pairs[index][1],
                split: splits[index],
                evidence_of_mates: -testimony.own,
                evidence_of_other: testimony.others,
                evidence_of_frames: of_frames,
            }
        })
        .collect();
    ranked.sort_by(|a, b| {
        let by_evidence = b.evidence.total_cmp(&a.evidence);
        by_evidence.then_with(|| a.video.cmp(&b.video))
    });
    Ok(Suspects {
        against_list: agreement(&ranked),
        even_similarity: settled.likelihood.even(),
        videos: ranked,
    })
}

/// What all others say of a video.
#[derive(Debug, Clone, Default)]
struct Testimony {
    /// A(own): that of its person's other videos.
    own: f64,
    /// The logarithm of what others' videos multiply the odds by.
    others: f64,
    /// The other person that it is most like.
    other: Option<usize>,
    /// Logarithm of the odds that its label is wrong.
    log_odds: f64,
}

struct Settled {
    likelihood: Likelihood,
    testimonies: Vec<Testimony>,
}

fn settle(
    templates: &[Vec<f32>],
    people: &People,
    pairs: &[(usize, usize, bool)],
    similarities: &[f64],
) -> Settled {
    let mut trust = vec![1.0 - PRIOR; templates.len()];
    let mut settled = Settled {
        likelihood: Likelihood::default(),
        testimonies: vec![Testimony::default(); templates.len()],
    };
    let mut prior = PRIOR;
    for _ in 0..ROUNDS {
        let weighted = pairs
            .iter()
            .zip(similarities)
            .map(|((a, b, same), similarity)| {
                let weight = if *same { trust[*a] * trust[*b] } else { 1.0 };
                (*similarity, *same, weight)
            });
        settled.likelihood = Likelihood::fit(weighted);
        let likelihood = settled.likelihood;
        let others: Vec<(f64, Option<usize>)> = (0..templates.len())
            .into_par_iter()
            .map(|video| of_others(video, templates, people, &trust, likelihood))
            .collect();
        for (testimony, (sum, other)) in settled.testimonies.iter_mut().zip(others) {
            (testimony.others, testimony.other) = (sum, other);
        }
        for _ in 0..STEPS {
            let before = trust.clone();
            for (video, testimony) in settled.testimonies.iter_mut().enumerate() {
                testimony.own = people
                    .mates(video)
                    .map(|mate| {
                        let similarity = cosine(&templates[video], &templates[mate]);
                        testified(before[mate], likelihood.log_ratio(similarity))
                    })
                    .sum();
                testimony.log_odds =
                    (prior / (1.0 - prior)).ln() + testimony.others - testimony.own;
                let now = 1.0 / (1.0 + testimony.log_odds.exp());
                trust[video] = f64::midpoint(before[video], now);
            }
        }
        let distrust: f64 = trust.iter().map(|trust| 1.0 - trust).sum();
        prior = (distrust + PRIOR * PRIOR_VIDEOS) / (trust.len() as f64 + PRIOR_VIDEOS);
    }
    settled
}

/// What the videos of all other people say of one: log(1 − κ + κ · mean of exp A), and who speaks loudest.
fn of_others(
    video: usize,
    templates: &[Vec<f32>],
    people: &People,
    trust: &[f64],
    likelihood: Likelihood,
) -> (f64, Option<usize>) {
    let mut sums = vec![0.0; people.len()];
    for (other, template) in templates.iter().enumerate() {
        let person = people.of(other);
        if person != people.of(video) {
            let ratio = likelihood.log_ratio(cosine(&templates[video], template));
            sums[person] += testified(trust[other], ratio);
        }
    }
    sums[people.of(video)] = f64::NEG_INFINITY;
    let loudest = (0..sums.len()).max_by(|a, b| sums[*a].total_cmp(&sums[*b]));
    let Some((loudest, highest)) = loudest
        .map(|person| (person, sums[person]))
        .filter(|(_, sum)| sum.is_finite())
    else {
        return (0.0, None);
    };
    let exponentials: f64 = sums.iter().map(|sum| (sum - highest).exp()).sum();
    let mean = highest + (exponentials / (people.len() - 1) as f64).ln();
    let both = log_sum((1.0 - KNOWN_STRANGERS).ln(), KNOWN_STRANGERS.ln() + mean);
    (both, Some(loudest))
}

/// log(q·R + 1 − q).
fn testified(trust: f64, log_ratio: f64) -> f64 {
    log_sum(trust.ln() + log_ratio, (1.0 - trust).max(1e-12).ln())
}

fn finding(testimony: &Testimony, of_frames: Option<f64>) -> Finding {
    let of_frames = of_frames.unwrap_or(f64::NEG_INFINITY);
    if log_sum(testimony.log_odds, of_frames) <= 0.0 {
        Finding::LooksRight
    } else if of_frames > testimony.log_odds {
        Finding::MixedFrames
    } else if testimony.others > 0.0 {
        Finding::LooksLikeAnother
    } else {
        Finding::UnlikeItsOwn
    }
}

fn agreement(ranked: &[Suspect]) -> Option<Agreement> {
    let listed = ranked.iter().filter(|video| video.listed).count();
    if listed == 0 {
        return None;
    }
    let of = |videos: &[Suspect]| videos.iter().filter(|video| video.listed).count();
    let suspects = ranked.iter().filter(|video| video.evidence > 0.0).count();
    let listed_suspects = of(&ranked[..suspects]);
    Some(Agreement {
        listed,
        suspects,
        listed_suspects,
        precision: listed_suspects as f64 / suspects.max(1) as f64,
        recall: listed_suspects as f64 / listed as f64,
        precision_at_listed: of(&ranked[..listed]) as f64 / listed as f64,
    })
}

fn of_video<T>(video: &Video<'_>, result: Result<T, EvalError>) -> Result<T, EvalError> {
    result.map_err(|source| EvalError::OfVideo {
        name: video.name.to_owned(),
        source: Box::new(source),
    })
}

/// The cosine of two unit vectors, in eight lanes so that the compiler can make vector instructions of it.
fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let mut lanes = [0.0_f32; 8];
    let (a, rest_a) = a.as_chunks::<8>();
    let (b, rest_b) = b.as_chunks::<8>();
    for (a, b) in a.iter().zip(b) {
        for (lane, (a, b)) in lanes.iter_mut().zip(a.iter().zip(b)) {
            *lane += a * b;
        }
    }
    let rest: f32 = rest_a.iter().zip(rest_b).map(|(a, b)| a * b).sum();
    f64::from(lanes.iter().sum::<f32>() + rest)
}

/// log(exp a + exp b).
fn log_sum(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if high == f64::NEG_INFINITY {
        high
    } else {
        high + (low - high).exp().ln_1p()
    }
}

fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    Some(if values.len() % 2 == 1 {
        upper
    } else {
        f64::midpoint(values[middle - 1], upper)
    })
}

#[cfg(test)]
mod tests;
