use std::io::Write;

use proptest::prelude::*;

use super::super::EventWriter;
use super::*;

fn log_of(steps: std::ops::Range<u64>) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = EventWriter::append(folder.path()).unwrap();
    for step in steps {
        writer
            .scalars(step, [("loss/total", step as f64), ("loss/margin", 0.5)])
            .unwrap();
    }
    drop(writer);
    fs::read(&event_files(folder.path()).unwrap()[0]).unwrap()
}

fn steps_of(events: &[Event]) -> Vec<u64> {
    let scalars = events
        .iter()
        .filter(|event| event.what != What::SessionStart);
    scalars.map(|event| event.step).collect()
}

#[test]
fn what_is_written_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut tail = EventTail::open(folder.path()).unwrap();
    assert!(tail.poll().unwrap().is_empty());
    let mut writer = EventWriter::append(folder.path()).unwrap();
    let beginning = tail.poll().unwrap();
    assert_eq!((beginning.len(), beginning[0].step), (1, 0));
    assert_eq!(beginning[0].what, What::SessionStart);
    writer.session_start(3).unwrap();
    writer
        .scalars(3, [("loss/total", 1.5), ("speed", f64::NAN)])
        .unwrap();
    writer.flush().unwrap();
    let events = tail.poll().unwrap();
    assert_eq!((events.len(), events[0].step, events[1].step), (2, 3, 3));
    assert_eq!(events[0].what, What::SessionStart);
    let What::Scalars(values) = &events[1].what else {
        panic!("scalars expected")
    };
    assert_eq!(values[0], ("loss/total".to_owned(), 1.5));
    assert!(values[1].1.is_nan());
    assert!(tail.poll().unwrap().is_empty());
}

#[test]
fn a_later_session_sorts_after_an_earlier_one_whatever_the_clock_says() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder
            .path()
            .join("events.out.tfevents.4000000000.elsewhere.1.0"),
        log_of(0..1),
    )
    .unwrap();
    let mut writer = EventWriter::append(folder.path()).unwrap();
    writer.scalars(9, [("a", 1.0)]).unwrap();
    drop(writer);
    let events = EventTail::open(folder.path()).unwrap().poll().unwrap();
    assert_eq!(steps_of(&events), [0, 9]);
}

#[test]
fn torn_at_any_byte_waits_and_goes_on_when_completed() {
    let bytes = log_of(0..3);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.out.tfevents.1");
    for cut in 0..bytes.len() {
        fs::write(&path, &bytes[..cut]).unwrap();
        let mut tail = EventTail::open(folder.path()).unwrap();
        let mut events = tail.poll().unwrap();
        assert_eq!(tail.skipped_bytes(), 0);
        let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(&bytes[cut..]).unwrap();
        events.extend(tail.poll().unwrap());
        assert_eq!(steps_of(&events), [0, 1, 2], "cut {cut}");
    }
}

#[test]
fn a_torn_record_with_others_after_it_costs_only_itself() {
    let whole = log_of(0..2);
    let longer = log_of(0..3);
    for cut in whole.len()..longer.len() {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = longer[..cut].to_vec();
        bytes.extend(log_of(7..9));
        fs::write(folder.path().join("x.tfevents.1"), &bytes).unwrap();
        let mut tail = EventTail::open(folder.path()).unwrap();
        assert_eq!(steps_of(&tail.poll().unwrap()), [0, 1, 7, 8], "cut {cut}");
        assert_eq!(tail.skipped_bytes(), (cut - whole.len()) as u64);
    }
}

#[test]
fn a_changed_byte_costs_one_record() {
    let bytes = log_of(0..3);
    let folder = tempfile::tempdir().unwrap();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        fs::write(folder.path().join("x.tfevents.1"), &changed).unwrap();
        let events = EventTail::open(folder.path()).unwrap().poll().unwrap();
        let steps = steps_of(&events);
        assert!(steps.len() >= 2, "byte {at}: {steps:?}");
    }
}

#[test]
fn records_larger_than_a_piece_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = log_of(0..1);
    record::append(&mut bytes, &vec![0; 3 * PIECE_BYTES as usize]);
    bytes.extend(log_of(5..6));
    fs::write(folder.path().join("x.tfevents.1"), &bytes).unwrap();
    let events = EventTail::open(folder.path()).unwrap().poll().unwrap();
    assert_eq!(steps_of(&events), [0, 5]);
}

#[test]
fn long_logs_come_in_pieces_and_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("x.tfevents.1"), log_of(0..100_000)).unwrap();
    let mut tail = EventTail::open(folder.path()).unwrap();
    let mut list = EventList::default();
    assert_eq!(tail.read(&mut list).unwrap(), Progress::More);
    assert!(list.events.len() < 100_000);
    let mut events = list.events;
    events.extend(tail.poll().unwrap());
    assert!(steps_of(&events).into_iter().eq(0..100_000));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_bytes_between_records_are_stepped_over(
        garbage in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..6),
        cut in 0..40_usize,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let record = |step: u64| {
            let whole = log_of(step..step + 1);
            // Without the file's own beginning: its version and its session start.
            let mut at = 0;
            for _ in 0..2 {
                let Record::Whole { length, .. } = record::parse(&whole[at..]) else { panic!("no record") };
                at += length;
            }
            whole[at..].to_vec()
        };
        let mut bytes = Vec::new();
        for (step, garbage) in (0..).zip(&garbage) {
            bytes.extend_from_slice(garbage);
            bytes.extend(record(step));
        }
        bytes.extend_from_slice(&record(99)[..cut]);
        fs::write(folder.path().join("x.tfevents.1"), &bytes).unwrap();
        let mut tail = EventTail::open(folder.path()).unwrap();
        let steps = steps_of(&tail.poll().unwrap());
        prop_assert_eq!(steps, (0..garbage.len() as u64).collect::<Vec<_>>());
        let stepped_over: usize = garbage.iter().map(Vec::len).sum();
        prop_assert_eq!(tail.skipped_bytes(), stepped_over as u64);
    }
}
