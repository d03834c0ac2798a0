//! The sets of faces: counts, how many images people have, people's faces, what checks and overlaps say.
//!
//! ```text
//!  data/config.ini ──────────────────────────────────────────────── 3 sets
//!    set        images   people   pairs          place
//!  ▌ synthetic   2,400      100                  data/train
//!    lfw           480            120 + 120      data/synthetic-lfw.bin
//!
//!  images of a person ───────────   ▌12 of 100: Alma_Powell ───────
//!    16–31  ━━━━━━━━━━━━━━━━  100     ▄▄▄▄▄▄▄▄▄▄▄▄
//! ```

use ratatui::layout::Rect;

use crate::data::CheckReport;
use crate::tui::message::Target;
use crate::tui::model::{Known, Model};
use crate::tui::sets::{SetLine, Sets, histogram};
use crate::tui::theme::Role;
use crate::tui::widget::gauge::bar;
use crate::tui::widget::text::{Pen, wrap};
use crate::tui::words;

use super::{ViewCache, faces, failures};

/// Draws it.
pub fn draw(model: &Model, cache: &mut ViewCache, pen: &mut Pen, area: Rect) {
    let sets = match &model.data.sets {
        Some(Known::Ready(sets)) => sets,
        Some(Known::Missing(why)) => {
            let why = wrap(why, usize::from(area.width.saturating_sub(4)));
            let mut lines = vec!["no sets can be shown"];
            lines.extend(why.iter().map(String::as_str));
            lines.extend(["", "C names another config.ini"]);
            return pen.empty(area, &lines);
        }
        Some(Known::Reading) | None => return pen.empty(area, &["looking at the sets…"]),
    };
    if model.triage.zoomed
        && model
            .data
            .selected()
            .is_some_and(|set| !set.sizes.is_empty())
    {
        let place = Rect {
            x: area.x + 1,
            width: area.width - 2,
            ..area
        };
        return faces::draw(model, None, cache, pen, place);
    }
    let wanted = sets.sets.len() as u16 + 2;
    let height = wanted.min(area.height / 2).max(3).min(area.height);
    draw_sets(model, sets, cache, pen, Rect { height, ..area });
    let below = Rect {
        x: area.x + 1,
        y: area.y + height + 1,
        width: area.width - 2,
        height: area.height.saturating_sub(height + 1),
    };
    let Some(set) = model.data.selected() else {
        return;
    };
    let left = if set.sizes.is_empty() {
        below.width
    } else {
        below.width / 2
    };
    let facts = Rect {
        width: left,
        ..below
    };
    draw_facts(model, set, pen, facts);
    if left < below.width {
        let right = Rect {
            x: below.x + left + 1,
            width: below.width - left - 1,
            ..below
        };
        faces::draw(model, None, cache, pen, right);
    }
}

fn draw_sets(model: &Model, sets: &Sets, cache: &mut ViewCache, pen: &mut Pen, area: Rect) {
    let tally = format!(" {} sets", sets.sets.len());
    failures::title(&sets.config, &tally, pen, area);
    let x = area.x + 2;
    pen.put(x, area.y + 1, NAME, "set", Role::Quiet);
    for (nth, head) in ["images", "people", "pairs"].into_iter().enumerate() {
        pen.put_right(
            x + NAME + nth as u16 * 11,
            area.y + 1,
            10,
            head,
            Role::Quiet,
        );
    }
    pen.put(x + NAME + 34, area.y + 1, 10, "place", Role::Quiet);
    let rows = usize::from(area.height.saturating_sub(2));
    let selected = model.data.row.min(sets.sets.len().saturating_sub(1));
    let first = (selected + 1).saturating_sub(rows);
    for (row, (index, set)) in sets
        .sets
        .iter()
        .enumerate()
        .skip(first)
        .take(rows)
        .enumerate()
    {
        let line = Rect {
            y: area.y + 2 + row as u16,
            height: 1,
            ..area
        };
        draw_line(set, pen, line);
        if index == selected {
            pen.select(line);
        }
        cache.hit(line, Target::Line(index));
    }
}

/// Cells for a set's name.
const NAME: u16 = 14;

fn draw_line(set: &SetLine, pen: &mut Pen, line: Rect) {
    let (x, y) = (line.x + 2, line.y);
    pen.put(x, y, NAME - 1, &set.name, Role::Text);
    if let Some(why) = &set.problem {
        let mark = pen.theme.pick("✗ ", "x ");
        let used = pen.put(x + NAME, y, 2, mark, Role::Bad);
        let room = line.right().saturating_sub(x + NAME + used + 1);
        pen.put(x + NAME + used, y, room, why, Role::Quiet);
        return;
    }
    let pairs = set
        .pairs
        .map(|(same, different)| words::count(same + different));
    let counts = [
        set.images.map(words::count),
        set.people.map(words::count),
        pairs,
    ];
    for (nth, count) in counts.into_iter().enumerate() {
        let text = count.unwrap_or_default();
        pen.put_right(x + NAME + nth as u16 * 11, y, 10, &text, Role::Text);
    }
    let at = x + NAME + 34;
    pen.put(
        at,
        y,
        line.right().saturating_sub(at + 1),
        &set.place,
        Role::Quiet,
    );
}

