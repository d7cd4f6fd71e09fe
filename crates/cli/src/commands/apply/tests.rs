//! The file: what is read, what is compared, what is asked for, and that writing it down and applying it changes nothing.

use super::*;
