//! The hours in which a run leaves its device to others.

use std::{fmt, str::FromStr};

use jiff::civil::Time;
use serde::{Deserialize, Serialize};

/// A daily span of local time, `09:00-18:00`; one that ends before it begins goes over midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ParkWindow {
    from: Time,
    until: Time,
}

impl ParkWindow {
    /// Whether a time of day lies in the span; its end does not.
    pub fn contains(self, time: Time) -> bool {
        if self.from < self.until {
            self.from <= time && time < self.until
        } else {
            time >= self.from || time < self.until
        }
    }

    /// Whether the machine's clock is in the span now.
    pub fn is_now(self) -> bool {
        self.contains(jiff::ZonedDateTime::now().time())
    }

    /// The time of day at which the span ends, `18:00`.
    pub fn end(self) -> String {
        self.until.strftime("%H:%M").to_string()
    }
}

impl FromStr for ParkWindow {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let time = |text: &str| Time::strptime("%H:%M", text.trim()).ok();
        text.split_once('-')
            .and_then(|(from, until)| {
                let (from, until) = (time(from)?, time(until)?);
                (from != until).then_some(Self { from, until })
            })
            .ok_or_else(|| "give two different times of day, such as \"09:00-18:00\"".to_owned())
    }
}

impl TryFrom<String> for ParkWindow {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<ParkWindow> for String {
    fn from(window: ParkWindow) -> Self {
        window.to_string()
    }
}

impl fmt::Display for ParkWindow {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "{}-{}", self.from.strftime("%H:%M"), self.end())
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::time;

    use super::*;

    #[test]
    fn a_span_holds_its_beginning_and_not_its_end() {
        let day: ParkWindow = "09:00-18:00".parse().unwrap();
        let at = |hour, minute| day.contains(time(hour, minute, 0, 0));
        assert!(!at(8, 59) && at(9, 0) && at(17, 59) && !at(18, 0));
        assert_eq!(day.to_string(), "09:00-18:00");
        assert_eq!(day.end(), "18:00");
    }

    #[test]
    fn a_span_may_go_over_midnight() {
        let night: ParkWindow = "22:30-06:00".parse().unwrap();
        let at = |hour, minute| night.contains(time(hour, minute, 0, 0));
        assert!(!at(22, 29) && at(22, 30) && at(0, 0) && at(5, 59) && !at(6, 0));
    }

    #[test]
    fn what_is_no_span_is_refused() {
        for text in ["", "09:00", "9-18", "09:00-09:00", "09:00-25:00", "a-b"] {
            assert!(text.parse::<ParkWindow>().is_err(), "{text}");
        }
    }
}
