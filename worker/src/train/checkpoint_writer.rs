//! The thread that writes checkpoints while training goes on.

use std::{
    sync::mpsc::{Receiver, SyncSender, channel, sync_channel},
    thread::JoinHandle,
};

use facetui::run::{RunDirectory, host};

use super::checkpoint::{Checkpoint, CheckpointError, Keep, prune, sweep};

/// Name and step of a checkpoint that is safely on disk, or why it isn't.
pub type Written = Result<(String, u64), CheckpointError>;

/// Writes checkpoints one after the other, and deletes old ones once their successor is safe.
pub struct CheckpointWriter {
    snapshots: Option<SyncSender<Checkpoint>>,
    reports: Receiver<Report>,
    /// Snapshots handed over and not reported yet.
    outstanding: usize,
    thread: Option<JoinHandle<()>>,
}

/// What the thread tells.
enum Report {
    /// The end of one snapshot.
    Written(Written),
    /// Old checkpoints could not be deleted.
    Untidy(CheckpointError),
}

impl CheckpointWriter {
    /// Starts the thread; of old checkpoints what `keep` says stays, and the best on each set.
    ///
    /// # Errors
    /// What a killed worker left can't be deleted, or the system gives no thread.
    pub fn start(run: &RunDirectory, keep: Keep) -> Result<Self, CheckpointError> {
        let folder = run.checkpoints_path();
        sweep(&folder)?;
        // One waits while one is written: more would only hold memory.
        let (snapshots, incoming) = sync_channel::<Checkpoint>(1);
        let (sender, reports) = channel();
        let run = run.clone();
        let thread = std::thread::Builder::new()
            .name("checkpoints".to_owned())
            .spawn(move || {
                // The next step has the cores first.
                host::give_way();
                for snapshot in incoming {
                    let step = snapshot.manifest.step;
                    let written = snapshot
                        .write(&run.checkpoints_path())
                        .map(|name| (name, step));
                    // The new one is safe; that an old one stays is only told.
                    let untidy = match (&written, run.checkpoints()) {
                        (Ok(_), Ok(entries)) => prune(&entries, keep).err(),
                        _ => None,
                    };
                    let reports = untidy
                        .map(Report::Untidy)
                        .into_iter()
                        .chain([Report::Written(written)]);
                    for report in reports {
                        if sender.send(report).is_err() {
                            return;
                        }
                    }
                }
            })
            .map_err(CheckpointError::io("start a thread for", &folder))?;
        Ok(Self {
            snapshots: Some(snapshots),
            reports,
            outstanding: 0,
            thread: Some(thread),
        })
    }

    /// Hands over a snapshot; waits only while an earlier one still waits.
    pub fn submit(&mut self, snapshot: Checkpoint) {
        if let Some(snapshots) = &self.snapshots {
            // The thread ends only after this sender is gone.
            if snapshots.send(snapshot).is_ok() {
                self.outstanding += 1;
            }
        }
    }

    /// What has been finished since the last call.
    pub fn written(&mut self) -> Vec<Written> {
        let reports: Vec<Report> = self.reports.try_iter().collect();
        reports
            .into_iter()
            .map(|report| self.count(report))
            .collect()
    }

    /// Waits until everything handed over is on disk or has failed; returns what wasn't told yet.
    pub fn settle(&mut self) -> Vec<Written> {
        let mut all = self.written();
        while self.outstanding > 0 {
            match self.reports.recv() {
                Ok(report) => all.push(self.count(report)),
                // A panic in the thread was told by the panic hook; the checkpoint is missing, which readers see.
                Err(_) => break,
            }
        }
        all
    }

    fn count(&mut self, report: Report) -> Written {
        match report {
            Report::Written(written) => {
                self.outstanding -= 1;
                written
            }
            Report::Untidy(error) => Err(error),
        }
    }
}

impl Drop for CheckpointWriter {
    fn drop(&mut self) {
        self.snapshots = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
