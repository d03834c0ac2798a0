use super::*;
use crate::run::JobKind;

fn run_with(state: RunState) -> (tempfile::TempDir, RunDirectory) {
    let root = tempfile::tempdir().unwrap();
    let run = RunDirectory::create(root.path(), "one").unwrap();
    let mut status = Status::starting("one", JobKind::Train, 100, "cpu");
    status.state = state;
    status.pid = Some(1);
    run.write_status(&status).unwrap();
    (root, run)
}

#[test]
fn a_new_run_is_private_and_its_name_is_taken() {
    let root = tempfile::tempdir().unwrap();
    let runs = root.path().join("deep/runs");
    let run = RunDirectory::create(&runs, "one").unwrap();
    let mode = fs::metadata(run.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    assert!(matches!(
        RunDirectory::create(&runs, "one"),
        Err(RunError::Exists { .. })
    ));
    assert_eq!(RunDirectory::free_name(&runs, "one"), "one-2");
    assert_eq!(RunDirectory::free_name(&runs, "two"), "two");
    assert!(matches!(
        RunDirectory::open(run.path()),
        Err(RunError::NotARun { .. })
    ));
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    let root = tempfile::tempdir().unwrap();
    for name in ["", ".", "..", "a/b", "-x", "a\u{1b}[2J", "a\nb"] {
        let error = RunDirectory::create(root.path(), name).unwrap_err();
        assert!(matches!(error, RunError::Name { .. }), "{name:?}");
        assert!(!error.to_string().contains('\u{1b}'));
    }
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
}

#[test]
fn the_lock_alone_says_whether_a_worker_lives() {
    let (_root, run) = run_with(RunState::Running);
    let lock = run.try_lock().unwrap();
    assert_eq!(run.status().unwrap().state, RunState::Running);
    drop(lock);
    fs::write(run.log_path(), "one\n\ntwo\nthree\nfour\n").unwrap();
    let status = run.status().unwrap();
    assert_eq!(status.state, RunState::Lost);
    assert_eq!(
        status.last_error.unwrap(),
        "the worker died; its last words: two | three | four"
    );
}

#[test]
fn states_without_a_worker_are_believed() {
    for state in [
        RunState::Parked,
        RunState::Finished,
        RunState::Failed,
        RunState::Stopped,
    ] {
        let (_root, run) = run_with(state);
        assert_eq!(run.status().unwrap().state, state);
    }
}

#[test]
fn a_run_about_to_start_is_given_time() {
    let (_root, run) = run_with(RunState::Starting);
    let mut status = Status::starting("one", JobKind::Train, 100, "cpu");
    run.write_status(&status).unwrap();
    assert_eq!(run.status().unwrap().state, RunState::Starting);
    // The clock is set: neither a start nor its failure is told by it.
    for jump in [-86_400.0, 86_400.0] {
        status.heartbeat += jump;
        run.write_status(&status).unwrap();
        assert_eq!(run.status().unwrap().state, RunState::Starting);
    }
    status.asked_at_uptime = host::uptime().map(|now| now - 16.0);
    run.write_status(&status).unwrap();
    assert_eq!(run.status().unwrap().state, RunState::Lost);
    // A document from before the last boot.
    status.asked_at_uptime = host::uptime().map(|now| now + 1000.0);
    run.write_status(&status).unwrap();
    assert_eq!(run.status().unwrap().state, RunState::Lost);
}

#[test]
fn another_hosts_worker_is_judged_by_its_heartbeat() {
    let (_root, run) = run_with(RunState::Running);
    let mut status = run.read_status().unwrap();
    status.host = "elsewhere.invalid".to_owned();
    run.write_status(&status).unwrap();
    assert_eq!(run.status().unwrap().state, RunState::Running);
    status.heartbeat -= 31.0;
    run.write_status(&status).unwrap();
    assert_eq!(run.status().unwrap().state, RunState::Lost);
    // A long step: only the lock file still tells of the worker.
    drop(run.try_lock().unwrap());
    assert_eq!(run.status().unwrap().state, RunState::Running);
}

#[test]
fn a_heartbeat_that_moves_is_seen_whatever_the_clocks_say() {
    let (_root, run) = run_with(RunState::Running);
    let mut status = run.read_status().unwrap();
    status.host = "elsewhere.invalid".to_owned();
    status.heartbeat -= 86_400.0;
    run.write_status(&status).unwrap();
    assert!(!run.beats_within(Duration::from_millis(150)).unwrap());
    let other = run.clone();
    let beating = thread::spawn(move || {
        thread::sleep(Duration::from_millis(150));
        status.heartbeat += 0.5;
        other.write_status(&status).unwrap();
    });
    assert!(run.beats_within(Duration::from_secs(20)).unwrap());
    beating.join().unwrap();
}

#[test]
fn half_a_status_is_a_clear_error_and_no_panic() {
    let (_root, run) = run_with(RunState::Parked);
    let whole = fs::read(run.status_path()).unwrap();
    let end = whole.iter().rposition(|byte| *byte == b'}').unwrap();
    for cut in 0..end {
        fs::write(run.status_path(), &whole[..cut]).unwrap();
        let error = run.status().unwrap_err().to_string();
        assert!(error.contains("status.json: not a readable"), "{error}");
    }
    fs::write(run.status_path(), r#"{"name":"one"}"#).unwrap();
    let error = run.status().unwrap_err().to_string();
    assert!(error.contains("missing field `kind`"), "{error}");
}

#[test]
fn a_scalar_that_is_not_a_number_can_be_written_and_read() {
    let (_root, run) = run_with(RunState::Failed);
    let mut status = run.read_status().unwrap();
    status.scalars.insert("loss/total".to_owned(), f64::NAN);
    status.scalars.insert("loss/margin".to_owned(), 0.5);
    run.write_status(&status).unwrap();
    let scalars = run.status().unwrap().scalars;
    assert!(scalars["loss/total"].is_nan());
    assert!((scalars["loss/margin"] - 0.5).abs() < 1e-12);
}

#[test]
fn a_directory_that_others_may_write_takes_no_commands() {
    let (_root, run) = run_with(RunState::Running);
    run.send(&Command::Pause).unwrap();
    assert_eq!(run.take_commands().unwrap().commands, [Command::Pause]);
    fs::set_permissions(run.path(), fs::Permissions::from_mode(0o770)).unwrap();
    for error in [
        run.send(&Command::Pause).unwrap_err(),
        run.take_commands().unwrap_err(),
        run.try_lock().unwrap_err(),
    ] {
        assert!(error.to_string().contains("chmod go-w"), "{error}");
    }
    run.status().unwrap();
    fs::set_permissions(run.path(), fs::Permissions::from_mode(0o700)).unwrap();
    run.send(&Command::Pause).unwrap();
    let inbox = run.path().join("inbox");
    fs::set_permissions(&inbox, fs::Permissions::from_mode(0o703)).unwrap();
    for error in [
        run.send(&Command::Pause).unwrap_err(),
        run.take_commands().unwrap_err(),
        run.try_lock().unwrap_err(),
    ] {
        assert!(error.to_string().contains("inbox"), "{error}");
    }
}

#[test]
fn a_job_comes_back_from_its_file() {
    use crate::run::Work;
    let (_root, run) = run_with(RunState::Parked);
    let job = Job {
        device: crate::config::DeviceChoice::Auto,
        work: Work::Train {
            from: None,
            auto_batch: false,
        },
    };
    run.save_job(&job).unwrap();
    assert_eq!(run.job().unwrap(), job);
    fs::write(run.job_path(), "device = 3").unwrap();
    let error = run.job().unwrap_err().to_string();
    assert!(error.contains("job.toml") && error.contains("line 1"));
}
