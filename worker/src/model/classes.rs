//! Class weights of which a step sees a sample: so many classes that their gradient would not fit into memory.
//!
//! Partial FC (An et al. 2021): the classes of the batch always take part, the others by chance. Weights and moments lie
//! on the host, where the rows of a sample are taken from and put back; moments of rows that never took part are pages
//! that were never touched. Which classes take part is a function of seed and step.

use burn::tensor::{Device, Int, Tensor, TensorData};
use facetui::config::{NetworkOptions, OptimiserRule};

use super::{
    initialise::class_weights,
    network::CLASS_WEIGHTS,
    optimiser::{Moments, StepSize, second_name},
    parameters::{HostTensor, NamedTensors, WeightsError},
};

/// Class weights and their moments, on the host.
pub struct SampledClasses {
    classes: usize,
    sub_centres: usize,
    length: usize,
    fraction: f64,
    seed: u64,
    weights: Vec<f32>,
    first: Vec<f32>,
    /// Empty but with AdamW.
    second: Vec<f32>,
}

/// The classes that take part in a step.
pub struct Sample {
    /// Rising.
    classes: Vec<u32>,
    /// Their weights, `[classes · sub_centres, length]`; without automatic differentiation.
    pub rows: Tensor<2>,
}

impl SampledClasses {
    /// Class weights with their start values; a share `fraction` of the classes takes part in a step.
    pub fn new(
        classes: usize,
        sub_centres: usize,
        fraction: f64,
        rule: OptimiserRule,
        options: &NetworkOptions,
        seed: u64,
    ) -> Self {
        let length = options.embedding;
        let count = classes * sub_centres * length;
        let second = match rule {
            OptimiserRule::Sgd => 0,
            OptimiserRule::AdamW { .. } => count,
        };
        Self {
            classes,
            sub_centres,
            length,
            fraction,
            seed,
            weights: class_weights(seed, [classes * sub_centres, length], options),
            first: vec![0.0; count],
            second: vec![0.0; second],
        }
    }

    /// The sample of a step with these labels in its batch, on a device.
    pub fn sample(&self, step: u64, labels: &[u32], device: &Device) -> Sample {
        let classes = sampled(self.classes, self.fraction, self.seed, step, labels);
        let rows = self.gather(&self.weights, &classes);
        let shape = [self.sub_centres * classes.len(), self.length];
        Sample {
            rows: Tensor::from_data(TensorData::new(rows, shape), device),
            classes,
        }
    }

    /// Makes a step of the sample's rows; `gradient` is flat, as long as they are.
    pub fn step(&mut self, sample: Sample, gradient: Tensor<1>, size: &StepSize) {
        let Sample { classes, rows } = sample;
        let device = rows.device();
        let width = self.sub_centres * self.length;
        let shape = [classes.len() * width];
        let moment = |all: &[f32]| {
            let rows = (!all.is_empty()).then(|| self.gather(all, &classes))?;
            Some(Tensor::from_data(TensorData::new(rows, shape), &device))
        };
        let moments = Moments {
            first: moment(&self.first),
            second: moment(&self.second),
        };
        let weights = rows.reshape(shape);
        let (weights, moments) = size.apply(CLASS_WEIGHTS, weights, gradient, moments);
        put_back(&mut self.weights, width, &classes, weights);
        if let Some(first) = moments.first {
            put_back(&mut self.first, width, &classes, first);
        }
        if let Some(second) = moments.second {
            put_back(&mut self.second, width, &classes, second);
        }
    }

    /// Rows in all, and their length.
    pub fn shape(&self) -> [usize; 2] {
        [self.classes * self.sub_centres, self.length]
    }

    /// Adds the weights to a network's, and the moments to an optimiser's.
    pub fn snapshot(&self, weights: &mut NamedTensors, optimiser: &mut NamedTensors) {
        let tensor = |shape: Vec<usize>, values: &[f32]| HostTensor {
            shape,
            values: values.to_vec(),
        };
        let shape = self.shape().to_vec();
        weights.insert(CLASS_WEIGHTS.to_owned(), tensor(shape, &self.weights));
        let flat = vec![self.weights.len()];
        optimiser.insert(CLASS_WEIGHTS.to_owned(), tensor(flat.clone(), &self.first));
        if !self.second.is_empty() {
            optimiser.insert(second_name(CLASS_WEIGHTS), tensor(flat, &self.second));
        }
    }

