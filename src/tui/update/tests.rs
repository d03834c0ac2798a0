use std::path::PathBuf;
use std::sync::Arc;

use crossterm::event::{KeyCode, KeyModifiers};

use super::*;
use crate::run::Command;
use crate::tui::along::AlongBy;
use crate::tui::effect::{LaunchOrder, Manage};
use crate::tui::fixtures::{self, NOW, path};
use crate::tui::message::{Gesture, KeyOf};
use crate::tui::model::{Access, Outcome};
use crate::tui::snapshot::Contents;
use crate::tui::threshold::FigureOf;
use crate::tui::triage::FacesOf;

fn press(model: &mut Model, key: char) -> Vec<Effect> {
    press_code(model, KeyCode::Char(key))
}

fn press_code(model: &mut Model, code: KeyCode) -> Vec<Effect> {
    update(model, Message::Key(KeyEvent::new(code, KeyModifiers::NONE)))
}

/// What is asked for when a run is selected.
fn watched(name: &str) -> [Effect; 2] {
    let watch = Effect::Watch {
        run: Some(path(name)),
        beside: Vec::new(),
    };
    [Effect::LoadView(path(name)), watch]
}

fn notice(model: &Model) -> &str {
    model.notice.as_ref().map_or("", |notice| &notice.text)
}

#[test]
fn the_first_run_is_selected_and_watched() {
    let mut model = fixtures::empty();
    let effects = update(&mut model, Message::Runs(fixtures::runs()));
    assert_eq!(effects, watched("margin-centre"));
    let same = model.runs().to_vec();
    assert!(update(&mut model, Message::Runs(same)).is_empty());
}

#[test]
fn the_selection_stays_with_its_run_when_others_come() {
    let mut model = fixtures::busy();
    press(&mut model, 'j');
    let mut runs = fixtures::runs();
    runs.rotate_right(3);
    update(&mut model, Message::Runs(runs));
    assert_eq!(model.selected_run().unwrap().name, "next-one");
}

#[test]
fn a_run_that_vanishes_gives_its_selection_to_the_first() {
    let mut model = fixtures::busy();
    let rest = fixtures::runs().split_off(1);
    let effects = update(&mut model, Message::Runs(rest));
    assert_eq!(effects, watched("next-one"));
    assert!(model.curves.is_none());
}

#[test]
fn the_focus_opens_its_run_once_it_is_seen() {
    let mut model = fixtures::empty();
    model.focus = Some("night".to_owned());
    update(&mut model, Message::Runs(Vec::new()));
    assert_eq!(model.view, View::Runs);
    update(&mut model, Message::Runs(fixtures::runs()));
    assert_eq!(model.view, View::Live);
    assert_eq!(model.selected_run().unwrap().name, "night");
}

#[test]
fn curves_of_another_run_are_not_taken() {
    let mut model = fixtures::busy();
    press(&mut model, 'j');
    update(
        &mut model,
        Message::Curves(fixtures::curves("margin-centre")),
    );
    assert!(model.curves.is_none());
}

#[test]
fn p_pauses_a_running_run_and_unpauses_a_paused_one() {
    let mut model = fixtures::busy();
    let send = |name: &str, command| Effect::Send {
        path: path(name),
        command,
    };
    assert_eq!(
        press(&mut model, 'p'),
        [send("margin-centre", Command::Pause)]
    );
    // The answer is still to come: the next press takes it back.
    assert_eq!(
        press(&mut model, 'p'),
        [send("margin-centre", Command::Unpause)]
    );
    press(&mut model, 'j');
    press(&mut model, 'j');
    assert_eq!(
        press(&mut model, 'p'),
        [send("big-batch", Command::Unpause)]
    );
}

#[test]
fn commands_that_make_no_sense_are_refused_with_a_reason() {
    let cases = [
        (0, 'r', "it has a worker"),
        (3, 'p', "no worker would hear that"),
        (4, 'r', "nothing is left to do"),
        (6, 'c', "no worker would hear that"),
        (9, 'p', "can't be read"),
        (10, 's', "takes no commands"),
    ];
    for (down, key, why) in cases {
        let mut model = fixtures::busy();
        for _ in 0..down {
            press(&mut model, 'j');
        }
        assert!(press(&mut model, key).is_empty(), "{key} on {down}");
        assert!(notice(&model).contains(why), "{}", notice(&model));
        assert!(model.overlay.is_none());
    }
    let mut none = fixtures::empty();
    press(&mut none, 'p');
    assert_eq!(notice(&none), "no run is selected");
}

