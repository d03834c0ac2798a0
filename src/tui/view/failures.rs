//! The pairs that an evaluation told wrong, and the faces of the selected one.
//!
//! ```text
//!  margin-centre @600, reference rule on YTF ─────────────── 12 of 200 told wrong
//!    kind    distance  missed by  fold  first            second
//!  ▌ reject    0.8123     0.1233     3  Alma_Powell/2    Alma_Powell/3
//!
//!  ▌Alma_Powell/2 ───────── listed   Alma_Powell/3 ─────────
//!   ▄▄▄▄▄▄▄▄▄▄▄▄                     ▄▄▄▄▄▄▄▄▄▄▄▄
//!  one person, told two: 0.8123 is above 0.6890, fold 3, pair 17
//! ```

use ratatui::layout::Rect;

use crate::eval::failures::FailureKind;
use crate::tui::message::Target;
use crate::tui::model::{Known, Model};
use crate::tui::theme::Role;
use crate::tui::triage::{FailedPair, Failing, Refigured};
use crate::tui::widget::text::{Pen, wrap};
use crate::tui::words;
use crate::untrusted::visible;

use super::{ViewCache, faces};

/// Draws list, faces and what is known of the pair.
pub fn draw(model: &Model, cache: &mut ViewCache, pen: &mut Pen, area: Rect) {
    let failing = match &model.triage.failing {
        Some(Known::Ready(failing)) => failing,
        Some(Known::Missing(why)) => {
            return pen.empty(area, &["no failing pairs can be shown", why]);
        }
        Some(Known::Reading) => return pen.empty(area, &["reading the scores…"]),
        None => {
            return pen.empty(
                area,
                &[
                    "no evaluation keeps its scores yet",
                    "`facetui eval lfw` and `eval ytf` make runs that do",
                ],
            );
        }
    };
    let about = about(model, failing);
    let places = Places::of(model, area, &about);
    if let Some(list) = places.list {
        draw_list(model, failing, cache, pen, list);
    }
    faces::draw(
        model,
        Some(model.triage.pairs.side),
        cache,
        pen,
        places.faces,
    );
    draw_about(&about, pen, places.about);
}

/// A label, a text, and how that looks.
pub type About = (String, String, Role);

/// Cells for a label.
const LABEL: u16 = 11;

/// Where things are.
pub struct Places {
    /// The list; `None` where the pictures have the whole pane.
    pub list: Option<Rect>,
    /// The pictures.
    pub faces: Rect,
    /// What is known.
    pub about: Rect,
}

impl Places {
    /// Beside each other where there is room, else the list above; `about` is the text at the end.
    pub fn of(model: &Model, area: Rect, about: &[About]) -> Self {
        let inner = Rect {
            x: area.x + 1,
            width: area.width - 2,
            ..area
        };
        let (list, rest) = if model.triage.zoomed {
            (None, inner)
        } else if area.width >= 150 {
            let left = inner.width * 45 / 100;
            let rest = Rect {
                x: inner.x + left + 1,
                width: inner.width - left - 1,
                ..inner
            };
            (
                Some(Rect {
                    width: left,
                    ..area
                }),
                rest,
            )
        } else {
            let height = (area.height / 3).max(4).min(area.height);
            let rest = Rect {
                y: area.y + height,
                height: area.height - height,
                ..inner
            };
            (Some(Rect { height, ..area }), rest)
        };
        let room = usize::from(rest.width.saturating_sub(LABEL));
        let lines: usize = about
            .iter()
            .map(|(_, text, _)| wrap(text, room).len())
            .sum();
        let below = (lines as u16).min(rest.height / 3);
        Self {
            list,
            faces: Rect {
                height: rest.height - below,
                ..rest
            },
            about: Rect {
                y: rest.bottom() - below,
                height: below,
                ..rest
            },
        }
    }
}

fn draw_list(model: &Model, failing: &Failing, cache: &mut ViewCache, pen: &mut Pen, area: Rect) {
    let triage = &model.triage;
    let lines = triage.lines();
    let place = &triage.pairs;
    let count = |count: usize| words::count(count as u64);
    let tally: Vec<String> = [
        Some(match (lines.len(), failing.pairs.len()) {
            (shown, wrong) if shown < wrong => {
                format!(" {} of {} wrong shown", count(shown), count(wrong))
            }
            (_, wrong) => format!(" {} of {} told wrong", count(wrong), count(failing.judged)),
        }),
        Some(format!("by {}", place.order.name())),
        place.kind.map(|kind| format!("{kind}s")),
        (!place.filter.is_empty()).then(|| format!("“{}”", visible(&place.filter))),
    ]
    .into_iter()
    .flatten()
    .collect();
    let tally = tally.join(" · ");
    title(
        &format!("{} on {}", failing.label, failing.set),
        &tally,
        pen,
        area,
    );
    let names = area.width.saturating_sub(2 + FIXED) / 2;
    let mut x = area.x + 2;
    pen.put(x, area.y + 1, 8, "kind", Role::Quiet);
    pen.put_right(x + 7, area.y + 1, 9, "distance", Role::Quiet);
    pen.put_right(x + 17, area.y + 1, 7, "missed", Role::Quiet);
    pen.put_right(x + 25, area.y + 1, 4, "fold", Role::Quiet);
    x += FIXED;
    pen.put(x, area.y + 1, names, "first", Role::Quiet);
    pen.put(x + names, area.y + 1, names, "second", Role::Quiet);
    let rows = Rect {
        y: area.y + 2,
        height: area.height.saturating_sub(2),
        ..area
    };
    if lines.is_empty() {
        let why = if failing.pairs.is_empty() {
            "every pair was told right"
        } else {
            "no pair is of this kind and contains this"
        };
        pen.put(rows.x + 2, rows.y, rows.width - 2, why, Role::Quiet);
        return;
    }
    let selected = place.row.min(lines.len() - 1);
    let shown = usize::from(rows.height).max(1);
    let first = selected.saturating_sub(shown - 1);
    for (nth, (index, failed)) in lines.iter().enumerate().skip(first).take(shown).enumerate() {
        let line = Rect {
            y: rows.y + nth as u16,
            height: 1,
            ..rows
        };
        draw_line(model, failed, names, pen, line);
        if index == selected {
            pen.select(line);
        }
        cache.hit(line, Target::Line(index));
    }
}

