//! The evaluation job: one model, one set, one rule.

use std::path::PathBuf;

use facetui::{
    atomic::atomic_write,
    config::DeviceChoice,
    run::{
        BareWeights, Embeddings, EvaluationSource, FigureOptions, JournalEvent, Preprocessing,
        RunState, VerificationSet,
    },
    untrusted::visible,
};

use super::{JobError, session::Session};
use crate::{
    embed::{
        kept::Wanted,
        model::ModelFile,
        verification::{ValidationSet, Verified},
    },
    model::device,
};

/// What is to be evaluated, and how.
pub struct Order {
    pub device: DeviceChoice,
    pub model: PathBuf,
    pub set: VerificationSet,
    pub figures: FigureOptions,
    pub preprocessing: Preprocessing,
    pub weights: BareWeights,
}

/// Writes the figures of a model on a set to `results/`, embedding the set unless an earlier evaluation has done so.
pub fn evaluate(session: &mut Session, order: &Order) -> Result<(), JobError> {
    let section = match order.set {
        VerificationSet::Lfw { .. } => "lfw",
        VerificationSet::Ytf { .. } => "ytf",
    };
    let asked = &order.preprocessing;
    let set = ValidationSet::of(
        section,
        &order.set,
        order.figures,
        asked.mirror,
        asked.frames_per_video,
    )?;
    let model = ModelFile::open(&order.model, &order.weights).map_err(JobError::input)?;
    let wanted = Wanted::new(&model, set.content()?, set.mirror, asked);
    let evaluation = Evaluating {
        order,
        set,
        model,
        wanted,
    };
    let verified = match evaluation.of_kept(session)? {
        Some(verified) => Some(verified),
        None => evaluation.anew(session)?,
    };
    match verified {
        Some(verified) => evaluation.save(session, verified),
        None => session.enter(RunState::Stopped, None),
    }
}

/// An evaluation whose set is open, and whose model is known but not loaded.
struct Evaluating<'a> {
    order: &'a Order,
    set: ValidationSet,
    model: ModelFile,
    wanted: Wanted,
}

impl Evaluating<'_> {
    /// The figures of embeddings that are kept; `None` where there are none that can be used.
    fn of_kept(&self, session: &mut Session) -> Result<Option<Verified>, JobError> {
        let device = match self.order.device {
            DeviceChoice::Auto => None,
            choice => Some(choice.to_string()),
        };
        // ONNX models run on one device, whatever is asked for.
        let device = device.filter(|_| !self.model.is_onnx());
        let items = self.set.items();
        let mut kept = match self.wanted.find(&session.run, &items, device.as_deref()) {
            Ok(kept) => kept,
            Err(reason) => {
                if let Some(reason) = reason {
                    embedding_anew(session, &reason)?;
                }
                return Ok(None);
            }
        };
        // The same content may since lie elsewhere and be called otherwise.
        kept.origin.model.clone_from(&self.model.name);
        kept.origin.step = self.model.step;
        let verified = match self.set.verify(&kept) {
            Ok(verified) => verified,
            Err(error) if error.is_of_kept() => {
                embedding_anew(session, &error.to_string())?;
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        session.status.device.clone_from(&kept.origin.device);
        session.status.steps = kept.total() as u64;
        session.status.step = session.status.steps;
        session.note(JournalEvent::Note {
            message: format!(
                "nothing is embedded: the embeddings of an earlier evaluation are kept as {}",
                session.run.embeddings_path(&self.wanted.key).display()
            ),
        })?;
        Ok(Some(verified))
    }

    /// Embeds the set, keeps the embeddings and works out the figures; `None` where somebody wants an end.
    fn anew(&self, session: &mut Session) -> Result<Option<Verified>, JobError> {
        session.enter(RunState::Starting, Some("model"))?;
        let open = || device::open(self.order.device);
        let embedder = self
            .model
            .load(&self.order.preprocessing, &self.order.weights, open)
            .map_err(JobError::input)?;
        session.status.device.clone_from(&embedder.device);
        session.status.step = 0;
        session.status.steps = self.set.images() as u64;
        session.enter(RunState::Running, Some("embedding"))?;
        let Some(mut embeddings) =
            session.listening(true, |between| self.set.embed(&embedder, between))?
        else {
            return Ok(None);
        };
        session.enter(RunState::Running, Some("figures"))?;
        let verified = self.set.verify(&embeddings)?;
        self.wanted.sign(&mut embeddings);
        self.keep(session, &embeddings)?;
        Ok(Some(verified))
    }

    /// Keeps embeddings for the next evaluation; the figures don't depend on it.
    fn keep(&self, session: &mut Session, embeddings: &Embeddings) -> Result<(), JobError> {
        let path = session.run.embeddings_path(&self.wanted.key);
        let message = match embeddings.write(&path) {
            Ok(()) => format!(
                "{} embeddings are kept as {}",
                embeddings.total(),
                path.display()
            ),
            Err(error) => format!("the embeddings can't be kept for other evaluations: {error}"),
        };
        session.note(JournalEvent::Note { message })
    }

    fn save(&self, session: &mut Session, verified: Verified) -> Result<(), JobError> {
        let whole_set = verified
            .evaluations
            .first()
            .map(|evaluation| evaluation.set.clone())
            .unwrap_or_default();
        let scores = session.run.scores_path(&whole_set);
        atomic_write(&scores, &verified.scores.to_csv()).map_err(|error| {
            JobError::Engine(format!("can't write {}: {error}", scores.display()))
        })?;
        for evaluation in verified.evaluations {
            session.run.save_evaluation_source(&EvaluationSource {
                set: evaluation.set.clone(),
                whole_set: whole_set.clone(),
                embeddings: self.wanted.key.clone(),
                missing: self.set.missing().to_vec(),
            })?;
            session.run.save_result(&evaluation)?;
            session.note(JournalEvent::Validation {
                set: evaluation.set.clone(),
                step: self.model.step.unwrap_or(0),
                accuracy: evaluation.accuracy.mean,
                std: evaluation.accuracy.std,
            })?;
        }
        session.enter(RunState::Finished, None)
    }
}

fn embedding_anew(session: &mut Session, reason: &str) -> Result<(), JobError> {
    session.note(JournalEvent::Note {
        message: format!("the images are embedded anew: {}", visible(reason)),
    })
}
