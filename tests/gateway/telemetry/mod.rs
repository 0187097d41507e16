//! What the program says of its work.

mod logs;