/// Cells before the names of a line.
const FIXED: u16 = 31;

fn draw_line(model: &Model, failed: &FailedPair, names: u16, pen: &mut Pen, line: Rect) {
    let pair = &failed.pair;
    let (x, y) = (line.x + 2, line.y);
    let (word, role) = match pair.kind {
        FailureKind::FalseReject => ("reject", Role::Waiting),
        FailureKind::FalseAccept => ("accept", Role::Bad),
    };
    pen.put(x, y, 7, word, role);
    pen.put_right(x + 7, y, 9, &format!("{:.4}", pair.distance), Role::Text);
    pen.put_right(x + 17, y, 7, &format!("{:.4}", pair.missed_by), Role::Text);
    let fold = pair
        .fold
        .map_or_else(|| "–".to_owned(), |fold| (fold + 1).to_string());
    pen.put_right(x + 25, y, 4, &fold, Role::Quiet);
    for (nth, name) in [&pair.a, &pair.b].into_iter().enumerate() {
        let listed = model.triage.is_listed(name);
        let x = x + FIXED + nth as u16 * names;
        let (mark, role) = if listed {
            ("! ", Role::Quiet)
        } else {
            ("", Role::Text)
        };
        let used = pen.put(x, y, 2, mark, Role::Waiting);
        pen.put(x + used, y, names.saturating_sub(used + 1), name, role);
    }
}

/// A title at the left of a line, a tally at its right.
pub fn title(text: &str, tally: &str, pen: &mut Pen, area: Rect) {
    let wide = pen.width(tally).min(area.width * 2 / 3);
    let left = Rect {
        x: area.x + 1,
        width: area.width.saturating_sub(2 + wide),
        ..area
    };
    pen.title(left, text, Role::Strong);
    pen.put(left.right(), area.y, wide, tally, Role::Quiet);
}

/// A label and a text for each line about the selected pair.
fn about(model: &Model, failing: &Failing) -> Vec<About> {
    let mut lines = Vec::new();
    if let Some(failed) = model.triage.selected_pair() {
        let pair = &failed.pair;
        let what = match pair.kind {
            FailureKind::FalseReject => "one person, told two",
            FailureKind::FalseAccept => "two people, told one",
        };
        let fold = pair.fold.map_or_else(
            || "untested: judged at the mean threshold".to_owned(),
            |fold| format!("fold {}", fold + 1),
        );
        let text = format!(
            "{what}: {:.4} at a threshold of {:.4}, missed by {:.4}, {fold}, pair {}",
            pair.distance,
            pair.threshold,
            pair.missed_by,
            words::count(pair.pair as u64 + 1)
        );
        lines.push(("pair".to_owned(), text, Role::Text));
        for (peer, (distance, threshold, right)) in failing.peers.iter().zip(&failed.elsewhere) {
            let (word, role) = if *right {
                ("right", Role::Good)
            } else {
                ("wrong too", Role::Text)
            };
            let text = format!("{word}: {distance:.4} at {threshold:.4} by {peer}");
            lines.push(("elsewhere".to_owned(), text, role));
        }
    }
    // Where there is little room, the figures that follow a mark matter more than what others made of the pair.
    if let Some(corrected) = corrected(model).filter(|_| failing.videos) {
        lines.insert(0, corrected);
    }
    lines
}

/// What the figures are without the listed videos, and were before the last change.
pub fn corrected(model: &Model) -> Option<About> {
    let now = model.triage.refigured.as_ref()?;
    let figure = |one: &Refigured| {
        let Refigured {
            accuracy,
            listed,
            dropped,
            ..
        } = one;
        format!(
            "{:.3} % ± {:.3} without {} pairs of {} listed videos",
            accuracy.mean * 100.0,
            accuracy.std * 100.0,
            words::count(*dropped as u64),
            words::count(*listed as u64)
        )
    };
    let before = model
        .triage
        .before
        .as_ref()
        .filter(|before| before.of == now.of && *before != now);
    let before = before.map(|before| format!(", before {}", figure(before)));
    let text = format!(
        "{}, {}{}",
        figure(now),
        now.mode,
        before.unwrap_or_default()
    );
    Some(("corrected".to_owned(), text, Role::Strong))
}

/// Draws lines about something: a label, then a text that may go on below.
pub fn draw_about(lines: &[About], pen: &mut Pen, area: Rect) {
    let mut y = area.y;
    let room = area.width.saturating_sub(LABEL);
    for (label, text, role) in lines {
        let mut label = label.as_str();
        for part in wrap(text, room.into()) {
            if y >= area.bottom() {
                return;
            }
            pen.put(area.x, y, LABEL - 1, label, Role::Quiet);
            pen.put(area.x + LABEL, y, room, &part, *role);
            label = "";
            y += 1;
        }
    }
}
