//! The face detector MTCNN: proposals on a pyramid of sizes, refined, judged, and given five landmarks.
//!
//! Zhang, Zhang, Li, Qiao: Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks, 2016.
//! Sizes, rounding and limits follow facenet-pytorch 2.6.0, so that its weights find what they find there.

use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use facetui::data::Image;

use super::{
    Bounds, Detection,
    area::{Part, append_pixels},
    bounds::{Measure, suppress},
    networks::{DetectorError, Grid, OutputNet, ProposalNet, RefinementNet, Verdicts},
};

/// From one size of the pyramid to the next.
const FACTOR: f64 = 0.709;
/// What P-Net sees of a picture at once, in pixels.
const CELL: f64 = 12.0;
/// P-Net's and R-Net's least score for a face.
const LEAST_SCORES: [f32; 2] = [0.6, 0.7];
/// Crops judged at once.
const BATCH: usize = 256;

/// What the detector looks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DetectorOptions {
    /// The shorter side of the smallest face, in pixels.
    pub min_face: u32,
    /// The least score of a face, 0 to 1.
    pub threshold: f32,
}

/// The detector with its weights on a device.
pub struct Detector {
    proposal: ProposalNet,
    refinement: RefinementNet,
    output: OutputNet,
    device: Device,
    options: DetectorOptions,
}

/// A box that may hold a face.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    bounds: Bounds,
    score: f32,
    shifts: [f32; 4],
}

impl Detector {
    /// Reads `pnet.pt`, `rnet.pt` and `onet.pt` of a folder.
    ///
    /// # Errors
    /// A file can't be read, or holds other tensors than the networks need.
    pub fn load(
        folder: &Path,
        device: &Device,
        options: DetectorOptions,
    ) -> Result<Self, DetectorError> {
        Ok(Self {
            proposal: ProposalNet::load(folder, device)?,
            refinement: RefinementNet::load(folder, device)?,
            output: OutputNet::load(folder, device)?,
            device: device.clone(),
            options,
        })
    }

    /// The faces of a picture, surest first.
    pub fn detect(&self, image: &Image) -> Vec<Detection> {
        let mut candidates = self.propose(image);
        candidates = self.refine(image, &candidates);
        self.judge(image, &candidates)
    }

    /// P-Net's boxes over all sizes, as squares.
    fn propose(&self, image: &Image) -> Vec<Candidate> {
        let (width, height) = (f64::from(image.width), f64::from(image.height));
        let mut scale = CELL / f64::from(self.options.min_face);
        let mut candidates = Vec::new();
        while width.min(height) * scale >= CELL {
            let (columns, rows) = (
                (width * scale + 1.0) as usize,
                (height * scale + 1.0) as usize,
            );
            let mut values = Vec::new();
            append_pixels(image, Part::whole(image), columns, rows, &mut values);
            let grid = self.proposal.forward(self.input(values, rows, columns));
            candidates.extend(kept(&cells(&grid, scale as f32), 0.5));
            scale *= FACTOR;
        }
        let mut candidates = kept(&candidates, 0.7);
        for candidate in &mut candidates {
            let bounds = candidate.bounds;
            candidate.bounds = bounds
                .shifted(candidate.shifts, bounds.width(), bounds.height())
                .squared();
        }
        candidates
    }

    /// R-Net's boxes, as squares.
    fn refine(&self, image: &Image, candidates: &[Candidate]) -> Vec<Candidate> {
        let side = RefinementNet::SIDE;
        let (bounds, verdicts) = self.crops(image, candidates, side, |input| {
            self.refinement.forward(input)
        });
        let refined: Vec<Candidate> = bounds
            .into_iter()
            .zip(verdicts.scores)
            .zip(verdicts.shifts)
            .map(|((bounds, score), shifts)| Candidate {
                bounds,
                score,
                shifts,
            })
            .filter(|candidate| candidate.score > LEAST_SCORES[1])
            .collect();
        let mut refined = kept(&refined, 0.7);
        for candidate in &mut refined {
            candidate.bounds = candidate
                .bounds
                .shifted_inclusive(candidate.shifts)
                .squared();
        }
        refined
    }

