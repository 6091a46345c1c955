//! Nothing but a home for the workflow tests beside it.
