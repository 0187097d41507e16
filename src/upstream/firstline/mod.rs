//! FirstLine: contact-centre records, tickets, employees and categories.