#[test]
fn readonly_gives_no_command_whatever_is_pressed() {
    for context in ["", "2"] {
        for key in ['p', 'P', 'r', 'c', 's', 'n', 'y'] {
            let mut model = fixtures::busy();
            model.access = Access::ReadOnly;
            for key in context.chars() {
                press(&mut model, key);
            }
            let effects = press(&mut model, key);
            assert!(effects.is_empty(), "{effects:?}");
            assert!(model.overlay.is_none());
        }
    }
}

#[test]
fn a_dead_run_is_resumed() {
    let mut model = fixtures::busy();
    for _ in 0..8 {
        press(&mut model, 'j');
    }
    let resume = Effect::Resume {
        path: path("night"),
        name: "night".to_owned(),
    };
    assert_eq!(press(&mut model, 'r'), [resume]);
}

#[test]
fn stopping_asks_first_and_stops_what_was_asked_about() {
    let mut model = fixtures::busy();
    assert!(press(&mut model, 's').is_empty());
    assert!(press(&mut model, 'n').is_empty());
    assert!(model.overlay.is_none() && model.pending.is_empty());
    press(&mut model, 's');
    let mut runs = fixtures::runs();
    runs.rotate_right(1);
    update(&mut model, Message::Runs(runs));
    let stop = Effect::Send {
        path: path("margin-centre"),
        command: Command::Stop { after_epoch: false },
    };
    assert_eq!(press(&mut model, 'y'), [stop]);
}

#[test]
fn an_acknowledgement_is_told_once() {
    let mut model = fixtures::busy();
    press(&mut model, 'c');
    assert!(model.pending.contains_key(&path("margin-centre")));
    let other = fixtures::obeyed(model.runs(), "margin-centre", &Command::Pause, 7);
    update(&mut model, Message::Runs(other));
    assert!(model.notice.is_none());
    let obeyed = fixtures::obeyed(model.runs(), "margin-centre", &Command::Checkpoint, 120);
    update(&mut model, Message::Runs(obeyed));
    assert_eq!(
        notice(&model),
        "margin-centre: checkpoint taken at step 120"
    );
    assert!(model.pending.is_empty());
}

#[test]
fn a_run_that_ends_with_a_command_unheard_says_so() {
    let mut model = fixtures::busy();
    press(&mut model, 'p');
    let mut runs = fixtures::runs();
    let Contents::Run(details) = &mut Arc::make_mut(&mut runs[0]).contents else {
        panic!("the first run is a run");
    };
    details.status.state = crate::run::RunState::Lost;
    update(&mut model, Message::Runs(runs));
    assert_eq!(notice(&model), "margin-centre: ended before it could pause");
}

#[test]
fn a_command_that_could_not_be_sent_is_no_longer_waited_for() {
    let mut model = fixtures::busy();
    press(&mut model, 'p');
    let failed = Message::Sent {
        path: path("margin-centre"),
        command: Command::Pause,
        result: Err("the disk is full".to_owned()),
    };
    update(&mut model, failed);
    assert!(model.pending.is_empty());
    assert_eq!(notice(&model), "pause not sent: the disk is full");
}

#[test]
fn the_screen_changes_with_time_only_where_a_time_reads_differently() {
    let mut model = fixtures::busy();
    // The youngest run is four seconds old, so each second shows; without it minutes do.
    model.runs.as_mut().unwrap().remove(1);
    update(&mut model, Message::Tick(NOW + 1.0));
    model.changed = false;
    update(&mut model, Message::Tick(NOW + 2.0));
    assert!(!model.changed);
    update(&mut model, Message::Tick(NOW + 61.0));
    assert!(model.changed);
}

#[test]
fn notices_go_after_a_while() {
    let mut model = fixtures::empty();
    press(&mut model, 'p');
    update(&mut model, Message::Tick(NOW + 5.0));
    assert!(model.notice.is_some());
    update(&mut model, Message::Tick(NOW + 9.0));
    assert!(model.notice.is_none());
}