    /// O-Net's faces.
    fn judge(&self, image: &Image, candidates: &[Candidate]) -> Vec<Detection> {
        let side = OutputNet::SIDE;
        let (bounds, verdicts) =
            self.crops(image, candidates, side, |input| self.output.forward(input));
        let faces: Vec<Detection> = bounds
            .into_iter()
            .zip(verdicts.scores)
            .zip(verdicts.shifts)
            .zip(verdicts.landmarks)
            .filter(|(((_, score), _), _)| *score > self.options.threshold)
            .map(|(((bounds, score), shifts), places)| {
                let (width, height) = (bounds.width() + 1.0, bounds.height() + 1.0);
                Detection {
                    landmarks: std::array::from_fn(|point| {
                        [
                            width * places[point] + bounds.left - 1.0,
                            height * places[point + 5] + bounds.top - 1.0,
                        ]
                    }),
                    bounds: bounds.shifted_inclusive(shifts),
                    score,
                }
            })
            .collect();
        let (boxes, scores): (Vec<_>, Vec<_>) =
            faces.iter().map(|face| (face.bounds, face.score)).unzip();
        suppress(&boxes, &scores, 0.7, Measure::Smaller)
            .into_iter()
            .map(|index| faces[index])
            .collect()
    }

    /// Cuts out every box that touches the picture and lets a network see it.
    fn crops(
        &self,
        image: &Image,
        candidates: &[Candidate],
        side: usize,
        network: impl Fn(Tensor<4>) -> Verdicts,
    ) -> (Vec<Bounds>, Verdicts) {
        let (bounds, parts): (Vec<_>, Vec<_>) = candidates
            .iter()
            .filter_map(|candidate| Some((candidate.bounds, inside(image, &candidate.bounds)?)))
            .unzip();
        let mut all = Verdicts {
            scores: Vec::new(),
            shifts: Vec::new(),
            landmarks: Vec::new(),
        };
        for parts in parts.chunks(BATCH) {
            let mut values = Vec::with_capacity(parts.len() * 3 * side * side);
            for part in parts {
                append_pixels(image, *part, side, side, &mut values);
            }
            let verdicts = network(self.input(values, side, side));
            all.scores.extend(verdicts.scores);
            all.shifts.extend(verdicts.shifts);
            all.landmarks.extend(verdicts.landmarks);
        }
        (bounds, all)
    }

    /// Pixels, row after row, as `[crops, 3, rows, columns]`.
    ///
    /// Their colours stay beside each other in memory: LibTorch then pools several times as fast, and pooling is half
    /// of its time here.
    fn input(&self, values: Vec<f32>, rows: usize, columns: usize) -> Tensor<4> {
        let crops = values.len() / (3 * rows * columns);
        let data = TensorData::new(values, [crops, rows, columns, 3]);
        Tensor::from_data(data, &self.device).permute([0, 3, 1, 2])
    }
}

/// The cells of the grid that say "face", as boxes of the picture.
fn cells(grid: &Grid, scale: f32) -> Vec<Candidate> {
    let count = grid.scores.len();
    let found = grid.scores.iter().enumerate();
    found
        .filter(|(_, score)| **score >= LEAST_SCORES[0])
        .map(|(cell, score)| {
            let corner = |place: usize, more: f32| ((2.0 * place as f32 + more) / scale).floor();
            let (row, column) = (cell / grid.columns, cell % grid.columns);
            Candidate {
                bounds: Bounds {
                    left: corner(column, 1.0),
                    top: corner(row, 1.0),
                    right: corner(column, CELL as f32),
                    bottom: corner(row, CELL as f32),
                },
                score: *score,
                shifts: std::array::from_fn(|edge| grid.shifts[edge * count + cell]),
            }
        })
        .collect()
}

fn kept(candidates: &[Candidate], limit: f32) -> Vec<Candidate> {
    let (boxes, scores): (Vec<_>, Vec<_>) = candidates
        .iter()
        .map(|candidate| (candidate.bounds, candidate.score))
        .unzip();
    suppress(&boxes, &scores, limit, Measure::Union)
        .into_iter()
        .map(|index| candidates[index])
        .collect()
}

/// The part of the picture that a box covers, its first pixel counted from 1; `None` where it covers none.
fn inside(image: &Image, bounds: &Bounds) -> Option<Part> {
    let (width, height) = (i64::from(image.width), i64::from(image.height));
    let (left, top) = ((bounds.left as i64).max(1), (bounds.top as i64).max(1));
    let (right, bottom) = (
        (bounds.right as i64).min(width),
        (bounds.bottom as i64).min(height),
    );
    (right >= left && bottom >= top).then_some(Part {
        left: left as usize - 1,
        top: top as usize - 1,
        right: right as usize,
        bottom: bottom as usize,
    })
}
