//! The program's log.

mod logs;
