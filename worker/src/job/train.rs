//! The training job: from the run's newest checkpoint to its last step, or to whatever ends it before.

mod batch_size;
mod images;
mod load;
mod memory_format;
mod mishap;
mod obeying;
mod saving;
mod start;
mod trial;

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Instant};

use facetui::{
    config::{DataConfig, DeviceChoice, OnNan, Precision, Recipe, Scaling},
    data::{BatchOrder, Combined, Loader, LoaderOptions},
    run::{EventWriter, JournalEvent, RunDirectory, RunState},
};

use super::{
    JobError, Then, hours,
    session::{Session, or_full},
};
use crate::{
    embed::{Embedder, Engine, Input, verification::ValidationSet},
    model::{
        device::{self, NamedDevice},
        embedding_network::EmbeddingNetwork,
        libtorch,
        parameters::NamedTensors,
        weights::BACKBONE,
    },
    train::{
        checkpoint::{self, CheckpointError, Keep},
        checkpoint_writer::CheckpointWriter,
        trainer::{StepRecord, StepScalars, Trainer},
        watch::Watch,
    },
};
use images::{WrongSizes, tell_broken};
use load::Load;
use mishap::Mishaps;

/// Batches that may wait for the network.
const QUEUED_BATCHES: usize = 4;

/// Trains by the run's recipe, from its newest checkpoint if it has one, else from `from` or from scratch.
pub fn train(
    session: &mut Session,
    choice: DeviceChoice,
    from: Option<&Path>,
    auto_batch: bool,
) -> Result<Then, JobError> {
    let mut recipe = Recipe::load(&session.run.recipe_path()).map_err(JobError::input)?;
    let config = DataConfig::load(&session.run.config_path()).map_err(JobError::input)?;
    config.check_paths(&recipe).map_err(JobError::input)?;
    session.status.steps = recipe.steps;
    let in_spite_of_hours = match hours::wait(session, recipe.park_between)? {
        hours::Waited::GoOn { in_spite_of_hours } => in_spite_of_hours,
        hours::Waited::Ended => return Ok(Then::End),
    };

    session.enter(RunState::Starting, Some("device"))?;
    let device = device::open(choice)?;
    session.status.device.clone_from(&device.name);

    session.enter(RunState::Starting, Some("data"))?;
    let images = Arc::new(Combined::open(&recipe, &config).map_err(JobError::input)?);
    let validation = recipe
        .validation
        .iter()
        .map(|section| ValidationSet::open(section, &config))
        .collect::<Result<Vec<_>, _>>()?;

    refuse_precision(&recipe, &device)?;
    session.enter(RunState::Starting, Some("measuring orders of memory"))?;
    memory_format::settle(session, &mut recipe, &device)?;
    if auto_batch && session.status.step == 0 {
        session.enter(RunState::Starting, Some("finding the largest batch"))?;
        batch_size::fit(session, &mut recipe, &images, &device)?;
    }
    session.enter(RunState::Starting, Some("network"))?;
    let mut training = Training::begin(session, recipe, images, validation, device, from)?;
    session.enter(RunState::Starting, Some("first step"))?;
    training.in_spite_of_hours = in_spite_of_hours;
    let end = training.steps(session)?;
    training.end(session, end)
}

