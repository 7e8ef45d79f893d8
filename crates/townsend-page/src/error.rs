use thiserror::Error;

/// Why a page or a figure cannot be made.
#[derive(Debug, Error)]
pub enum PageError {
    /// The drawing library refused to draw; its message follows.
    #[error("a plot cannot be drawn: {0}")]
    Plot(String),
    /// The script of plotly.js is not where the `plotly` crate has it in the version that this crate was
    /// built for.
    #[error(
        "the page cannot be made: the plotly crate ships plotly.js in another form than this program expects; build \
         it with the version in Cargo.lock"
    )]
    PlottingScript,
}
