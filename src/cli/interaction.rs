//! One interaction in several patterns: `compare FILE --edge "orders -> payments" --patterns rest,queue`.

use std::path::PathBuf;

use super::engine;

/// The patterns of the lesson.
const ALL: [&str; 4] = ["rest", "grpc", "queue", "stream"];

/// Which interaction, and as what.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Interaction {
    /// Flip this interaction, such as "orders -> payments", through several patterns
    #[arg(long, value_name = "EDGE")]
    pub(super) edge: Option<String>,
    /// The patterns, the first to compare with: transports, `queue`, `stream`
    #[arg(long, value_name = "LIST", value_delimiter = ',', requires = "edge", default_values = ALL, hide_default_value = true)]
    pub(super) patterns: Vec<String>,
    /// How long a broker takes until a message is safe, such as 2ms; nothing unless said
    #[arg(long, value_name = "TIME", requires = "edge")]
    pub(super) publish_latency: Option<String>,
    /// Write every scenario that is compared as a file of its own into this folder
    #[arg(long, value_name = "DIR")]
    pub(super) save: Option<PathBuf>,
}

impl Interaction {
    /// What is asked for, if anything is.
    pub(super) fn wanted(&self) -> Option<engine::Interaction> {
        Some(engine::Interaction {
            edge: self.edge.clone()?,
            patterns: self.patterns.clone(),
            publish_latency: self.publish_latency.clone(),
        })
    }
}
