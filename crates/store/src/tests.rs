//! What the store promises, told as stories.
