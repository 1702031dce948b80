//! When the demo takes place and when people get in touch.

use chrono::{Datelike, Days, NaiveDate, Weekday};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::random::pick_weighted;
use super::world::Micros;

/// A second, in the demo's unit of time.
pub(super) const SECOND: Micros = 1_000_000;
/// A minute.
pub(super) const MINUTE: Micros = 60 * SECOND;
/// An hour.
pub(super) const HOUR: Micros = 60 * MINUTE;
/// A day.
pub(super) const DAY: Micros = 24 * HOUR;

/// How many get in touch in each hour of the day, UTC.
const HOURS: [f64; 24] = [
    1.0, 0.8, 0.6, 0.6, 0.8, 1.5, 3.0, 6.0, 9.0, 11.0, 11.5, 11.0, 9.5, 10.5, 11.0, 10.5, 9.5, 8.0,
    6.5, 5.5, 4.5, 3.5, 2.5, 1.5,
];

/// The days of the demo.
#[derive(Debug)]
pub(super) struct Calendar {
    /// The first day.
    pub(super) first_day: NaiveDate,
    /// Its midnight, UTC.
    pub(super) start: Micros,
    /// Number of days.
    pub(super) days: u32,
}

impl Calendar {
    /// The `days` days from `first_day` on.
    pub(super) fn new(first_day: NaiveDate, days: u32) -> Calendar {
        let start = first_day
            .and_time(chrono::NaiveTime::MIN)
            .and_utc()
            .timestamp_micros();
        Calendar {
            first_day,
            start,
            days,
        }
    }

    /// Midnight after the last day.
    pub(super) fn end(&self) -> Micros {
        self.start + Micros::from(self.days) * DAY
    }

    /// The date of day `day`, from 0.
    pub(super) fn date(&self, day: u32) -> NaiveDate {
        self.first_day + Days::new(u64::from(day))
    }

    /// The first Wednesday two thirds into the demo: a working day with weeks before and after it.
    pub(super) fn spike_day(&self) -> u32 {
        let from = self.days * 2 / 3;
        (from..from + 7)
            .find(|day| self.date(*day).weekday() == Weekday::Wed)
            .unwrap_or(from)
    }

    /// Begins of `count` contacts, in the order of time: more on working days and by day.
    pub(super) fn moments(&self, count: usize, random: &mut ChaCha8Rng) -> Vec<Micros> {
        let weights: Vec<f64> = (0..self.days)
            .map(|day| match self.date(day).weekday() {
                Weekday::Sat => 0.45,
                Weekday::Sun => 0.4,
                Weekday::Mon => 1.15,
                _ => 1.0,
            })
            .collect();
        let mut moments: Vec<Micros> = (0..count)
            .map(|_| {
                let day = pick_weighted(weights.iter().copied(), random) as Micros;
                self.start + day * DAY + time_of_day(random)
            })
            .collect();
        moments.sort_unstable();
        moments
    }
}

/// A time of the day at which somebody gets in touch.
pub(super) fn time_of_day(random: &mut ChaCha8Rng) -> Micros {
    let hour = pick_weighted(HOURS.iter().copied(), random) as Micros;
    hour * HOUR + random.random_range(0..HOUR)
}
