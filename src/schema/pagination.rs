//! Connections: one page of a list, its edges and its cursors, which are computed only when a query selects them.

use std::sync::Arc;

use async_graphql::Object;

use super::{
    chat_message::ChatMessage, employee::Employee, scalars::int, service_record::ServiceRecord,
    ticket::Ticket, vendor::SourceStatus,
};
use crate::{
    domain,
    repository::{Cursors, Page},
};

/// Defines a connection and its edge. The list of one vendor has no `sources`.
macro_rules! connections {
    ($(
        $(#[$connection_doc:meta])*
        $connection:ident
        $(#[$edge_doc:meta])*
        $edge:ident of $node:ident $(with $sources:ident)?;
    )*) => {$(
        pub(super) struct $connection(Box<Page<domain::$node>>);

        impl From<Page<domain::$node>> for $connection {
            fn from(page: Page<domain::$node>) -> Self {
                Self(Box::new(page))
            }
        }

        $(#[$connection_doc])*
        #[Object]
        impl $connection {
            /// The page's objects, each with its cursor.
            fn edges(&self) -> Vec<$edge<'_>> {
                let edge = |(index, node)| $edge { cursors: &self.0.cursors, index, node };
                self.0.nodes.iter().enumerate().map(edge).collect()
            }

            /// The page's objects without cursors.
            fn nodes(&self) -> Vec<$node> {
                self.0.nodes.iter().map(|node| $node::from(node.clone())).collect()
            }

            /// Where the page lies in the list.
            fn page_info(&self) -> PageInfo<'_> {
                PageInfo {
                    has_next_page: self.0.has_next_page,
                    has_previous_page: self.0.has_previous_page,
                    cursors: &self.0.cursors,
                }
            }

            /// How many objects the whole list has, over all selected vendors. Null where a vendor failed or reports no total,
            /// where the gateway applied a filter instead of the vendor, or where an Int can't be as large; a total of zero is
            /// always exact.
            fn total_count(&self) -> Option<i32> {
                self.0.total_count.and_then(int)
            }

            $(
                /// How each configured vendor took part. When one failed, its part is missing here and `errors` stays empty.
                fn $sources(&self) -> Vec<SourceStatus<'_>> {
                    self.0.sources.iter().map(SourceStatus).collect()
                }
            )?
        }

        pub(super) struct $edge<'a> {
            cursors: &'a Cursors,
            index: usize,
            node: &'a Arc<domain::$node>,
        }

        $(#[$edge_doc])*
        #[Object]
        impl $edge<'_> {
            /// Opaque. Passed as `after` to the same field with the same filter, it selects what follows this object.
            fn cursor(&self) -> String {
                self.cursors.edge(self.index).unwrap_or_default()
            }

            /// The object itself.
            fn node(&self) -> $node {
                $node::from(self.node.clone())
            }
        }
    )*};
}

connections! {
    /// One page of service records.
    ServiceRecordConnection
    /// A service record in its list.
    ServiceRecordEdge of ServiceRecord with sources;

    /// One page of tickets.
    TicketConnection
    /// A ticket in its list.
    TicketEdge of Ticket with sources;

    /// One page of employees.
    EmployeeConnection
    /// An employee in their list.
    EmployeeEdge of Employee with sources;

    /// One page of a service record's messages.
    ChatMessageConnection
    /// A message in its transcript.
    ChatMessageEdge of ChatMessage;
}

pub(super) struct PageInfo<'a> {
    has_next_page: bool,
    has_previous_page: bool,
    cursors: &'a Cursors,
}

/// Where a page lies in its list.
#[Object]
impl PageInfo<'_> {
    /// Whether more objects follow: pass `after: endCursor` to get them.
    fn has_next_page(&self) -> bool {
        self.has_next_page
    }

    /// Whether objects precede this page.
    fn has_previous_page(&self) -> bool {
        self.has_previous_page
    }

    /// The cursor of the first edge. Null on a page without edges.
    fn start_cursor(&self) -> Option<String> {
        self.cursors.start()
    }

    /// The cursor after which the next page starts. A page without edges may have one too, where the gateway filters.
    fn end_cursor(&self) -> Option<String> {
        self.cursors.end()
    }
}
