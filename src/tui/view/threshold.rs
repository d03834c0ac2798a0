//! The movable threshold of the selected figure: what it comes to on all of the figure's pairs, whatever their fold, and
//! how their distances spread around it.
//!
//! ```text
//! at 1.214, the mean ── accuracy 78.25 %  FAR 21.33 %  FRR 22.17 %
//! same        ▁▂▅█▇▅▃▂▁│ ▁                  665 of 3,000 rejected
//! different         ▁▂▃│▅█▇▅▃▂▁             640 of 3,000 accepted
//! ```

use ratatui::layout::Rect;

use crate::eval::operating::OperatingPoint;
use crate::tui::model::{Known, Model};
use crate::tui::theme::Role;
use crate::tui::threshold::Scored;
use crate::tui::widget::decimate::column;
use crate::tui::widget::histogram;
use crate::tui::widget::raster::Raster;
use crate::tui::widget::text::{Pen, wrap};
use crate::tui::words;

/// The rows it needs.
pub const HEIGHT: u16 = 3;

/// The places of a figure and of its threshold: beside each other where both fit, else the threshold in the lowest
/// rows.
pub fn beside(area: Rect, below: u16) -> [Rect; 2] {
    if area.width >= 150 {
        let left = area.width / 2;
        return [
            Rect {
                width: left - 2,
                ..area
            },
            Rect {
                x: area.x + left,
                width: area.width - left,
                ..area
            },
        ];
    }
    let above = area.height - below;
    [
        Rect {
            height: above,
            ..area
        },
        Rect {
            y: area.y + above,
            height: below,
            ..area
        },
    ]
}

/// Draws it for the selected figure.
pub fn draw(model: &Model, pen: &mut Pen, area: Rect) {
    if area.height == 0 {
        return;
    }
    let figure = model.evaluation.figure.as_ref();
    match figure.and_then(|figure| model.scores.get(figure)) {
        Some(Known::Ready(scored)) => {
            let place = &model.evaluation;
            draw_scored(scored, place.nudge, place.roc, pen, area);
        }
        Some(Known::Missing(why)) => draw_words(why, pen, area),
        Some(Known::Reading) | None => draw_words("reading the scores…", pen, area),
    }
}

fn draw_words(text: &str, pen: &mut Pen, area: Rect) {
    pen.title(area, "threshold", Role::Strong);
    let lines = wrap(text, area.width.into());
    for (line, y) in lines.iter().zip(area.y + 1..area.bottom()) {
        pen.put(area.x, y, area.width, line, Role::Quiet);
    }
}

fn draw_scored(scored: &Scored, nudge: i64, roc: bool, pen: &mut Pen, area: Rect) {
    let point = scored.at(nudge);
    let tall = area.height >= TALL;
    draw_title(scored, nudge, &point, tall, pen, area);
    if tall && roc {
        draw_roc(scored, &point, pen, area);
    } else if tall {
        draw_tall(scored, &point, pen, area);
    } else {
        draw_flat(scored, &point, pen, area);
    }
}

/// With so many rows each rate has a line and the histograms have several.
const TALL: u16 = 12;

fn draw_title(
    scored: &Scored,
    nudge: i64,
    point: &OperatingPoint,
    tall: bool,
    pen: &mut Pen,
    area: Rect,
) {
    let threshold = words::figure(point.threshold);
    let title = match nudge {
        0 => format!("at {threshold}, the mean"),
        nudge => {
            let sign = if nudge < 0 { "−" } else { "+" };
            let far = words::figure(nudge.unsigned_abs() as f64 * scored.step());
            format!("at {threshold}, mean {sign} {far}")
        }
    };
    let rates = if tall {
        String::new()
    } else {
        format!(
            " accuracy {}  FAR {}  FRR {}",
            percent(point.accuracy),
            percent(point.far),
            percent(point.frr)
        )
    };
    let wide = pen.width(&rates).min(area.width);
    let left = Rect {
        width: area.width - wide,
        ..area
    };
    pen.title(left, &title, Role::Accent);
    pen.put_right(area.x, area.y, area.width, &rates, Role::Strong);
}

