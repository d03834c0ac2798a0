use std::path::PathBuf;
use std::sync::Arc;

use crossterm::event::{KeyCode, KeyModifiers};

use super::*;
use crate::run::Command;
use crate::tui::along::AlongBy;
use crate::tui::charts;
use crate::tui::effect::{LaunchOrder, Manage};
use crate::tui::fixtures::{self, NOW, path};
use crate::tui::form::Outcome;
use crate::tui::message::{Gesture, KeyOf, Target};
use crate::tui::model::Access;
use crate::tui::snapshot::Contents;
use crate::tui::threshold::FigureOf;
use crate::tui::triage::FacesOf;

mod commands;
mod faces;
mod forms;
mod live;

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

fn type_text(model: &mut Model, text: &str) {
    for character in text.chars() {
        press(model, character);
    }
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
    assert_eq!((model.view, model.live.kept.zoomed), (View::Live, false));
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
    assert_eq!(model.live.kept.chart, count - 1);
    press_code(&mut model, KeyCode::Up);
    assert_eq!(
        model.live.kept.chart,
        count - 1 - charts::columns(model.size)
    );
    press(&mut model, 'g');
    assert_eq!(model.live.kept.chart, 0);
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
