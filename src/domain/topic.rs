//! What kinds of data a vendor has.

/// A kind of a vendor's data. A write to one invalidates what depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic {
    ServiceRecords,
    ChatMessages,
    Tickets,
    Employees,
    Categories,
    Sponsors,
    TerminationCodes,
}

impl Topic {
    pub const COUNT: usize = 7;
}
