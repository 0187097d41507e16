//! The vendors: how the gateway connects to them, what it does when they fail, and how it reads what each of them returns.

pub(crate) mod bangwo8;
mod circuit;
mod connections;
mod faults;
mod firstline;
mod local_faults;
mod outage;
mod pace;
