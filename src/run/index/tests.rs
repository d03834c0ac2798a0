use std::fs::{OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::run::{CurveLog, EventWriter, JobKind, Status};

/// A log with an index that knows the first part of it.
struct Bench {
    root: tempfile::TempDir,
    home: IndexHome,
}

fn bench() -> Bench {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("log")).unwrap();
    let cache = Some(root.path().join("cache"));
    Bench {
        root,
        home: IndexHome {
            in_runs: true,
            cache,
        },
    }
}

impl Bench {
    fn folder(&self) -> PathBuf {
        self.root.path().join("log")
    }

    fn write(&self, steps: std::ops::Range<u64>) {
        let mut writer = EventWriter::append(&self.folder()).unwrap();
        write_to(&mut writer, steps);
    }

    /// Reads everything and writes an index of it, however short it is.
    fn index(&self) -> PathBuf {
        let log = self.read_with(&IndexHome::default());
        let (scalars, places) = (log.scalars(), log.tail().places());
        save(&self.folder(), &self.home, scalars, places, 0).unwrap();
        self.home.place(&self.folder()).unwrap()
    }

    fn read_with(&self, home: &IndexHome) -> CurveLog {
        let mut log = CurveLog::open(&self.folder(), home).unwrap();
        while log.read().unwrap().more {}
        log
    }

    fn loaded(&self) -> Option<Indexed> {
        load(&self.folder(), &self.home)
    }

    /// That reading with the index gives what reading without it gives.
    fn assert_same(&self) {
        let with = self.read_with(&self.home);
        let without = self.read_with(&IndexHome::default());
        assert_eq!(told(with.scalars()), told(without.scalars()));
        assert_eq!(with.scalars().rewinds(), without.scalars().rewinds());
        assert_eq!(with.skipped_bytes(), without.skipped_bytes());
    }
}

fn write_to(writer: &mut EventWriter, steps: std::ops::Range<u64>) {
    for step in steps {
        let value = if step % 100 == 7 {
            f64::NAN
        } else {
            1.0 / step as f64
        };
        let values = [("loss/total", value), ("train/accuracy", step as f64)];
        writer.scalars(step, values).unwrap();
    }
    writer.flush().unwrap();
}

/// Every bit of every point.
fn told(scalars: &Scalars) -> Vec<(String, Vec<[u64; 3]>)> {
    let bits = |point: Point| [point.step, point.wall_time.to_bits(), point.value.to_bits()];
    let curves = scalars.curves();
    curves
        .map(|curve| (curve.tag().to_owned(), curve.points().map(bits).collect()))
        .collect()
}

#[test]
fn an_index_brings_back_every_point_and_the_rest_is_read_from_the_log() {
    let bench = bench();
    bench.write(0..5000);
    bench.index();
    assert_eq!(
        bench.loaded().unwrap().scalars.points("loss/total").len(),
        5000
    );
    bench.assert_same();
    let mut writer = EventWriter::append(&bench.folder()).unwrap();
    write_to(&mut writer, 5000..6000);
    assert!(bench.loaded().is_some());
    bench.assert_same();
    bench.index();
    // A resume undoes points that the index has.
    writer.session_start(4321).unwrap();
    write_to(&mut writer, 4321..7000);
    assert_eq!(
        bench.loaded().unwrap().scalars.points("loss/total").len(),
        6000
    );
    bench.assert_same();
    bench.index();
    assert_eq!(bench.loaded().unwrap().scalars.rewinds(), [4321]);
    bench.assert_same();
}

#[test]
fn an_index_of_another_log_is_not_believed() {
    let bench = bench();
    bench.write(0..2000);
    let place = bench.index();
    let good = fs::read(&place).unwrap();
    let log = event_files(&bench.folder()).unwrap().remove(0);
    let bytes = fs::read(&log).unwrap();
    let refused = |what: &str| {
        assert!(bench.loaded().is_none(), "{what}");
        bench.assert_same();
        fs::write(&log, &bytes).unwrap();
        bench.index();
        assert!(bench.loaded().is_some(), "{what}");
        fs::write(&place, &good).unwrap();
    };
    fs::write(&log, &bytes[..bytes.len() - 1]).unwrap();
    refused("shorter");
    let mut other = bytes.clone();
    other[bytes.len() / 2] ^= 1;
    fs::write(&log, &other).unwrap();
    refused("changed in the middle, length as before");
    other.extend_from_slice(&bytes);
    other[bytes.len() - 10] ^= 1;
    fs::write(&log, &other).unwrap();
    refused("changed and longer");
    fs::remove_file(&log).unwrap();
    refused("gone");
    let before = bench.folder().join("a.tfevents.1");
    fs::write(&before, &bytes).unwrap();
    assert!(bench.loaded().is_none(), "a file that sorts before");
    bench.assert_same();
    fs::remove_file(&before).unwrap();
    bench.index();
    fs::write(bench.folder().join("z.tfevents.1"), &bytes).unwrap();
    assert!(
        bench.loaded().is_some(),
        "a file that sorts behind is no harm"
    );
    bench.assert_same();
}

