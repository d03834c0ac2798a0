//! How the selected figure differs from the marked one: which pairs it mends, which it breaks.
//!
//! ```text
//! against margin-centre @600: 12 fixed, 5 broken ──────────────── p = 0.14
//! fixed   Alma_Powell/2   Alma_Powell/3
//! broken  Boris_Kurt/1    Cleo_Marin/3
//! ```

use ratatui::layout::Rect;

use crate::tui::model::{Known, Model};
use crate::tui::theme::Role;
use crate::tui::widget::text::{Pen, wrap};
use crate::tui::words;
use crate::untrusted::visible_os;

/// Draws it.
pub fn draw(model: &Model, pen: &mut Pen, area: Rect) {
    let Some(marked) = &model.evaluation.marked else {
        return;
    };
    let step = marked
        .step
        .map(|step| format!(" @{step}"))
        .unwrap_or_default();
    let name = marked.run.file_name().map(visible_os).unwrap_or_default();
    let title = format!("against {name}{step}");
    let differences = match &model.comparison {
        Some((_, _, Known::Ready(differences))) => differences,
        Some((_, _, Known::Missing(why))) => return say(&title, why, pen, area),
        Some((_, _, Known::Reading)) => return say(&title, "comparing…", pen, area),
        None => {
            let why = "figures without kept scores can't be compared: evaluate the checkpoints";
            return say(&title, why, pen, area);
        }
    };
    let counts = &differences.counts;
    let tally = format!(
        " {} fixed, {} broken, {} wrong in both, p = {}",
        words::count(counts.fixed as u64),
        words::count(counts.broken as u64),
        words::count(counts.both_wrong as u64),
        words::figure(counts.p)
    );
    super::failures::title(&title, &tally, pen, area);
    let names = area.width.saturating_sub(10) / 2;
    let rows = area.y + 1..area.bottom();
    let shown = usize::from(area.height.saturating_sub(2));
    let all = differences.pairs.len();
    let skipped = model.evaluation.skipped.min(all.saturating_sub(shown));
    let pairs = differences.pairs.iter().skip(skipped).take(shown);
    for ((fixed, a, b), y) in pairs.zip(rows) {
        let (word, role) = if *fixed {
            ("fixed", Role::Good)
        } else {
            ("broken", Role::Bad)
        };
        pen.put(area.x, y, 8, word, role);
        pen.put(area.x + 8, y, names - 1, a, Role::Text);
        pen.put(area.x + 8 + names, y, names, b, Role::Text);
    }
    if all > shown {
        let [first, last, all] = [skipped + 1, skipped + shown, all];
        let [first, last, all] = [first, last, all].map(|count| words::count(count as u64));
        let how = if model.evaluation.zoomed {
            ""
        } else {
            ", zoomed PgDn leads on"
        };
        let more = format!("{first}–{last} of {all}{how}");
        pen.put(area.x, area.bottom() - 1, area.width, &more, Role::Quiet);
    }
}

fn say(title: &str, text: &str, pen: &mut Pen, area: Rect) {
    pen.title(area, title, Role::Strong);
    let lines = wrap(text, area.width.into());
    for (line, y) in lines.iter().zip(area.y + 1..area.bottom()) {
        pen.put(area.x, y, area.width, line, Role::Quiet);
    }
}
