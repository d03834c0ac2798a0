//! Evaluations as a plain table, one a line, each with all that made it.

use std::fmt::Write as _;

use super::{Evaluation, Interval};
use crate::untrusted::visible;

/// One column: its head, and what stands in it.
type Column = (&'static str, fn(&Evaluation) -> String);

const WORDS: [Column; 22] = [
    ("model", model),
    ("set", |of| visible(&of.set)),
    ("rule", |of| of.rule.to_string()),
    ("accuracy", |of| {
        format!("{:.5} ± {:.5}", of.accuracy.mean, of.accuracy.std)
    }),
    ("95 %", |of| {
        let interval = of.intervals.as_ref().map(|intervals| intervals.accuracy);
        interval.map_or("-".to_owned(), |interval| interval_text(&interval))
    }),
    ("AUC", |of| format!("{:.5}", of.auc)),
    ("EER", |of| format!("{:.5}", of.eer)),
    ("TAR@0.01", |of| tar(of, "0.01")),
    ("TAR@0.001", |of| tar(of, "0.001")),
    ("threshold", |of| format!("{:.4}", of.threshold)),
    ("distance", |of| visible(&of.provenance.distance)),
    ("pairs", |of| {
        format!("{} + {}", of.pairs.positive, of.pairs.negative)
    }),
    ("tested", |of| of.pairs.tested.to_string()),
    ("missing", |of| of.pairs.missing.to_string()),
    ("dropped", |of| of.pairs.dropped.to_string()),
    ("channels", |of| optional(of.provenance.channels.as_ref())),
    ("crop", |of| optional(of.provenance.crop.as_ref())),
    ("scaling", |of| optional(of.provenance.scaling.as_ref())),
    ("mirror", |of| optional(of.provenance.mirror.as_ref())),
    ("pooling", |of| optional(of.provenance.pooling.as_ref())),
    ("frames", |of| {
        let most = of.provenance.frames_per_video;
        most.map_or("-".to_owned(), |most| format!("at most {most}"))
    }),
    ("corrected", |of| optional(of.provenance.corrected.as_ref())),
];

/// As texts that may be shown: the head, then one line an evaluation.
pub fn texts(evaluations: &[Evaluation]) -> Vec<Vec<String>> {
    let head = WORDS.iter().map(|(head, _)| (*head).to_owned()).collect();
    let line = |of: &Evaluation| WORDS.iter().map(|(_, text)| text(of)).collect();
    std::iter::once(head)
        .chain(evaluations.iter().map(line))
        .collect()
}

/// Any table of texts, its head first, as Markdown.
pub fn to_markdown(lines: &[Vec<String>]) -> String {
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        let fields: Vec<String> = line.iter().map(|field| markdown_field(field)).collect();
        // Writing to a `String` can't fail.
        let _ = writeln!(text, "| {} |", fields.join(" | "));
        if number == 0 {
            let _ = writeln!(text, "|{}", " --- |".repeat(line.len()));
        }
    }
    text
}

/// As CSV, with every number in full and every field of the provenance.
pub fn to_csv(evaluations: &[Evaluation]) -> Vec<u8> {
    let number = |value: f64| value.to_string();
    let maybe = |value: Option<f64>| value.map(number).unwrap_or_default();
    let word = |value: &Option<String>| value.clone().unwrap_or_default();
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory can't fail, and all records have as many fields.
    let _ = writer.write_record([
        "model",
        "step",
        "set",
        "data",
        "rule",
        "accuracy",
        "std",
        "sem",
        "low95",
        "high95",
        "auc",
        "eer",
        "tar_at_0.1",
        "tar_at_0.01",
        "tar_at_0.001",
        "tar_at_0.0001",
        "threshold",
        "distance",
        "positive",
        "negative",
        "tested",
        "missing",
        "dropped",
        "channels",
        "crop",
        "scaling",
        "mirror",
        "pooling",
        "frames_per_video",
        "corrected",
        "device",
    ]);
    for of in evaluations {
        let made_by = &of.provenance;
        let interval = of.intervals.as_ref().map(|intervals| intervals.accuracy);
        let tar = |far: &str| maybe(of.tar_at_far.get(far).copied().flatten());
        let _ = writer.write_record([
            made_by.model.clone(),
            made_by
                .step
                .map(|step| step.to_string())
                .unwrap_or_default(),
            of.set.clone(),
            made_by.data.clone(),
            of.rule.to_string(),
            number(of.accuracy.mean),
            number(of.accuracy.std),
            number(of.accuracy.sem),
            maybe(interval.map(|interval| interval.low)),
            maybe(interval.map(|interval| interval.high)),
            number(of.auc),
            number(of.eer),
            tar("0.1"),
            tar("0.01"),
            tar("0.001"),
            tar("0.0001"),
            number(of.threshold),
            made_by.distance.clone(),
            of.pairs.positive.to_string(),
            of.pairs.negative.to_string(),
            of.pairs.tested.to_string(),
            of.pairs.missing.to_string(),
            of.pairs.dropped.to_string(),
            word(&made_by.channels),
            word(&made_by.crop),
            word(&made_by.scaling),
            word(&made_by.mirror),
            word(&made_by.pooling),
            made_by
                .frames_per_video
                .map(|most| most.to_string())
                .unwrap_or_default(),
            word(&made_by.corrected),
            word(&made_by.device),
        ]);
    }
    writer.into_inner().unwrap_or_default()
}

