//! How a hypervisor is driven.
