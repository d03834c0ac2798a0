//! The thread that writes checkpoints while training goes on.

use std::{
    io,
    sync::mpsc::{Receiver, SyncSender, channel, sync_channel},
    thread::JoinHandle,
};

use facetui::run::RunDirectory;

use super::checkpoint::{Checkpoint, CheckpointError, prune};

/// Name and step of a checkpoint that is safely on disk, or why it isn't.
pub type Written = Result<(String, u64), CheckpointError>;

/// Writes checkpoints one after the other, and deletes old ones once their successor is safe.
pub struct CheckpointWriter {
    snapshots: Option<SyncSender<Checkpoint>>,
    written: Receiver<Written>,
    thread: Option<JoinHandle<()>>,
}

impl CheckpointWriter {
    /// Starts the thread; `keep` of the newest checkpoints stay, and the best on each set.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(run: &RunDirectory, keep: usize) -> io::Result<Self> {
        // One waits while one is written: more would only hold memory.
        let (snapshots, incoming) = sync_channel::<Checkpoint>(1);
        let (report, written) = channel();
        let run = run.clone();
        let thread = std::thread::Builder::new()
            .name("checkpoints".to_owned())
            .spawn(move || {
                for snapshot in incoming {
                    let step = snapshot.manifest.step;
                    let outcome = snapshot
                        .write(&run.checkpoints_path())
                        .map(|name| (name, step));
                    let safe = outcome.is_ok();
                    if report.send(outcome).is_err() {
                        return;
                    }
                    if safe
                        && let Ok(entries) = run.checkpoints()
                        && let Err(error) = prune(&entries, keep)
                    {
                        // The new one is safe; that an old one stays is only told.
                        let _ = report.send(Err(error));
                    }
                }
            })?;
        Ok(Self {
            snapshots: Some(snapshots),
            written,
            thread: Some(thread),
        })
    }

    /// Hands over a snapshot; waits only while an earlier one still waits.
    pub fn submit(&self, snapshot: Checkpoint) {
        if let Some(snapshots) = &self.snapshots {
            // The thread ends only after this sender is gone.
            let _ = snapshots.send(snapshot);
        }
    }

    /// What has been finished since the last call.
    pub fn written(&self) -> Vec<Written> {
        self.written.try_iter().collect()
    }

    /// Waits until everything handed over is on disk; returns what wasn't told yet.
    pub fn finish(mut self) -> Vec<Written> {
        self.end();
        self.written.try_iter().collect()
    }

    fn end(&mut self) {
        self.snapshots = None;
        if let Some(thread) = self.thread.take() {
            // A panic in it was told by the panic hook; the checkpoint is then missing, which readers see.
            let _ = thread.join();
        }
    }
}

impl Drop for CheckpointWriter {
    fn drop(&mut self) {
        self.end();
    }
}
