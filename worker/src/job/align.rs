//! The alignment job: pictures and videos to aligned faces, the ones already done left alone.

mod ledger;

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use facetui::{
    config::DeviceChoice,
    data::{FaceLandmarks, Image, UnalignedItem, UnalignedKind, UnalignedSource},
    run::{AlignOptions, AlignReport, EventWriter, FaceChoice, JournalEvent, RunState},
    untrusted::visible,
};

use super::{
    JobError,
    session::{Order, Session},
};
use crate::{
    align::{
        Detector, DetectorError, DetectorOptions,
        finder::{Finder, chosen},
        frames::{Frames, NextFrame, decoded},
        output::{FaceFolder, OutputError, track_name},
        tracks::Track,
        video::{VideoError, about_frames},
    },
    model::device,
};
use ledger::{FaceCounts, Ledger, Outcome, VideoProgress, Written};

/// How often progress within a video and the report are written.
const KEEP_EVERY: Duration = Duration::from_secs(20);
/// How often the scalars are written.
const SCALARS_EVERY: Duration = Duration::from_secs(1);
/// So many broken files are told in the journal; the list has them all.
const TOLD_BROKEN: u64 = 20;

impl From<OutputError> for JobError {
    fn from(error: OutputError) -> Self {
        Self::Engine(error.to_string())
    }
}

impl From<DetectorError> for JobError {
    fn from(error: DetectorError) -> Self {
        Self::input(error)
    }
}

/// Finds the faces of the source and writes them aligned.
pub fn align(
    session: &mut Session,
    choice: DeviceChoice,
    source: &Path,
    options: AlignOptions,
) -> Result<(), JobError> {
    session.enter(RunState::Starting, Some("device"))?;
    let device = device::open(choice)?;
    session.status.device.clone_from(&device.name);

    session.enter(RunState::Starting, Some("detector"))?;
    let wanted = DetectorOptions {
        min_face: options.min_face,
        threshold: options.threshold,
    };
    let detector = options.detector.as_deref();
    let detector = detector
        .map(|folder| Detector::load(folder, &device.device, wanted))
        .transpose()?;

    session.enter(RunState::Starting, Some("looking for pictures"))?;
    let found = UnalignedSource::open(source, options.images.as_deref(), options.tracks)
        .map_err(JobError::input)?;
    let landmarks = match &options.landmarks {
        Some(table) => FaceLandmarks::open(table).map_err(JobError::input)?,
        None => FaceLandmarks::default(),
    };
    let mut ledger = Ledger::open(&session.run)?;
    source.clone_into(&mut ledger.report.source);
    ledger.report.out.clone_from(&options.out);
    let folder = FaceFolder::create(&options.out, options.format)?;
    let events = EventWriter::append(session.run.path())?;
    let mut work = Work {
        root: found.root,
        finder: Finder {
            detector,
            boxes: found.boxes,
            landmarks,
        },
        options,
        folder,
        ledger,
        events,
        begun: Instant::now(),
        kept: Instant::now(),
        scalars_told: Instant::now(),
        stop_after_item: false,
        broken_told: 0,
    };
    work.begin(session, &found.items, &found.unnamed)?;
    let end = work.items(session, &found.items)?;
    work.end(session, end)
}

/// Why the work ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Finished,
    Parked,
    Stopped,
}

struct Work {
    root: PathBuf,
    finder: Finder,
    options: AlignOptions,
    folder: FaceFolder,
    ledger: Ledger,
    events: EventWriter,
    begun: Instant,
    kept: Instant,
    scalars_told: Instant,
    stop_after_item: bool,
    broken_told: u64,
}

