//! `status.json`: what a run is doing, replaced whole each time.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::host;

/// What a worker last said of its run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The run's name: its directory's last component.
    pub name: String,
    /// The kind of job.
    pub kind: JobKind,
    /// Where the run is in its life.
    pub state: RunState,
    /// While starting: what is being waited for. Otherwise a remark, or nothing.
    pub phase: Option<String>,
    /// Optimiser steps done (items done, for other jobs).
    pub step: u64,
    /// Steps in all.
    pub steps: u64,
    /// Passes over the training images begun, from 0.
    pub epoch: u64,
    /// Images through the network in a second, over the last few seconds.
    pub images_per_second: Option<f64>,
    /// Seconds to the end at that speed.
    pub eta_seconds: Option<f64>,
    /// The worker's process.
    pub pid: Option<u32>,
    /// When that process started, in clock ticks after boot: with the pid it names a process for good.
    pub pid_start: Option<u64>,
    /// The machine that runs it.
    pub host: String,
    /// The device asked for or in use: `flex`, `cpu`, `cuda:0`.
    pub device: String,
    /// When the worker first started, seconds after 1970.
    pub started: f64,
    /// When this document was written, seconds after 1970.
    pub heartbeat: f64,
    /// While a worker is being started: when that was asked for, in seconds after the host's boot, which no change of
    /// its clock moves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_at_uptime: Option<f64>,
    /// Name of the newest checkpoint folder.
    pub last_checkpoint: Option<String>,
    /// Why it failed, in one line.
    pub last_error: Option<String>,
    /// The newest value of every scalar, by tag; what is not finite is `null` in the file and NaN here.
    #[serde(with = "finite_or_null")]
    pub scalars: BTreeMap<String, f64>,
}

/// The kinds of job a run directory can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobKind {
    /// Training by a recipe.
    Train,
    /// Embedding and verifying a set.
    Eval,
    /// Finding faces and cutting them out aligned.
    Align,
    /// Finding the people that two sets share.
    Overlap,
}

/// Where a run is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// The worker lives and has not finished its first step.
    Starting,
    /// Steps are being made.
    Running,
    /// The worker lives, holds its memory and waits.
    Paused,
    /// Checkpointed; the worker has gone.
    Parked,
    /// All steps are done.
    Finished,
    /// The worker gave up and said why.
    Failed,
    /// Ended early on command, checkpointed.
    Stopped,
    /// The worker died without a word. Never written; told by the lock.
    Lost,
}

impl Status {
    /// The first document of a run, written by whoever is about to start its worker on this machine.
    pub fn starting(name: &str, kind: JobKind, steps: u64, device: &str) -> Self {
        let now = host::now();
        Self {
            name: name.to_owned(),
            kind,
            state: RunState::Starting,
            phase: Some("worker".to_owned()),
            step: 0,
            steps,
            epoch: 0,
            images_per_second: None,
            eta_seconds: None,
            pid: None,
            pid_start: None,
            host: host::host_name(),
            device: device.to_owned(),
            started: now,
            heartbeat: now,
            asked_at_uptime: host::uptime(),
            last_checkpoint: None,
            last_error: None,
            scalars: BTreeMap::new(),
        }
    }
}

impl RunState {
    /// Whether a worker should be there in this state.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Starting | Self::Running | Self::Paused)
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.pad(match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Parked => "parked",
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::Lost => "lost",
        })
    }
}

/// JSON has no NaN: a run that computed one must stay readable.
mod finite_or_null {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(
        scalars: &BTreeMap<String, f64>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(
            scalars
                .iter()
                .map(|(tag, value)| (tag, value.is_finite().then_some(*value))),
        )
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<String, f64>, D::Error> {
        let scalars = BTreeMap::<String, Option<f64>>::deserialize(deserializer)?;
        Ok(scalars
            .into_iter()
            .map(|(tag, value)| (tag, value.unwrap_or(f64::NAN)))
            .collect())
    }
}
