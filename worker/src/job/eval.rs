//! The evaluation job: one model, one set, one rule.

use std::path::Path;

use facetui::{
    config::DeviceChoice,
    eval::Rule,
    run::{JournalEvent, Preprocessing, RunState, VerificationSet},
};

use super::{JobError, session::Session};
use crate::{
    embed::{Embedder, verification::ValidationSet},
    model::{device, network::Network, parameters},
    train::checkpoint::{Checkpoint, CheckpointError},
};

/// Embeds the set with the model and writes its figures to `results/`.
pub fn evaluate(
    session: &mut Session,
    choice: DeviceChoice,
    model: &Path,
    set: &VerificationSet,
    rule: Rule,
    preprocessing: &Preprocessing,
) -> Result<(), JobError> {
    session.enter(RunState::Starting, Some("device"))?;
    let device = device::open(choice)?;
    session.status.device.clone_from(&device.name);

    session.enter(RunState::Starting, Some("data"))?;
    let section = match set {
        VerificationSet::Lfw { .. } => "lfw",
        VerificationSet::Ytf { .. } => "ytf",
    };
    let set = ValidationSet::of(section, set, rule, preprocessing.mirror)?;

    session.enter(RunState::Starting, Some("model"))?;
    let checkpoint = Checkpoint::read(model)?;
    let manifest = checkpoint.manifest;
    let mut input = manifest.input;
    input.channels = preprocessing.channels.unwrap_or(input.channels);
    input.crop = preprocessing.crop.unwrap_or(input.crop);
    let network = Network::new(
        &manifest.network,
        input.crop,
        manifest.classes,
        0,
        &device.device,
    );
    let network =
        parameters::load(network, &checkpoint.weights, |_| true).map_err(CheckpointError::from)?;
    let embedder = Embedder {
        backbone: network.backbone,
        input,
        device,
        model: model_name(model),
        step: Some(manifest.step),
    };

    session.status.step = 0;
    session.status.steps = set.images() as u64;
    session.enter(RunState::Running, Some("embedding"))?;
    let Some(evaluations) = session.listening(true, |between| set.evaluate(&embedder, between))?
    else {
        return session.enter(RunState::Stopped, None);
    };
    for evaluation in evaluations {
        session.run.save_result(&evaluation)?;
        session.note(JournalEvent::Validation {
            set: evaluation.set.clone(),
            step: manifest.step,
            accuracy: evaluation.accuracy.mean,
            std: evaluation.accuracy.std,
        })?;
    }
    session.enter(RunState::Finished, None)
}

/// The run that a checkpoint is of, or the folder's own name where it lies elsewhere.
fn model_name(checkpoint: &Path) -> String {
    let run = checkpoint
        .ancestors()
        .nth(2)
        .filter(|run| run.join("status.json").is_file());
    let named = run.unwrap_or(checkpoint).file_name().unwrap_or_default();
    named.to_string_lossy().into_owned()
}
