//! The training job.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Instant};

use facetui::{
    config::{DataConfig, DeviceChoice, Recipe, Scaling, Stage},
    data::{BatchOrder, BrokenImage, Combined, Loader, LoaderOptions, TrainingImages},
    run::{EventWriter, JournalEvent, RunDirectory, RunState},
};

use super::{
    JobError,
    session::{Order, Session},
};
use crate::{
    embed::{Embedder, Engine, Input, verification::ValidationSet},
    model::{
        device::{self, NamedDevice},
        inference::InferenceNetwork,
        network::Network,
        optimiser::Optimiser,
        parameters,
    },
    train::{
        checkpoint::{self, Checkpoint, CheckpointError, Manifest},
        checkpoint_writer::CheckpointWriter,
        schedule::set_learning_rate,
        trainer::Trainer,
    },
};

/// Batches that may wait for the network.
const QUEUED_BATCHES: usize = 4;

/// Trains by the run's recipe, from its newest checkpoint if it has one, else from `from` or from scratch.
pub fn train(
    session: &mut Session,
    choice: DeviceChoice,
    from: Option<&Path>,
) -> Result<(), JobError> {
    let recipe = Recipe::load(&session.run.recipe_path()).map_err(JobError::input)?;
    let config = DataConfig::load(&session.run.config_path()).map_err(JobError::input)?;
    config.check_paths(&recipe).map_err(JobError::input)?;
    session.status.steps = recipe.steps;

    session.enter(RunState::Starting, Some("device"))?;
    let device = device::open(choice)?;
    session.status.device.clone_from(&device.name);

    session.enter(RunState::Starting, Some("data"))?;
    let images = Arc::new(open_training_sets(&recipe, &config)?);
    let validation = recipe
        .validation
        .iter()
        .map(|section| ValidationSet::open(section, &config))
        .collect::<Result<Vec<_>, _>>()?;

    session.enter(RunState::Starting, Some("network"))?;
    let mut training = Training::begin(session, recipe, images, validation, device, from)?;
    session.enter(RunState::Starting, Some("first step"))?;
    let end = training.steps(session)?;
    training.end(session, end)
}

fn open_training_sets(recipe: &Recipe, config: &DataConfig) -> Result<Combined, JobError> {
    let mut sets = Vec::new();
    for choice in &recipe.datasets {
        let set = config.training.get(&choice.name).ok_or_else(|| {
            JobError::Input(format!("config.ini has no section [{}]", choice.name))
        })?;
        let images = TrainingImages::open(set).map_err(JobError::input)?;
        sets.push((images, choice.weight));
    }
    Combined::new(sets).map_err(JobError::input)
}

/// Why the steps ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Finished,
    Parked,
    Stopped,
}

/// A training in progress.
struct Training {
    recipe: Recipe,
    trainer: Trainer,
    device: NamedDevice,
    images: Arc<Combined>,
    validation: Vec<ValidationSet>,
    events: EventWriter,
    checkpoints: CheckpointWriter,
    /// Steps done.
    step: u64,
    /// Mean accuracies by section, of a validation at this very step.
    figures: BTreeMap<String, f64>,
    stop_after_epoch: bool,
}

impl Training {
    fn begin(
        session: &mut Session,
        recipe: Recipe,
        images: Arc<Combined>,
        validation: Vec<ValidationSet>,
        device: NamedDevice,
        from: Option<&Path>,
    ) -> Result<Self, JobError> {
        let classes = match recipe.stage {
            Stage::MarginCentre => Some(images.classes() as usize),
            Stage::Triplet => None,
        };
        let autodiff = device.device.clone().autodiff();
        let mut network = Network::new(
            &recipe.network,
            recipe.input.crop,
            classes,
            recipe.seed,
            &autodiff,
        );
        let mut optimiser = Optimiser::default();
        let mut step = 0;

        let (checkpoint, broken) = checkpoint::newest(&session.run)?;
        for message in broken {
            session.note(JournalEvent::Error { message })?;
        }
        let ran_before = session.status.step > 0;
        let mut events = EventWriter::append(session.run.path())?;
        if let Some(checkpoint) = checkpoint {
            step = checkpoint.manifest.step;
            network = parameters::load(network, &checkpoint.weights, |_| true)
                .map_err(CheckpointError::from)?;
            optimiser = Optimiser::restore(&checkpoint.optimiser, &device.device);
        } else if let Some(folder) = from {
            let source = Checkpoint::read(folder)?;
            network = load_start(session, network, &source, folder)?;
        }
        if ran_before || step > 0 {
            session.note(JournalEvent::Resumed { step })?;
            events.session_start(step + 1)?;
        }
        session.status.step = step;
        Ok(Self {
            checkpoints: CheckpointWriter::start(&session.run, recipe.keep_checkpoints).map_err(
                |error| JobError::Engine(format!("can't start the checkpoint thread: {error}")),
            )?,
            trainer: Trainer {
                network,
                optimiser,
                device: autodiff,
            },
            recipe,
            device,
            images,
            validation,
            events,
            step,
            figures: BTreeMap::new(),
            stop_after_epoch: false,
        })
    }

