//! Sites: where providers stand together, near each other. What travels between two sites crosses their link.

/// What the site of those providers is called that name none: they are one site together.
pub const UNNAMED: &str = "-";
