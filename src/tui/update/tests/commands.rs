use super::*;
use crate::tui::run_view::RunView;

#[test]
fn how_a_run_is_looked_at_is_kept_and_found_again() {
    let mut model = fixtures::busy();
    press(&mut model, '2');
    type_text(&mut model, "ey");
    press_code(&mut model, KeyCode::Down);
    let effects = press(&mut model, ']');
    let view = model.live.kept.clone();
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
    assert!(model.live.kept.log_y, "another run's view is not taken");
    update(&mut model, Message::View(path("next-one"), other));
    assert_eq!((model.live.kept.log_y, model.live.kept.chart), (false, 1));
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
    assert_eq!((model.view, model.live.kept.log_y), (View::Live, true));
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
fn the_mouse_is_left_to_the_terminal_and_taken_again() {
    let mut model = fixtures::busy();
    assert_eq!(press(&mut model, 'M'), [Effect::Mouse(false)]);
    assert!(notice(&model).contains("the terminal selects text"));
    assert_eq!(press(&mut model, 'M'), [Effect::Mouse(true)]);
}
