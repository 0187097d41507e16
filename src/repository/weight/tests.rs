//! The weight of what is cached, against the memory that it really takes.

use std::sync::Arc;

use super::*;
use crate::domain::{
    CategoryId, ContactId, DateTime, Detail, EmployeeGroup, EmployeeGroupId, EmployeeId,
    FilterParameters, SponsorId, TerminationCodeId, TicketId, TicketPriority, TicketStatus, Vendor,
    VendorNumber,
};

fn number(index: usize) -> VendorNumber {
    VendorNumber::new(index as u64 + 1).expect("the tests number from 1")
}

fn text(word: &str, index: usize) -> Option<String> {
    Some(format!("{word} {index}"))
}

fn employee(index: usize) -> Arc<Employee> {
    let id = EmployeeId::new(Vendor::FirstLine, number(index));
    Arc::new(Employee {
        detail: Detail::Excerpt,
        name: Loaded::Loaded(text("an agent of the desk", index)),
        employee_no: Loaded::Loaded(text("no", index)),
        extension: Loaded::some("8005".to_owned()),
        groups: Loaded::some(vec![EmployeeGroup {
            id: EmployeeGroupId::new(Vendor::FirstLine, number(index)),
            name: text("a group of the desk", index),
            supervisor: Some(Arc::new(Employee::reference(id))),
        }]),
        created_at: Loaded::some(DateTime::now_utc()),
        ..Employee::reference(id)
    })
}

fn ticket(index: usize) -> Arc<Ticket> {
    let category = |level, parent| Category {
        id: CategoryId {
            vendor: Vendor::FirstLine,
            level,
            number: number(index),
        },
        detail: Detail::Full,
        name: text("a kind of problem", index),
        description: None,
        parent,
    };
    Arc::new(Ticket {
        id: TicketId::new(Vendor::FirstLine, number(index)),
        subject: text("the printer on the second floor does not print", index),
        content: text(
            "It blinks, and nothing comes out, whatever we send to it.",
            index,
        ),
        status: TicketStatus::Pending,
        status_memo: None,
        priority: TicketPriority::Low,
        due_at: Some(DateTime::now_utc()),
        created_at: Some(DateTime::now_utc()),
        updated_at: None,
        contact: Some(Arc::new(Contact {
            id: Some(ContactId::new(Vendor::FirstLine, number(index))),
            name: text("a customer", index),
            ..Contact::default()
        })),
        category: Some(Arc::new(category(2, Some(Arc::new(category(1, None)))))),
        handler: Some(employee(index)),
        creator: Loaded::some(employee(index)),
        sponsor: Some(Arc::new(Sponsor {
            id: SponsorId::new(Vendor::FirstLine, number(index)),
            detail: Detail::Full,
            name: text("a sponsor", index),
            description: None,
        })),
        termination_code: Some(Arc::new(TerminationCode {
            id: TerminationCodeId::new(Vendor::FirstLine, number(index)),
            detail: Detail::Full,
            name: text("a reason", index),
            description: None,
            status: TicketStatus::Pending,
        })),
        service_records: Loaded::some(Vec::new()),
        unjudged: FilterParameters::NONE,
    })
}

/// The counter does not see the allocator's own overhead, so the weight is a little higher.
#[test]
fn the_weight_of_a_page_of_tickets_is_close_to_the_memory_that_it_takes() {
    let mut page = None;
    let allocated = allocation_counter::measure(|| {
        page = Some(VendorPage::whole((0..100).map(ticket).collect()));
    });
    let page = page.expect("it was just made");

    let weight = page.owned_bytes() as f64;
    let taken = allocated.bytes_current as f64;
    let ratio = weight / taken;
    assert!((0.9..1.25).contains(&ratio), "{weight} bytes for {taken}");
}