    /// Makes steps until all are done or somebody asks for an end.
    fn steps(&mut self, session: &mut Session) -> Result<End, JobError> {
        let mut loader = Loader::start(Arc::clone(&self.images), self.loader_options(), self.step)
            .map_err(JobError::input)?;
        while self.step < self.recipe.steps {
            if let Some(end) = self.obey(session)? {
                return Ok(end);
            }
            let asked = Instant::now();
            let batch = loader.next().map_err(JobError::input)?;
            let waited = asked.elapsed().as_secs_f64();
            if self.stop_after_epoch && batch.epoch > session.status.epoch {
                return Ok(End::Stopped);
            }
            tell_broken(session, &batch.broken)?;
            let mut scalars = self.trainer.step(&self.recipe, self.step, &batch)?;
            self.step += 1;
            self.figures.clear();

            session.status.epoch = batch.epoch;
            session.count(1, batch.labels.len());
            scalars.push(("speed/data_wait", waited / asked.elapsed().as_secs_f64()));
            if let Some(speed) = session.status.images_per_second {
                scalars.push(("speed/images_per_second", speed));
            }
            self.record(session, scalars)?;
            if session.status.state == RunState::Starting {
                session.enter(RunState::Running, None)?;
            }
            session.tell()?;

            let due = |every: u64| every > 0 && self.step.is_multiple_of(every);
            let (validate, save) = (
                due(self.recipe.validate_every),
                due(self.recipe.checkpoint_every),
            );
            if validate {
                self.validate(session)?;
            }
            if save {
                self.save(session)?;
            }
            self.tell_saved(session)?;
        }
        Ok(End::Finished)
    }

    /// Leaves the run as its end asks for: always with a checkpoint of the last step.
    fn end(mut self, session: &mut Session, end: End) -> Result<(), JobError> {
        if end == End::Finished && self.figures.is_empty() {
            self.validate(session)?;
        }
        session.status.phase = Some("saving".to_owned());
        session.tell_now()?;
        self.save(session)?;
        let Self {
            checkpoints,
            mut events,
            ..
        } = self;
        events.flush()?;
        for written in checkpoints.finish() {
            told_of(session, written?)?;
        }
        session.status.images_per_second = None;
        session.status.eta_seconds = None;
        let state = match end {
            End::Finished => RunState::Finished,
            End::Parked => RunState::Parked,
            End::Stopped => RunState::Stopped,
        };
        session.enter(state, None)
    }

    fn loader_options(&self) -> LoaderOptions {
        let recipe = &self.recipe;
        LoaderOptions {
            crop: recipe.input.crop,
            channels: recipe.input.channels,
            mirror: recipe.input.mirror,
            batch_size: recipe.batch_size,
            seed: recipe.seed,
            threads: std::thread::available_parallelism().map_or(1, |threads| threads.get().min(8)),
            queue: QUEUED_BATCHES,
            max_broken: recipe.max_broken_images,
            order: match recipe.stage {
                Stage::MarginCentre => BatchOrder::Images,
                Stage::Triplet => BatchOrder::People {
                    images_per_person: recipe.triplet.images_per_class,
                },
            },
        }
    }

    fn obey(&mut self, session: &mut Session) -> Result<Option<End>, JobError> {
        let mut end = None;
        for order in session.obey()? {
            match order {
                Order::Checkpoint => self.save(session)?,
                Order::Park => end = end.or(Some(End::Parked)),
                Order::Stop { after_epoch: false } => end = Some(End::Stopped),
                Order::Stop { after_epoch: true } => self.stop_after_epoch = true,
                Order::Set { key, value } => self.set(session, &key, value)?,
            }
        }
        Ok(end)
    }

    /// Changes a number of the recipe from this step on, in the run's own copy too.
    fn set(&mut self, session: &mut Session, key: &str, value: f64) -> Result<(), JobError> {
        if value < 0.0 {
            return session.note(JournalEvent::Error {
                message: format!("set {key} = {value}: it can't be negative"),
            });
        }
        match key {
            "schedule.learning_rate" => {
                set_learning_rate(&mut self.recipe.schedule, self.step, value);
            }
            "loss.centre_weight" => self.recipe.loss.centre_weight = value,
            "loss.weight_decay" => self.recipe.loss.weight_decay = value,
            "triplet.weight" => self.recipe.triplet.weight = value,
            _ => {
                return session.note(JournalEvent::Error {
                    message: format!(
                        "set {}: a running run can change schedule.learning_rate, loss.centre_weight, loss.weight_decay and triplet.weight",
                        facetui::untrusted::visible(key)
                    ),
                });
            }
        }
        session
            .run
            .write_file("recipe.toml", self.recipe.to_toml().as_bytes())?;
        Ok(())
    }