/// Why the steps ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Finished,
    Parked,
    /// Parked until the hours of others are over.
    ParkedForHours,
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
    load: Load,
    /// Steps done.
    step: u64,
    /// Mean accuracies by section, of a validation at this very step.
    figures: BTreeMap<String, f64>,
    /// The best of those that were saved so far.
    best: BTreeMap<String, f64>,
    stop_after_epoch: bool,
    /// Somebody let the run go on within the hours in which it would park.
    in_spite_of_hours: bool,
    mishaps: Mishaps,
    watch: Watch,
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
        let classes = images.classes() as usize;
        let mut trainer = Trainer::new(&recipe, classes, &device.device);
        let mut step = 0;
        let mut skipped_batches = 0;

        let (checkpoint, broken) = checkpoint::newest(&session.run)?;
        for message in broken {
            session.note(JournalEvent::Error { message })?;
        }
        let ran_before = session.status.step > 0;
        let mut events = EventWriter::append(session.run.path())?;
        if let Some(checkpoint) = checkpoint {
            step = checkpoint.manifest.step;
            skipped_batches = checkpoint.manifest.skipped_batches;
            checkpoint.restore(&mut trainer)?;
        } else if let Some(folder) = from {
            load_start(session, &mut trainer, &start::weights_of(folder)?, folder)?;
        }
        if ran_before || step > 0 {
            session.note(JournalEvent::Resumed { step })?;
            or_full(events.session_start(step + 1))?;
        }
        session.status.step = step;
        let keep = Keep {
            newest: recipe.keep_checkpoints,
            every: recipe.keep_every,
        };
        Ok(Self {
            checkpoints: CheckpointWriter::start(&session.run, keep)?,
            watch: Watch::new(recipe.stage.has_classes().then_some(classes)),
            trainer,
            mishaps: Mishaps::new(skipped_batches),
            load: Load::of(&device.name),
            in_spite_of_hours: false,
            recipe,
            device,
            images,
            validation,
            events,
            step,
            figures: BTreeMap::new(),
            best: checkpoint::best_figures(&session.run.checkpoints()?, step),
            stop_after_epoch: false,
        })
    }

    /// Makes steps until all are done or somebody asks for an end.
    fn steps(&mut self, session: &mut Session) -> Result<End, JobError> {
        if self.recipe.on_nan == OnNan::Rewind && self.step == 0 {
            // Something to go back to from the first steps on.
            self.save(session)?;
        }
        let mut loader = self.loader()?;
        let mut wrong_sizes = WrongSizes::default();
        let end = self.steps_with(session, &mut loader, &mut wrong_sizes)?;
        wrong_sizes.tell_all(session, &self.recipe, &loader)?;
        Ok(end)
    }

    fn steps_with(
        &mut self,
        session: &mut Session,
        loader: &mut Loader,
        wrong_sizes: &mut WrongSizes,
    ) -> Result<End, JobError> {
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
            wrong_sizes.tell(session, &self.recipe, loader)?;
            self.mishaps.before(&self.recipe, &self.trainer.network);
            let StepRecord {
                mut scalars,
                distributions,
                times,
            } = match self.trainer.step(&self.recipe, self.step, &batch) {
                Ok(record) => record,
                Err(error) => {
                    self.mishap(session, &batch, error)?;
                    *loader = self.loader()?;
                    continue;
                }
            };
            self.step += 1;
            self.figures.clear();

            session.status.epoch = batch.epoch;
            session.count(1, batch.labels.len());
            scalars.push(("speed/data_wait", waited / asked.elapsed().as_secs_f64()));
            if let Some(times) = times {
                scalars.push(("time/data", waited));
                scalars.extend(times.scalars());
            }
            scalars.push(("train/epoch", self.epochs()));
            scalars.extend(self.load.look());
            if let Some(speed) = session.status.images_per_second {
                scalars.push(("speed/images_per_second", speed));
            }
            loader.give_back(batch);
            for lint in self.watch.observe(session.status.epoch, &scalars) {
                session.note(JournalEvent::Lint {
                    lint: lint.name.to_owned(),
                    step: self.step,
                    message: lint.message,
                })?;
            }
            self.record(session, scalars, &distributions)?;
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
            if self.is_new_best(session)? || save {
                self.save(session)?;
            }
            self.tell_saved(session)?;
        }
        Ok(End::Finished)
    }

    /// Leaves the run as its end asks for: always with a checkpoint of the last step.
    fn end(mut self, session: &mut Session, end: End) -> Result<Then, JobError> {
        if end == End::Finished && self.figures.is_empty() {
            self.validate(session)?;
        }
        session.status.phase = Some("saving".to_owned());
        session.tell_now()?;
        self.save_for_good(session)?;
        or_full(self.events.flush())?;
        session.status.images_per_second = None;
        session.status.eta_seconds = None;
        match end {
            End::Finished => session.enter(RunState::Finished, None)?,
            End::Stopped => session.enter(RunState::Stopped, None)?,
            End::Parked => session.enter(RunState::Parked, None)?,
            End::ParkedForHours => {
                session.enter(RunState::Parked, Some("for the hours of park_between"))?;
                return Ok(Then::Again);
            }
        }
        Ok(Then::End)
    }

    /// Batches from the step at hand on.
    fn loader(&self) -> Result<Loader, JobError> {
        let first = self.step + self.mishaps.skipped_batches();
        Loader::start(Arc::clone(&self.images), self.loader_options(), first)
            .map_err(JobError::input)
    }

    /// How many times as many images as there are have been shown.
    fn epochs(&self) -> f64 {
        let batches = self.step + self.mishaps.skipped_batches();
        batches as f64 * self.recipe.batch_size as f64 / self.images.len().max(1) as f64
    }

    fn loader_options(&self) -> LoaderOptions {
        let recipe = &self.recipe;
        LoaderOptions {
            crop: recipe.input.crop,
            channels: recipe.input.channels,
            mirror: recipe.input.mirror,
            wrong_size: recipe.input.wrong_size,
            augment: recipe.augment,
            batch_size: recipe.batch_size,
            seed: recipe.seed,
            threads: std::thread::available_parallelism().map_or(1, |threads| threads.get().min(8)),
            queue: QUEUED_BATCHES,
            max_broken: recipe.max_broken_images,
            order: if recipe.stage.draws_people() {
                BatchOrder::People {
                    images_per_person: recipe.triplet.images_per_class,
                }
            } else {
                BatchOrder::Images
            },
        }
    }

    fn record(
        &mut self,
        session: &mut Session,
        scalars: StepScalars,
        distributions: &[(String, Vec<f32>)],
    ) -> Result<(), JobError> {
        or_full(self.events.scalars(self.step, scalars.iter().copied()))?;
        let distributions = distributions
            .iter()
            .map(|(tag, values)| (tag.as_str(), values.as_slice()));
        or_full(self.events.histograms(self.step, distributions))?;
        or_full(self.events.flush())?;
        for (tag, value) in scalars {
            session.status.scalars.insert(tag.to_owned(), value);
        }
        Ok(())
    }

    /// The network as it embeds now.
    fn embedder(&self, run: &RunDirectory) -> Result<Embedder, JobError> {
        let input = &self.recipe.input;
        let network = EmbeddingNetwork::new(
            &self.trainer.validated(),
            BACKBONE,
            &self.recipe.network,
            input.crop,
            &self.device.device,
        );
        Ok(Embedder {
            engine: Engine::Network(Box::new(network.map_err(CheckpointError::from)?)),
            input: Input {
                crop: input.crop,
                channels: input.channels,
                wrong_size: input.wrong_size,
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
        let begun = Instant::now();
        let embedder = self.embedder(&session.run)?;
        for set in &self.validation {
            let phase = format!("validating {}", set.section());
            session.enter(RunState::Running, Some(&phase))?;
            let verified = session.listening(false, |between| set.evaluate(&embedder, between))?;
            let evaluations = verified.into_iter().flat_map(|found| found.evaluations);
            for (place, evaluation) in evaluations.enumerate() {
                or_full(session.run.save_result(&evaluation))?;
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
                    or_full(
                        self.events
                            .scalars(self.step, [(tag.as_str(), accuracy.mean)]),
                    )?;
                    session.status.scalars.insert(tag, accuracy.mean);
                }
            }
        }
        let seconds = ("time/evaluation", begun.elapsed().as_secs_f64());
        or_full(self.events.scalars(self.step, [seconds]))?;
        or_full(self.events.flush())?;
        session.enter(RunState::Running, None)
    }
}

/// The pure-Rust engine computes in 32 bits alone.
fn refuse_precision(recipe: &Recipe, device: &NamedDevice) -> Result<(), JobError> {
    if recipe.precision == Precision::F32 || libtorch::is_ours(&device.device) {
        return Ok(());
    }
    Err(JobError::Input(format!(
        "recipe.toml: precision = \"{}\" needs LibTorch, and device {} is not; use --device cpu or cuda, or precision = \"f32\"",
        recipe.precision.name(),
        device.name
    )))
}

/// Loads the weights to start from: the whole backbone, and the class weights where they fit.
fn load_start(
    session: &mut Session,
    trainer: &mut Trainer,
    source: &NamedTensors,
    folder: &Path,
) -> Result<(), JobError> {
    let with_head = trainer.start_from(source).map_err(|error| {
        JobError::Input(format!("can't start from {}: {error}", folder.display()))
    })?;
    let head = match (trainer.class_shape().is_some(), with_head) {
        (false, _) => "",
        (true, true) => ", class weights included",
        (true, false) => "; the class weights start afresh, for another number of classes",
    };
    session.note(JournalEvent::Note {
        message: format!("started from the weights of {}{head}", folder.display()),
    })
}
