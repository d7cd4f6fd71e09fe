//! Real hypervisors on one Linux machine.
