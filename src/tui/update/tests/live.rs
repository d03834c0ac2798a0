use super::*;
use crate::tui::catalogue;

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
        (model.live.kept.chart, model.live.cursor, model.live.window)
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
    assert_eq!(model.live.kept.along, AlongBy::Time);
    assert_eq!((model.live.cursor, model.live.window), (None, None));
    press(&mut model, 'x');
    assert_eq!(model.live.kept.along, AlongBy::Epoch);
    press(&mut model, 'X');
    assert!(model.live.kept.log_x);
}

#[test]
fn a_run_that_logs_no_epochs_has_no_such_axis() {
    let mut model = fixtures::compared();
    let other = model.beside.values().next().unwrap().clone();
    model.selected = Some(other.path.clone());
    model.curves = Some(other);
    type_text(&mut model, "xx");
    assert_eq!(model.live.kept.along, AlongBy::Step);
    assert!(notice(&model).contains("logs no epochs"));
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
    let read = Effect::Catalogue(catalogue::Request::Sets {
        config,
        overlaps: Vec::new(),
    });
    assert_eq!(effects, [read]);
    let mut model = fixtures::sets();
    let person = |class| {
        Effect::Catalogue(catalogue::Request::Faces(FacesOf::Person(
            "vgg".to_owned(),
            class,
        )))
    };
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
        [Effect::Catalogue(catalogue::Request::Check(
            "ms1m".to_owned()
        ))]
    );
    assert!(press(&mut model, 'c').is_empty(), "it is being checked");
    press(&mut model, 'C');
    press_code(&mut model, KeyCode::Backspace);
    let effects = press_code(&mut model, KeyCode::Enter);
    assert!(
        matches!(
            effects.as_slice(),
            [Effect::Catalogue(catalogue::Request::Sets { .. })]
        ),
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
    assert_eq!(
        press_code(&mut model, KeyCode::Enter),
        [Effect::ExportScreen(PathBuf::from("live.png"))]
    );
    press(&mut model, 'W');
    for _ in 0..3 {
        press_code(&mut model, KeyCode::Backspace);
    }
    type_text(&mut model, "csv");
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

#[test]
fn a_chart_is_written_with_the_runs_beside_it() {
    let mut model = fixtures::compared();
    press(&mut model, 'E');
    for _ in 0..40 {
        press_code(&mut model, KeyCode::Backspace);
    }
    type_text(&mut model, "loss.csv");
    let effects = press_code(&mut model, KeyCode::Enter);
    let [Effect::ExportCurves(export, _)] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    let names: Vec<&str> = export.runs.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["margin-centre", "big-batch"]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("loss.csv");
    let told = crate::tui::export::write_curves(export, &file).unwrap();
    assert!(told.starts_with("2 curves in"), "{told}");
    let text = std::fs::read_to_string(file).unwrap();
    for run in names {
        let name = format!("\n{run}: loss/total,");
        assert!(text.contains(&name), "{run}");
    }
}
