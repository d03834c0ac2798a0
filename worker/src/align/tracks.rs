//! Faces linked from frame to frame.

use facetui::data::Image;
use serde::{Deserialize, Serialize};

use super::{Bounds, shots::ShotDetector};

/// A track that has no face for so many frames has ended.
const MOST_MISSED: u64 = 8;
/// The least likeness of a box and where a track's next box should be, 0 to 1.
const LEAST_LIKENESS: f32 = 0.3;
/// Weight of the newest movement in a track's speed.
const NEWEST: f32 = 0.5;

/// One person's faces over consecutive frames of one shot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Track {
    /// Its number in the video, from 0.
    pub number: u64,
    /// Its first frame.
    pub first: u64,
    /// Its last frame with a face.
    pub last: u64,
    /// Number of faces.
    pub faces: u64,
    /// Sum of the detector's scores.
    pub scores: f64,
}

impl Track {
    /// The mean of the detector's scores.
    pub fn mean_score(&self) -> f64 {
        self.scores / self.faces.max(1) as f64
    }
}

/// A track that goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Live {
    track: Track,
    bounds: Bounds,
    /// Movement of the centre in a frame, x and y.
    speed: [f32; 2],
}

/// Links the faces of each frame to the tracks before it. Whole, so that it can be stored between two frames.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Tracker {
    shots: ShotDetector,
    live: Vec<Live>,
    next: u64,
}

impl Tracker {
    /// Takes the faces of a frame, boxes and scores: the number of each one's track, and the tracks that have ended.
    ///
    /// No track goes over a cut.
    pub fn follow(
        &mut self,
        frame: u64,
        image: &Image,
        faces: &[(Bounds, f32)],
    ) -> (Vec<u64>, Vec<Track>) {
        let mut ended = Vec::new();
        if self.shots.cuts(image) {
            ended.extend(self.end());
        }
        self.live.retain(|live| {
            let goes_on = frame - live.track.last <= MOST_MISSED;
            if !goes_on {
                ended.push(live.track.clone());
            }
            goes_on
        });
        let mut pairs: Vec<(f32, usize, usize)> = Vec::new();
        for (place, live) in self.live.iter().enumerate() {
            let expected = live.expected(frame);
            for (face, (bounds, _)) in faces.iter().enumerate() {
                let likeness = likeness(&expected, bounds);
                if likeness >= LEAST_LIKENESS {
                    pairs.push((likeness, place, face));
                }
            }
        }
        pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut numbers: Vec<Option<u64>> = vec![None; faces.len()];
        let mut linked = vec![false; self.live.len()];
        for (_, place, face) in pairs {
            if linked[place] || numbers[face].is_some() {
                continue;
            }
            linked[place] = true;
            numbers[face] = Some(self.live[place].track.number);
            self.live[place].add(frame, faces[face]);
        }
        let numbers = numbers
            .into_iter()
            .zip(faces)
            .map(|(number, face)| number.unwrap_or_else(|| self.begin(frame, *face)))
            .collect();
        (numbers, ended)
    }

    /// Ends all tracks.
    pub fn end(&mut self) -> Vec<Track> {
        let live = std::mem::take(&mut self.live).into_iter();
        live.map(|live| live.track).collect()
    }

    fn begin(&mut self, frame: u64, (bounds, score): (Bounds, f32)) -> u64 {
        let number = self.next;
        self.next += 1;
        self.live.push(Live {
            track: Track {
                number,
                first: frame,
                last: frame,
                faces: 1,
                scores: score.into(),
            },
            bounds,
            speed: [0.0; 2],
        });
        number
    }
}

impl Live {
    /// Where its box should be by now.
    fn expected(&self, frame: u64) -> Bounds {
        let frames = (frame - self.track.last) as f32;
        let [right, down] = self.speed.map(|speed| speed * frames);
        Bounds {
            left: self.bounds.left + right,
            top: self.bounds.top + down,
            right: self.bounds.right + right,
            bottom: self.bounds.bottom + down,
        }
    }

    fn add(&mut self, frame: u64, (bounds, score): (Bounds, f32)) {
        let frames = (frame - self.track.last).max(1) as f32;
        let (before, now) = (self.bounds.centre(), bounds.centre());
        for axis in 0..2 {
            let speed = (now[axis] - before[axis]) / frames;
            self.speed[axis] += NEWEST * (speed - self.speed[axis]);
        }
        self.bounds = bounds;
        self.track.last = frame;
        self.track.faces += 1;
        self.track.scores += f64::from(score);
    }
}