/// An interval as people write it.
pub fn interval_text(interval: &Interval) -> String {
    format!("{:.5} to {:.5}", interval.low, interval.high)
}

fn model(of: &Evaluation) -> String {
    let made_by = &of.provenance;
    let step = made_by.step.map(|step| format!(" @{step}"));
    visible(&made_by.model) + &step.unwrap_or_default()
}

fn tar(of: &Evaluation, far: &str) -> String {
    match of.tar_at_far.get(far) {
        Some(Some(tar)) => format!("{tar:.5}"),
        _ => "too few pairs".to_owned(),
    }
}

fn optional(word: Option<&String>) -> String {
    word.map_or("-".to_owned(), |word| visible(word))
}

/// What Markdown would take for its own is escaped.
fn markdown_field(field: &str) -> String {
    let mut text = String::with_capacity(field.len());
    for letter in field.chars() {
        if matches!(
            letter,
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#'
        ) {
            text.push('\\');
        }
        text.push(letter);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::{Provenance, Rule, ScoredPair, verify};

    fn evaluation() -> Evaluation {
        let pairs: Vec<_> = (0..60)
            .map(|i| ScoredPair {
                distance: f64::from(i % 2),
                same: i % 2 == 0,
                fold: None,
            })
            .collect();
        let provenance = Provenance {
            model: "a|b <x>\u{1b}[2J".to_owned(),
            step: Some(7),
            mirror: Some("sum".to_owned()),
            ..Provenance::default()
        };
        let figures = verify(Rule::Exact, &pairs).unwrap();
        figures.into_evaluation("x, \"y\"".to_owned(), 3, 4, provenance)
    }

    #[test]
    fn every_figure_says_what_made_it() {
        let texts = texts(&[evaluation()]);
        let of = |head: &str| {
            let place = texts[0].iter().position(|text| text == head).unwrap();
            texts[1][place].as_str()
        };
        assert_eq!(of("model"), "a|b <x>\\x1b[2J @7");
        assert_eq!(of("accuracy"), "1.00000 ± 0.00000");
        assert_eq!(
            [of("missing"), of("dropped"), of("mirror"), of("crop")],
            ["3", "4", "sum", "-"]
        );
        assert_eq!([of("TAR@0.01"), of("pairs")], ["too few pairs", "30 + 30"]);
        let markdown = to_markdown(&texts);
        let lines: Vec<_> = markdown.lines().collect();
        assert!(lines[2].starts_with("| a\\|b \\<x\\>"), "{markdown}");
        assert_eq!(lines[1].matches("---").count(), texts[0].len());
    }

    #[test]
    fn the_csv_holds_every_number() {
        let bytes = to_csv(&[evaluation()]);
        let mut reader = csv::Reader::from_reader(bytes.as_slice());
        let head = reader.headers().unwrap().clone();
        let row = reader.records().next().unwrap().unwrap();
        let of = |name: &str| {
            row.get(head.iter().position(|head| head == name).unwrap())
                .unwrap()
        };
        assert_eq!(
            [
                of("set"),
                of("accuracy"),
                of("tar_at_0.1"),
                of("tar_at_0.01")
            ],
            ["x, \"y\"", "1", "1", ""]
        );
    }
}