/// Two histograms of one row, the counts at their right.
fn draw_flat(scored: &Scored, point: &OperatingPoint, pen: &mut Pen, area: Rect) {
    let counts = counts(scored, point);
    let wide = counts.iter().map(|text| pen.width(text)).max().unwrap_or(0);
    let bars = area.width.saturating_sub(LABEL + 2 + wide);
    for ((kind, text), y) in Kind::BOTH
        .into_iter()
        .zip(&counts)
        .zip(area.y + 1..area.bottom())
    {
        pen.put(area.x, y, LABEL, kind.label(), Role::Quiet);
        let place = Rect {
            x: area.x + LABEL,
            y,
            width: bars,
            height: 1,
        };
        draw_bars(scored, point, kind, pen, place);
        pen.put_right(area.x, y, area.width, text, Role::Text);
    }
}

/// The rates in words, then both histograms above an axis.
fn draw_tall(scored: &Scored, point: &OperatingPoint, pen: &mut Pen, area: Rect) {
    let [rejected, accepted] = counts(scored, point);
    let pairs = scored.points.positive().len() + scored.points.negative().len();
    let right = point.true_accepts + point.true_rejects;
    let rates = [
        (
            "accuracy",
            percent(point.accuracy),
            format!(
                "{} of {} pairs told right, whatever their fold",
                words::count(right as u64),
                words::count(pairs as u64)
            ),
        ),
        ("FAR", percent(point.far), format!("different: {accepted}")),
        ("FRR", percent(point.frr), format!("same: {rejected}")),
    ];
    for ((label, rate, text), y) in rates.iter().zip(area.y + 1..) {
        pen.put(area.x, y, LABEL, label, Role::Quiet);
        pen.put_right(area.x + LABEL, y, 9, rate, Role::Strong);
        let x = area.x + LABEL + 11;
        pen.put(x, y, area.right().saturating_sub(x), text, Role::Text);
    }
    let top = area.y + 5;
    let room = area.bottom() - top - 1;
    let height = (room.saturating_sub(1) / 2).min(8);
    let width = area.width.saturating_sub(LABEL);
    for (nth, kind) in (0..).zip(Kind::BOTH) {
        let place = Rect {
            x: area.x + LABEL,
            y: top + nth * (height + 1),
            width,
            height,
        };
        pen.put(area.x, place.bottom() - 1, LABEL, kind.label(), Role::Quiet);
        draw_bars(scored, point, kind, pen, place);
    }
    let axis = Rect {
        x: area.x + LABEL,
        y: top + 2 * height + 1,
        width,
        height: 1,
    };
    draw_axis(scored, point, pen, axis);
}

/// The smallest false accept rate that the curve shows.
const LEAST_FAR: f64 = 1e-4;

