//! Schedules: numbers that change with the epoch.

use serde::{Deserialize, Serialize};

use crate::ConfigError;

/// A value that starts at `start`, changes by `slope` every epoch, and stays at `stop` once it is reached.
/// With slope 0 it is constant.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Value in the first epoch.
    pub start: f64,
    /// Change per epoch; may be negative.
    #[serde(default)]
    pub slope: f64,
    /// The value at which the change ends; by default it never ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<f64>,
}

impl Schedule {
    /// The same value in every epoch.
    pub const fn constant(value: f64) -> Self {
        Self { start: value, slope: 0.0, stop: None }
    }

    /// The value in an epoch, counted from 0.
    pub fn at(&self, epoch: u32) -> f64 {
        let value = self.start + self.slope * f64::from(epoch);
        match self.stop {
            Some(stop) if self.slope > 0.0 => value.min(stop),
            Some(stop) if self.slope < 0.0 => value.max(stop),
            _ => value,
        }
    }

    pub(crate) fn check(&self, key: &str) -> Result<(), ConfigError> {
        let positive = |value: f64| value.is_finite() && value >= 0.0;
        if !positive(self.start) {
            return Err(ConfigError::new(
                format!("{key}.start"),
                self.start,
                "must be finite and at least 0",
            ));
        }
        if !self.slope.is_finite() {
            return Err(ConfigError::new(format!("{key}.slope"), self.slope, "must be finite"));
        }
        match self.stop {
            Some(stop) if !positive(stop) || (stop - self.start) * self.slope < 0.0 => Err(ConfigError::new(
                format!("{key}.stop"),
                stop,
                "must be finite, at least 0, and on the side of `start` that `slope` leads to",
            )),
            None if self.slope < 0.0 => {
                Err(ConfigError::new(format!("{key}.slope"), self.slope, "a falling schedule needs a `stop`"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_starts_grows_and_stops() {
        let warm_up = Schedule { start: 0.1, slope: 0.2, stop: Some(1.0) };
        assert_eq!(warm_up.at(0), 0.1);
        assert!((warm_up.at(2) - 0.5).abs() < 1e-12);
        assert_eq!(warm_up.at(1000), 1.0);
        let falling = Schedule { start: 2.0, slope: -1.0, stop: Some(0.5) };
        assert_eq!([falling.at(1), falling.at(9)], [1.0, 0.5]);
        assert_eq!(Schedule::constant(1.5).at(77), 1.5);
    }

    #[test]
    fn schedules_that_cannot_end_well_are_refused() {
        let key = |s: Schedule| s.check("beta").unwrap_err().key;
        assert_eq!(key(Schedule::constant(-1.0)), "beta.start");
        assert_eq!(key(Schedule { start: 1.0, slope: f64::NAN, stop: None }), "beta.slope");
        assert_eq!(key(Schedule { start: 1.0, slope: -0.1, stop: None }), "beta.slope");
        assert_eq!(key(Schedule { start: 1.0, slope: 0.1, stop: Some(0.5) }), "beta.stop");
    }
}
