//! The list of mislabelled videos: one's own list, what looks mislabelled besides, and the evidence for each.
//!
//! ```text
//!  runs/ytf-errors.txt, not written yet ───────────────── 35 listed · 4 suspects
//!    video           evidence  finding         odd    reason
//!  ▌ ! Alma_Powell/2     +7.3  another person  3/4    shows Colin Powell
//!      Ali_Abbas/2       +0.4  mixed frames    1/4
//! ```

use ratatui::layout::Rect;

use crate::eval::suspects::{Finding, Suspect};
use crate::tui::message::Target;
use crate::tui::model::{Known, Model};
use crate::tui::theme::Role;
use crate::tui::triage::{Errors, Shown, VideoLine};
use crate::tui::widget::text::Pen;
use crate::untrusted::visible;

use super::failures::{About, Places, corrected, draw_about, title};
use super::{ViewCache, faces};

/// Draws list, faces and evidence.
pub fn draw(model: &Model, cache: &mut ViewCache, pen: &mut Pen, area: Rect) {
    let errors = match &model.triage.errors {
        Some(Known::Ready(errors)) => errors,
        Some(Known::Missing(why)) => {
            return pen.empty(area, &["the error list can't be read", why]);
        }
        Some(Known::Reading) | None => return pen.empty(area, &["reading the error list…"]),
    };
    let about = about(model);
    let places = Places::of(model, area, &about);
    if let Some(list) = places.list {
        draw_list(model, errors, cache, pen, list);
    }
    if model.triage.is_of_images() {
        let next = "the evaluation at hand is of images; ] turns to one of videos";
        let Rect { x, y, width, .. } = places.faces;
        pen.put(x, y + 1, width, next, Role::Quiet);
    } else {
        faces::draw(model, None, cache, pen, places.faces);
    }
    draw_about(&about, pen, places.about);
}

fn draw_list(model: &Model, errors: &Errors, cache: &mut ViewCache, pen: &mut Pen, area: Rect) {
    let lines = model.triage.videos();
    let found = model
        .triage
        .suspected()
        .and_then(|known| known.found.as_ref().ok());
    let suspects = found.map(|found| {
        let is_suspect =
            |video: &&Suspect| video.evidence > 0.0 && !model.triage.is_listed(&video.video);
        found.videos.iter().filter(is_suspect).count()
    });
    let filter = &model.triage.list.filter;
    let tally: Vec<String> = [
        Some(format!(" {} listed", errors.entries.len())),
        suspects.map(|suspects| format!("{suspects} suspects besides")),
        Some(model.triage.list.shown.name().to_owned()),
        (!filter.is_empty()).then(|| format!("“{}”", visible(filter))),
    ]
    .into_iter()
    .flatten()
    .collect();
    let tally = tally.join(" · ");
    let new = if errors.is_new {
        ", not written yet"
    } else {
        ""
    };
    title(&format!("{}{new}", errors.path), &tally, pen, area);
    let name = (area.width / 4).clamp(12, 30);
    let heads = [
        ("video", 2 + 2, name),
        ("evidence", 4 + name + 1, 8),
        ("finding", 4 + name + 11, 14),
        ("odd", 4 + name + 26, 6),
        ("reason", 4 + name + 33, 10),
    ];
    for (text, x, width) in heads {
        pen.put(area.x + x, area.y + 1, width, text, Role::Quiet);
    }
    let rows = Rect {
        y: area.y + 2,
        height: area.height.saturating_sub(2),
        ..area
    };
    if lines.is_empty() {
        let text = match (model.triage.list.shown, &model.triage.suspects) {
            (Shown::Listed, _) => "nothing is listed, or nothing contains this",
            (_, Some(Known::Reading)) => "looking at all videos…",
            (_, Some(Known::Missing(why))) => why,
            (_, Some(Known::Ready(known))) => match &known.found {
                Ok(_) => "no other video looks mislabelled",
                Err(why) => why,
            },
            (_, None) => "an evaluation of videos that keeps its embeddings is needed",
        };
        pen.put(rows.x + 2, rows.y, rows.width - 2, text, Role::Quiet);
        return;
    }
    let selected = model.triage.list.row.min(lines.len() - 1);
    let all_are_known = model
        .triage
        .suspected()
        .is_some_and(|known| known.found.is_ok());
    let shown = usize::from(rows.height).max(1);
    let first = selected.saturating_sub(shown - 1);
    for (nth, (index, line)) in lines.iter().enumerate().skip(first).take(shown).enumerate() {
        let place = Rect {
            y: rows.y + nth as u16,
            height: 1,
            ..rows
        };
        draw_line(line, all_are_known, name, pen, place);
        if index == selected {
            pen.select(place);
        }
        cache.hit(place, Target::Line(index));
    }
}