#[test]
fn the_form_checks_and_launches_what_was_typed() {
    let mut model = fixtures::empty();
    press(&mut model, 'n');
    update(&mut model, Message::Paste("recipe.toml\n".to_owned()));
    press(&mut model, 'q');
    press_code(&mut model, KeyCode::Backspace);
    let effects = press_code(&mut model, KeyCode::Tab);
    let [Effect::Check { edit, order }] = &effects[..] else {
        panic!("{effects:?}");
    };
    let LaunchOrder::Training { recipe, config, .. } = order else {
        panic!("{order:?}");
    };
    assert_eq!(
        (recipe.as_str(), config.as_str()),
        ("recipe.toml", "config.ini")
    );
    let wrong = vec!["recipe.toml:3: no".to_owned()];
    let edit = *edit;
    update(
        &mut model,
        Message::Checked {
            edit,
            keys: None,
            result: Err(wrong.clone()),
        },
    );
    let Some(Overlay::Launch(form)) = &model.overlay else {
        panic!("the form is open");
    };
    assert_eq!(form.outcome, Outcome::Wrong(wrong));
    press(&mut model, 'x');
    update(
        &mut model,
        Message::Checked {
            edit,
            keys: None,
            result: Ok("late".to_owned()),
        },
    );
    let effects = press_code(&mut model, KeyCode::Enter);
    assert!(matches!(
        &effects[..],
        [Effect::Launch(LaunchOrder::Training { config, .. })] if config == "config.inix"
    ));
    assert!(
        press_code(&mut model, KeyCode::Enter).is_empty(),
        "only once"
    );
    update(
        &mut model,
        Message::Launched(Ok(PathBuf::from("runs/night"))),
    );
    assert!(model.overlay.is_none());
    update(&mut model, Message::Runs(fixtures::runs()));
    assert_eq!(model.selected_run().unwrap().name, "night");
}

#[test]
fn a_form_without_a_recipe_is_not_sent() {
    let mut model = fixtures::empty();
    press(&mut model, 'n');
    assert!(press_code(&mut model, KeyCode::Enter).is_empty());
    assert!(
        matches!(&model.overlay, Some(Overlay::Launch(form)) if matches!(form.outcome, Outcome::Wrong(_)))
    );
    press_code(&mut model, KeyCode::Esc);
    assert!(model.overlay.is_none());
}

#[test]
fn views_go_round_and_back_leads_out() {
    let mut model = fixtures::busy();
    press_code(&mut model, KeyCode::Tab);
    assert_eq!(model.view, View::Live);
    press(&mut model, 'z');
    press_code(&mut model, KeyCode::Esc);
    assert_eq!((model.view, model.live.zoomed), (View::Live, false));
    press_code(&mut model, KeyCode::Esc);
    assert_eq!(model.view, View::Runs);
    press_code(&mut model, KeyCode::BackTab);
    assert_eq!(Some(&model.view), View::ALL.last());
    press(&mut model, '?');
    press_code(&mut model, KeyCode::Esc);
    assert!(model.overlay.is_none());
    assert_eq!(Some(&model.view), View::ALL.last());
    assert_eq!(press(&mut model, 'q').last(), Some(&Effect::Quit));
}

#[test]
fn a_click_selects_and_a_second_one_opens() {
    let mut model = fixtures::busy();
    update(&mut model, Message::Pointed(Target::Run(3)));
    assert_eq!(model.selected_run().unwrap().name, "depth-100");
    update(&mut model, Message::Pointed(Target::Run(3)));
    assert_eq!(model.view, View::Live);
}

#[test]
fn charts_are_chosen_within_what_there_is() {
    let mut model = fixtures::busy();
    press(&mut model, '2');
    for _ in 0..50 {
        press_code(&mut model, KeyCode::Right);
    }
    let count = charts::of(&model).len();
    assert_eq!(model.live.chart, count - 1);
    press_code(&mut model, KeyCode::Up);
    assert_eq!(model.live.chart, count - 1 - charts::columns(model.size));
    press(&mut model, 'g');
    assert_eq!(model.live.chart, 0);
}

#[test]
fn the_scores_of_a_figure_are_asked_for_once_and_again_where_they_were_missing() {
    let mut model = fixtures::busy();
    assert!(press(&mut model, '3').is_empty(), "a published figure");
    model.evaluation.column = usize::MAX;
    let asked = press(&mut model, 'G');
    let [Effect::ReadScores { of, evaluation }] = &asked[..] else {
        panic!("{asked:?}");
    };
    assert_eq!(evaluation.set, of.set);
    assert!(press(&mut model, 'G').is_empty(), "it is being read");
    let (of, result) = (of.clone(), Err("no scores".to_owned()));
    update(
        &mut model,
        Message::Scores {
            of: of.clone(),
            result,
        },
    );
    assert!(press(&mut model, 'G').is_empty(), "it is missing");
    press(&mut model, '[');
    assert!(notice(&model).contains("no scores are at hand"));
    assert_eq!(press(&mut model, 'k').len(), 1, "another figure");
    assert_eq!(press(&mut model, 'j').len(), 1, "it may be there by now");
    let result = Ok(Arc::new(fixtures::scored()));
    update(&mut model, Message::Scores { of, result });
    press(&mut model, 'k');
    assert!(press(&mut model, 'j').is_empty(), "it is here");
}

