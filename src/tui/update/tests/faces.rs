use super::*;
use crate::tui::evidence;
use crate::tui::triage::Change;

/// The change of the error list that is the only effect.
fn change_in(effects: &[Effect]) -> &Change {
    let [
        Effect::Evidence(evidence::Request::Errors {
            change: Some(change),
            ..
        }),
    ] = effects
    else {
        panic!("{effects:?}");
    };
    change
}

#[test]
fn the_view_of_pairs_asks_for_what_it_shows_and_once() {
    let mut model = fixtures::busy();
    let effects = press(&mut model, '4');
    let [
        Effect::Evidence(evidence::Request::Errors {
            change: None,
            figure: Some(_),
        }),
        Effect::Evidence(evidence::Request::Failing { figure, .. }),
    ] = effects.as_slice()
    else {
        panic!("{effects:?}");
    };
    let of = figure.of.clone();
    assert_eq!(of.run, path("eval-lfw"));
    assert!(press(&mut model, 'j').is_empty(), "it is being read");
    let result = Ok(Arc::new(fixtures::failing()));
    let effects = update(
        &mut model,
        Message::Failing {
            of: of.clone(),
            result,
        },
    );
    assert!(
        matches!(effects.as_slice(), [Effect::Evidence(evidence::Request::Faces(FacesOf::Pair(one, _), _))] if *one == of),
        "{effects:?}"
    );
    let other = FigureOf {
        set: "other".to_owned(),
        ..of
    };
    let missing = Err("nothing".to_owned());
    update(
        &mut model,
        Message::Failing {
            of: other,
            result: missing,
        },
    );
    assert!(
        model.triage.failing().is_some(),
        "an answer about another is not taken"
    );
}

#[test]
fn a_marked_video_is_listed_with_its_reason_and_the_figures_follow() {
    let mut model = fixtures::failing_pairs();
    type_text(&mut model, "jj");
    press_code(&mut model, KeyCode::Right);
    press(&mut model, 'm');
    type_text(&mut model, "not sx");
    press_code(&mut model, KeyCode::Backspace);
    type_text(&mut model, "he");
    let effects = press_code(&mut model, KeyCode::Enter);
    let pair = &model.triage.selected_pair().unwrap().pair;
    let change = change_in(&effects);
    assert_eq!(change.video, pair.b);
    assert_eq!(
        change.note.as_ref().unwrap().reason.as_deref(),
        Some("not she")
    );

    let names = ["Alma_Powell/2", &pair.b.clone()];
    let refigured = Some(fixtures::refigured(&model, 4));
    let result = Ok(Arc::new(fixtures::errors(&names)));
    update(&mut model, Message::Errors { result, refigured });
    assert_eq!(model.triage.refigured.as_ref().unwrap().listed, 4);
    assert_eq!(model.triage.before.as_ref().unwrap().listed, 3);

    let effects = press(&mut model, 'u');
    let undo = change_in(&effects);
    assert_eq!((undo.video.as_str(), &undo.note), (names[1], &None));
    assert!(press(&mut model, 'u').is_empty());
    assert!(notice(&model).contains("nothing was changed"));
}

#[test]
fn taking_off_is_undone_with_the_note_it_had() {
    let mut model = fixtures::error_list();
    let effects = press(&mut model, 'x');
    let change = change_in(&effects);
    assert_eq!(
        (change.video.as_str(), &change.note),
        ("Alma_Powell/2", &None)
    );
    let effects = press(&mut model, 'u');
    let undo = change_in(&effects);
    let note = undo.note.as_ref().unwrap();
    assert_eq!(note.reason.as_deref(), Some("shows another woman"));
    assert_eq!(note.by.as_deref(), Some("ada"));
}

#[test]
fn a_video_is_added_by_name_and_reason() {
    let mut model = fixtures::error_list();
    press(&mut model, 'a');
    type_text(&mut model, "Gus_Roth/1");
    assert!(press_code(&mut model, KeyCode::Enter).is_empty());
    type_text(&mut model, "twin");
    let effects = press_code(&mut model, KeyCode::Enter);
    let change = change_in(&effects);
    assert_eq!(change.video, "Gus_Roth/1");
    press(&mut model, 'E');
    let effects = press_code(&mut model, KeyCode::Enter);
    assert_eq!(
        effects,
        [Effect::Evidence(evidence::Request::Export(PathBuf::from(
            "ytf-errors.csv"
        )))]
    );
}

#[test]
fn a_change_that_fails_is_told_and_leaves_the_list() {
    let mut model = fixtures::error_list();
    press(&mut model, 'x');
    let result = Err("disk full".to_owned());
    update(
        &mut model,
        Message::Errors {
            result,
            refigured: None,
        },
    );
    assert_eq!(notice(&model), "disk full");
    assert_eq!(model.triage.errors().unwrap().entries.len(), 3);
    assert!(
        model.triage.undo.is_empty(),
        "what was not done can't be undone"
    );
}