/// How much two boxes are alike, 0 to 1: half by overlap, half by nearness of centres and likeness of sizes.
fn likeness(before: &Bounds, now: &Bounds) -> f32 {
    let size = |bounds: &Bounds| bounds.area().sqrt();
    let (smaller, larger) = (size(before).min(size(now)), size(before).max(size(now)));
    if smaller <= 0.0 || larger > 1.8 * smaller {
        return 0.0;
    }
    let ([from_x, from_y], [to_x, to_y]) = (before.centre(), now.centre());
    let near = (1.0 - (from_x - to_x).hypot(from_y - to_y) / larger).max(0.0);
    0.5 * before.overlap(now) + 0.5 * near * smaller / larger
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(grey: u8) -> Image {
        Image {
            width: 40,
            height: 30,
            rgb: vec![grey; 3600],
        }
    }

    fn face(left: f32, top: f32) -> (Bounds, f32) {
        let bounds = Bounds {
            left,
            top,
            right: left + 40.0,
            bottom: top + 50.0,
        };
        (bounds, 0.9)
    }

    #[test]
    fn people_who_pass_each_other_keep_their_tracks() {
        let mut tracker = Tracker::default();
        for frame in 0..60_u64 {
            let moved = 5.0 * frame as f32;
            // The order in which faces are found says nothing.
            let faces = [face(moved, 10.0), face(300.0 - moved, 40.0)];
            let (numbers, ended) = if frame % 2 == 0 {
                tracker.follow(frame, &picture(90), &faces)
            } else {
                let (mut numbers, ended) =
                    tracker.follow(frame, &picture(90), &[faces[1], faces[0]]);
                numbers.reverse();
                (numbers, ended)
            };
            assert_eq!((numbers, ended), (vec![0, 1], vec![]), "frame {frame}");
        }
        let ended = tracker.end();
        assert_eq!((ended.len(), ended[1].faces, ended[1].last), (2, 60, 59));
        assert!((ended[0].mean_score() - 0.9).abs() < 1e-5);
    }

    #[test]
    fn a_face_that_is_missed_for_a_moment_is_found_again() {
        let mut tracker = Tracker::default();
        tracker.follow(0, &picture(90), &[face(0.0, 0.0)]);
        tracker.follow(1, &picture(90), &[face(6.0, 0.0)]);
        for frame in 2..6 {
            assert!(tracker.follow(frame, &picture(90), &[]).1.is_empty());
        }
        assert_eq!(tracker.follow(6, &picture(90), &[face(25.0, 0.0)]).0, [0]);
        let (numbers, ended) = tracker.follow(30, &picture(90), &[face(25.0, 0.0)]);
        assert_eq!((numbers, ended[0].number, ended[0].last), (vec![1], 0, 6));
    }

    #[test]
    fn no_track_goes_over_a_cut() {
        let mut tracker = Tracker::default();
        assert_eq!(tracker.follow(0, &picture(20), &[face(0.0, 0.0)]).0, [0]);
        assert_eq!(tracker.follow(1, &picture(20), &[face(0.0, 0.0)]).0, [0]);
        let (numbers, ended) = tracker.follow(2, &picture(220), &[face(0.0, 0.0)]);
        assert_eq!((numbers, ended.len(), ended[0].faces), (vec![1], 1, 2));
    }

    #[test]
    fn a_stored_tracker_goes_on_as_if_nothing_had_been() {
        let mut tracker = Tracker::default();
        tracker.follow(0, &picture(20), &[face(0.0, 0.0), face(100.0, 0.0)]);
        tracker.follow(1, &picture(20), &[face(101.3, 0.7), face(2.1, 0.0)]);
        let text = serde_json::to_string(&tracker).unwrap();
        let mut stored: Tracker = serde_json::from_str(&text).unwrap();
        assert_eq!(stored, tracker);
        let faces = [face(4.0, 0.0), face(103.0, 1.0)];
        assert_eq!(
            stored.follow(2, &picture(20), &faces),
            tracker.follow(2, &picture(20), &faces)
        );
    }
}
