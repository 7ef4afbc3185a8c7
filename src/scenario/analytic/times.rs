//! Mean times of a stretch of steps.

/// Means of a stretch of steps, nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Times {
    /// On a worker.
    pub(super) cpu: f64,
    /// Without CPU.
    pub(super) wait: f64,
    /// From begin to end.
    pub(super) response: f64,
}

impl Times {
    /// One after the other.
    pub(super) fn plus(self, other: Times) -> Times {
        Times { cpu: self.cpu + other.cpu, wait: self.wait + other.wait, response: self.response + other.response }
    }

    /// Work adds up, waiting runs side by side.
    pub(super) fn beside(self, other: Times) -> Times {
        Times {
            cpu: self.cpu + other.cpu,
            wait: self.wait.max(other.wait),
            response: self.response.max(other.response),
        }
    }

    /// So often, one after the other.
    pub(super) fn times(self, n: f64) -> Times {
        Times { cpu: self.cpu * n, wait: self.wait * n, response: self.response * n }
    }
}