#[test]
fn only_looking_changes_no_list_and_images_are_in_none() {
    for key in ['m', 'u', 'x', 'a'] {
        let mut model = fixtures::error_list();
        model.access = Access::ReadOnly;
        assert!(press(&mut model, key).is_empty());
        assert!(notice(&model).contains("read-only"), "{key}");
        assert!(model.overlay.is_none());
    }
    let mut model = fixtures::failing_pairs();
    let images = crate::tui::triage::Failing {
        videos: false,
        ..fixtures::failing()
    };
    model.triage.failing = Some(crate::tui::model::Known::Ready(Arc::new(images)));
    press(&mut model, 'm');
    assert!(notice(&model).contains("this set is of images"));
}

#[test]
fn pairs_are_ordered_and_filtered() {
    let mut model = fixtures::failing_pairs();
    let folds = |model: &Model| -> Vec<Option<usize>> {
        model
            .triage
            .lines()
            .iter()
            .map(|failed| failed.pair.fold)
            .collect()
    };
    press(&mut model, 'o');
    press(&mut model, 'o');
    let ordered = folds(&model);
    assert!(
        ordered[..11].is_sorted() && ordered[11].is_none(),
        "{ordered:?}"
    );
    press(&mut model, 'f');
    assert_eq!(model.triage.lines().len(), 8);
    press(&mut model, '/');
    type_text(&mut model, "alma");
    assert_eq!(
        model.triage.lines().len(),
        2,
        "a filter holds while it is typed"
    );
    press_code(&mut model, KeyCode::Enter);
    assert_eq!(model.triage.lines().len(), 2);
    press(&mut model, '/');
    press_code(&mut model, KeyCode::Esc);
    assert_eq!(model.triage.lines().len(), 8);
}

#[test]
fn a_track_is_played_around_its_end_and_stopped_by_hand() {
    let mut model = fixtures::failing_pairs();
    assert!(!plays(&model));
    press(&mut model, ' ');
    assert!(plays(&model));
    for _ in 0..21 {
        update(&mut model, Message::NextFrame);
    }
    assert_eq!(model.triage.player.frame, 1);
    press(&mut model, ',');
    assert_eq!((model.triage.player.frame, plays(&model)), (0, false));
    press(&mut model, ',');
    assert_eq!(model.triage.player.frame, 19);
    press(&mut model, 'j');
    assert_eq!(
        model.triage.player.frame, 0,
        "another pair begins at its first frame"
    );
    assert!(press(&mut model, ' ').is_empty());
    assert!(
        notice(&model).contains("no track to play"),
        "its pictures aren't there yet"
    );
}

/// The busy dashboard with three runs that only evaluate: two of images, one of videos.
fn three_evaluations() -> Model {
    let mut model = fixtures::busy();
    let mut runs = fixtures::runs();
    let one = runs.iter().find(|run| run.name == "eval-lfw").unwrap();
    let named = |name: &str, pooling: Option<&str>| {
        let mut run = one.as_ref().clone();
        run.path = path(name);
        run.name = name.to_owned();
        let Contents::Run(details) = &mut run.contents else {
            panic!("it can be read");
        };
        for evaluation in &mut details.results {
            evaluation.provenance.pooling = pooling.map(str::to_owned);
        }
        Arc::new(run)
    };
    let more = [named("eval-agedb", None), named("eval-ytf", Some("mean"))];
    runs.extend(more);
    update(&mut model, Message::Runs(runs));
    model
}

#[test]
fn evaluations_are_turned_over_around_the_end() {
    let mut model = three_evaluations();
    press(&mut model, '4');
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(model.triage.figure.clone().unwrap().run);
        press(&mut model, ']');
    }
    assert_eq!(seen[..3], ["eval-lfw", "eval-agedb", "eval-ytf"].map(path));
    assert_eq!(seen[3], seen[0]);
    press(&mut model, '[');
    press(&mut model, '[');
    assert_eq!(
        model.triage.figure.clone().unwrap().run,
        path("eval-ytf").clone()
    );
}

#[test]
fn the_error_list_begins_with_and_turns_to_evaluations_of_videos() {
    let mut model = three_evaluations();
    press(&mut model, '5');
    let run = |model: &Model| model.triage.figure.clone().unwrap().run;
    assert_eq!(run(&model), path("eval-ytf"));
    press(&mut model, ']');
    assert_eq!(run(&model), path("eval-ytf"));
    assert!(notice(&model).contains("no other evaluation"));

    let mut model = three_evaluations();
    press(&mut model, '4');
    press(&mut model, '5');
    assert_eq!(run(&model), path("eval-lfw"), "what was chosen stays");
    press(&mut model, ']');
    assert_eq!(run(&model), path("eval-ytf"), "the next of videos");
}