#[test]
fn the_threshold_moves_over_the_distances_and_back() {
    let mut model = fixtures::figure(Ok(fixtures::scored()));
    let point = |model: &Model| model.scored().unwrap().at(model.evaluation.nudge);
    let mean = point(&model);
    press(&mut model, ']');
    assert!(point(&model).threshold > mean.threshold);
    press(&mut model, '[');
    assert_eq!(point(&model), mean);
    press(&mut model, '{');
    let lower = point(&model);
    assert!(lower.far < mean.far && lower.frr > mean.frr);
    for _ in 0..200 {
        press(&mut model, '}');
    }
    assert!((point(&model).far, point(&model).frr) == (1.0, 0.0));
    press(&mut model, '=');
    assert_eq!(point(&model), mean);
    press(&mut model, ']');
    press(&mut model, 'k');
    assert_eq!(model.evaluation.nudge, 0, "another figure has its own");
}

#[test]
fn scores_are_forgotten_when_their_run_has_other_figures() {
    let mut model = fixtures::figure(Ok(fixtures::scored()));
    let same = model.runs().to_vec();
    assert!(update(&mut model, Message::Runs(same)).is_empty());
    assert!(model.scored().is_some());
    let run = model.evaluation.figure.clone().unwrap().run;
    let mut runs = model.runs().to_vec();
    let changed = runs.iter_mut().find(|other| other.path == run).unwrap();
    let Contents::Run(details) = &mut Arc::make_mut(changed).contents else {
        panic!("the figure is a run's");
    };
    details.results[0].auc = 0.9;
    let asked = update(&mut model, Message::Runs(runs));
    let [Effect::ReadScores { evaluation, .. }] = &asked[..] else {
        panic!("{asked:?}");
    };
    assert_eq!(evaluation.auc.to_bits(), 0.9_f64.to_bits());
    assert!(model.scored().is_none());
}

#[test]
fn the_end_of_a_run_is_told_once_unless_it_was_ordered() {
    use crate::run::RunState::{Failed, Finished, Lost, Parked, Paused, Stopped};
    for (state, told) in [
        (Finished, Some("margin-centre: finished")),
        (Failed, Some("margin-centre: failed")),
        (Lost, Some("margin-centre: lost")),
        (Parked, None),
        (Stopped, None),
        (Paused, None),
    ] {
        let mut model = fixtures::busy();
        let mut runs = fixtures::runs();
        let Contents::Run(details) = &mut Arc::make_mut(&mut runs[0]).contents else {
            panic!("the first run is a run");
        };
        details.status.state = state;
        let told: Vec<Effect> = told
            .map(|text| Effect::Notify(text.to_owned()))
            .into_iter()
            .collect();
        assert_eq!(update(&mut model, Message::Runs(runs.clone())), told);
        assert!(update(&mut model, Message::Runs(runs)).is_empty());
    }
}

fn type_text(model: &mut Model, text: &str) {
    for character in text.chars() {
        press(model, character);
    }
}

