//! Boundaries of the measured time.

/// A boundary of the measured time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// When the warm-up is over.
    Open,
    /// When half of the measured time is over.
    Half,
    /// When the measured time is over.
    Close,
    /// When a stretch of the measured time is over that is neither the first moment nor the last.
    Stretch,
}

impl Mark {
    /// Those that every run has, in order.
    pub const ALL: [Mark; 3] = [Mark::Open, Mark::Half, Mark::Close];
}
