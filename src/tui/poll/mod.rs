//! Looks at the run directories on a thread of its own, and speaks up only when something changed.

mod files;
mod scores;
mod shown;
mod watched;

use std::collections::{HashMap, HashSet};
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;

use crate::eval::Evaluation;
use crate::run::{IndexHome, Registry, RunDirectory, RunSummary, registry};

use super::machine::Machine;
use super::message::Message;
use super::snapshot::{Contents, Curves, RunSnapshot};
use super::threshold::FigureOf;
use files::{Files, without_files};
use watched::Watched;

/// What the screen asks of the poller.
#[derive(Debug)]
pub enum Request {
    /// Follow a run's curves and worker output, and the curves of others.
    Watch {
        /// The run.
        run: Option<PathBuf>,
        /// The others.
        beside: Vec<PathBuf>,
    },
    /// Tell how busy this machine is, or no longer.
    Machine(bool),
    /// Look now.
    Look,
    /// Read the scores behind a figure.
    Scores(FigureOf, Box<Evaluation>),
}

/// The time between two looks.
const TURN: Duration = Duration::from_millis(400);
/// After looking through opened folders for some time, so many times that time without.
const OPENED_REST: u32 = 20;
/// With more runs than this the list is shown before their journals were read.
const FEW_RUNS: usize = 30;

/// Starts looking at the runs in `root` and at the folders `extra`; it ends when the request sender is dropped.
pub fn start(
    root: PathBuf,
    extra: Vec<PathBuf>,
    indexes: IndexHome,
    messages: UnboundedSender<Message>,
) -> Sender<Request> {
    let (sender, requests) = channel();
    let mut poller = Poller {
        root,
        extra,
        messages,
        registry: Registry::default(),
        files: HashMap::new(),
        told: Vec::new(),
        opened: Opened::default(),
        trouble: None,
        watched: None,
        beside: Vec::new(),
        machine: None,
        begun: false,
        indexes,
    };
    thread::spawn(move || poller.serve(&requests));
    sender
}

struct Poller {
    root: PathBuf,
    extra: Vec<PathBuf>,
    messages: UnboundedSender<Message>,
    registry: Registry,
    files: HashMap<PathBuf, Files>,
    told: Vec<Arc<RunSnapshot>>,
    opened: Opened,
    trouble: Option<String>,
    watched: Option<Watched>,
    beside: Vec<Watched>,
    machine: Option<Machine>,
    begun: bool,
    indexes: IndexHome,
}

/// The runs and logs in the folders that were opened by name.
#[derive(Default)]
struct Opened {
    found: Vec<(PathBuf, String)>,
    /// They are looked for again after this.
    rests_until: Option<Instant>,
}

impl Poller {
    fn serve(&mut self, requests: &Receiver<Request>) {
        let mut looked: Option<Instant> = None;
        loop {
            // Curves first: those of a known run need not wait for the others' documents.
            self.look_at_curves();
            if looked.is_none_or(|looked| looked.elapsed() >= TURN) {
                self.look_at_all_runs();
                looked = Some(Instant::now());
            }
            if let Some(load) = self.machine.as_mut().and_then(Machine::look) {
                self.say(Message::Machine(load));
            }
            if self.messages.is_closed() {
                return;
            }
            let mut followed = self.watched.iter().chain(&self.beside);
            let reading = followed.any(|watched| watched.more);
            let mut next = requests.recv_timeout(if reading { Duration::ZERO } else { TURN });
            loop {
                match next {
                    Ok(Request::Watch { run, beside }) => {
                        self.watch(run, beside);
                        looked = None;
                    }
                    Ok(Request::Machine(wanted)) => {
                        self.machine = wanted.then(Machine::new);
                    }
                    Ok(Request::Look) => looked = None,
                    Ok(Request::Scores(of, evaluation)) => self.read_scores(of, &evaluation),
                    Err(RecvTimeoutError::Timeout) => break,
                    Err(RecvTimeoutError::Disconnected) => return,
                }
                next = requests.recv_timeout(Duration::ZERO);
            }
        }
    }

    /// Follows a run and others; one that is followed already is not read anew.
    fn watch(&mut self, run: Option<PathBuf>, beside: Vec<PathBuf>) {
        let mut before: Vec<Watched> = self.watched.take().into_iter().collect();
        before.append(&mut self.beside);
        let mut follow = |path: PathBuf| {
            let known = before.iter().position(|watched| watched.path == path);
            match known {
                Some(at) => {
                    let mut watched = before.swap_remove(at);
                    watched.tell_again();
                    watched
                }
                None => Watched::new(path),
            }
        };
        self.watched = run.map(&mut follow);
        self.beside = beside.into_iter().map(follow).collect();
    }

    fn read_scores(&self, of: FigureOf, evaluation: &Evaluation) {
        let result = scores::of(&of.run, evaluation).map(Arc::new);
        self.say(Message::Scores { of, result });
    }

