//! The demo: drawn faces, the two stages of training on them, and the two evaluations.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Child,
};

use super::{
    CheckpointChoice, EvaluationOrder, LaunchError, Resumed, RunName, Started, TrainingOrder,
    evaluate, resume, train,
};
use crate::{
    config::{DataConfig, DeviceChoice, Recipe},
    data::synthetic::{self, SyntheticOptions},
    eval::{Evaluation, Rule, corrected::Corrected},
    run::{
        BareWeights, FigureOptions, Preprocessing, RunDirectory, RunError, RunLock, RunState,
        VerificationSet, worker,
    },
};

const MARGIN_CENTRE: &str = include_str!("../../assets/recipes/demo.toml");
const TRIPLET: &str = include_str!("../../assets/recipes/demo-triplet.toml");
/// The triplet stage makes one step for so many of the first stage when `--steps` says how many those are.
const STEPS_PER_TRIPLET_STEP: u64 = 4;

/// What the demo is to do.
#[derive(Debug, Clone)]
pub struct DemoOptions {
    /// The folder that takes the data and the runs.
    pub out: PathBuf,
    /// Steps of the first stage, instead of the recipe's.
    pub steps: Option<u64>,
    /// The device.
    pub device: DeviceChoice,
}

/// The demo in its folder. All it knows is on disk: a sequence that was broken off goes on where it was.
#[derive(Debug)]
pub struct Demo {
    options: DemoOptions,
}

/// One run of the sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    MarginCentre,
    Triplet,
    Lfw,
    Ytf,
}

const STAGES: [Stage; 4] = [Stage::MarginCentre, Stage::Triplet, Stage::Lfw, Stage::Ytf];

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Self::MarginCentre => "margin-centre",
            Self::Triplet => "triplet",
            Self::Lfw => "eval-lfw",
            Self::Ytf => "eval-ytf",
        }
    }
}

/// A run of the sequence that is under way.
#[derive(Debug)]
pub struct DemoStage {
    /// Its directory.
    pub run: RunDirectory,
    /// Its worker, where it was started just now.
    pub worker: Option<Child>,
}

/// What comes next.
#[derive(Debug)]
pub enum NextStage {
    /// This run, to be followed to its end.
    Follow(DemoStage),
    /// Nothing: all is done.
    Done,
}

impl Demo {
    /// The demo in its folder; nothing is made yet.
    pub fn new(options: DemoOptions) -> Self {
        Self { options }
    }

    /// The folder of its runs.
    pub fn runs_root(&self) -> PathBuf {
        self.options.out.join("runs")
    }

