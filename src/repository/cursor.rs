//! Cursors: opaque, versioned, bound to the field and filter that they came from.

/// The cursors of one page's edges, encoded when they are asked for.
pub struct Cursors {}

#[allow(clippy::todo)]
impl Cursors {
    /// The cursor of the edge at `index`.
    pub fn edge(&self, _index: usize) -> String {
        todo!()
    }

    /// None where the page has neither an edge nor a place to go on from.
    pub fn start(&self) -> Option<String> {
        todo!()
    }

    pub fn end(&self) -> Option<String> {
        todo!()
    }
}