#[test]
fn the_view_of_pairs_asks_for_what_it_shows_and_once() {
    let mut model = fixtures::busy();
    let effects = press(&mut model, '4');
    let [
        Effect::Errors {
            change: None,
            figure: Some(_),
        },
        Effect::ReadFailing { figure, .. },
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
        matches!(effects.as_slice(), [Effect::ReadFaces(FacesOf::Pair(one, _), _)] if *one == of),
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
    let [
        Effect::Errors {
            change: Some(change),
            figure: Some(_),
        },
    ] = effects.as_slice()
    else {
        panic!("{effects:?}");
    };
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
    let [
        Effect::Errors {
            change: Some(undo), ..
        },
    ] = effects.as_slice()
    else {
        panic!("{effects:?}");
    };
    assert_eq!((undo.video.as_str(), &undo.note), (names[1], &None));
    assert!(press(&mut model, 'u').is_empty());
    assert!(notice(&model).contains("nothing was changed"));
}

#[test]
fn taking_off_is_undone_with_the_note_it_had() {
    let mut model = fixtures::error_list();
    let effects = press(&mut model, 'x');
    let [
        Effect::Errors {
            change: Some(change),
            ..
        },
    ] = effects.as_slice()
    else {
        panic!("{effects:?}");
    };
    assert_eq!(
        (change.video.as_str(), &change.note),
        ("Alma_Powell/2", &None)
    );
    let effects = press(&mut model, 'u');
    let [
        Effect::Errors {
            change: Some(undo), ..
        },
    ] = effects.as_slice()
    else {
        panic!("{effects:?}");
    };
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
    let [
        Effect::Errors {
            change: Some(change),
            ..
        },
    ] = effects.as_slice()
    else {
        panic!("{effects:?}");
    };
    assert_eq!(change.video, "Gus_Roth/1");
    press(&mut model, 'E');
    let effects = press_code(&mut model, KeyCode::Enter);
    assert_eq!(
        effects,
        [Effect::ExportErrors(PathBuf::from("ytf-errors.csv"))]
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

#[test]
fn how_a_run_is_looked_at_is_kept_and_found_again() {
    let mut model = fixtures::busy();
    press(&mut model, '2');
    type_text(&mut model, "ey");
    press_code(&mut model, KeyCode::Down);
    let effects = press(&mut model, ']');
    let view = RunView::of(&model.live);
    assert!(view.log_y && view.smoothing == 1 && view.chart > 0);
    assert_eq!(
        effects[0],
        Effect::SaveView(path("margin-centre"), view.clone())
    );
    assert_eq!(effects[1..], watched("next-one"));
    let other = RunView {
        log_y: false,
        chart: 1,
        ..view
    };
    update(
        &mut model,
        Message::View(path("margin-centre"), other.clone()),
    );
    assert!(model.live.log_y, "another run's view is not taken");
    update(&mut model, Message::View(path("next-one"), other));
    assert_eq!((model.live.log_y, model.live.chart), (false, 1));
    assert!(matches!(
        press(&mut model, 'q').as_slice(),
        [Effect::SaveView(..), Effect::Quit]
    ));
}

#[test]
fn the_palette_has_every_action_and_does_it_where_it_holds() {
    let mut model = fixtures::busy();
    press(&mut model, ':');
    let names: Vec<String> = entries(&model)
        .into_iter()
        .map(|entry| entry.name)
        .collect();
    for bound in model
        .keys
        .all()
        .iter()
        .filter(|bound| bound.binding.is_free())
    {
        let name = bound.binding.action.name();
        let known = names.iter().filter(|known| **known == name).count();
        assert_eq!(known, usize::from(name != "open-palette"), "{name}");
    }
    type_text(&mut model, "log scale");
    assert_eq!(entries(&model)[0].name, "log-scale");
    press_code(&mut model, KeyCode::Enter);
    assert_eq!((model.view, model.live.log_y), (View::Live, true));
    press(&mut model, ':');
    type_text(&mut model, "pause");
    assert_eq!(
        press_code(&mut model, KeyCode::Enter),
        [Effect::Send {
            path: path("margin-centre"),
            command: Command::Pause
        }]
    );
    press(&mut model, ':');
    type_text(&mut model, "nothing has this");
    assert!(press_code(&mut model, KeyCode::Enter).is_empty());
    assert!(model.overlay.is_none());
}

#[test]
fn the_help_is_searched_and_the_search_is_left() {
    let mut model = fixtures::busy();
    press(&mut model, '?');
    press(&mut model, '/');
    type_text(&mut model, "quit?");
    press_code(&mut model, KeyCode::Backspace);
    press_code(&mut model, KeyCode::Enter);
    let Some(Overlay::Help {
        search,
        typing: false,
        ..
    }) = &model.overlay
    else {
        panic!("{:?}", model.overlay);
    };
    assert_eq!(search.text(), "quit");
    press(&mut model, '/');
    press_code(&mut model, KeyCode::Esc);
    assert!(
        matches!(&model.overlay, Some(Overlay::Help { search, .. }) if search.text().is_empty())
    );
    press_code(&mut model, KeyCode::Esc);
    assert!(model.overlay.is_none());
}

#[test]
fn keys_that_were_set_are_obeyed() {
    let place = crate::config::Place::File(PathBuf::from("settings.toml"));
    let setting = crate::config::KeySetting {
        action: "show-live".to_owned(),
        keys: vec!["L".to_owned()],
        place,
    };
    let mut model = fixtures::busy();
    model.keys = Arc::new(crate::tui::keys::Keys::with(&[setting]).unwrap());
    press(&mut model, '2');
    assert_eq!(model.view, View::Runs);
    press(&mut model, 'L');
    assert_eq!(model.view, View::Live);
    press(&mut model, 'T');
    assert_eq!(model.theme.background, crate::tui::theme::Background::Light);
}

#[test]
fn the_form_shows_the_recipes_keys_and_sends_what_was_changed() {
    let mut model = fixtures::busy();
    press(&mut model, 'n');
    let effects = press(&mut model, 'r');
    let [Effect::Check { edit, .. }] = effects.as_slice() else {
        panic!("it is looked at as it is typed: {effects:?}");
    };
    let key = |key: &str, given: &str, default: Option<&str>| KeyOf {
        key: key.to_owned(),
        given: given.to_owned(),
        default: default.map(str::to_owned),
    };
    let keys = vec![key("steps", "100", None), key("seed", "7", Some("0"))];
    let told = |edit: u64, keys: &[KeyOf]| Message::Checked {
        edit,
        keys: Some(keys.to_vec()),
        result: Ok("fine".to_owned()),
    };
    update(&mut model, told(*edit, &keys));
    press_code(&mut model, KeyCode::Up);
    press_code(&mut model, KeyCode::Backspace);
    let effects = press(&mut model, '9');
    let [
        Effect::Check {
            edit,
            order: LaunchOrder::Training { sets, .. },
        },
    ] = effects.as_slice()
    else {
        panic!("{effects:?}");
    };
    assert_eq!(sets, &["seed=9"]);
    // A late answer with the same keys leaves what was typed.
    update(&mut model, told(*edit, &keys));
    let Some(Overlay::Launch(form)) = &model.overlay else {
        panic!("the form is open");
    };
    assert_eq!(form.keys[1].line.text(), "9");
    // Another recipe's value comes in place of it.
    let other = vec![key("seed", "8", Some("0"))];
    let mut again = form.clone();
    again.take_keys(other);
    assert_eq!((again.keys[0].line.text(), again.at), ("8", 5));
}

#[test]
fn runs_are_filtered_ordered_and_what_is_selected_stays() {
    let mut model = fixtures::busy();
    press(&mut model, '/');
    type_text(&mut model, "lost");
    assert_eq!(model.listed().len(), 1);
    assert_eq!(model.selected_run().unwrap().name, "margin-centre");
    press_code(&mut model, KeyCode::Enter);
    press(&mut model, 'j');
    assert_eq!(
        model.selected_run().unwrap().name,
        "night",
        "the first that is listed"
    );
    press(&mut model, '/');
    press_code(&mut model, KeyCode::Esc);
    press(&mut model, 'o');
    let names: Vec<&str> = model.listed().iter().map(|run| run.name.as_str()).collect();
    assert!(names.is_sorted() && names.len() == 11, "{names:?}");
    press(&mut model, 'o');
    let live: Vec<bool> = model.listed().iter().map(|run| run.is_live()).collect();
    assert!(live.is_sorted_by(|a, b| a >= b), "{live:?}");
    press(&mut model, '/');
    type_text(&mut model, "centre term");
    assert_eq!(model.listed()[0].name, "beta-0.5", "by its note");
}

#[test]
fn a_run_is_renamed_noted_and_put_away_where_no_worker_has_it() {
    let mut model = fixtures::busy();
    for key in ['R', 'A'] {
        press(&mut model, key);
        assert!(
            notice(&model).contains("a worker has it"),
            "{}",
            notice(&model)
        );
    }
    type_text(&mut model, "jjj");
    press(&mut model, 'R');
    type_text(&mut model, "-b");
    let rename = Manage::Rename("depth-100-b".to_owned());
    let effects = press_code(&mut model, KeyCode::Enter);
    assert_eq!(effects, [Effect::Manage(path("depth-100"), rename)]);
    press(&mut model, 'N');
    type_text(&mut model, "slow");
    let effects = press_code(&mut model, KeyCode::Enter);
    assert_eq!(
        effects,
        [Effect::Manage(
            path("depth-100"),
            Manage::Note("slow".to_owned())
        )]
    );
    press(&mut model, 'A');
    let effects = press(&mut model, 'y');
    assert_eq!(
        effects,
        [Effect::Manage(path("depth-100"), Manage::Archive)]
    );
    let done = Message::Managed(Err("disk full".to_owned()));
    assert_eq!(update(&mut model, done), [Effect::Look]);
    assert_eq!(notice(&model), "disk full");
}

#[test]
fn fine_tuning_starts_from_the_runs_own_recipe_data_and_weights() {
    let mut model = fixtures::busy();
    let effects = press(&mut model, 'F');
    let [
        Effect::Check {
            order:
                LaunchOrder::Training {
                    recipe,
                    config,
                    from,
                    ..
                },
            ..
        },
    ] = effects.as_slice()
    else {
        panic!("{effects:?}");
    };
    assert_eq!(recipe, "runs/margin-centre/recipe.toml");
    assert_eq!(
        (config.as_str(), from.as_str()),
        ("runs/margin-centre/config.ini", "runs/margin-centre")
    );
    press_code(&mut model, KeyCode::Esc);
    type_text(&mut model, "jjjjF");
    assert!(
        notice(&model).contains("trained nothing"),
        "{}",
        notice(&model)
    );
}

#[test]
fn an_evaluation_is_started_from_its_view() {
    let mut model = fixtures::busy();
    press(&mut model, '3');
    press(&mut model, 'n');
    let effects = press_code(&mut model, KeyCode::Enter);
    let [
        Effect::Launch(LaunchOrder::Evaluation {
            model: what,
            set,
            rule,
            ..
        }),
    ] = effects.as_slice()
    else {
        panic!("{effects:?}");
    };
    assert_eq!(
        (what.as_str(), set.as_str(), rule.as_str()),
        ("runs/margin-centre", "lfw", "reference")
    );
}

#[test]
fn figures_are_ordered_and_compared() {
    let mut model = fixtures::figure(Ok(fixtures::scored()));
    press(&mut model, 'o');
    assert_eq!(model.evaluation.order, Some(model.evaluation.column));
    press(&mut model, 'o');
    assert_eq!(model.evaluation.order, None);
    assert!(
        press(&mut model, ' ').is_empty(),
        "a figure is not compared with itself"
    );
    assert_eq!(model.evaluation.marked, model.evaluation.figure);
    press(&mut model, ' ');
    assert_eq!(model.evaluation.marked, None);
    press(&mut model, 'r');
    assert!(model.evaluation.roc);
}

fn live() -> Model {
    let mut model = fixtures::busy();
    press(&mut model, '2');
    model
}

#[test]
fn the_cursor_and_the_part_that_is_zoomed_into_stay_within_what_there_is() {
    let mut model = live();
    press(&mut model, '.');
    assert_eq!(model.live.cursor, Some(620.0), "it comes at the right end");
    for _ in 0..200 {
        press(&mut model, '<');
    }
    assert_eq!(model.live.cursor, Some(1.0));
    press(&mut model, '+');
    let (left, right) = model.live.window.unwrap();
    assert!(
        (left - 1.0).abs() < 1e-9 && (right - 310.5).abs() < 1e-9,
        "{left} {right}"
    );
    press(&mut model, ')');
    let (left, right) = model.live.window.unwrap();
    assert!(left > 70.0 && (right - left - 309.5).abs() < 1e-9);
    for _ in 0..20 {
        press(&mut model, ')');
    }
    assert!((model.live.window.unwrap().1 - 620.0).abs() < 1e-9);
    press(&mut model, '-');
    assert_eq!(model.live.window, None, "all of it is no part");
    press(&mut model, ';');
    assert_eq!(model.live.cursor, None);
    press(&mut model, '+');
    press(&mut model, '0');
    assert_eq!(model.live.window, None);
}

#[test]
fn the_mouse_points_drags_and_turns_its_wheel() {
    let mut model = live();
    let mut on = |at, gesture| {
        update(
            &mut model,
            Message::OnChart {
                chart: 2,
                at,
                gesture,
            },
        );
        (model.live.chart, model.live.cursor, model.live.window)
    };
    assert_eq!(on(100.0, Gesture::Press), (2, Some(100.0), None));
    assert_eq!(
        on(101.0, Gesture::Release),
        (2, Some(100.0), None),
        "an unsteady hand"
    );
    on(100.0, Gesture::Press);
    on(300.0, Gesture::Drag);
    assert_eq!(on(300.0, Gesture::Release).2, Some((100.0, 300.0)));
    assert_eq!(on(200.0, Gesture::Wheel(-3)).2, Some((150.0, 250.0)));
    assert_eq!(on(200.0, Gesture::Wheel(3)).2, Some((100.0, 300.0)));
}

#[test]
fn another_axis_forgets_the_places_of_the_one_before() {
    let mut model = live();
    type_text(&mut model, ".+x");
    assert_eq!(model.live.along, AlongBy::Time);
    assert_eq!((model.live.cursor, model.live.window), (None, None));
    press(&mut model, 'x');
    assert_eq!(model.live.along, AlongBy::Step, "no epochs are logged");
    assert!(notice(&model).contains("logs no epochs"));
    press(&mut model, 'X');
    assert!(model.live.log_x);
}

#[test]
fn runs_are_compared_and_their_curves_taken() {
    let mut model = fixtures::busy();
    press(&mut model, 'j');
    let effects = press(&mut model, ' ');
    assert!(matches!(effects.as_slice(), [Effect::Watch { beside, .. }] if beside.is_empty()));
    let effects = press(&mut model, 'k');
    let watch = Effect::Watch {
        run: Some(path("margin-centre")),
        beside: vec![path("next-one")],
    };
    assert_eq!(effects.last(), Some(&watch));
    update(&mut model, Message::Curves(fixtures::curves("next-one")));
    update(&mut model, Message::Curves(fixtures::curves("big-batch")));
    assert_eq!(model.beside.len(), 1);
    let runs = fixtures::runs()
        .into_iter()
        .filter(|run| run.name != "next-one");
    update(&mut model, Message::Runs(runs.collect()));
    assert!(model.compared.is_empty() && model.beside.is_empty());
}

#[test]
fn devices_are_looked_at_only_while_they_are_shown() {
    let mut model = live();
    let load = fixtures::machine();
    update(&mut model, Message::Machine(load.clone()));
    assert_eq!(model.machine, None, "nobody asked");
    assert_eq!(press(&mut model, 'd'), [Effect::WatchMachine(true)]);
    update(&mut model, Message::Machine(load));
    assert!(model.machine.is_some());
    assert_eq!(press(&mut model, 'd'), [Effect::WatchMachine(false)]);
    assert_eq!(model.machine, None);
}

#[test]
fn the_data_are_those_of_the_run_at_hand_and_people_are_turned_over() {
    let mut model = fixtures::busy();
    let effects = press(&mut model, '6');
    let config = path("margin-centre").join("config.ini");
    let read = Effect::ReadSets {
        config,
        overlaps: Vec::new(),
    };
    assert_eq!(effects, [read]);
    let mut model = fixtures::sets();
    let person = |class| Effect::ReadPerson(FacesOf::Person("vgg".to_owned(), class));
    assert_eq!(press_code(&mut model, KeyCode::Right), [person(1)]);
    press(&mut model, '>');
    press(&mut model, '>');
    assert_eq!(press(&mut model, '>'), [person(239)], "the last one");
    press(&mut model, 'j');
    assert_eq!(
        faces_shown(&model),
        None,
        "a set that can't be read shows nobody"
    );
    assert_eq!(
        press(&mut model, 'c'),
        [Effect::CheckSet("ms1m".to_owned())]
    );
    assert!(press(&mut model, 'c').is_empty(), "it is being checked");
    press(&mut model, 'C');
    press_code(&mut model, KeyCode::Backspace);
    let effects = press_code(&mut model, KeyCode::Enter);
    assert!(
        matches!(effects.as_slice(), [Effect::ReadSets { .. }]),
        "{effects:?}"
    );
    assert!(model.data.checks.is_empty());
}

#[test]
fn charts_and_views_are_written_as_the_ending_says() {
    let mut model = live();
    press(&mut model, 'E');
    let effects = press_code(&mut model, KeyCode::Enter);
    let [Effect::ExportCurves(export, file)] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    assert_eq!(
        (export.tags.as_slice(), file.to_str()),
        (&["loss/total".to_owned()][..], Some("total-loss.png"))
    );
    press(&mut model, 'W');
    let effects = press_code(&mut model, KeyCode::Enter);
    assert!(
        matches!(effects.as_slice(), [Effect::ExportCurves(export, _)] if export.tags.len() > 8)
    );
    press(&mut model, '1');
    press(&mut model, 'W');
    let effects = press_code(&mut model, KeyCode::Enter);
    assert!(
        matches!(effects.as_slice(), [Effect::ExportText(text, _)] if text.starts_with("run,state"))
    );
    for (ending, screen) in [("svg", true), ("doc", false)] {
        press(&mut model, 'W');
        for _ in 0..3 {
            press_code(&mut model, KeyCode::Backspace);
        }
        type_text(&mut model, ending);
        let effects = press_code(&mut model, KeyCode::Enter);
        let written = effects
            == [Effect::ExportScreen(PathBuf::from(format!(
                "runs.{ending}"
            )))];
        assert_eq!(written, screen, "{effects:?}");
    }
    assert!(notice(&model).contains(".svg and .csv"));
    assert_eq!(
        press(&mut model, 'Y'),
        [Effect::Copy("runs/margin-centre".to_owned())]
    );
}