    /// The name of its first run.
    pub fn first_run() -> &'static str {
        Stage::MarginCentre.name()
    }

    /// Takes the folder, so that no second sequence works in it.
    ///
    /// # Errors
    /// [`RunError::Locked`] where one does.
    pub fn lock(&self) -> Result<RunLock, LaunchError> {
        let out = &self.options.out;
        fs::create_dir_all(out).map_err(RunError::io("make", out))?;
        Ok(RunLock::try_take(&out.join("demo.lock"))?)
    }

    /// Starts a process of its own that does the whole sequence, unless one is at it; its words go to `demo.log`.
    ///
    /// # Errors
    /// It can't be started.
    pub fn start_detached(&self) -> Result<(), LaunchError> {
        // Given back at once: the process takes it itself.
        match self.lock() {
            Ok(lock) => drop(lock),
            Err(LaunchError::Run(RunError::Locked { .. })) => return Ok(()),
            Err(error) => return Err(error),
        }
        let out = &self.options.out;
        let out = std::path::absolute(out).map_err(RunError::io("find", out))?;
        let program = std::env::current_exe()
            .map_err(RunError::io("find", Path::new("facetui's own program")))?;
        let device = self.options.device.to_string();
        let mut arguments = [
            "demo",
            "--headless",
            "--detached",
            "--device",
            &device,
            "--out",
        ]
        .map(OsString::from)
        .to_vec();
        arguments.push(out.clone().into());
        if let Some(steps) = self.options.steps {
            arguments.extend(["--steps".into(), steps.to_string().into()]);
        }
        let arguments = arguments.iter().map(OsString::as_os_str);
        worker::start_detached(&program, arguments, &out.join("demo.log"))?;
        Ok(())
    }

    /// Draws the faces, unless they are there; says whether it did. `progress` is told from any thread how many
    /// pictures of how many are done.
    ///
    /// # Errors
    /// The disk refuses, or the folder holds something else.
    pub fn make_data(&self, progress: &(dyn Fn(u64, u64) + Sync)) -> Result<bool, LaunchError> {
        let options = SyntheticOptions::default();
        let set = synthetic::generate_with(&options, &self.options.out.join("data"), progress)?;
        Ok(!set.reused)
    }

    /// Starts the next run of the sequence, or goes on with one that was left.
    ///
    /// # Errors
    /// It can't be started.
    pub fn next_stage(&self) -> Result<NextStage, LaunchError> {
        for stage in STAGES {
            let path = self.runs_root().join(stage.name());
            if !path.exists() {
                let Started { run, worker } = self.start(stage)?;
                return Ok(NextStage::Follow(DemoStage {
                    run,
                    worker: Some(worker),
                }));
            }
            let run = RunDirectory::open(&path)?;
            // Whoever stopped a training early wants the rest with what there is.
            let done = [RunState::Finished, RunState::Stopped].contains(&run.status()?.state);
            if done && (!run.checkpoints()?.is_empty() || !run.results()?.rows.is_empty()) {
                continue;
            }
            let worker = match resume(&run, None)? {
                Resumed::Started(worker) => Some(worker),
                Resumed::Unpaused | Resumed::Running => None,
                Resumed::Finished => continue,
            };
            return Ok(NextStage::Follow(DemoStage { run, worker }));
        }
        Ok(NextStage::Done)
    }

    /// The figures of its evaluations.
    ///
    /// # Errors
    /// They can't be read.
    pub fn evaluations(&self) -> Result<Vec<Evaluation>, LaunchError> {
        let mut evaluations = Vec::new();
        for stage in [Stage::Lfw, Stage::Ytf] {
            let run = RunDirectory::open(&self.runs_root().join(stage.name()))?;
            evaluations.extend(run.results()?.rows.into_iter().map(|row| row.evaluation));
        }
        Ok(evaluations)
    }

    fn start(&self, stage: Stage) -> Result<Started, LaunchError> {
        let config = DataConfig::load(&self.options.out.join("data/config.ini"))?;
        match stage {
            Stage::MarginCentre => {
                let recipe = demo_recipe(MARGIN_CENTRE, "demo.toml", self.options.steps)?;
                self.train(stage, &recipe, &config, None)
            }
            Stage::Triplet => {
                let steps = self
                    .options
                    .steps
                    .map(|steps| (steps / STEPS_PER_TRIPLET_STEP).max(1));
                let recipe = demo_recipe(TRIPLET, "demo-triplet.toml", steps)?;
                let from = self.runs_root().join(Stage::MarginCentre.name());
                self.train(stage, &recipe, &config, Some(from))
            }
            Stage::Lfw => {
                let lfw = config.pairs.get("lfw").cloned().unwrap_or_default();
                let set = VerificationSet::Lfw {
                    data: lfw.npdata.or(lfw.pairs).unwrap_or_default(),
                    images: lfw.prefix,
                };
                self.evaluate(stage, set)
            }
            Stage::Ytf => self.evaluate(stage, ytf(config)),
        }
    }

    fn train(
        &self,
        stage: Stage,
        recipe: &Recipe,
        config: &DataConfig,
        from: Option<PathBuf>,
    ) -> Result<Started, LaunchError> {
        train(&TrainingOrder {
            recipe,
            config,
            runs_root: &self.runs_root(),
            name: RunName::Given(stage.name().to_owned()),
            device: self.options.device,
            from,
            auto_batch: false,
        })
    }

    fn evaluate(&self, stage: Stage, set: VerificationSet) -> Result<Started, LaunchError> {
        let runs_root = self.runs_root();
        evaluate(&EvaluationOrder {
            model: &runs_root.join(Stage::Triplet.name()),
            checkpoint: CheckpointChoice::Newest,
            set,
            figures: FigureOptions::of_rule(Rule::Reference),
            preprocessing: Preprocessing::default(),
            weights: BareWeights::default(),
            runs_root: &runs_root,
            name: RunName::Given(stage.name().to_owned()),
            device: self.options.device,
        })
    }
}

/// One of the demo's recipes, shortened or lengthened.
fn demo_recipe(text: &str, name: &str, steps: Option<u64>) -> Result<Recipe, LaunchError> {
    let mut recipe = Recipe::parse(text, Path::new(name))?;
    if let Some(steps) = steps {
        recipe.steps = steps;
        recipe.schedule.warmup_steps = recipe.schedule.warmup_steps.min(steps);
    }
    Ok(recipe)
}

/// The video set with its error list: such an evaluation gives the figures without and with correction.
fn ytf(config: DataConfig) -> VerificationSet {
    let ytf = config.ytf.unwrap_or_default();
    VerificationSet::Ytf {
        splits: ytf.splits.unwrap_or_default(),
        frames: ytf.prefix,
        errors: ytf.ytf_error,
        corrected: Corrected::Reference,
        allow_missing: false,
    }
}
