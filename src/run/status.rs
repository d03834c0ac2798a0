//! `status.json`: what a run is doing, replaced whole each time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

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
    /// Name of the newest checkpoint folder.
    pub last_checkpoint: Option<String>,
    /// Why it failed, in one line.
    pub last_error: Option<String>,
    /// The newest value of every scalar, by tag.
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