fn draw_line(line: &VideoLine, all_are_known: bool, name: u16, pen: &mut Pen, place: Rect) {
    let (x, y) = (place.x + 2, place.y);
    if line.note.is_some() {
        pen.put(x, y, 1, "!", Role::Waiting);
    }
    pen.put(x + 2, y, name, line.name, Role::Text);
    let x = x + 2 + name + 1;
    if let Some(suspect) = line.suspect {
        let role = if suspect.evidence > 0.0 {
            Role::Bad
        } else {
            Role::Quiet
        };
        pen.put_right(x, y, 8, &format!("{:+.1}", suspect.evidence), role);
        pen.put(x + 10, y, 14, finding(suspect.finding), Role::Text);
        let odd = format!("{}/{}", suspect.odd_pairs, suspect.pairs);
        pen.put(x + 25, y, 6, &odd, Role::Text);
    } else if all_are_known {
        pen.put(x + 10, y, 14, "not in the set", Role::Quiet);
    }
    let x = x + 32;
    let room = place.right().saturating_sub(x + 1);
    let reason = line.note.and_then(|note| note.reason.as_deref());
    pen.put(x, y, room, reason.unwrap_or(""), Role::Text);
}

fn finding(finding: Finding) -> &'static str {
    match finding {
        Finding::LooksRight => "looks right",
        Finding::LooksLikeAnother => "another person",
        Finding::UnlikeItsOwn => "unlike its own",
        Finding::MixedFrames => "mixed frames",
    }
}

/// Lines about the selected video: who noted what, the evidence, its pairs.
fn about(model: &Model) -> Vec<About> {
    let Some(line) = model.triage.selected_video() else {
        return Vec::from_iter(corrected(model));
    };
    let mut lines = Vec::new();
    let mut add = |label: &str, text: String, role| lines.push((label.to_owned(), text, role));
    if let Some(note) = line.note {
        let reason = note.reason.as_deref().unwrap_or("no reason is noted");
        let by = note.by.as_ref().map(|by| format!(", by {by}"));
        let when = note.when.as_ref().map(|when| format!(", {when}"));
        let text = format!(
            "{reason}{}{}",
            by.unwrap_or_default(),
            when.unwrap_or_default()
        );
        add("listed", text, Role::Text);
    }
    if let Some(suspect) = line.suspect {
        add("evidence", evidence(suspect), Role::Text);
    }
    let pairs = model
        .triage
        .suspected()
        .map_or(&[][..], |known| &known.pairs);
    let own = pairs
        .iter()
        .filter(|pair| pair.a == line.name || pair.b == line.name);
    for pair in own {
        let other = if pair.a == line.name {
            &pair.b
        } else {
            &pair.a
        };
        let kind = if pair.same { "same" } else { "different" };
        let (word, role) = if pair.right {
            ("right", Role::Quiet)
        } else {
            ("wrong", Role::Bad)
        };
        add(kind, format!("{:.4} {word}  {other}", pair.distance), role);
    }
    // The figures come first: in little room they matter more than a pair.
    if let Some(corrected) = corrected(model) {
        lines.insert(0, corrected);
    }
    lines
}

fn evidence(suspect: &Suspect) -> String {
    let mut parts = vec![format!(
        "{:+.1}, {}: {} frames",
        suspect.evidence,
        finding(suspect.finding),
        suspect.frames
    )];
    if let Some(similarity) = suspect.similarity_to_mates {
        parts.push(format!("{similarity:.2} like its {} others", suspect.mates));
    }
    if let (Some(other), Some(similarity)) = (&suspect.other, suspect.similarity_to_other) {
        parts.push(format!("{similarity:.2} like {other}"));
    }
    if let Some(split) = suspect.split {
        parts.push(format!(
            "{:.0} % of its frames apart",
            split.minority * 100.0
        ));
    }
    parts.join(", ")
}
