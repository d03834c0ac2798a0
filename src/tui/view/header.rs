//! The first line: the views, the folder of runs, how many there are.
//!
//! ```text
//! facetui  1 Runs  2 Live  3 Evaluation  4 Pairs  5 Errors  6 Data  runs · 4 runs, 1 live
//! ```

use ratatui::layout::Rect;
use ratatui::style::Modifier;

use crate::tui::message::Target;
use crate::tui::model::{Model, View};
use crate::tui::theme::Role;
use crate::tui::widget::text::Pen;

use super::ViewCache;

/// Draws the header.
pub fn draw(model: &Model, cache: &mut ViewCache, pen: &mut Pen, area: Rect) {
    let mut x = area.x + pen.put(area.x, area.y, area.width, " facetui ", Role::Strong) + 1;
    for (number, view) in (1..).zip(View::ALL) {
        let name = &format!(" {number} {} ", view.name());
        let used = if view == model.view && model.overlay.is_none() {
            let style = pen
                .theme
                .style(Role::Accent)
                .add_modifier(Modifier::REVERSED);
            pen.put_styled(x, area.y, area.right() - x, name, style)
        } else {
            pen.put(x, area.y, area.right() - x, name, Role::Text)
        };
        let hit = Rect {
            x,
            width: used,
            ..area
        };
        cache.hit(hit, Target::View(view));
        x += used;
    }
    let about = format!("{} · {} ", model.root, tally(model));
    let room = area.right().saturating_sub(x + 2);
    let fits = |text: &String| pen.width(text) <= room;
    let short = [
        about,
        format!("{} ", tally(model)),
        format!("{} ", live(model)),
    ];
    let about = short.into_iter().find(fits).unwrap_or_default();
    pen.put_right(area.right() - room, area.y, room, &about, Role::Quiet);
}

/// How many runs are at work, where there is room for no more.
fn live(model: &Model) -> String {
    let live = model.runs().iter().filter(|run| run.is_live()).count();
    format!("{live} live")
}

fn tally(model: &Model) -> String {
    let Some(runs) = &model.runs else {
        return "looking…".to_owned();
    };
    let live = runs.iter().filter(|run| run.is_live()).count();
    let many = match runs.len() {
        1 => "1 run".to_owned(),
        many => format!("{many} runs"),
    };
    if live == 0 {
        many
    } else {
        format!("{many}, {live} live")
    }
}