    /// Takes the weights of a snapshot, and such moments as it has.
    ///
    /// # Errors
    /// The weights are missing or of another shape.
    pub fn restore(
        &mut self,
        weights: &NamedTensors,
        optimiser: &NamedTensors,
    ) -> Result<(), WeightsError> {
        let name = CLASS_WEIGHTS.to_owned();
        let expected = self.shape().to_vec();
        let Some(found) = weights.get(CLASS_WEIGHTS) else {
            return Err(WeightsError::Missing { name, expected });
        };
        if found.shape != expected {
            return Err(WeightsError::Shape {
                name,
                expected,
                found: found.shape.clone(),
            });
        }
        self.weights.copy_from_slice(&found.values);
        let take = |into: &mut [f32], name: &str| match optimiser.get(name) {
            Some(tensor) if tensor.values.len() == into.len() => {
                into.copy_from_slice(&tensor.values);
            }
            _ => into.fill(0.0),
        };
        take(&mut self.first, CLASS_WEIGHTS);
        take(&mut self.second, &second_name(CLASS_WEIGHTS));
        Ok(())
    }

    /// The rows of some classes.
    fn gather(&self, all: &[f32], classes: &[u32]) -> Vec<f32> {
        let width = self.sub_centres * self.length;
        let mut values = Vec::with_capacity(classes.len() * width);
        for class in classes {
            let start = *class as usize * width;
            values.extend_from_slice(&all[start..start + width]);
        }
        values
    }
}

impl Sample {
    /// The places of labels among the classes of the sample, `[labels]`; without automatic differentiation.
    pub fn places(&self, labels: &[u32]) -> Tensor<1, Int> {
        let places: Vec<i32> = labels
            .iter()
            .map(|label| self.classes.partition_point(|class| class < label) as i32)
            .collect();
        let count = places.len();
        Tensor::from_data(TensorData::new(places, [count]), &self.rows.device())
    }
}

fn put_back(all: &mut [f32], width: usize, classes: &[u32], rows: Tensor<1>) {
    let rows = HostTensor::from_tensor(rows).values;
    for (class, row) in classes.iter().zip(rows.chunks_exact(width)) {
        let start = *class as usize * width;
        all[start..start + width].copy_from_slice(row);
    }
}

/// The classes that take part in a step, rising: all of `labels`, and others by chance, a share `fraction` in all.
fn sampled(classes: usize, fraction: f64, seed: u64, step: u64, labels: &[u32]) -> Vec<u32> {
    let mut own = labels.to_vec();
    own.sort_unstable();
    own.dedup();
    let wanted = ((classes as f64 * fraction).round() as usize).clamp(own.len(), classes);
    // Each class draws a number; the smallest take part, and no class of the batch has a larger one than another class.
    let start = mixed(seed ^ mixed(step.wrapping_add(0x5bd1_e995)));
    let mut drawn: Vec<(u64, u32)> = (0..classes as u32)
        .map(|class| (mixed(start ^ u64::from(class)) | 1 << 63, class))
        .collect();
    for class in own {
        if let Some(own) = drawn.get_mut(class as usize) {
            own.0 = 0;
        }
    }
    if wanted < classes {
        drawn.select_nth_unstable(wanted);
        drawn.truncate(wanted);
    }
    let mut chosen: Vec<u32> = drawn.into_iter().map(|(_, class)| class).collect();
    chosen.sort_unstable();
    chosen
}

/// A step of SplitMix64 (Steele, Lea and Flood 2014).
fn mixed(value: u64) -> u64 {
    let mut mixed = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_the_batch_and_so_many_others_and_follows_from_seed_and_step() {
        let labels = [999, 5, 5, 17];
        let sample = sampled(1000, 0.1, 7, 3, &labels);
        assert_eq!(sample.len(), 100);
        assert!(sample.is_sorted_by(|a, b| a < b));
        assert!(
            labels
                .iter()
                .all(|label| sample.binary_search(label).is_ok())
        );
        assert_eq!(sample, sampled(1000, 0.1, 7, 3, &labels));
        assert_ne!(sample, sampled(1000, 0.1, 7, 4, &labels));
        assert_ne!(sample, sampled(1000, 0.1, 8, 3, &labels));
        assert_eq!(
            sampled(10, 0.1, 1, 0, &[0, 1, 2]),
            [0, 1, 2],
            "all of the batch"
        );
        let all: Vec<u32> = (0..50).collect();
        assert_eq!(sampled(50, 1.0, 1, 0, &[3]), all);
    }

    #[test]
    fn every_class_takes_part_about_equally_often() {
        let mut counts = [0_u32; 200];
        for step in 0..2_000 {
            for class in sampled(200, 0.1, 11, step, &[0]) {
                counts[class as usize] += 1;
            }
        }
        assert_eq!(counts[0], 2_000);
        // 19 of 199 others a step: 191 expected, with a deviation of 13.
        assert!(
            counts[1..].iter().all(|count| (125..260).contains(count)),
            "{counts:?}"
        );
    }
}
