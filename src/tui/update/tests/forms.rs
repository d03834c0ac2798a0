use super::*;
use crate::tui::model::Known;
use crate::tui::triage::Differences;

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
}

#[test]
fn the_roc_curve_has_the_whole_pane_where_a_part_is_too_small() {
    let mut model = fixtures::figure(Ok(fixtures::scored()));
    update(&mut model, Message::Resized(200, 50));
    press(&mut model, 'r');
    assert!(model.evaluation.roc && !model.evaluation.zoomed);
    press(&mut model, 'r');
    update(&mut model, Message::Resized(80, 24));
    press(&mut model, 'r');
    assert!(model.evaluation.roc && model.evaluation.zoomed);
    press_code(&mut model, KeyCode::Esc);
    assert_eq!(
        (model.view, model.evaluation.zoomed),
        (View::Evaluation, false)
    );
    press_code(&mut model, KeyCode::Esc);
    assert_eq!(model.view, View::Runs);
}

#[test]
fn in_the_list_of_runs_back_leads_out_of_the_zoom_and_then_of_the_filter() {
    let mut model = fixtures::busy();
    press(&mut model, '/');
    type_text(&mut model, "beta");
    press_code(&mut model, KeyCode::Enter);
    press(&mut model, 'z');
    assert!(model.list.zoomed);
    press_code(&mut model, KeyCode::Esc);
    assert_eq!((model.list.zoomed, model.listed().len()), (false, 1));
    press_code(&mut model, KeyCode::Esc);
    assert_eq!(model.listed().len(), fixtures::runs().len());
    assert_eq!(model.view, View::Runs);
}

#[test]
fn a_form_of_many_keys_is_paged_and_stops_at_its_ends() {
    let mut model = fixtures::busy();
    press(&mut model, 'n');
    let effects = press(&mut model, 'r');
    let [Effect::Check { edit, .. }] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    let key = |nth: usize| KeyOf {
        key: format!("key_{nth}"),
        given: String::new(),
        default: None,
    };
    let keys = (0..20).map(key).collect();
    let told = Message::Checked {
        edit: *edit,
        keys: Some(keys),
        result: Ok("fine".to_owned()),
    };
    update(&mut model, told);
    let at = |model: &Model| match &model.overlay {
        Some(Overlay::Launch(form)) => form.at,
        _ => panic!("the form is open"),
    };
    for expected in [10, 20, 24, 24] {
        press_code(&mut model, KeyCode::PageDown);
        assert_eq!(at(&model), expected);
    }
    for expected in [14, 4, 0] {
        press_code(&mut model, KeyCode::PageUp);
        assert_eq!(at(&model), expected);
    }
}

#[test]
fn the_pairs_of_a_zoomed_comparison_are_paged() {
    let mut model = fixtures::figure(Ok(fixtures::scored()));
    press(&mut model, ' ');
    let figure = model.evaluation.figure.clone().unwrap();
    let differences = Differences {
        counts: crate::eval::compare::compare(&[], 600),
        pairs: (0..50)
            .map(|at| (true, format!("a{at}"), format!("b{at}")))
            .collect(),
    };
    model.comparison = Some((figure.clone(), figure, Known::Ready(Arc::new(differences))));
    model.evaluation.zoomed = true;
    let row = model.evaluation.row;
    press_code(&mut model, KeyCode::PageDown);
    assert_eq!((model.evaluation.skipped, model.evaluation.row), (17, row));
    for _ in 0..9 {
        press_code(&mut model, KeyCode::PageDown);
    }
    assert_eq!(model.evaluation.skipped, 49);
    press_code(&mut model, KeyCode::PageUp);
    assert_eq!(model.evaluation.skipped, 32);
    press(&mut model, ' ');
    assert_eq!(model.evaluation.skipped, 0);
}

#[test]
fn a_row_without_a_figure_in_the_column_shows_its_first_one() {
    let mut model = fixtures::busy();
    press(&mut model, '3');
    assert_eq!(model.evaluation.column, 0);
    press(&mut model, 'G');
    let comparison = crate::tui::comparison::of(&model);
    let (row, column) = comparison.nearest(&model.evaluation);
    assert!(comparison.evaluation(row, column).is_some());
    // Where nothing was run can still be looked at.
    press_code(&mut model, KeyCode::Left);
    assert!(
        comparison
            .evaluation(row, model.evaluation.column)
            .is_none()
    );
    press(&mut model, 'g');
    assert_eq!(model.evaluation.column, column - 1);
    press(&mut model, 'G');
    press(&mut model, 'g');
    assert_eq!(model.evaluation.column, 0);
}