impl Work {
    /// Says how much there is, and how much of it is done.
    fn begin(
        &mut self,
        session: &mut Session,
        items: &[UnalignedItem],
        unnamed: &[PathBuf],
    ) -> Result<(), JobError> {
        session.status.steps = 0;
        let mut done = 0;
        for item in items {
            let images = match &item.kind {
                UnalignedKind::Picture => 1,
                UnalignedKind::Frames(frames) => frames.len() as u64,
                UnalignedKind::Video => about_frames(&self.root.join(&item.name)).unwrap_or(0),
            };
            session.status.steps += images;
            if self.ledger.is_done(&item.name) {
                done += images;
            }
        }
        let video = self.ledger.video.as_ref();
        session.status.step = done + video.map_or(0, |video| video.next_frame);
        if session.status.step > 0 {
            let step = session.status.step;
            session.note(JournalEvent::Resumed { step })?;
            self.events.session_start(step + 1)?;
        }
        for path in unnamed {
            let item = path.to_string_lossy().into_owned();
            if !self.ledger.is_done(&item) {
                let problem = format!("{}: its name is no text; rename it", visible(&item));
                self.record_broken(session, item, problem)?;
            }
        }
        session.enter(RunState::Running, Some("finding faces"))
    }

    fn items(&mut self, session: &mut Session, items: &[UnalignedItem]) -> Result<End, JobError> {
        if let Some(end) = self.pictures(session, items)? {
            return Ok(end);
        }
        for item in items {
            if matches!(item.kind, UnalignedKind::Picture) || self.ledger.is_done(&item.name) {
                continue;
            }
            if let Some(end) = self.video(session, item)? {
                return Ok(end);
            }
            if self.stop_after_item {
                return Ok(End::Stopped);
            }
        }
        Ok(End::Finished)
    }

    /// Aligns the pictures that are left.
    fn pictures(
        &mut self,
        session: &mut Session,
        items: &[UnalignedItem],
    ) -> Result<Option<End>, JobError> {
        let left: Vec<&UnalignedItem> = items
            .iter()
            .filter(|item| {
                matches!(item.kind, UnalignedKind::Picture) && !self.ledger.is_done(&item.name)
            })
            .collect();
        let files = left.iter().map(|item| self.root.join(&item.name));
        let images = decoded(files.collect());
        for (item, image) in left.into_iter().zip(images) {
            if let Some(end) = self.obey(session, None)? {
                return Ok(Some(end));
            }
            match image {
                Ok(image) => {
                    let outcome = self.picture(item, &image)?;
                    self.ledger.record(&outcome)?;
                }
                Err(error) => {
                    self.record_broken(session, item.name.clone(), error.to_string())?;
                }
            }
            self.count(session, None)?;
            if self.stop_after_item {
                return Ok(Some(End::Stopped));
            }
        }
        Ok(None)
    }

    fn picture(&mut self, item: &UnalignedItem, image: &Image) -> Result<Outcome, JobError> {
        let mut outcome = Outcome {
            item: item.name.clone(),
            images: 1,
            ..Outcome::default()
        };
        let faces = chosen(
            self.finder.faces(&item.name, image),
            image,
            self.options.faces,
        );
        let mut counts = FaceCounts::default();
        for (number, face) in faces.into_iter().enumerate() {
            let name = if self.options.faces == FaceChoice::All {
                format!("{}_{number}", item.output)
            } else {
                item.output.clone()
            };
            if let Some(crop) = face.crop(image, self.options.margin) {
                let file = self.folder.write(&name, &crop)?;
                counts.add(face.origin);
                outcome.found.push(Written { file, face });
            }
        }
        outcome.add(counts);
        outcome.no_face = u64::from(outcome.faces == 0);
        Ok(outcome)
    }