/// The ROC curve: true accepts against false accepts by powers of ten, and where the threshold stands on it.
fn draw_roc(scored: &Scored, point: &OperatingPoint, pen: &mut Pen, area: Rect) {
    let text = format!(
        "TAR {} at FAR {}",
        percent(1.0 - point.frr),
        percent(point.far)
    );
    pen.put(area.x, area.y + 1, area.width, &text, Role::Strong);
    let plot = Rect {
        x: area.x + 8,
        y: area.y + 3,
        width: area.width.saturating_sub(8),
        height: area.height.saturating_sub(4),
    };
    if plot.width < 8 || plot.height < 3 {
        return;
    }
    // Every distance of two people is a threshold at which the curve turns.
    let far_of = |far: f64| far.max(LEAST_FAR).log10();
    let curve = scored.points.negative().iter().map(|threshold| {
        let at = scored.points.at(*threshold);
        (far_of(at.far), 1.0 - at.frr)
    });
    let end = scored.points.at(f64::INFINITY);
    let curve = curve.chain(std::iter::once((far_of(end.far), 1.0 - end.frr)));
    let x = (LEAST_FAR.log10(), 0.0);
    let (width, height) = (plot.width.into(), plot.height.into());
    let mut raster = Raster::new(width, height, pen.theme.charset);
    raster.curve(curve, x, (0.0, 1.0), 0);
    raster.paint(plot, pen.buffer, pen.theme, &[Role::Curve(0)]);
    let wall = pen.theme.pick("│", "|");
    for y in plot.y..plot.bottom() {
        pen.put(plot.x - 1, y, 1, wall, Role::Quiet);
    }
    for (share, y) in [("100 %", plot.y), ("0 %", plot.bottom() - 1)] {
        pen.put_right(area.x, y, 6, share, Role::Quiet);
    }
    pen.put(area.x, area.y + 2, 6, "TAR", Role::Quiet);
    for power in -4..=0 {
        let cell = column(f64::from(power), x.0, x.1, width) as u16;
        let label = format!("{}", 10_f64.powi(power));
        let wide = pen.width(&label);
        let at = (plot.x + cell).min(plot.right() - wide);
        pen.put(at, plot.bottom(), wide, &label, Role::Quiet);
    }
    let mark = pen.theme.pick("◆", "O");
    let cell = column(far_of(point.far), x.0, x.1, width) as u16;
    let row = column(1.0 - point.frr, 0.0, 1.0, height) as u16;
    pen.put(
        plot.x + cell,
        plot.bottom() - 1 - row,
        1,
        mark,
        Role::Accent,
    );
}

fn draw_axis(scored: &Scored, point: &OperatingPoint, pen: &mut Pen, area: Rect) {
    let (low, high) = ends(scored);
    pen.put(area.x, area.y, area.width, &words::figure(low), Role::Quiet);
    pen.put_right(
        area.x,
        area.y,
        area.width,
        &words::figure(high),
        Role::Quiet,
    );
    let at = histogram::column(point.threshold, (low, high), area.width);
    let text = words::figure(point.threshold);
    let mark = pen.theme.pick("▲", "^");
    // The figure stands at the mark's right where there is room, else at its left.
    let wide = pen.width(&text) + 2;
    let text = if at + wide <= area.width {
        format!("{mark} {text}")
    } else {
        format!("{text} {mark}")
    };
    let x = if at + wide <= area.width {
        at
    } else {
        (at + 1).saturating_sub(wide)
    };
    pen.put(area.x + x, area.y, wide, &text, Role::Accent);
}

#[derive(Clone, Copy)]
enum Kind {
    Same,
    Different,
}

impl Kind {
    const BOTH: [Self; 2] = [Self::Same, Self::Different];

    fn label(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Different => "different",
        }
    }
}

fn draw_bars(scored: &Scored, point: &OperatingPoint, kind: Kind, pen: &mut Pen, area: Rect) {
    let (sorted, role) = match kind {
        Kind::Same => (scored.points.positive(), Role::Curve(0)),
        Kind::Different => (scored.points.negative(), Role::Curve(1)),
    };
    if area.width == 0 {
        return;
    }
    histogram::draw(sorted, ends(scored), role, pen, area);
    let at = histogram::column(point.threshold, ends(scored), area.width);
    let line = pen.theme.pick("│", "|");
    for y in area.y..area.bottom() {
        pen.put(area.x + at, y, 1, line, Role::Accent);
    }
}

/// Cells for the label of a line.
const LABEL: u16 = 12;

/// All distances and a little more, so that the control's last place is in the picture.
fn ends(scored: &Scored) -> (f64, f64) {
    let (low, high) = scored.ends();
    let room = 2.0 * scored.step();
    (low - room, high + room)
}

/// The mistakes: same ones rejected, different ones accepted.
fn counts(scored: &Scored, point: &OperatingPoint) -> [String; 2] {
    let of = |part: usize, whole: usize, what: &str| {
        let [part, whole] = [part, whole].map(|count| words::count(count as u64));
        format!("{part} of {whole} {what}")
    };
    [
        of(
            point.false_rejects,
            scored.points.positive().len(),
            "rejected",
        ),
        of(
            point.false_accepts,
            scored.points.negative().len(),
            "accepted",
        ),
    ]
}

fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}