    fn look_at_all_runs(&mut self) {
        match self.registry.list(&self.root) {
            Ok(summaries) => self.look_at_runs(summaries),
            Err(error) => {
                let why = shown::text(&error.to_string());
                if self.trouble.as_ref() != Some(&why) {
                    self.trouble = Some(why.clone());
                    self.say(Message::RunsUnreadable(why));
                }
            }
        }
    }

    fn look_at_runs(&mut self, mut summaries: Vec<RunSummary>) {
        let listed: HashSet<PathBuf> = summaries.iter().map(|one| one.path.clone()).collect();
        self.opened.look(&self.extra);
        for (path, name) in &self.opened.found {
            if !listed.contains(path) {
                let summary = self.registry.look(path);
                summaries.extend(summary.map(|summary| RunSummary {
                    name: name.clone(),
                    ..summary
                }));
            }
        }
        summaries.sort_by(|a, b| {
            b.started
                .total_cmp(&a.started)
                .then_with(|| a.name.cmp(&b.name))
        });
        if !self.begun && summaries.len() > FEW_RUNS {
            // Hundreds of journals take longer to read than people should wait for a list.
            let at_once = summaries.iter().map(without_files).collect();
            self.say(Message::Runs(at_once));
        }
        let told: HashMap<PathBuf, Arc<RunSnapshot>> = std::mem::take(&mut self.told)
            .into_iter()
            .map(|told| (told.path.clone(), told))
            .collect();
        let paths: HashSet<&PathBuf> = summaries.iter().map(|summary| &summary.path).collect();
        self.files.retain(|path, _| paths.contains(path));
        let mut unchanged = summaries.len() == told.len();
        let runs: Vec<Arc<RunSnapshot>> = summaries
            .iter()
            .map(|summary| {
                let before = told.get(&summary.path);
                let snapshot = self.snapshot(summary, before);
                unchanged &= before.is_some_and(|before| Arc::ptr_eq(before, &snapshot));
                snapshot
            })
            .collect();
        self.told.clone_from(&runs);
        if unchanged && self.begun && self.trouble.is_none() {
            return;
        }
        self.begun = true;
        self.trouble = None;
        self.say(Message::Runs(runs));
    }

    /// What is known of a run now; the same as before where nothing changed.
    fn snapshot(
        &mut self,
        summary: &RunSummary,
        before: Option<&Arc<RunSnapshot>>,
    ) -> Arc<RunSnapshot> {
        let mut snapshot = without_files(summary);
        if let Contents::Run(details) = &mut Arc::make_mut(&mut snapshot).contents
            // It may have been removed since it was listed.
            && let Some((files, changed)) = self.files_of(&summary.path)
        {
            let known = before.and_then(|before| Some((before, before.details()?)));
            if let Some((before, known)) = known
                && !changed
                && same(&known.status, &details.status)
            {
                return Arc::clone(before);
            }
            files.tell(details);
        }
        match before {
            Some(before) if same(before.as_ref(), snapshot.as_ref()) => Arc::clone(before),
            _ => snapshot,
        }
    }

    /// What is remembered of a run, and whether any of it is new.
    fn files_of(&mut self, path: &Path) -> Option<(&Files, bool)> {
        let watched = self
            .watched
            .as_ref()
            .is_some_and(|watched| watched.path == path);
        let run = RunDirectory::open(path).ok()?;
        let files = self
            .files
            .entry(path.to_owned())
            .or_insert_with(|| Files::of(&run));
        let changed = files.look(&run, watched);
        Some((files, changed))
    }

    fn look_at_curves(&mut self) {
        let followed = self.watched.iter_mut().chain(&mut self.beside);
        let news: Vec<Curves> = followed
            .filter_map(|watched| watched.look(&self.indexes))
            .collect();
        for curves in news {
            self.say(Message::Curves(curves));
        }
    }

    fn say(&self, message: Message) {
        // A screen that has gone needs no news; the loop ends at its next turn.
        let _ = self.messages.send(message);
    }
}

impl Opened {
    /// Looks for runs and logs in the folders, unless that was done a moment ago.
    fn look(&mut self, folders: &[PathBuf]) {
        let begun = Instant::now();
        if self.rests_until.is_some_and(|until| begun < until) {
            return;
        }
        self.found.clear();
        for folder in folders {
            let above = folder.file_name().filter(|_| folders.len() > 1);
            self.found
                .extend(registry::below(folder).into_iter().map(|(path, name)| {
                    // Of several folders each says which one it is in.
                    let name = match above {
                        Some(above) if path != *folder => {
                            format!("{}/{name}", above.to_string_lossy())
                        }
                        _ => name,
                    };
                    (path, name)
                }));
        }
        // A large tree takes long to look through, and is looked through seldom.
        let rest = begun.elapsed() * OPENED_REST;
        self.rests_until = Some(Instant::now() + rest.max(TURN));
    }
}

/// Whether two of a kind read alike; a NaN reads like a NaN, though it doesn't equal one.
fn same<T: PartialEq + Debug>(a: &T, b: &T) -> bool {
    a == b || format!("{a:?}") == format!("{b:?}")
}

#[cfg(test)]
mod tests;