    fn record(
        &mut self,
        session: &mut Session,
        scalars: Vec<(&'static str, f64)>,
    ) -> Result<(), JobError> {
        self.events.scalars(self.step, scalars.iter().copied())?;
        self.events.flush()?;
        for (tag, value) in scalars {
            session.status.scalars.insert(tag.to_owned(), value);
        }
        Ok(())
    }

    /// The network as it embeds now.
    fn embedder(&self, run: &RunDirectory) -> Result<Embedder, JobError> {
        let input = &self.recipe.input;
        let network = InferenceNetwork::new(
            &parameters::snapshot(&self.trainer.network.embedder()),
            "",
            &self.recipe.network,
            input.crop,
            &self.device.device,
        );
        Ok(Embedder {
            engine: Engine::Network(Box::new(network.map_err(CheckpointError::from)?)),
            input: Input {
                crop: input.crop,
                channels: input.channels,
                scaling: Scaling::default(),
            },
            device: self.device.name.clone(),
            model: run.name(),
            step: Some(self.step),
        })
    }

    /// Verifies every validation set with the weights as they are.
    fn validate(&mut self, session: &mut Session) -> Result<(), JobError> {
        if self.validation.is_empty() {
            return Ok(());
        }
        let embedder = self.embedder(&session.run)?;
        for set in &self.validation {
            let phase = format!("validating {}", set.section());
            session.enter(RunState::Running, Some(&phase))?;
            let verified = session.listening(false, |between| set.evaluate(&embedder, between))?;
            let evaluations = verified.into_iter().flat_map(|found| found.evaluations);
            for (place, evaluation) in evaluations.enumerate() {
                session.run.save_result(&evaluation)?;
                let accuracy = evaluation.accuracy;
                session.note(JournalEvent::Validation {
                    set: evaluation.set.clone(),
                    step: self.step,
                    accuracy: accuracy.mean,
                    std: accuracy.std,
                })?;
                // The first is the set itself; what follows are corrections of it.
                if place == 0 {
                    self.figures.insert(set.section().to_owned(), accuracy.mean);
                    let tag = format!("eval/{}/accuracy", set.section());
                    self.events
                        .scalars(self.step, [(tag.as_str(), accuracy.mean)])?;
                    session.status.scalars.insert(tag, accuracy.mean);
                }
            }
        }
        self.events.flush()?;
        session.enter(RunState::Running, None)
    }

    /// Hands a snapshot to the checkpoint writer.
    fn save(&mut self, session: &mut Session) -> Result<(), JobError> {
        // Without this the last step's running averages would not be in the snapshot.
        let _ = self.trainer.network.embedder();
        let network = &self.trainer.network;
        let checkpoint = Checkpoint {
            manifest: Manifest {
                step: self.step,
                stage: self.recipe.stage,
                network: self.recipe.network.clone(),
                input: self.recipe.input.clone(),
                classes: network
                    .class_weights
                    .as_ref()
                    .map(|weights| weights.dims()[0]),
                figures: self.figures.clone(),
                files: BTreeMap::new(),
            },
            weights: parameters::snapshot(network),
            optimiser: self.trainer.optimiser.snapshot(),
        };
        self.checkpoints.submit(checkpoint);
        self.tell_saved(session)
    }

    /// Tells of checkpoints that the writer has finished; one that failed fails only itself.
    fn tell_saved(&mut self, session: &mut Session) -> Result<(), JobError> {
        for written in self.checkpoints.written() {
            match written {
                Ok(written) => told_of(session, written)?,
                Err(error) => {
                    let message = error.to_string();
                    session.status.last_error = Some(message.clone());
                    session.note(JournalEvent::Error { message })?;
                }
            }
        }
        Ok(())
    }
}

fn tell_broken(session: &mut Session, broken: &[BrokenImage]) -> Result<(), JobError> {
    for image in broken {
        session.note(JournalEvent::Error {
            message: format!(
                "{} can't be read and is replaced by another image",
                image.problem
            ),
        })?;
    }
    Ok(())
}

fn told_of(session: &mut Session, (name, step): (String, u64)) -> Result<(), JobError> {
    session.status.last_checkpoint = Some(name.clone());
    session.note(JournalEvent::Checkpoint { name, step })?;
    session.tell_now()
}

/// Loads the weights to start from: the whole backbone, and the class weights where they fit.
fn load_start(
    session: &mut Session,
    network: Network,
    source: &Checkpoint,
    folder: &Path,
) -> Result<Network, JobError> {
    const HEAD: &str = "class_weights";
    let wanted = network
        .class_weights
        .as_ref()
        .map(|weights| weights.dims().to_vec());
    let with_head = wanted.is_some()
        && source.weights.get(HEAD).map(|weights| &weights.shape) == wanted.as_ref();
    let network = parameters::load(network, &source.weights, |name| name != HEAD || with_head)
        .map_err(|error| {
            JobError::Input(format!("can't start from {}: {error}", folder.display()))
        })?;
    let head = match (wanted.is_some(), with_head) {
        (false, _) => "",
        (true, true) => ", class weights included",
        (true, false) => "; the class weights start afresh, for another number of classes",
    };
    session.note(JournalEvent::Note {
        message: format!("started from the weights of {}{head}", folder.display()),
    })?;
    Ok(network)
}
