//! Figures and times as people read them.

use crate::run::{Command, RunState};

/// A duration in at most six characters: `45s`, `3m 12s`, `2h 05m`, `4d 3h`.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "?".to_owned();
    }
    let whole = seconds.round() as u64;
    let (minutes, hours, days) = (whole / 60, whole / 3600, whole / 86_400);
    if minutes == 0 {
        format!("{whole}s")
    } else if hours == 0 {
        format!("{minutes}m{:02}s", whole % 60)
    } else if days == 0 {
        format!("{hours}h{:02}m", minutes % 60)
    } else {
        format!("{days}d{:02}h", hours % 24)
    }
}

/// How long ago something was, in at most four characters: `now`, `5m`, `3h`, `2d`. Seconds are not told: a screen that
/// has them is sent anew with each of them.
pub fn age(seconds: f64) -> String {
    let whole = if seconds.is_finite() {
        seconds.max(0.0) as u64
    } else {
        0
    };
    match whole {
        0..60 => "now".to_owned(),
        60..3600 => format!("{}m", whole / 60),
        3600..86_400 => format!("{}h", whole / 3600),
        _ => format!("{}d", whole / 86_400),
    }
}

/// A whole number with its thousands apart: `258,000`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A figure with four digits that count: `12.31`, `0.0412`, `1.5e-6`.
pub fn figure(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let size = value.abs();
    if size == 0.0 {
        "0".to_owned()
    } else if !(1e-4..1e6).contains(&size) {
        let text = format!("{value:.2e}");
        match text.split_once('e') {
            Some((digits, power)) if digits.contains('.') => {
                format!(
                    "{}e{power}",
                    digits.trim_end_matches('0').trim_end_matches('.')
                )
            }
            _ => text,
        }
    } else {
        let whole_digits = size.log10().floor() as i32 + 1;
        let decimals = (4 - whole_digits).clamp(0, 7) as usize;
        let text = format!("{value:.decimals$}");
        // Small numbers are settings more often than measurements: 0.0005, not 0.0005000.
        if size < 0.1 {
            text.trim_end_matches('0').to_owned()
        } else {
            text
        }
    }
}

/// A share of 0..1 as per cent with one decimal: `62.4 %`.
pub fn percent(share: f64) -> String {
    if share.is_finite() {
        format!("{:.1} %", share * 100.0)
    } else {
        "NaN".to_owned()
    }
}

/// A rate in images a second: `41.2`, `1,250`.
pub fn rate(images_per_second: f64) -> String {
    if !images_per_second.is_finite() {
        "?".to_owned()
    } else if images_per_second < 99.95 {
        format!("{images_per_second:.1}")
    } else {
        count(images_per_second.round() as u64)
    }
}

/// The word for a state.
pub fn state(state: RunState) -> &'static str {
    match state {
        RunState::Starting => "starting",
        RunState::Running => "running",
        RunState::Paused => "paused",
        RunState::Parked => "parked",
        RunState::Finished => "finished",
        RunState::Failed => "failed",
        RunState::Stopped => "stopped",
        RunState::Lost => "lost",
    }
}

/// A command as what was asked for: `pause`, `stop after the epoch`.
pub fn asked(command: &Command) -> String {
    match command {
        Command::Pause => "pause".to_owned(),
        Command::Unpause => "unpause".to_owned(),
        Command::Park => "park".to_owned(),
        Command::Checkpoint => "checkpoint".to_owned(),
        Command::Stop { after_epoch: false } => "stop".to_owned(),
        Command::Stop { after_epoch: true } => "stop after the epoch".to_owned(),
        Command::Set { key, value } => format!("set {key} = {}", figure(*value)),
    }
}

/// A command as what was done: `paused at step 120`.
pub fn done(command: &Command, step: u64) -> String {
    let what = match command {
        Command::Pause => "paused",
        Command::Unpause => "went on",
        Command::Park => "parked",
        Command::Checkpoint => "checkpoint taken",
        Command::Stop { .. } => "stopped",
        Command::Set { key, value } => {
            return format!("{key} set to {} at step {}", figure(*value), count(step));
        }
    };
    format!("{what} at step {}", count(step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        let cases = [
            (0.0, "0s"),
            (59.4, "59s"),
            (192.0, "3m12s"),
            (7500.0, "2h05m"),
            (360_000.0, "4d04h"),
            (f64::NAN, "?"),
            (-1.0, "?"),
        ];
        for (seconds, text) in cases {
            assert_eq!(duration(seconds), text);
        }
        assert_eq!(age(59.9), "now");
        assert_eq!(age(60.0), "1m");
        assert_eq!(age(86_399.0), "23h");
        assert_eq!(age(-5.0), "now");
    }

    #[test]
    fn figures_have_four_digits_that_count() {
        let cases = [
            (0.0, "0"),
            (12.3456, "12.35"),
            (0.041_234, "0.04123"),
            (123_456.0, "123456"),
            (5e-4, "0.0005"),
            (1.5e-6, "1.5e-6"),
            (1e-5, "1e-5"),
            (-2.5e9, "-2.5e9"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (value, text) in cases {
            assert_eq!(figure(value), text);
        }
    }

    #[test]
    fn counts_group_their_thousands() {
        assert_eq!(count(0), "0");
        assert_eq!(count(258_000), "258,000");
        assert_eq!(count(1_000_000), "1,000,000");
    }
}