#[test]
fn torn_or_changed_at_any_byte_it_is_ignored() {
    let bench = bench();
    bench.write(0..1100);
    let place = bench.index();
    let good = fs::read(&place).unwrap();
    let files = event_files(&bench.folder()).unwrap();
    let read = |bytes: Vec<u8>| read(&bytes.into(), &bench.folder(), &files);
    assert!(read(good.clone()).is_some());
    for at in 0..good.len() {
        assert!(read(good[..at].to_vec()).is_none(), "cut at {at}");
        let mut changed = good.clone();
        changed[at] ^= 0x40;
        assert!(read(changed).is_none(), "changed at {at}");
    }
    fs::write(&place, &good[..good.len() / 2]).unwrap();
    bench.assert_same();
}

#[test]
fn an_index_made_with_ill_will_does_no_harm() {
    let bench = bench();
    bench.write(0..1100);
    let good = fs::read(bench.index()).unwrap();
    let files = event_files(&bench.folder()).unwrap();
    let mut believed = 0;
    for at in 4..good.len() {
        for value in [0, 0x7f, 0xff] {
            let mut bytes = good.clone();
            bytes[at] = value;
            let mut writer = Writer::with_room(bytes.len());
            writer.bytes(&bytes[4..]);
            let Some(indexed) = read(&writer.sealed().into(), &bench.folder(), &files) else {
                continue;
            };
            believed += 1;
            let mut scalars = indexed.scalars;
            let points: usize = told(&scalars).iter().map(|(_, points)| points.len()).sum();
            assert!(points <= 4 * 1100, "{points} points");
            scalars.rewind(500);
            scalars.push(
                b"loss/total",
                Point {
                    step: 1,
                    wall_time: 0.0,
                    value: 0.0,
                },
            );
        }
    }
    assert!(believed > 100, "some changes only change values");
}

#[test]
fn names_in_an_index_lead_nowhere_else() {
    let bench = bench();
    bench.write(0..10);
    let good = fs::read(bench.index()).unwrap();
    let name = event_files(&bench.folder()).unwrap()[0]
        .file_name()
        .unwrap()
        .to_owned();
    let name = name.as_encoded_bytes();
    let at = good
        .windows(name.len())
        .position(|part| part == name)
        .unwrap();
    let pipe = bench.root.path().join("pipe");
    // Opening it would wait for a writer for good.
    let made = std::process::Command::new("mkfifo")
        .arg(&pipe)
        .status()
        .unwrap();
    assert!(made.success());
    let elsewhere = format!("{:/>width$}", pipe.display(), width = name.len());
    assert_eq!(elsewhere.len(), name.len());
    let mut bytes = good[4..].to_vec();
    bytes[at - 4..][..name.len()].copy_from_slice(elsewhere.as_bytes());
    let mut writer = Writer::with_room(bytes.len());
    writer.bytes(&bytes);
    let files = event_files(&bench.folder()).unwrap();
    assert!(read(&writer.sealed().into(), &bench.folder(), &files).is_none());
}

#[test]
fn only_own_private_runs_hold_their_index() {
    let bench = bench();
    let folder = bench.folder();
    let cached = bench.home.cached(&folder).unwrap();
    assert_eq!(bench.home.place(&folder).unwrap(), cached, "no run");
    let run = RunDirectory::create(bench.root.path(), "run").unwrap();
    run.write_status(&Status::starting("run", JobKind::Train, 1, "cpu"))
        .unwrap();
    let inside = run.path().join("index/curves");
    assert_eq!(bench.home.place(run.path()).unwrap(), inside);
    let readonly = IndexHome {
        in_runs: false,
        ..bench.home.clone()
    };
    assert!(
        readonly
            .place(run.path())
            .unwrap()
            .starts_with(bench.root.path().join("cache"))
    );
    assert_eq!(IndexHome::default().place(run.path()), None);
    fs::set_permissions(run.path(), Permissions::from_mode(0o770)).unwrap();
    assert_ne!(
        bench.home.place(run.path()).unwrap(),
        inside,
        "others may write"
    );
}

#[test]
fn a_long_log_gets_its_index_by_being_read_and_a_short_one_none() {
    let bench = bench();
    bench.write(0..1000);
    CurveLog::read_all(&bench.folder(), &bench.home).unwrap();
    assert!(!bench.home.place(&bench.folder()).unwrap().exists());
    bench.write(1000..100_000);
    CurveLog::read_all(&bench.folder(), &bench.home).unwrap();
    let place = bench.home.place(&bench.folder()).unwrap();
    assert!(place.exists());
    bench.assert_same();
    assert_eq!(
        fs::metadata(place.parent().unwrap())
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o700
    );
    // A log that grows is indexed again once an eighth of it is new.
    let mut log = bench.read_with(&bench.home);
    assert!(log.pending_index().is_none());
    bench.write(100_000..110_000);
    while log.read().unwrap().more {}
    assert!(log.pending_index().is_none());
    bench.write(110_000..200_000);
    while log.read().unwrap().more {}
    log.pending_index().unwrap().write().unwrap();
    assert!(log.pending_index().is_none());
    assert_eq!(
        bench.loaded().unwrap().scalars.points("loss/total").len(),
        200_000
    );
}

#[test]
fn the_oldest_indexes_make_room() {
    let folder = tempfile::tempdir().unwrap();
    for (name, age) in [
        ("a.curves", 30),
        ("b.curves", 10),
        ("c.curves", 20),
        ("other", 40),
    ] {
        let path = folder.path().join(name);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(path)
            .unwrap();
        file.write_all(&[0; 100]).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(age))
            .unwrap();
    }
    make_room(folder.path(), 200);
    let mut left: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["b.curves", "c.curves", "other"]);
}