/// Histogram, check and overlaps of the selected set.
fn draw_facts(model: &Model, set: &SetLine, pen: &mut Pen, area: Rect) {
    let mut y = area.y;
    if !set.sizes.is_empty() {
        y = draw_sizes(set, pen, area) + 1;
    }
    let mut lines: Vec<failures::About> = Vec::new();
    let mut add = |label: &str, text: String, role| lines.push((label.to_owned(), text, role));
    if let Some((same, different)) = set.pairs {
        let text = format!(
            "{} of one person, {} of two",
            words::count(same),
            words::count(different)
        );
        add("pairs", text, Role::Text);
    }
    if let Some(videos) = set.videos {
        add("videos", words::count(videos), Role::Text);
    }
    match model.data.checks.get(&set.name) {
        None => add(
            "check",
            "not checked yet: c reads all of it once".to_owned(),
            Role::Quiet,
        ),
        Some(Known::Reading) => add("check", "reading everything…".to_owned(), Role::Waiting),
        Some(Known::Missing(why)) => add("check", why.clone(), Role::Bad),
        Some(Known::Ready(report)) => {
            for (text, role) in findings(report) {
                add("check", text, role);
            }
        }
    }
    for overlap in &model.data.overlaps {
        let [(a, of_a), (b, of_b)] = &overlap.sets;
        let [alike, same_name, both] = overlap.counts;
        let text = format!(
            "{a} ({}) and {b} ({}): {} pairs of people look alike, {} have one name, {} both; {}",
            words::count(*of_a as u64),
            words::count(*of_b as u64),
            words::count(alike as u64),
            words::count(same_name as u64),
            words::count(both as u64),
            overlap.run
        );
        add("overlap", text, Role::Text);
    }
    let rest = Rect {
        y,
        height: area.bottom().saturating_sub(y),
        ..area
    };
    failures::draw_about(&lines, pen, rest);
}

/// How many people have how many images; the row below it.
fn draw_sizes(set: &SetLine, pen: &mut Pen, area: Rect) -> u16 {
    let bins = histogram(&set.sizes);
    let middle = set.sizes.get(set.sizes.len() / 2).copied().unwrap_or(0);
    let title = format!("images of a person, {middle} in the middle");
    pen.title(Rect { height: 1, ..area }, &title, Role::Strong);
    let most = bins
        .iter()
        .map(|(_, count)| *count)
        .max()
        .unwrap_or(1)
        .max(1);
    // The smallest and the largest classes say most: what is between gives way where there is no room.
    let room = usize::from(area.height.saturating_sub(1)).min(16);
    let skipped = bins.len().saturating_sub(room);
    let mut y = area.y + 1;
    for (label, count) in bins.iter().skip(skipped) {
        if y >= area.bottom() {
            break;
        }
        pen.put_right(area.x, y, 12, label, Role::Quiet);
        let cells = area.width.saturating_sub(12 + 2 + 11).min(50);
        let (full, _) = bar(*count as f64 / most as f64, cells.into(), pen.theme);
        pen.put(area.x + 14, y, cells, &full, Role::Curve(0));
        pen.put_right(
            area.x + 14 + cells,
            y,
            10,
            &words::count(*count as u64),
            Role::Text,
        );
        y += 1;
    }
    y
}

/// What a check found, in lines.
fn findings(report: &CheckReport) -> Vec<(String, Role)> {
    let count = |count: usize| words::count(count as u64);
    let mut lines = vec![(
        format!(
            "{} images can be read, {} problems",
            words::count(report.readable),
            words::count(report.problems)
        ),
        if report.problems == 0 {
            Role::Good
        } else {
            Role::Bad
        },
    )];
    let across = report.duplicates_across().count();
    for (found, what) in [
        (report.broken.len(), "images can't be read"),
        (across, "pictures are there under two names"),
        (
            report.similar.len(),
            "pairs of pictures look the same under two names",
        ),
        (
            report.contradictions.len(),
            "pairs can't be what the set says",
        ),
        (report.missing_videos.len(), "videos aren't there"),
    ] {
        if found > 0 {
            lines.push((format!("{} {what}", count(found)), Role::Text));
        }
    }
    let named = report
        .broken
        .iter()
        .map(|broken| format!("{}: {}", broken.image, broken.problem));
    let twice = report
        .duplicates_across()
        .map(|same| same.images.join(" = "));
    for text in named.chain(twice).take(5) {
        lines.push((wrap(&text, 200).join(" "), Role::Quiet));
    }
    lines
}