    /// Aligns a video's faces, each track in a folder of its own.
    fn video(
        &mut self,
        session: &mut Session,
        item: &UnalignedItem,
    ) -> Result<Option<End>, JobError> {
        let stored = self.ledger.video.take();
        let mut video = stored
            .filter(|video| video.outcome.item == item.name)
            .unwrap_or_else(|| VideoProgress::of(&item.name));
        session.status.phase = Some(item.name.clone());
        let frames = match &item.kind {
            UnalignedKind::Frames(names) => {
                let files = names.iter().map(|name| self.root.join(name)).collect();
                Ok(Frames::of_pictures(files, video.next_frame))
            }
            _ => Frames::of_video(&self.root.join(&item.name), video.next_frame),
        };
        let mut frames = match frames {
            Ok(frames) => frames,
            Err(error @ VideoError::NoProgram) => return Err(JobError::input(error)),
            Err(error) => {
                self.record_broken(session, item.name.clone(), error.to_string())?;
                return Ok(None);
            }
        };
        loop {
            if let Some(end) = self.obey(session, Some(&video))? {
                return Ok(Some(end));
            }
            match frames.next_frame() {
                NextFrame::Frame(image) => self.frame(item, &mut video, &image)?,
                NextFrame::Broken(problem) => {
                    self.tell_broken(session, &problem)?;
                    video.outcome.broken.push(problem);
                }
                NextFrame::Failed(problem) => {
                    self.tell_broken(session, &problem)?;
                    video.outcome.broken.push(problem);
                    break;
                }
                NextFrame::End => break,
            }
            video.outcome.images += 1;
            video.next_frame += 1;
            self.count(session, Some(&video))?;
        }
        for track in video.tracker.end() {
            self.end_track(item, &mut video, track)?;
        }
        video.tracks.sort_by_key(|track| track.number);
        video.outcome.tracks = Some(video.tracks.len() as u64);
        self.folder.write_tracks(&item.output, &video.tracks)?;
        self.ledger.record(&video.outcome)?;
        Ok(None)
    }

    fn frame(
        &mut self,
        item: &UnalignedItem,
        video: &mut VideoProgress,
        image: &Image,
    ) -> Result<(), JobError> {
        let frame = video.next_frame;
        // The name of the frame's own file, or its number.
        let (name, file) = match &item.kind {
            UnalignedKind::Frames(names) => {
                let name = names.get(frame as usize).map_or("", String::as_str);
                let file = name.rsplit('/').next().unwrap_or(name);
                (
                    name,
                    file.rsplit_once('.')
                        .map_or(file, |(stem, _)| stem)
                        .to_owned(),
                )
            }
            _ => ("", format!("{frame:06}")),
        };
        let mut faces = self.finder.faces(name, image);
        let crops: Vec<Image> = {
            let mut crops = Vec::new();
            faces.retain(|face| match face.crop(image, self.options.margin) {
                Some(crop) => {
                    crops.push(crop);
                    true
                }
                None => false,
            });
            crops
        };
        let boxes: Vec<_> = faces.iter().map(|face| (face.bounds, face.score)).collect();
        let (numbers, ended) = video.tracker.follow(frame, image, &boxes);
        for track in ended {
            self.end_track(item, video, track)?;
        }
        for ((face, crop), number) in faces.iter().zip(&crops).zip(numbers) {
            let folder = track_name(&item.output, number);
            self.folder.write(&format!("{folder}/{file}"), crop)?;
            video.of_track.entry(number).or_default().add(face.origin);
        }
        if faces.is_empty() {
            video.outcome.no_face += 1;
            match video.outcome.no_face_frames.last_mut() {
                Some((_, last)) if *last + 1 == frame => *last = frame,
                _ => video.outcome.no_face_frames.push((frame, frame)),
            }
        }
        Ok(())
    }

    /// Keeps a track, or drops it where it is short.
    fn end_track(
        &mut self,
        item: &UnalignedItem,
        video: &mut VideoProgress,
        track: Track,
    ) -> Result<(), JobError> {
        let counts = video.of_track.remove(&track.number).unwrap_or_default();
        if track.faces >= u64::from(self.options.min_track) {
            video.outcome.add(counts);
            video.tracks.push(track);
            return Ok(());
        }
        video.outcome.short_tracks += 1;
        self.folder.drop_track(&item.output, track.number)?;
        Ok(())
    }

