//! Going on with a run.

use std::{process::Child, time::Duration};

use super::{LaunchError, devices, environment};
use crate::{
    config::DeviceChoice,
    run::{Command, Job, RunDirectory, RunState, Status, host, worker},
};

/// What going on came to.
#[derive(Debug)]
pub enum Resumed {
    /// Its worker was paused and has been told to go on.
    Unpaused,
    /// A worker was started on it.
    Started(Child),
    /// It is running anyway.
    Running,
    /// There is nothing left to do.
    Finished,
}

/// Where two hosts' clocks can't tell whether a run's worker lives, its heartbeat is watched for so long before one is
/// started here: two beats.
const LOOK_ELSEWHERE: Duration = Duration::from_secs(10);
/// Clocks that are set differ by less.
const CLOCKS_DIFFER_SECONDS: f64 = 30.0;

/// Whether a run of another host is lost, or alive, only if both hosts' clocks are right.
fn clocks_cannot_tell(status: &Status) -> bool {
    let elsewhere = status.host != host::host_name();
    let from_the_future = status.heartbeat - host::now() > CLOCKS_DIFFER_SECONDS;
    let seems_lost = status.state == RunState::Lost;
    elsewhere && (seems_lost || (status.state.is_live() && from_the_future))
}

/// Goes on with a run: paused, parked, stopped, failed or lost, from its last checkpoint or from the start.
///
/// A device given replaces the one the run had; a worker that lives keeps its own.
///
/// # Errors
/// The device isn't there, or the run can't be used.
pub fn resume(run: &RunDirectory, device: Option<DeviceChoice>) -> Result<Resumed, LaunchError> {
    let job = run.job()?;
    // A run without a readable status died before its first: it can start anew.
    let status = run.status();
    let state = match &status {
        Ok(status) if clocks_cannot_tell(status) => {
            if run.beats_within(LOOK_ELSEWHERE)? {
                return Ok(Resumed::Running);
            }
            Some(RunState::Lost)
        }
        Ok(status) => Some(status.state),
        Err(_) => None,
    };
    match state {
        Some(RunState::Finished) => return Ok(Resumed::Finished),
        Some(RunState::Starting | RunState::Running) => return Ok(Resumed::Running),
        Some(RunState::Paused) => {
            run.send(&Command::Unpause)?;
            return Ok(Resumed::Unpaused);
        }
        _ => {}
    }
    run.check_private()?;
    let device = device.unwrap_or(job.device);
    let answer = devices::check(device)?;
    if device != job.device {
        run.save_job(&Job {
            device,
            work: job.work.clone(),
        })?;
    }
    // Orders that came too late for the worker before are not meant for this one.
    drop(run.take_commands()?);
    let fresh = Status::starting(&run.name(), job.work.kind(), 0, &device.to_string());
    let status = match status {
        Ok(status) => Status {
            state: RunState::Starting,
            phase: fresh.phase,
            pid: None,
            pid_start: None,
            host: fresh.host,
            device: fresh.device,
            heartbeat: host::now(),
            asked_at_uptime: fresh.asked_at_uptime,
            last_error: None,
            images_per_second: None,
            eta_seconds: None,
            ..status
        },
        Err(_) => fresh,
    };
    environment::record(run, &answer)?;
    run.write_status(&status)?;
    Ok(Resumed::Started(worker::start(run)?))
}
