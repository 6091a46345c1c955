//! Files of weights as their programs wrote them, as we write them, and such as do harm.

mod common;
mod forms;
mod hostile_torch;
mod once_misread;
mod stems;
mod torch;