    fn record_broken(
        &mut self,
        session: &mut Session,
        item: String,
        problem: String,
    ) -> Result<(), JobError> {
        self.tell_broken(session, &problem)?;
        self.ledger.record(&Outcome {
            item,
            images: 1,
            broken: vec![problem],
            ..Outcome::default()
        })
    }

    fn tell_broken(&mut self, session: &mut Session, problem: &str) -> Result<(), JobError> {
        self.broken_told += 1;
        match self.broken_told {
            ..=TOLD_BROKEN => session.note(JournalEvent::Error {
                message: problem.to_owned(),
            }),
            number if number == TOLD_BROKEN + 1 => session.note(JournalEvent::Note {
                message: "more can't be read: results/broken.txt will name them all".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// Counts an image, and tells and keeps what is due.
    fn count(
        &mut self,
        session: &mut Session,
        video: Option<&VideoProgress>,
    ) -> Result<(), JobError> {
        session.count(1, 1);
        if self.scalars_told.elapsed() >= SCALARS_EVERY {
            self.tell_scalars(session, video)?;
        }
        session.tell()?;
        if self.kept.elapsed() >= KEEP_EVERY {
            self.keep(video)?;
        }
        Ok(())
    }

    fn tell_scalars(
        &mut self,
        session: &mut Session,
        video: Option<&VideoProgress>,
    ) -> Result<(), JobError> {
        self.scalars_told = Instant::now();
        let report = self.ledger.report_with(video);
        let mut scalars = vec![
            ("align/faces", report.faces as f64),
            ("align/no_face", report.no_face as f64),
            ("align/broken", report.broken as f64),
            ("align/tracks", report.tracks as f64),
        ];
        if let Some(speed) = session.status.images_per_second {
            scalars.push(("speed/images_per_second", speed));
        }
        self.events
            .scalars(session.status.step, scalars.iter().copied())?;
        self.events.flush()?;
        let told = scalars
            .into_iter()
            .map(|(tag, value)| (tag.to_owned(), value));
        session.status.scalars.extend(told);
        Ok(())
    }

    fn keep(&mut self, video: Option<&VideoProgress>) -> Result<AlignReport, JobError> {
        self.kept = Instant::now();
        if let Some(video) = video {
            self.ledger.keep_video(video)?;
        }
        self.ledger
            .save_report(self.begun.elapsed().as_secs_f64(), video)
    }

    fn obey(
        &mut self,
        session: &mut Session,
        video: Option<&VideoProgress>,
    ) -> Result<Option<End>, JobError> {
        let mut end = None;
        for order in session.obey()? {
            match order {
                Order::Checkpoint => drop(self.keep(video)?),
                Order::Park => end = end.or(Some(End::Parked)),
                Order::Stop { after_epoch: false } => end = Some(End::Stopped),
                // The nearest that an alignment has to an epoch is a picture or a video.
                Order::Stop { after_epoch: true } => self.stop_after_item = true,
                Order::Set { key, .. } => session.note(JournalEvent::Error {
                    message: format!("set {}: an alignment has no such number", visible(&key)),
                })?,
            }
        }
        if end.is_some() {
            self.keep(video)?;
            self.tell_scalars(session, video)?;
        }
        Ok(end)
    }

    fn end(mut self, session: &mut Session, end: End) -> Result<(), JobError> {
        let first_broken = self.ledger.write_lists()?;
        let state = match end {
            End::Finished => {
                self.keep(None)?;
                self.tell_scalars(session, None)?;
                let report = &self.ledger.report;
                if let Some(first) = first_broken
                    && report.images <= report.broken
                {
                    return Err(JobError::Input(format!(
                        "none of the {} pictures and videos can be read; the first: {first}",
                        report.broken
                    )));
                }
                RunState::Finished
            }
            End::Parked => RunState::Parked,
            End::Stopped => RunState::Stopped,
        };
        session.status.images_per_second = None;
        session.status.eta_seconds = None;
        session.enter(state, None)
    }
}
